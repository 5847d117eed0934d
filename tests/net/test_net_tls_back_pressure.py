"""A client that reads no more stops the upstream, through TLS and HTTP/2 on real sockets; then it gets every octet."""

import hashlib

import pytest
from secured import H2Peer

MIB = 1024 * 1024
SIZE = 64 * MIB
KERNELS = 40 * MIB  # more than the buffers of all sockets on the way
PIECE = bytes(range(256)) * 256
QUESTIONS = 100  # that the daemon answers while the upstream gets nothing away


class Sender:
    """An upstream's play: a long body. ``sent``: octets that the daemon's side has taken."""

    def __init__(self):
        self.sent = 0

    def __call__(self, peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
        while self.sent < SIZE:
            peer.send(PIECE)
            self.sent += len(PIECE)
        peer.rest()

    def until_it_stands(self, place):
        """Octets that it has sent when it gets nothing more away, or all."""
        before = -1
        while before < self.sent < SIZE:
            before = self.sent
            for _ in range(QUESTIONS):
                place.daemon.get("/_llmproxy/health")
        return self.sent


class Plain:
    """A client of HTTP/1.1."""

    def __init__(self, place):
        self.peer = place.connect("http/1.1")
        self.peer.send(b"GET /v1/x HTTP/1.1\r\nHost: localhost\r\n\r\n")

    def body(self):
        self.peer.until(b"\r\n\r\n")
        body = bytearray(self.peer.buffer)
        while len(body) < SIZE and (data := self.peer.socket.recv(65536)):
            body += data
        return body


class Multiplexed:
    """A client of HTTP/2. ``window``: what it takes without reading; beyond it its socket is what holds up."""

    def __init__(self, place, window):
        self.peer = H2Peer(place.connect("h2").socket)
        self.peer.open(window)
        self.peer.ask()

    def body(self):
        return self.peer.take(SIZE)


CLIENTS = [
    ("HTTP/1.1", Plain),
    ("HTTP/2, by its socket", lambda place: Multiplexed(place, 2 * SIZE)),
    ("HTTP/2, by its window", lambda place: Multiplexed(place, 0)),
]


@pytest.mark.parametrize("connect", [row[1] for row in CLIENTS], ids=[row[0] for row in CLIENTS])
def test_who_reads_no_more_stops_the_upstream(secure, upstream, connect):
    if connect is not Plain:
        pytest.importorskip("h2")
    sender = Sender()
    place = secure("--upstream", upstream(sender).url, "--mode", "off")
    client = connect(place)
    assert 0 < sender.until_it_stands(place) < KERNELS
    expected = hashlib.sha256(PIECE * (SIZE // len(PIECE))).digest()
    assert hashlib.sha256(client.body()).digest() == expected
    assert sender.sent == SIZE
