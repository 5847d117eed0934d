"""What a body is made of, for people: by its octets where its type lies, and by its type where the octets do not tell.

Called by `bodies.py` and `pretty.py`.
"""

from __future__ import annotations

from enum import StrEnum

from proxy_daemon.core.dialects.framing import Framing, framing_of
from proxy_daemon.core.inspecting.charsets import is_text

LOOKED_AT = 4096  # octets of its beginning
_BLANKS = b" \t\r\n\xef\xbb\xbf"
_OF_FRAMING = {Framing.EVENTS: "sse", Framing.FRAMES: "frames", Framing.LINES: "lines"}


class Kind(StrEnum):
    """``LINES``: of JSON; ``FRAMES``: of an AWS event stream."""

    JSON = "json"
    LINES = "lines"
    SSE = "sse"
    FRAMES = "frames"
    FORM = "form"
    MULTIPART = "multipart"
    TEXT = "text"
    BINARY = "binary"
    EMPTY = "empty"


def kind_of(content_type: bytes, first: bytes, *, status: int = 200, streams: bool = False) -> Kind:
    """By the first octets, decoded, and the type that is stated."""
    if not first:
        return Kind.EMPTY
    stated = content_type.partition(b";")[0].strip().lower()
    framing = framing_of(content_type, first, status=status, streams=streams)
    if framing is Framing.FRAMES:
        return Kind.FRAMES
    if stated.startswith(b"multipart/") and first.lstrip(b"\r\n \t").startswith(b"--"):
        return Kind.MULTIPART
    if not is_text(first[:LOOKED_AT], content_type):
        return Kind.BINARY
    return _of_text(stated, framing, first)


def _of_text(stated: bytes, framing: Framing, first: bytes) -> Kind:
    if framing in _OF_FRAMING:
        return Kind(_OF_FRAMING[framing])
    begins = first.lstrip(_BLANKS)[:1]
    if begins and begins in b"{[":
        return Kind.JSON
    if stated == b"application/x-www-form-urlencoded" and b"=" in first[:LOOKED_AT]:
        return Kind.FORM
    return Kind.JSON if framing is Framing.DOCUMENT and begins and begins in b'"-0123456789tfn' else Kind.TEXT
