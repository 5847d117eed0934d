"""Real TLS clients before a real daemon: what holds over plain sockets holds over TLS."""

import json
import queue
import re
import socket
import time
from contextlib import closing

import pytest
from rig import LIMIT, SSE_HEAD, Peer, chunk, json_answer
from secured import COUNT, DONE, H2Peer, waiting

BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
CHAT = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
)
ANSWER = json_answer({"id": "1", "object": "chat.completion", "choices": [{"finish_reason": "stop"}]})


def status(head):
    return re.search(rb"(?im)^cache-status: ([^\r]*)", head)[1].split(b";")[1].strip()


def test_a_miss_and_a_hit(secure, upstream):
    server = upstream(lambda peer: [peer.send(ANSWER) for _ in iter(peer.request, (b"", b""))])
    client = secure("--upstream", server.url).connect()
    answers = []
    for expected in (b"fwd=miss", b"hit"):
        client.send(CHAT)
        head, body = client.response()
        assert status(head) == expected
        answers.append(body)
    assert answers[0] == answers[1] == ANSWER.partition(b"\r\n\r\n")[2]
    assert len(server.requests) == 1


def test_a_stream_comes_piece_by_piece(secure, upstream):
    """The upstream sends an event only when the client has the one before."""
    arrived = queue.Queue()
    client = secure("--upstream", upstream(waiting(arrived)).url).connect()
    client.send(CHAT)
    for number in range(COUNT):
        client.until(b"data: %d\n\n" % number)
        arrived.put(number)
    client.until(DONE)


def test_an_http2_stream_comes_piece_by_piece(secure, upstream):
    """As above."""
    pytest.importorskip("h2")
    arrived = queue.Queue()
    client = H2Peer(secure("--upstream", upstream(waiting(arrived)).url).connect("h2").socket)
    client.ask(BODY)
    for number in range(COUNT):
        client.until(b"data: %d\n\n" % number)
        arrived.put(number)
    client.until(DONE)


def test_a_client_that_is_gone_ends_the_request_upstream(secure, upstream):
    ended = queue.Queue()

    def play(peer):
        peer.request()
        peer.send(SSE_HEAD + chunk(b"data: 0\n\n"))
        ended.put(peer.rest())

    client = secure("--upstream", upstream(play).url).connect()
    client.send(CHAT)
    client.until(b"data: 0\n\n")
    client.close()
    assert ended.get(timeout=LIMIT) == b""


def test_a_body_that_is_too_large_is_refused_before_it_comes(secure):
    """What the client sends meanwhile does not reset the connection before the answer is read."""
    client = secure("--upstream", "demo:", "--max-body", "1KiB").connect()
    client.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n")
    client.send(b"x" * 300_000)
    head, body = client.response()
    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"--max-body" in body
    assert client.rest() == b""


ACCESS = [
    ("loopback", b"Host: localhost", b"200"),
    ("through a proxy", b"Host: localhost\r\nX-Forwarded-For: 192.0.2.1", b"40[13]"),
    ("foreign host", b"Host: example.com", b"403"),
    ("foreign origin", b"Host: localhost\r\nOrigin: https://example.com", b"403"),
]


@pytest.mark.parametrize(("fields", "expected"), [row[1:] for row in ACCESS], ids=[row[0] for row in ACCESS])
def test_the_rules_of_access_hold(secure, fields, expected):
    client = secure("--upstream", "demo:").connect()
    client.send(b"GET /_llmproxy/api/stats HTTP/1.1\r\n%b\r\n\r\n" % fields)
    assert re.match(b"HTTP/1.1 %b " % expected, client.response()[0])


def test_a_certificate_is_replaced_without_a_restart(secure):
    """The daemon looks at its files when somebody connects, once a second at most."""
    place = secure("--upstream", "demo:")
    old = place.connect()
    before = after = old.socket.getpeercert()["serialNumber"]
    place.renew()
    deadline = time.monotonic() + LIMIT
    while after == before and time.monotonic() < deadline:
        after = place.connect().socket.getpeercert()["serialNumber"]
        place.peers.pop().close()
    assert after != before
    old.send(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert old.response()[0].startswith(b"HTTP/1.1 200 ")


def test_the_daemon_stops_with_idle_clients(secure):
    place = secure("--upstream", "demo:")
    client = place.connect()
    place.daemon.stop()
    assert client.rest() == b""


def test_who_does_not_speak_tls_leaves_no_trace(secure):
    place = secure("--upstream", "demo:")
    with closing(socket.create_connection(("127.0.0.1", place.port), LIMIT)) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"HTTP" not in Peer(plain).rest()
    place.daemon.stop()
    place.daemon.reader.join(LIMIT)
    assert not [line for line in place.daemon.said if b"Traceback" in line or b"Unhandled" in line]
