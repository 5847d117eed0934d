"""Reloads and restarts under load, with the socket handed over as systemd does: nobody notices more than a wait.

LLMPROXY_TEST_CHURN=100 plays more rounds. `benchmarks/churn.py` does the same with more clients, and measures.
"""

import itertools
import json
import os
import socket
import threading
from contextlib import closing
from signal import SIGHUP, SIGTERM

import pytest
from rig import LIMIT, SSE_HEAD, Peer, chunk, json_answer
from service_manager import Manager, handed_over

ROUNDS = int(os.environ.get("LLMPROXY_TEST_CHURN", "10"))
STREAM = b"data: first\n\ndata: last\n\n"
CONFIGS = ('allow-host = "llm.example.com"', 'replay-max-age = "30d"', "replay-speed = 0", 'allow-hots = "mistaken"')


class Gate:
    """An upstream that answers with the question, and holds its streams up while the gate is shut."""

    def __init__(self):
        self.changed, self.open, self.held = threading.Condition(), False, 0

    def play(self, peer):
        while (request := peer.request())[0]:
            asked = json.loads(request[1])
            if asked.get("stream"):
                self.stream(peer)
            else:
                peer.send(json_answer(asked["messages"]))

    def stream(self, peer):
        peer.send(SSE_HEAD + chunk(b"data: first\n\n"))
        with self.changed:
            self.held += 1
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.open, LIMIT)
            self.held -= 1
        peer.send(chunk(b"data: last\n\n") + chunk(b""))

    def set(self, *, is_open):
        with self.changed:
            self.open = is_open
            self.changed.notify_all()

    def until_held(self, count):
        """Until so many streams are under way, none of which will end."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.held >= count, LIMIT)


class Load:
    """Clients that ask on and on; ``broken``: what must not be."""

    SHAPES = tuple((kind, keeps) for kind in ("hit", "miss", "stream") for keeps in (False, True))
    STREAMS = 2

    def __init__(self, address):
        self.changed, self.over, self.broken, self.numbers = threading.Condition(), False, [], itertools.count()
        self.clients = [Client(self, address, kind, keeps=keeps) for kind, keeps in self.SHAPES]

    def start(self):
        for client in self.clients:
            client.start()

    def until_answered(self):
        """Until each client but those with streams, which are held up, was answered what it asked from now on."""
        with self.changed:
            before = {client: client.answers for client in self.clients if client.kind != "stream"}
            assert self.changed.wait_for(lambda: all(c.answers > count + 1 for c, count in before.items()), LIMIT)

    def stop(self):
        self.over = True
        for client in self.clients:
            client.join(LIMIT)


class Client(threading.Thread):
    """Asks one kind of question, on one connection or on a new one each time."""

    def __init__(self, load, address, kind, *, keeps):
        super().__init__(daemon=True)
        self.load, self.address, self.kind, self.keeps = load, address, kind, keeps
        self.peer, self.answers = None, 0

    def run(self):
        while not self.load.over:
            try:
                self.exchange()
            except Exception as error:  # noqa: BLE001  (whatever it is, no client must see it)
                self.load.broken.append(f"{self.kind}, keeps: {self.keeps}: {error!r}")
                self.close()
            with self.load.changed:
                self.answers += 1
                self.load.changed.notify_all()
        self.close()

    def exchange(self):
        """Ask. Again where a connection that stood was closed before an octet came (RFC 9112 section 9.3.1)."""
        text = "again" if self.kind == "hit" else f"number {next(self.load.numbers)}"
        asked = {"model": "m", "messages": [{"role": "user", "content": text}], "stream": self.kind == "stream"}
        stood = self.peer is not None
        found = self.ask(asked)
        if found is None and stood:
            found = self.ask(asked)
        wanted = STREAM if asked["stream"] else json.dumps(asked["messages"]).encode()
        assert found == (b"HTTP/1.1 200 OK", wanted)

    def ask(self, asked):
        """(status line, body); None where the connection ended before an octet came."""
        self.peer = self.peer or Peer(socket.create_connection(self.address, LIMIT))
        try:
            self.peer.send(chat(asked))
            self.peer.buffer = self.peer.take(1) + self.peer.buffer
        except (EOFError, ConnectionError):
            self.close()
            return None
        head, body = self.peer.response()
        if not self.keeps or b"connection: close" in head.lower():
            self.close()
        return head.split(b"\r\n")[0], body

    def close(self):
        if self.peer is not None:
            self.peer.close()
        self.peer = None


def chat(asked):
    body = json.dumps(asked).encode()
    return b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


class Service:
    """The daemon as its manager sees it."""

    def __init__(self, daemon, manager, listening, folder, upstream):
        self.daemon, self.manager, self.listening, self.upstream = daemon, manager, listening, upstream
        self.file = folder / "llmproxy.toml"

    def start(self):
        self.file.write_text("")
        options = ("--config", str(self.file), "--upstream", self.upstream.url)
        self.proxy = self.daemon(*options, env=self.manager.environ, **handed_over(self.listening))
        self.manager.until("READY")

    def reload(self, text):
        self.file.write_text(f"{text}\n")
        self.proxy.process.send_signal(SIGHUP)
        assert "RELOADING" in self.manager.until("READY")[0]

    def begin_stop(self):
        self.proxy.process.send_signal(SIGTERM)
        self.manager.until("STOPPING")

    def end_stop(self):
        assert self.proxy.process.wait(LIMIT) == -SIGTERM


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.set(is_open=True)


@pytest.fixture
def service(daemon, upstream, gate, tmp_path):
    manager = Manager(tmp_path / "notify")
    with closing(manager.socket), closing(socket.create_server(("127.0.0.1", 0), backlog=128)) as listening:
        service = Service(daemon, manager, listening, tmp_path, upstream(gate.play))
        service.start()
        yield service


@pytest.fixture
def load(service):
    load = Load(service.listening.getsockname())
    yield load
    load.over = True


def test_over_reloads_and_restarts_no_answer_is_broken(service, gate, load):
    load.start()
    for number in range(ROUNDS):
        gate.until_held(load.STREAMS)
        service.reload(CONFIGS[number % len(CONFIGS)])
        load.until_answered()
        service.begin_stop()
        gate.set(is_open=True)
        service.end_stop()
        gate.set(is_open=False)
        service.start()
        load.until_answered()
        assert load.broken == []
    gate.set(is_open=True)
    load.stop()
    assert load.broken == []


def test_what_was_sent_before_the_signal_is_answered(service, gate):
    """Read or not, accepted or not, whole or not."""
    gate.set(is_open=True)
    request, address = chat({"messages": "hi"}), service.listening.getsockname()
    kept, *new = peers = [Peer(socket.create_connection(address, LIMIT)) for _ in range(4)]
    kept.send(request)
    kept.response()
    for peer in (kept, *new):
        peer.send(request if peer is not new[0] else request[:40])
    service.begin_stop()
    new[0].send(request[40:])
    service.end_stop()
    service.start()
    for peer in peers:
        with closing(peer):
            assert peer.response()[1] == b'"hi"'
