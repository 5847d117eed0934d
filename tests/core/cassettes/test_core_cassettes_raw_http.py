"""Raw messages: heads as strict as HTTP, framing taken off, every octet given or told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.cassettes import raw_http
from proxy_daemon.core.cassettes.raw_http import NotHttp, request, response

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_request():
    found = request(b"POST https://h/v1?x=1 HTTP/1.1\r\nHost: h\r\nX-A:  b c \r\nX-A:\r\n\r\nbody\r\n\r\n")
    assert (found.method, found.url, found.body) == (b"POST", b"https://h/v1?x=1", b"body\r\n\r\n")
    assert found.headers.pairs == ((b"Host", b"h"), (b"X-A", b"b c"), (b"X-A", b""))


def test_an_answer():
    found = response(b"HTTP/2.0 429 Too Many\r\nA: b\r\n\r\n\x00\xff")
    assert (found.status, found.reason, found.headers.pairs) == (429, b"Too Many", ((b"A", b"b"),))
    assert (found.body, found.trailers.pairs) == (b"\x00\xff", ())


@pytest.mark.parametrize("line", [b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/3 200"])
def test_an_answer_without_a_reason(line):
    assert response(line + b"\r\n\r\n").reason == b""


def test_lines_that_end_in_lf_alone():
    """A scrubber put them in."""
    found = request(b"GET /a HTTP/1.1\r\nHost: h\nUser-Agent: x\nA: b\r\n\r\nrest")
    assert found.headers.pairs == ((b"Host", b"h"), (b"User-Agent", b"x"), (b"A", b"b"))
    assert request(b"GET /a HTTP/1.1\n\nrest").body == b"rest"


def test_a_length_that_is_wrong_is_not_believed():
    assert response(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc").body == b"abc"


def test_chunks_are_put_together():
    found = response(CHUNKED + b"3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nX-Sum: 1\r\nX-B: 2\r\n\r\n")
    assert found.body == b"abc0123456789"
    assert found.trailers.pairs == ((b"X-Sum", b"1"), (b"X-B", b"2"))
    assert response(CHUNKED + b"0\r\n\r\n").body == b""


REFUSED = [
    (b"", "head does not end"),
    (b"GET / HTTP/1.1\r\n", "head does not end"),
    (b"GET /\r\n\r\n", "no request line"),
    (b"G@T / HTTP/1.1\r\n\r\n", "no request line"),
    (b"GET / x HTTP/1.1\r\n\r\n", "no request line"),
    (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", "header field"),
    (b"GET / HTTP/1.1\r\n: x\r\n\r\n", "header field"),
    (b"GET / HTTP/1.1\r\nA : x\r\n\r\n", "header field"),
    (b"GET / HTTP/1.1\r\nA: x\rb\r\n\r\n", "header field"),
    (b"GET / HTTP/1.1\r\nA: x\r\n folded\r\n\r\n", "header field"),
    (b"GET / HTTP/1.1\r\nA: \x00\r\n\r\n", "header field"),
]


@pytest.mark.parametrize(("data", "reason"), REFUSED)
def test_requests_that_are_none(data, reason):
    with pytest.raises(NotHttp, match=reason):
        request(data)


@pytest.mark.parametrize(
    "line", [b"HTTP/1.1 99 x", b"HTTP/1.1 099 x", b"200 OK", b"HTTP/1.1 2000 OK", b"HTTP/1.1 200 a\rb"]
)
def test_answers_that_are_none(line):
    with pytest.raises(NotHttp, match="no status line"):
        response(line + b"\r\n\r\n")


BAD_CHUNKS = [
    (b"", "no size"),
    (b"x\r\n", "no size"),
    (b"-1\r\nabc\r\n0\r\n\r\n", "no size"),
    (b"ffffffffffffffff\r\n", "no size"),
    (b"5\r\nabc", "cut off"),
    (b"3\r\nabcd\r\n0\r\n\r\n", "longer than it says"),
    (b"3\r\nabc\r\n", "no size"),
    (b"0\r\n", "last chunk does not end"),
    (b"0\r\nX: 1\r\n", "trailers do not end"),
    (b"0\r\n\r\nmore\r\n\r\n", "header field"),
]


@pytest.mark.parametrize(("data", "reason"), BAD_CHUNKS)
def test_chunks_that_are_none(data, reason):
    with pytest.raises(NotHttp, match=reason):
        response(CHUNKED + data)


SPACES = b" " * 500_000
HOSTILE = [b"A:" + SPACES + b"\x00", SPACES, b"\r" * 500_000, b"A" * 900_000, b"A" + SPACES + b":"]


@pytest.mark.parametrize("head", HOSTILE, ids=lambda head: repr(head[:3] + head[-3:]))
def test_hostile_heads_are_refused_at_once(head):
    with pytest.raises(NotHttp, match="header field"):
        request(b"GET / HTTP/1.1\r\n" + head + b"\r\n\r\n")


def test_a_long_value_is_read_at_once():
    assert request(b"GET / HTTP/1.1\r\nA:" + SPACES + b"b" + SPACES[:9] + b"\r\n\r\n").headers.pairs == ((b"A", b"b"),)


def test_a_head_has_a_limit(monkeypatch):
    monkeypatch.setattr(raw_http, "LONGEST_HEAD", 30)
    assert request(b"GET / HTTP/1.1\r\nA: b\r\n\r\n").body == b""
    with pytest.raises(NotHttp, match="does not end"):
        request(b"GET / HTTP/1.1\r\nA: " + b"b" * 30 + b"\r\n\r\n")


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=10), st.data())
def test_any_chunks_give_the_body_and_a_cut_is_told(pieces, data):
    wire = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    assert response(CHUNKED + wire).body == b"".join(pieces)
    with pytest.raises(NotHttp):
        response(CHUNKED + wire[: data.draw(st.integers(0, len(wire) - 1))])
