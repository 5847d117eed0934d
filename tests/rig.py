"""What tests with real sockets stand on: the daemon as a process, a raw upstream, a raw client.

Everything blocks and has a time limit; nothing sleeps.
"""

import http.client
import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress

LIMIT = 30  # seconds until a test that waits for something has failed
HERE = ("--listen", "tcp:0:interface=127.0.0.1")
READY = re.compile(rb"listening on (?:http://[0-9.]+:(\d+)|/)")


class Daemon:
    """One running daemon."""

    def __init__(self, process, port, said, store):
        self.process, self.port, self.said, self.store = process, port, said, store
        self.url = f"http://127.0.0.1:{port}"
        self.peers = []

    def get(self, path):
        """JSON of the daemon's own pages."""
        return json.loads(self.request("GET", path)[2])

    def request(self, method, path, body=None, headers=None):
        """(status, headers, body) of one request on a connection of its own."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)) as connection:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def change(self, method, path, body=None, headers=None):
        """(status, headers, body) of a request that changes something by one of our own pages: with their token.

        ``body``: sent as JSON.
        """
        token = self.get("/_llmproxy/api/token")["token"]
        fields = {"X-LLMProxy-Token": token} | ({} if body is None else {"Content-Type": "application/json"})
        data = None if body is None else json.dumps(body)
        return self.request(method, path, data, fields | (headers or {}))

    def chat(self, text="hi", *, path="/v1/chat/completions", headers=None, **more):
        """(status, headers, body) of a chat request."""
        body = {"model": "demo-fast", "messages": [{"role": "user", "content": text}]} | more
        fields = {"Content-Type": "application/json"} | (headers or {})
        return self.request("POST", path, json.dumps(body), fields)

    def connect(self):
        """A raw client connection."""
        self.peers.append(Peer(socket.create_connection(("127.0.0.1", self.port), LIMIT)))
        return self.peers[-1]

    def exchanges(self):
        """The newest exchanges, newest first, once all that have ended are written."""
        self.settle()
        return self.get("/_llmproxy/api/exchanges?limit=500")["exchanges"]

    def settle(self):
        """Ask until every exchange that has ended is in the store."""
        deadline = time.monotonic() + LIMIT
        while time.monotonic() < deadline:
            stats = self.get("/_llmproxy/api/stats")
            ended = sum(stats["exchanges"]["outcomes"].values())
            if stats["store"]["written"] + stats["store"]["failed"] >= ended and not stats["exchanges"]["under_way"]:
                return
        raise AssertionError(f"not written in time: {stats}")

    def kill(self):
        """SIGKILL: nothing is flushed."""
        self.process.kill()
        self.process.wait(LIMIT)

    def stop(self):
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT)


class Daemons:
    """Starts daemons with a store in the test's folder."""

    def __init__(self, folder):
        self.folder, self.running = folder, []

    def start(self, *options, store=None, env=None, wrap=(), listen=HERE, pass_fds=(), log="requests.log"):
        """A daemon with these options. Fails with what it said where it does not start.

        ``wrap``: a command that starts it; ``pass_fds``: descriptors that it gets; ``log``: a name, or nothing.
        """
        store = store or self.folder / "store.db"
        command = [*wrap, sys.executable, "-m", "proxy_daemon.cli.main", "serve", *listen]
        logged = ["--log", str(self.folder / log)] if log else []
        process = subprocess.Popen(
            [*command, "--store", str(store), *logged, *options],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=os.environ | (env or {}),
            pass_fds=pass_fds,
        )
        said, port = [], None
        for line in process.stderr:
            said.append(line)
            if found := READY.search(line):
                port = int(found[1] or 0)
                break
        else:
            process.stderr.close()
            process.wait(LIMIT)
        assert port is not None, f"the daemon did not start: {b''.join(said).decode(errors='replace')}"
        self.running.append(Daemon(process, port, said, store))
        self.running[-1].reader = threading.Thread(target=self._read, args=(process, said), daemon=True)
        self.running[-1].reader.start()  # ends with the process: afterwards `said` is all that it said
        return self.running[-1]

    @staticmethod
    def _read(process, said):
        with process.stderr:
            said.extend(process.stderr)

    def stop(self):
        for daemon in self.running:
            for peer in daemon.peers:
                peer.close()
            if daemon.process.poll() is None:
                daemon.kill()


class Peer:
    """One side of a raw connection, with a time limit on everything."""

    def __init__(self, connection):
        self.socket = connection
        connection.settimeout(LIMIT)
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data)

    def until(self, mark):
        """Octets up to and with ``mark``."""
        while mark not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError(f"closed before {mark!r}; got {self.buffer[-500:]!r}")
            self.buffer += data
        found, _, self.buffer = self.buffer.partition(mark)
        return found + mark

    def take(self, size):
        """Exactly so many octets."""
        while len(self.buffer) < size:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError(f"closed after {self.buffer[-500:]!r}")
            self.buffer += data
        found, self.buffer = self.buffer[:size], self.buffer[size:]
        return found

    def rest(self):
        """All octets until the other side ends; a reset ends it too."""
        with suppress(ConnectionError):
            while data := self.socket.recv(65536):
                self.buffer += data
        found, self.buffer = self.buffer, b""
        return found

    def request(self):
        """(head, body) of one request with a Content-Length or none; b"" where the other side has closed."""
        try:
            head = self.until(b"\r\n\r\n")
        except (EOFError, ConnectionError):
            return b"", b""
        found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        return head, self.take(int(found[1])) if found else b""

    def response(self, head_only=False):
        """(head, body) of one response: by its length, its chunks, or until the end."""
        head = self.until(b"\r\n\r\n")
        found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if head_only:
            return head, b""
        if found:
            return head, self.take(int(found[1]))
        if b"chunked" in head.lower():
            return head, b"".join(iter(self.chunk, b""))
        return head, self.rest()

    def chunk(self):
        """One chunk; b"" for the last one."""
        size = int(self.until(b"\r\n").split(b";")[0], 16)
        data = self.take(size)
        self.until(b"\r\n")
        return data

    def reset(self):
        """Close with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def close(self):
        self.socket.close()


class RawUpstream:
    """A server whose connections are played by a function of the test. ``requests``: (head, body) it has seen."""

    def __init__(self, play):
        self.play = play
        self.server = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.server.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.connections, self.requests, self.faults = 0, [], queue.Queue()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with suppress(OSError):
            while True:
                connection, _ = self.server.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(Peer(connection),), daemon=True).start()

    def _serve(self, peer):
        original = peer.request

        def request():
            head, body = original()
            if head:
                self.requests.append((head, body))
            return head, body

        peer.request = request
        try:
            self.play(peer)
        except (EOFError, OSError) as fault:
            self.faults.put(fault)
        finally:
            peer.close()

    def close(self):
        """Go down: new connections are refused. Shut down first, or a thread in `accept` would take one more."""
        with suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()


def answering(*parts):
    """A play that answers each request with these octets."""

    def play(peer):
        while peer.request()[0]:
            for part in parts:
                peer.send(part)

    return play


def json_answer(value, status=200):
    """A JSON response with its length."""
    body = json.dumps(value).encode()
    return b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        status,
        len(body),
        body,
    )


SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
DONE = b"data: [DONE]\n\n"  # the end of a chat's stream: without it nothing is replayed


def chunk(data):
    """One chunk of a chunked body; b"" makes the last one."""
    return b"%x\r\n%b\r\n" % (len(data), data)
