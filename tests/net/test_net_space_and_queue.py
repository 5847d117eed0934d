"""Bodies beyond `--max-spool` and requests beyond `--upstream-connections`, through a daemon."""

import json
import time

import pytest
from rig import LIMIT, SSE_HEAD, answering, chunk, json_answer

GOOD = json_answer({"ok": True})
MIB = 1024 * 1024


def message(body):
    return json.loads(body)["error"]["message"]


def stats(proxy, name):
    return proxy.get("/_llmproxy/api/stats")[name]


def settled(proxy, octets):
    """Ask until so many octets are in files."""
    _until(lambda: stats(proxy, "spool")["octets"] == octets)


def test_a_request_beyond_the_space_is_answered_507(daemon, upstream):
    server = upstream(answering(GOOD))
    proxy = daemon("--upstream", server.url, "--max-spool", "2MiB", "--mode", "off")
    status, fields, body = proxy.request("POST", "/v1/files", b"x" * (3 * MIB))
    assert (status, fields["Connection"], server.requests) == (507, "close", [])
    assert "all bodies together may take no more of the disk than 2MiB (--max-spool)" in message(body)
    settled(proxy, 0)
    assert (stats(proxy, "spool")["limit"], stats(proxy, "spool")["refused"] > 0) == (2 * MIB, True)
    assert proxy.request("POST", "/v1/files", b"x" * (2 * MIB))[0] == 200
    settled(proxy, 0)


def test_all_that_is_under_way_counts_and_is_given_back(daemon, upstream):
    server = upstream(answering(GOOD))
    proxy = daemon("--upstream", server.url, "--max-spool", "2MiB", "--mode", "off")
    slow = proxy.connect()
    slow.send(b"POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n" + b"x" * (MIB + 1))
    settled(proxy, MIB + 1)
    assert proxy.request("POST", "/v1/files", b"x" * (MIB + 1))[0] == 507
    slow.close()
    settled(proxy, 0)
    assert proxy.request("POST", "/v1/files", b"x" * (MIB + 1))[0] == 200


def held(peer):
    """Answers only who asks for `/v1/free`."""
    while head := peer.request()[0]:
        if b"/v1/free" in head:
            peer.send(GOOD)


def closes(peer):
    peer.request()


def streams(peer):
    peer.request()
    peer.send(SSE_HEAD + chunk(b"data: 1\n\n"))
    peer.rest()


ENDS = {
    "it leaves before the head": (held, b"", "client gone"),
    "it leaves in mid-answer": (streams, b"data: 1", "client gone"),
    "upstream says nothing": (closes, b"502 Bad Gateway", "failed"),
    "it takes too long": (held, b"504 Gateway Timeout", "timeout"),
    "it takes too long in mid-answer": (streams, b"data: 1", "timeout"),
}


@pytest.mark.parametrize(("play", "until", "ending"), ENDS.values(), ids=ENDS.keys())
def test_a_body_is_given_back_at_once_however_its_exchange_ends(daemon, upstream, play, until, ending):
    """It waited for the garbage collector, which a quiet daemon rarely calls: its frames and errors were a circle."""
    server = upstream(play)
    timeout = ("--request-timeout", "500ms") if ending == "timeout" else ()
    proxy = daemon("--upstream", server.url, "--max-spool", "2MiB", "--store", "off", *timeout)
    client = proxy.connect()
    size = MIB + 1
    client.send(b"POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b" % (size, b"x" * size))
    _until(lambda: server.requests)
    if until:
        client.until(until)
    else:
        assert stats(proxy, "spool")["octets"] == size
    if ending == "client gone":
        client.close()
    _until(lambda: stats(proxy, "exchanges")["endings"] == {ending: 1})
    client.close()
    settled(proxy, 0)


def test_an_answer_beyond_the_space_passes_and_its_record_is_cut(daemon, upstream):
    long = b"y" * (3 * MIB)
    server = upstream(answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(long), long))
    proxy = daemon("--upstream", server.url, "--max-spool", "2MiB")
    assert proxy.chat()[2] == long
    newest = proxy.exchanges()[0]
    assert (newest["ending"], newest["cut"], newest["replayable"]) == ("complete", True, False)
    settled(proxy, 0)


def test_who_waits_too_long_for_a_connection_gets_503(daemon, upstream):
    server = upstream(held)
    proxy = daemon(
        *("--upstream", server.url, "--mode", "off", "--upstream-connections", "1", "--queue-timeout", "300ms")
    )
    first = proxy.connect()
    first.send(b"POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
    _until(lambda: server.requests)
    status, fields, body = proxy.request("POST", "/v1/free", b"{}")
    assert (status, fields["Retry-After"]) == (503, "5")
    assert "each of its 1 connections (--upstream-connections) was in use for 0.3s (--queue-timeout)" in message(body)
    assert stats(proxy, "upstream_queue") == {"waiting": {}, "given_up": 1}
    first.close()
    _until(lambda: stats(proxy, "upstream_connections") == {server.url: 0})
    assert proxy.request("POST", "/v1/free", b"{}")[0] == 200


def test_who_leaves_gives_its_place_up(daemon, upstream):
    server = upstream(held)
    proxy = daemon("--upstream", server.url, "--mode", "off", "--upstream-connections", "1")
    first, second = proxy.connect(), proxy.connect()
    first.send(b"POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
    _until(lambda: server.requests)
    second.send(b"POST /v1/y HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
    _until(lambda: stats(proxy, "upstream_queue")["waiting"] == {server.url: 1})
    second.close()
    _until(lambda: stats(proxy, "upstream_queue") == {"waiting": {}, "given_up": 0})
    first.close()
    assert proxy.request("POST", "/v1/free", b"{}")[0] == 200
    assert [head.split(b" ")[1] for head, _ in server.requests] == [b"/v1/x", b"/v1/free"]


def _until(true):
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        if true():
            return
    raise AssertionError("it did not happen")
