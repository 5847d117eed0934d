"""How a body is framed: by its type, and by its first octets where the type is wrong, missing or scrubbed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.dialects.framing import (
    MOST_BLANKS,
    NEEDED,
    Framing,
    framing_of,
    is_media,
    may_be_words,
    media_type,
    tells,
)
from proxy_daemon.core.wire.event_stream import event

EVENTS, FRAMES, LINES, ARRAY, DOCUMENT, OPAQUE = Framing
FRAME = event("chunk", b"{}")
SSE, JSON, NDJSON, AWS = (
    b"text/event-stream; charset=utf-8",
    b"application/json",
    b"application/x-ndjson",
    b"application/vnd.amazon.eventstream",
)
SCRUBBED = [b"", b"**REDACTED**", b"application/octet-stream"]
# (content type, first octets, framing)
CASES = [
    (SSE, b"data: {}\n\n", EVENTS),
    (SSE, b": ping\n\n", EVENTS),
    (SSE, b"\n\ndata:{}", EVENTS),
    (SSE, b"\xef\xbb\xbfdata: 1\n", EVENTS),
    (SSE, b"unheard: of\n", EVENTS),
    (SSE, b'{"error":{}}', DOCUMENT),
    (SSE, b'\n {"error":{}}', DOCUMENT),
    (SSE, b'[{"error":{}}]', DOCUMENT),
    (b"Text/Event-Stream", b"retry: 1\n", EVENTS),
    (JSON, b'{"id":1}', DOCUMENT),
    (JSON, b'\xef\xbb\xbf{"id":1}', DOCUMENT),
    (JSON, b'"words"', DOCUMENT),
    (JSON, b"no JSON", DOCUMENT),
    (JSON, b"[1,2]", DOCUMENT),
    (JSON, b"data: {}\n\n", EVENTS),
    (JSON, b"event: a\n", EVENTS),
    (JSON, FRAME, FRAMES),
    (b"application/problem+json", b"1", DOCUMENT),
    (b"application/vnd.api+json;x=y", b"{}", DOCUMENT),
    (b"text/json", b"1", DOCUMENT),
    *[(one, b'{"a":1}\n{"a":2}\n', LINES) for one in (NDJSON, b"application/jsonl", b"application/x-jsonl")],
    (b"application/stream+json", b"{}\n{}", LINES),
    (b"application/x-ndjson", b"[1]\n", LINES),
    (NDJSON, b"1\n2\n", LINES),
    (NDJSON, b"data: {}\n\n", EVENTS),
    (AWS, FRAME, FRAMES),
    (AWS, b"\0\0\0\x99garbage here", FRAMES),
    (AWS, b'{"message":"no"}', DOCUMENT),
    *[(one, b"data: 1\n\n", EVENTS) for one in SCRUBBED],
    *[(one, b"id:1\n\n", EVENTS) for one in SCRUBBED],
    *[(one, FRAME, FRAMES) for one in SCRUBBED],
    *[(one, b'{"id":1}', DOCUMENT) for one in SCRUBBED],
    *[(one, b"words here", OPAQUE) for one in SCRUBBED],
    (b"", b": ping\n\n", EVENTS),
    (b"text/plain", b": not an event", OPAQUE),
    (b"text/plain", b"Ollama is running", OPAQUE),
    (b"text/html", b"<html>", OPAQUE),
    (b"text/vtt", b"WEBVTT\n\n", OPAQUE),
    (b"audio/mpeg", b"ID3\4", OPAQUE),
    (b"audio/pcm;rate=24000", b"{{{{", OPAQUE),
    (b"image/png", b"data: no", OPAQUE),
    (b"application/pdf", b"%PDF-1.4", OPAQUE),
    (b"application/zip", b"[", OPAQUE),
]


@pytest.mark.parametrize(("content_type", "first", "framing"), CASES)
def test_framing(content_type, first, framing):
    assert framing_of(content_type, first, status=200, streams=False) is framing


@pytest.mark.parametrize("content_type", [JSON, SSE, *SCRUBBED, b"text/plain"])
def test_an_array_is_a_stream_where_one_was_asked_for(content_type):
    assert framing_of(content_type, b'[{"a":1}', status=200, streams=True) is ARRAY
    assert framing_of(content_type, b'\r\n[{"a":1}', status=200, streams=True) is ARRAY
    assert framing_of(content_type, b'[{"a":1}', status=200, streams=False) is DOCUMENT
    assert framing_of(content_type, b'{"a":1}', status=200, streams=True) is DOCUMENT


def test_an_error_may_stand_under_the_type_of_a_sound():
    assert framing_of(b"audio/mpeg", b'{"error":1}', status=400, streams=False) is DOCUMENT
    assert framing_of(b"audio/mpeg", b"\xff\xf3", status=400, streams=False) is OPAQUE


@pytest.mark.parametrize(
    ("first", "enough"),
    [
        (b"", False),
        (b"data: {}", False),
        (b" " * 100, False),
        (b" " * 100 + b"a" * (NEEDED - 1), False),
        (b"\xef\xbb\xbf\r\n" + b"a" * NEEDED, True),
        (b"a" * NEEDED, True),
        (b"\n" * MOST_BLANKS, True),
    ],
)
def test_how_much_tells(first, enough):
    assert tells(first) is enough


@pytest.mark.parametrize("content_type", [SSE, JSON, NDJSON, AWS, b"", b"text/plain", b"image/png"])
@given(st.binary(min_size=NEEDED, max_size=60), st.binary(max_size=20), st.booleans())
def test_what_follows_the_first_octets_changes_nothing(content_type, first, more, streams):
    if tells(first):
        framings = {framing_of(content_type, each, status=200, streams=streams) for each in (first, first + more)}
        assert len(framings) == 1


@pytest.mark.parametrize(
    ("content_type", "stated"),
    [
        (b" Text/Plain ; charset=x", b"text/plain"),
        (b"REDACTED", b""),
        (b"", b""),
        (b";", b""),
        (b"a/b", b"a/b"),
    ],
)
def test_media_type(content_type, stated):
    assert media_type(content_type) == stated


def test_what_types_promise():
    assert all(map(is_media, [b"image/png", b"Audio/WAV; x=y", b"video/mp4", b"application/pdf"]))
    assert not any(map(is_media, [b"", b"text/plain", b"application/json", b"application/octet-stream"]))
    assert all(map(may_be_words, [b"text/plain", b"text/csv; a=b", b"application/octet-stream"]))
    assert not any(map(may_be_words, [b"", SSE, JSON, b"text/json", NDJSON]))
