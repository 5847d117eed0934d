"""Upstreams that refuse, lie, break off and fall silent: what the client gets, and that none is replayed as good."""

import json
import queue
import socket
import threading

import pytest
from rig import LIMIT, SSE_HEAD, answering, chunk, json_answer

GOOD = json_answer({"ok": True})


def close_at_once(peer):
    peer.request()
    peer.close()


def reset_at_once(peer):
    peer.request()
    peer.reset()


def never_answers(peer):
    peer.request()
    peer.rest()


def says(*parts, then="close"):
    """Answer one request with these octets, then close, reset or hang."""

    def play(peer):
        peer.request()
        go_on(peer, parts, then)

    return play


def go_on(peer, parts, then):
    for part in parts:
        peer.send(part)
    {"close": peer.close, "reset": peer.reset, "hang": peer.rest}[then]()


NO_ANSWER = [
    ("closes", close_at_once, 502, "closed the connection without an answer"),
    ("resets", reset_at_once, 502, "broke the connection without an answer"),
    ("silent", never_answers, 504, "was silent for 0.3 s"),
    ("garbage", says(b"SSH-2.0-OpenSSH_9\r\n\r\n"), 502, "not HTTP"),
    ("half a head", says(b"HTTP/1.1 200 OK\r\nContent-Le"), 502, "without an answer"),
    ("reset in the head", says(b"HTTP/1.1 200 OK\r\nContent-Le", then="reset"), 502, "without an answer"),
    ("two lengths", says(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), 502, "not HTTP"),
    (
        "length and chunks",
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
        502,
        "not HTTP",
    ),
    ("too many interim", says(b"HTTP/1.1 103 Early\r\n\r\n" * 100 + GOOD), 502, "interim"),
    (
        "endless head",
        says(b"HTTP/1.1 200 OK\r\n" + b"X-Filler: %b\r\n" % (b"x" * 1000) * 400, then="hang"),
        502,
        "larger than",
    ),
]


@pytest.mark.parametrize(
    ("play", "status", "words"), [case[1:] for case in NO_ANSWER], ids=[case[0] for case in NO_ANSWER]
)
def test_no_usable_answer(daemon, upstream, play, status, words):
    server = upstream(play)
    proxy = daemon("--upstream", server.url, "--first-byte-timeout", "0.3")
    got, headers, body = proxy.chat()
    assert got == status
    assert words in json.loads(body)["error"]["message"]
    assert headers["Content-Type"] == "application/json"
    assert [line["ending"] for line in proxy.exchanges()] == ["timeout" if status == 504 else "failed"]
    assert not any(line["replayable"] for line in proxy.exchanges())


def test_nobody_listens(daemon):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    status, _, body = daemon("--upstream", f"http://127.0.0.1:{port}").chat()
    assert status == 502
    assert "refuses connections; is it running?" in json.loads(body)["error"]["message"]


def test_the_name_does_not_resolve(daemon):
    status, _, body = daemon("--upstream", "http://nowhere.invalid").chat()
    assert status == 502
    assert "does not resolve" in json.loads(body)["error"]["message"]


def test_it_does_not_speak_tls(daemon, upstream):
    server = upstream(lambda peer: peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    status, _, body = daemon("--upstream", f"https://127.0.0.1:{server.port}").chat()
    assert status == 502
    assert "TLS" in json.loads(body)["error"]["message"]


BROKEN = [
    ("chunks end early", [SSE_HEAD, chunk(b"data: 1\n\n")], "close"),
    ("length not reached", [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", b"data: 1\n\n"], "close"),
    ("reset", [SSE_HEAD, chunk(b"data: 1\n\n")], "reset"),
    ("silent within", [SSE_HEAD, chunk(b"data: 1\n\n")], "hang"),
    ("garbage for a chunk", [SSE_HEAD, chunk(b"data: 1\n\n"), b"ZZZ\r\n"], "hang"),
]


@pytest.mark.parametrize(("parts", "then"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_broken_body_reaches_the_client_as_broken(daemon, upstream, parts, then):
    has_first = threading.Event()

    def play(peer):
        peer.request()
        peer.send(parts[0] + parts[1])
        assert has_first.wait(LIMIT)  # the client has the first event before the rest is played
        go_on(peer, parts[2:], then)

    server = upstream(play)
    proxy = daemon("--upstream", server.url, "--first-byte-timeout", "0.5")
    client = proxy.connect()
    body = b'{"model": "m", "stream": true, "messages": []}'
    client.send(
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    client.until(b"data: 1\n\n")
    has_first.set()
    rest = client.rest()
    assert not rest.endswith(b"0\r\n\r\n")
    lines = proxy.exchanges()
    assert [line["replayable"] for line in lines] == [False]
    assert lines[0]["ending"] == ("timeout" if then == "hang" and len(parts) == 2 else "upstream broke off")


def test_a_kept_connection_that_upstream_has_closed_is_not_asked(daemon, upstream):
    closed = queue.Queue()

    def play(peer):
        peer.request()
        peer.send(GOOD)  # once a connection, without saying that it closes
        peer.close()
        closed.put(True)

    server = upstream(play)
    proxy = daemon("--upstream", server.url, "--mode", "off")
    for _ in range(5):
        assert proxy.chat()[0] == 200
        assert closed.get(timeout=LIMIT)
    assert (server.connections, len(server.requests)) == (5, 5)


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_kept_connection_that_dies_at_once_is_replaced(daemon, upstream, method):
    """It looks as if its end had been under way while the second request was sent."""

    def play(peer):
        peer.request()
        peer.send(GOOD)
        peer.request()

    server = upstream(play)
    proxy = daemon("--upstream", server.url, "--mode", "off")
    answers = [proxy.request(method, "/v1/x", b"{}" if method == "POST" else None) for _ in range(2)]
    assert ([status for status, _, _ in answers], len(server.requests)) == ([200, 200], 3)


def test_what_dies_on_a_fresh_connection_is_not_retried(daemon, upstream):
    server = upstream(close_at_once)
    assert daemon("--upstream", server.url).chat()[0] == 502
    assert server.connections == 1


@pytest.mark.parametrize("at_once", [True, False])
def test_octets_behind_an_answer_do_not_become_the_next(daemon, upstream, at_once):
    sent = queue.Queue()

    def play(peer):
        peer.request()
        smuggled = json_answer({"smuggled": True})
        for part in [GOOD + smuggled] if at_once else [GOOD, smuggled]:
            peer.send(part)
        sent.put(True)
        peer.rest()

    server = upstream(play)
    proxy = daemon("--upstream", server.url, "--mode", "off")
    for _ in range(3):
        status, _, body = proxy.chat()
        assert (status, json.loads(body)) == (200, {"ok": True})
        assert sent.get(timeout=LIMIT)


def test_an_early_answer_while_the_body_goes_up(daemon, upstream):
    def play(peer):
        peer.until(b"\r\n\r\n")
        peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        peer.rest()

    server = upstream(play)
    status, _, _ = daemon("--upstream", server.url).request("POST", "/v1/files", b"x" * 20_000_000)
    assert status == 413


@pytest.mark.parametrize("split", [True, False])
def test_interim_responses_are_passed_over(daemon, upstream, split):
    parts = [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", GOOD]
    server = upstream(answering(*parts) if split else answering(b"".join(parts)))
    status, headers, body = daemon("--upstream", server.url).chat()
    assert (status, json.loads(body), headers["Link"]) == (200, {"ok": True}, None)


def test_an_answer_that_ends_with_its_connection(daemon, upstream):
    server = upstream(says(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nto the end"))
    proxy = daemon("--upstream", server.url)
    assert proxy.chat()[2] == b"to the end"
    assert proxy.exchanges()[0]["replayable"]


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body(daemon, upstream, status):
    server = upstream(answering(b"HTTP/1.1 %d Nothing\r\nX-Is: there\r\n\r\n" % status))
    proxy = daemon("--upstream", server.url)
    for _ in range(2):
        got, headers, body = proxy.request("GET", "/v1/x")
        assert (got, headers["X-Is"], body) == (status, "there", b"")
    assert server.connections == 1


def test_head_keeps_the_length(daemon, upstream):
    server = upstream(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n"))
    proxy = daemon("--upstream", server.url)
    for _ in range(2):
        status, headers, body = proxy.request("HEAD", "/v1/x")
        assert (status, headers["Content-Length"], body) == (200, "12345", b"")
    assert server.connections == 1


def test_trailers_are_recorded(daemon, upstream):
    server = upstream(answering(SSE_HEAD, chunk(b"data: 1\n\n"), b"0\r\nX-Sum: 42\r\n\r\n"))
    proxy = daemon("--upstream", server.url)
    assert proxy.chat()[2] == b"data: 1\n\n"
    detail = proxy.get("/_llmproxy/api/exchanges/" + proxy.exchanges()[0]["id"])
    assert detail["response"]["trailers"] == [["X-Sum", "42"]]


def test_a_body_that_is_not_json_is_forwarded_as_it_is(daemon, upstream):
    server = upstream(answering(GOOD))
    proxy = daemon("--upstream", server.url)
    body = b'{"model": "m", "messages": [\xff\xfe NaN'
    status, _, _ = proxy.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
    assert status == 200
    assert server.requests[0][1] == body
