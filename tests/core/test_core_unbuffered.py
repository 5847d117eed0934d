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
    wire = ResponseHead(200, b"OK", Headers(fields)).wire
    lines = [b"HTTP/1.1 200 OK", *(b"%b: %b" % pair for pair in fields), *([b"X-Accel-Buffering: no"] if added else [])]
    assert wire == b"".join(line + b"\r\n" for line in lines)
