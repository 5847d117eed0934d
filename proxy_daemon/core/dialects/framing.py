"""How an answer's body is framed: by its content type, and by its first octets, as the type may be wrong or scrubbed.

Servers send plain JSON errors as event streams, and recorders replace header fields. Called by `reading.py`.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from proxy_daemon.core.wire.event_stream import PRELUDE, begins_event_stream

NEEDED = PRELUDE  # octets behind leading blanks that tell
MOST_BLANKS = 4096  # octets of leading blanks after which the content type has to do
_BLANKS = b" \t\r\n\xef\xbb\xbf"  # and the byte order mark
_FIELD = re.compile(rb"(?:data|event|id|retry)[ \t]?:")
_LINES = re.compile(rb"application/(?:stream\+json|(?:x-)?(?:ndjson|jsonl|jsonlines|json-lines))|text/(?:x-)?jsonl")
_JSON = re.compile(rb"[a-z]+/(?:[^;]*\+)?json")
_MEDIA = re.compile(rb"(?:image|audio|video|font)/.*|application/(?:pdf|zip|gzip|x-tar|x-gzip|vnd\.openxmlformats.*)")
FAILED = 400  # the least status of an error


class Framing(Enum):
    """What a body is made of."""

    EVENTS = auto()  # server-sent ones
    FRAMES = auto()  # of an AWS event stream
    LINES = auto()  # of JSON
    ARRAY = auto()  # a JSON array whose elements are items
    DOCUMENT = auto()  # one of JSON
    OPAQUE = auto()  # a text, or octets


def framing_of(content_type: bytes, first: bytes, *, status: int, streams: bool) -> Framing:
    """The framing of a body. ``first``: its first octets, decoded; ``streams``: whether a stream was asked for."""
    stated = media_type(content_type)
    text = first[: MOST_BLANKS + NEEDED].lstrip(_BLANKS)
    if begins_event_stream(first):
        return Framing.FRAMES
    if is_media(stated) and not (status >= FAILED and text.startswith(b"{")):
        return Framing.OPAQUE
    if text.startswith((b"{", b"[")):
        return _of_json(stated, text, streams)
    if stated == b"text/event-stream" or _FIELD.match(text) or (not stated and text.startswith(b":")):
        return Framing.EVENTS
    return _by_type(stated)


def _by_type(stated: bytes) -> Framing:
    if stated == b"application/vnd.amazon.eventstream":
        return Framing.FRAMES
    if _LINES.fullmatch(stated):
        return Framing.LINES
    return Framing.DOCUMENT if _JSON.fullmatch(stated) else Framing.OPAQUE


def _of_json(stated: bytes, text: bytes, streams: bool) -> Framing:
    if _LINES.fullmatch(stated):
        return Framing.LINES
    return Framing.ARRAY if streams and text.startswith(b"[") else Framing.DOCUMENT


def tells(first: bytes) -> bool:
    """Whether the first octets of a body are enough for `framing_of`."""
    return len(first[:MOST_BLANKS].lstrip(_BLANKS)) >= NEEDED or len(first) >= MOST_BLANKS


def media_type(content_type: bytes) -> bytes:
    """Type and subtype in lower case, without parameters; empty where a recorder has put something else there."""
    stated = content_type.partition(b";")[0].strip().lower()
    return stated if b"/" in stated else b""


def is_media(content_type: bytes) -> bool:
    """Whether the type promises octets that nobody reads."""
    return _MEDIA.fullmatch(media_type(content_type)) is not None


def may_be_words(content_type: bytes) -> bool:
    """Whether the type allows what begins like JSON to be something else."""
    stated = media_type(content_type)
    is_text = stated.startswith(b"text/") and stated != b"text/event-stream" and not _JSON.fullmatch(stated)
    return is_text or stated == b"application/octet-stream"
