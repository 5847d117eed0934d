"""Header lists of HTTP/2 as HTTP/1.1: what they become, and those that become nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.http2_requests import BadRequest, http1_head

GET = [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"localhost"), (b":path", b"/v1/models")]
POST = [(b":method", b"POST"), *GET[1:]]
LINE = b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\n"

WRITTEN = [
    ("nothing more", GET, True, LINE),
    (
        "fields in their order",
        [*GET, (b"x", b"1"), (b"a", b"2"), (b"x", b"3")],
        True,
        LINE + b"x: 1\r\na: 2\r\nx: 3\r\n",
    ),
    ("the same host", [*GET, (b"host", b"localhost")], True, LINE),
    ("another host", [*GET, (b"host", b"x")], True, LINE + b"host: x\r\n"),
    ("host only", [*GET[:2], GET[3], (b"host", b"h")], True, LINE.replace(b"localhost", b"h")),
    (
        "cookies",
        [*GET, (b"cookie", b"a=b"), (b"x", b"1"), (b"cookie", b"c=d")],
        True,
        LINE + b"x: 1\r\ncookie: a=b; c=d\r\n",
    ),
    ("a length of nothing", [*GET, (b"content-length", b"0")], True, LINE + b"content-length: 0\r\n"),
    ("a length", [*GET, (b"content-length", b"5")], False, LINE + b"content-length: 5\r\n"),
    ("a body without one", GET, False, LINE + b"transfer-encoding: chunked\r\n"),
]


@pytest.mark.parametrize(("fields", "whole", "wire"), [row[1:] for row in WRITTEN], ids=[row[0] for row in WRITTEN])
def test_it_is_written_as_http_1_1(fields, whole, wire):
    head = http1_head(fields, whole=whole)
    assert head.wire == wire + b"\r\n"
    assert head.chunked == (b"chunked" in wire)


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_an_answer_to_head_has_no_body(method):
    assert http1_head([(b":method", method), *GET[1:]], whole=True).is_head == (method == b"HEAD")


NONE = [
    ("line in a value", [*GET, (b"x", b"a\r\nevil: 1")]),
    ("line in the path", [*GET[:3], (b":path", b"/ HTTP/1.1\r\nHost: x")]),
    ("line in the method", [(b":method", b"GET / HTTP/1.1\r\n\r\nGET"), *GET[1:]]),
    ("line in the authority", [*GET[:2], (b":authority", b"a\r\nx: 1"), GET[3]]),
    ("line in a name", [*GET, (b"x: 1\r\ny", b"2")]),
    ("line in a cookie", [*GET, (b"cookie", b"a=b\r\nx: 1")]),
    ("nul", [*GET, (b"x", b"a\0")]),
    ("colon in a name", [*GET, (b"x:y", b"2")]),
    ("no name", [*GET, (b"", b"2")]),
    ("no method", GET[1:]),
    ("no path", GET[:3]),
    ("CONNECT", [(b":method", b"CONNECT"), GET[2]]),
    ("a length, but no body", [*POST, (b"content-length", b"5")]),
    ("a length that is none, but no body", [*POST, (b"content-length", b"+0")]),
    ("two lengths, but no body", [*POST, (b"content-length", b"0"), (b"content-length", b"5")]),
]


@pytest.mark.parametrize("fields", [row[1] for row in NONE], ids=[row[0] for row in NONE])
def test_what_becomes_no_request(fields):
    with pytest.raises(BadRequest):
        http1_head(fields, whole=True)


FIELDS = st.lists(st.tuples(st.binary(max_size=8), st.binary(max_size=12)), max_size=6)


@given(FIELDS, st.booleans())
def test_there_are_never_more_lines_than_fields(fields, whole):
    try:
        wire = http1_head([*GET, *fields], whole=whole).wire
    except BadRequest:
        return
    assert wire.endswith(b"\r\n\r\n")
    lines = wire[:-4].split(b"\r\n")
    assert all(b"\r" not in line and b"\n" not in line and line for line in lines)
    assert len(lines) <= len(fields) + 3
