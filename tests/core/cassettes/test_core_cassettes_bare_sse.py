"""Captures of streams: one answer a file, of which nothing but its body is known."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.cassettes import Skipped, Unreadable, bare_sse, formats
from proxy_daemon.core.cassettes.bare_sse import RawSse, SseDataLines
from proxy_daemon.core.messages import Recording, Unknown

LINES = b'{"id":"a","x":[1]}\n{"id":"b"}\n\n{"id":"c"}'
STREAM = b': ping\n\nevent: message_start\ndata: {"a":1}\n\ndata: [DONE]\n\n'
ALWAYS = {
    Unknown.TIME,
    Unknown.DURATION,
    Unknown.PIECES,
    Unknown.HOST,
    Unknown.REQUEST,
    Unknown.REQUEST_HEADERS,
    Unknown.REQUEST_BODY,
    Unknown.RESPONSE_HEADERS,
    Unknown.STATUS,
}


def read(data):
    (found,) = formats.read("x", data)
    return found


def test_a_stream_is_kept_as_it_is():
    found = read(STREAM)
    assert found.response.body.whole() == STREAM
    assert found.response.head.headers.pairs == ((b"Content-Type", b"text/event-stream"),)
    assert (found.status, found.request.method, found.unknown) == (0, b"", ALWAYS)


def test_lines_become_events():
    found = read(LINES)
    assert found.response.body.whole() == b'data: {"id":"a","x":[1]}\n\ndata: {"id":"b"}\n\ndata: {"id":"c"}\n\n'
    assert found.response.head.headers.pairs == ((b"Content-Type", b"text/event-stream"),)
    assert found.unknown == ALWAYS | {Unknown.RESPONSE_OCTETS}


@pytest.mark.parametrize(
    ("data", "known"),
    [
        (STREAM, True),
        (b"data:x", True),
        (b"\xef\xbb\xbfdata: x", True),
        (b"\r\n\r\nid: 5\r\nretry: 1\rdata: x", True),
        (b": OPENROUTER PROCESSING\n\ndata: x", True),
        (b"event: ping\n\n", False),
        (b"Data: x", False),
        (b"version: 1\ndata: x", False),
        (b"hello\ndata: x", False),
        (b"\n" * 70_000 + b"data: x", False),
        (b": " + b"x" * 1_000_000, False),
        (b"", False),
    ],
)
def test_a_stream_is_recognised(data, known):
    assert RawSse().recognises("x", data) is known


@pytest.mark.parametrize(
    ("data", "known"),
    [
        (LINES, True),
        (b'{"a":1}\r\n{"b":2}', True),
        (b'{"a":"' + b"x" * 100_000 + b'"}\n{"b":2}', True),
        (b'{"a":1}\n', False),
        (b'{"a":1}\n[2]\n', False),
        (b'{\n  "a": 1\n}\n', False),
        (b"\n\n\n", False),
        (b"", False),
    ],
)
def test_lines_are_recognised(data, known):
    assert SseDataLines().recognises("x", data) is known


@pytest.mark.parametrize("line", [b"{", b"[1]", b"5", b"data: {}", b'{"a":NaN}', b'{"a":"\xff"}', b"[" * 20_000])
def test_a_line_that_is_no_object_is_told(line):
    with pytest.raises(Unreadable, match="x: line 6 is not a JSON object"):
        list(formats.read("x", LINES + b"\n\n" + line))


@pytest.mark.parametrize(
    ("data", "most", "reason"),
    [(STREAM, 20, "larger than 20 octets"), (LINES, 20, "larger than 20 octets"), (LINES, 55, "as a stream")],
)
def test_too_large(monkeypatch, data, most, reason):
    monkeypatch.setattr(bare_sse, "MOST", most)
    with pytest.raises(Unreadable, match=reason):
        read(data)


def test_a_million_lines():
    assert read(b"{}\n" * 1_000_000).response.body.size == 10_000_000


@given(st.integers(0, len(LINES)), st.integers(0, 255))
def test_cut_or_damaged_anywhere(place, octet):
    for whole in (LINES, STREAM):
        for bad in (whole[:place], whole[:place] + bytes([octet]) + whole[place + 1 :]):
            with suppress(Unreadable):
                assert all(isinstance(one, Recording | Skipped) for one in formats.read("x", bad))
