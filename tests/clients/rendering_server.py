"""A server on a real socket that answers each request with what its dialect renders of one answer.

Invariant: the answer is the same for all APIs; only the dialect that recognises the request decides how it is written.
Called by the tests that let the vendors' SDKs read it.
"""

import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from attrs import evolve

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.conversation import Answer, Choice, Finish, Text, ToolCall, Usage
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request

TEXT = 'Zürich: "18 °C",\n\tand 雨 later. 🌧'
ARGUMENTS = '{"city":"Zürich","days":[1,2]}'
USAGE = Usage(input=11, output=7, total=18)
SAID = Answer((Choice((Text(TEXT),), Finish.STOP),), "msg_1", "model-1", 1_760_000_000, USAGE)
CALLED = evolve(SAID, choices=(Choice((ToolCall("call_1", "weather", ARGUMENTS),), Finish.CALLS),))
CUT_SHORT = evolve(SAID, choices=(Choice((Text(TEXT),), Finish.LENGTH),))


class Renderer(BaseHTTPRequestHandler):
    """Each piece is a chunk of its own."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = Headers([(name.lower().encode(), value.encode()) for name, value in self.headers.items()])
        request = Request(b"POST", self.path.encode(), headers, Bytes(body))
        dialect = recognise(request, BUILT_IN)
        self.server.asked.append((dialect.name, dialect.streams(request)))
        self.play(dialect.render(self.server.answer, request))

    def play(self, rendered):
        self.send_response(200)
        self.send_header("Content-Type", rendered.content_type.decode())
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in rendered.pieces:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece.octets), piece.octets))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *args):
        pass


class RenderingServer(ThreadingHTTPServer):
    """``answer``: what it says next; ``asked``: the dialect of each request, and whether a stream was asked for."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Renderer)
        self.answer, self.asked, self.faults = SAID, [], []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """Keeps its faults, other than a client that left: some hang up behind the last event."""
        if not isinstance(error := sys.exception(), ConnectionError):
            self.faults.append(error)


@contextmanager
def serving(make=RenderingServer):
    """A server that runs; at the end it must have had no faults."""
    server = make()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert server.faults == []
