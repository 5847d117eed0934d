"""promptecho and asgi-replay themselves, called as their users call them; run by test_core_cassettes_predecessors.py.

A line of JSON in for each request {method, url, body}; a line out {status, headers, body}, bodies in base64.
"""

import asyncio
import base64
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from unittest import mock

import asgi_replay
import httpx
import promptecho


class Upstream(BaseHTTPRequestHandler):
    """Answers each request with its own body, of the type that `X-Type` of the request names."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", self.headers["X-Type"])
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in (body[:3], body[3:]):
            if part:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *args):
        pass


def serving():
    server = HTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def tell(answer, body):
    said = {"status": answer.status_code, "headers": dict(answer.headers), "body": base64.b64encode(body).decode()}
    print(json.dumps(said), flush=True)


def asked():
    for line in sys.stdin:
        found = json.loads(line)
        yield found["method"], found["url"], base64.b64decode(found["body"]), found.get("headers")


def promptecho_replay(path):
    with promptecho.use_cassette(path, mode="none"), httpx.Client() as client:
        for method, url, body, headers in asked():
            try:
                answer = client.request(method, url, content=body, headers=headers)
            except promptecho.CassetteMiss as error:
                print(json.dumps({"miss": str(error)}), flush=True)
                continue
            tell(answer, answer.content)


def promptecho_record(path):
    with promptecho.use_cassette(path, mode="once"), httpx.Client(base_url=serving()) as client:
        for method, url, body, headers in asked():
            answer = client.request(method, url, content=body, headers=headers)
            tell(answer, answer.content)


def app_of(*arguments):
    """The ASGI application that asgi-replay would serve."""
    with mock.patch("uvicorn.run") as run:
        asgi_replay.asgi_replay(list(arguments), standalone_mode=False)
    return run.call_args.args[0]


async def ask(app):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        for method, url, body, headers in asked():
            answer = await client.request(method, url, content=body, headers=headers)
            tell(answer, answer.content)


def asgi_replay_replay(path):
    asyncio.run(ask(app_of("replay", path)))


def asgi_replay_record(path):
    with mock.patch("builtins.print", lambda *args, flush=False: flush and sys.stdout.write(args[0] + "\n")):
        asyncio.run(ask(app_of("record", serving(), path, "--increment")))


globals()[sys.argv[1]](sys.argv[2])
