"""CONNECT without sockets: the request, and every way a proxy may answer it, in any pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.connect import MAX_HEAD, MAX_INTERIM, NOT_HTTP, TOO_LONG, ConnectAnswer, State, connect_request

OK = b"HTTP/1.1 200 Connection established\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"


def told(*pieces):
    answer = ConnectAnswer()
    rest = b"".join([answer.feed(piece) for piece in pieces])
    return answer.state, answer.fault, rest


def test_the_request():
    assert connect_request("[::1]:443", b"") == b"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n"
    assert b"\r\nProxy-Authorization: Basic eDp5\r\n" in connect_request("a:443", b"Basic eDp5")


OPENED = [
    OK,
    b"HTTP/1.0 200\r\n\r\n",
    b"HTTP/1.1 200 \r\nProxy-Agent: x\r\nContent-Length: 7\r\n\r\n",  # a 2xx has no body, whatever it says
    b"HTTP/1.1 204 No\n\n",
    INTERIM * MAX_INTERIM + OK,
]


@pytest.mark.parametrize("head", OPENED)
@pytest.mark.parametrize("behind", [b"", b"\x16\x03\x01", b"HTTP/1.1 500 no\r\n\r\n"])
def test_open_with_what_stands_behind(head, behind):
    assert told(head + behind) == (State.OPEN, "", behind)
    assert told(*[bytes([octet]) for octet in head]) == (State.OPEN, "", b"")


REFUSED = [
    (b"HTTP/1.1 407 x\r\nProxy-Authenticate: Basic\r\n\r\n", "a user and a password (407)"),
    (b"HTTP/1.1 403 x\r\n\r\n<html>", "does not let this machine connect there (403)"),
    (b"HTTP/1.1 502 x\r\n\r\n", "it answered 502"),
    (b"HTTP/1.1 302 x\r\n\r\n", "it answered 302"),
    (b"SSH-2.0-OpenSSH\r\n", NOT_HTTP),
    (b"HTTP/2 200\r\n\r\n", NOT_HTTP),
    (b"HTTP/1.1 20\r\n\r\n", NOT_HTTP),
    (b"HTTP/1.1 2000\r\n\r\n", NOT_HTTP),
    (b"\r\n\r\n", NOT_HTTP),
    (INTERIM * (MAX_INTERIM + 1), "interim responses"),
    (b"HTTP/1.1 200 " + b"x" * MAX_HEAD, TOO_LONG),
    (b"HTTP/1.1 200 " + b"x" * MAX_HEAD + b"\r\n\r\n", TOO_LONG),
]


@pytest.mark.parametrize(("octets", "words"), REFUSED)
def test_refused_and_nothing_read_any_more(octets, words):
    state, fault, rest = told(octets, OK, b"more")
    assert (state, words in fault, rest) == (State.REFUSED, True, b""), fault


@pytest.mark.parametrize("octets", [b"", b"HTTP", b"HTTP/1.1 200 OK\r\nA: b\r\n"])
def test_a_part_waits(octets):
    assert told(octets) == (State.READING, "", b"")


@given(st.binary() | st.binary().map(OK.__add__) | st.binary().map(INTERIM.__add__), st.integers(0, 80))
def test_pieces_make_no_difference(octets, cut):
    state, fault, rest = told(octets)
    assert (state is State.REFUSED) == bool(fault)
    answer = ConnectAnswer()
    halves = answer.feed(octets[:cut])
    if answer.state is State.OPEN:
        halves += octets[cut:]
    else:
        halves += answer.feed(octets[cut:])
    assert (answer.state, answer.fault, halves) == (state, fault, rest)
