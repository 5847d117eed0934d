"""The media type of an answer whose recording had it scrubbed, from its body.

Invariant: only what its own structure proves is named; all else stays untyped. Called by `message.py`.
"""

from __future__ import annotations

import re
import zlib

from proxy_daemon.core.cassettes.json_text import NotJson, load
from proxy_daemon.core.headers import Headers

_TYPE = b"content-type"
_SCRUBBED = re.compile(rb"redacted|\A[*x<\[]", re.IGNORECASE)
_STREAM = re.compile(rb"(?:\xef\xbb\xbf)?(?:(?:event|data|id|retry)?:[^\r\n]*(?:\r\n|\r|\n)+)")
_PRELUDE = 12  # octets: two lengths and their CRC
_CHECKED = 8


def with_content_type(headers: Headers, data: bytes) -> tuple[Headers, bool]:
    """The fields with a scrubbed `Content-Type` replaced by what ``data`` proves, and whether it was scrubbed."""
    value = headers.get(_TYPE)
    if b"/" in value or not _SCRUBBED.search(value):
        return headers, False
    found = media_type(data)
    pairs = [(name, found if name.lower() == _TYPE else text) for name, text in headers.pairs]
    return Headers([pair for pair in pairs if pair[1] or pair[0].lower() != _TYPE]), True


def media_type(data: bytes) -> bytes:
    """AWS event stream, JSON or server-sent events; empty for what is none of them."""
    if _is_aws(data):
        return b"application/vnd.amazon.eventstream"
    if _STREAM.match(data):
        return b"text/event-stream"
    try:
        load(data)
    except NotJson:
        return b""
    return b"application/json"


def _is_aws(data: bytes) -> bool:
    """Whether it begins with the prelude of a message, by its CRC.

    https://smithy.io/2.0/aws/amazon-eventstream.html#message-framing
    """
    prelude = data[:_PRELUDE]
    return len(prelude) == _PRELUDE and zlib.crc32(prelude[:_CHECKED]) == int.from_bytes(prelude[_CHECKED:])
