"""`X-Accel-Buffering: no` on streams: a reverse proxy in front of llmproxy must not gather their pieces."""

import pytest

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import ResponseHead

STREAM = (b"Content-Type", b"text/event-stream")


@pytest.mark.parametrize(
    ("fields", "added"),
    [
        ((STREAM,), True),
        (((b"content-type", b"Text/Event-Stream; charset=utf-8"),), True),
        ((STREAM, (b"X-Accel-Buffering", b"yes")), False),
        ((STREAM, (b"x-accel-buffering", b"no")), False),
        (((b"Content-Type", b"application/json"),), False),
        (((b"X-Type", b"text/event-stream"),), False),
        ((), False),
    ],
)
def test_only_streams_of_which_upstream_has_not_said_it(fields, added):
    wire = ResponseHead(200, b"OK", Headers((*fields, (b"Content-Length", b"2")))).wire
    assert wire == written(fields, added=added)


@pytest.mark.parametrize("kind", [b"application/x-ndjson", b"application/json", b"application/vnd.amazon.eventstream"])
def test_a_stream_of_json_is_known_by_its_framing(kind):
    fields = ((b"Content-Type", kind),)
    wire = ResponseHead(200, b"OK", Headers((*fields, (b"Transfer-Encoding", b"chunked")))).wire
    assert wire == written(fields, added=True)


def written(fields, *, added):
    lines = [b"HTTP/1.1 200 OK", *(b"%b: %b" % pair for pair in fields), *([b"X-Accel-Buffering: no"] if added else [])]
    return b"".join(line + b"\r\n" for line in lines)
