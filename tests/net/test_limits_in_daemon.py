"""The limits of clients on real sockets: who takes nothing, what takes too long, and what the statistics say."""

import json
import socket
import threading

import pytest
from rig import SSE_HEAD, chunk

ASK = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"


def met(daemon):
    return {kind: count for kind, count in daemon.get("/_llmproxy/api/stats")["limits_met"].items() if count}


class Endless:
    """An upstream that sends as much as is taken, or one event and no more. ``ended``: its connection was closed."""

    def __init__(self, event):
        self.event, self.ended = event, threading.Event()

    def __call__(self, peer):
        peer.request()
        try:
            peer.send(SSE_HEAD + chunk(b"data: 1\n\n"))
            while self.event:
                peer.send(chunk(self.event))
            peer.rest()
        finally:
            self.ended.set()


def test_a_client_that_takes_nothing_does_not_hold_the_upstream(daemon, upstream):
    play = Endless(b"x" * 60_000)
    proxy = daemon("--upstream", upstream(play).url, "--stall-timeout", "500ms", "--record-max-body", "1MiB")
    client = proxy.connect()
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.send(ASK)
    assert play.ended.wait(30)
    (exchange,) = proxy.exchanges()
    assert exchange["ending"] == "client gone"
    detail = proxy.get(f"/_llmproxy/api/exchanges/{exchange['id']}")["detail"]
    assert "--stall-timeout" in detail
    assert met(proxy) == {"stalled": 1}


@pytest.mark.parametrize("begun", [True, False])
def test_an_exchange_that_takes_too_long_is_ended(daemon, upstream, begun):
    ended = threading.Event()

    def play(peer):
        peer.request()
        peer.send(SSE_HEAD + chunk(b"data: 1\n\n") if begun else b"")
        peer.rest()
        ended.set()

    proxy = daemon("--upstream", upstream(play).url, "--request-timeout", "500ms")
    client = proxy.connect()
    client.send(ASK)
    if begun:
        client.until(b"data: 1\n\n\r\n")
        assert client.rest() == b""  # no last chunk
    else:
        head, body = client.response()
        assert head.startswith(b"HTTP/1.1 504 Gateway Timeout\r\n")
        assert "--request-timeout" in json.loads(body)["error"]["message"]
    assert ended.wait(30)
    (exchange,) = proxy.exchanges()
    assert (exchange["ending"], exchange["replayable"]) == ("timeout", False)
    assert met(proxy) == {"request_timeout": 1}


def test_what_a_head_may_be_and_how_long_it_may_take(daemon):
    proxy = daemon("--upstream", "demo:", "--max-head", "2k", "--head-timeout", "500ms")
    large, late = proxy.connect(), proxy.connect()
    large.send(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 100_000)
    late.send(b"GET /v1/models HTTP/1.1\r\nHost: loc")
    assert large.rest().startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert late.rest().startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert met(proxy) == {"head_too_large": 1, "head_timeout": 1}


def test_one_connection_too_many(daemon):
    proxy = daemon("--upstream", "demo:", "--max-connections", "1")
    first = proxy.connect()
    first.send(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert first.response()[0].startswith(b"HTTP/1.1 200 ")
    second = proxy.connect()
    second.send(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert second.rest().startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    first.send(b"GET /_llmproxy/api/stats HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert json.loads(first.response()[1])["limits_met"]["too_many_connections"] == 1
