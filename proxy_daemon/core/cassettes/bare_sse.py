"""Captures of server-sent events: the stream as it was, or only its data, one JSON text a line.

Invariant: each file is one answer without its request, status and fields; these are unknown. Only the media type is
said: it is what the file shows, or what its form means. Called by `formats.py`, last: others are narrower.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import islice

from proxy_daemon.core.cassettes import MOST, Skipped, Unreadable
from proxy_daemon.core.cassettes.answers import answer
from proxy_daemon.core.cassettes.json_text import NotJson, load
from proxy_daemon.core.cassettes.stored_body import Stored
from proxy_daemon.core.messages import Recording, Unknown

_TYPE = [[b"Content-Type", b"text/event-stream"]]
_LOST = frozenset((Unknown.RESPONSE_HEADERS,))
_GLIMPSE = 65536
_FIRST_LINES = 3  # a file that is cut off may still be known, and `read` says where
# Comments and fields up to the first `data`: https://html.spec.whatwg.org/multipage/server-sent-events.html
_BEFORE = rb"(?:(?:(?::|event:|id:|retry:)[^\r\n]*+)?(?:\r\n|\r|\n))*+"
_BEGIN = re.compile(rb"(?:\xef\xbb\xbf)?" + _BEFORE + rb"data:")


class RawSse:
    """A stream as it stood on the wire."""

    name = "raw-sse"

    def recognises(self, file: str, data: bytes) -> bool:
        """By a field `data` that only comments and other fields precede."""
        return bool(_BEGIN.match(data[:_GLIMPSE]))

    def read(self, file: str, data: bytes) -> Iterator[Recording | Skipped]:
        """The one answer. Raises `Unreadable` for a file that is too large."""
        if len(data) > MOST:
            raise Unreadable(file, f"larger than {MOST} octets")
        yield answer(None, _TYPE, Stored(data), _LOST)


class SseDataLines:
    """The data of a stream, without its framing: that is made anew, an event a line."""

    name = "sse-data-lines-txt"

    def recognises(self, file: str, data: bytes) -> bool:
        """Two lines or more, each a JSON object, as far as the first ones tell."""
        lines = [line.strip() for line in islice(BytesIO(data), _FIRST_LINES)]
        said = [line for line in lines if line]
        return len(said) > 1 and all(line[:1] == b"{" and line[-1:] == b"}" for line in said)

    def read(self, file: str, data: bytes) -> Iterator[Recording | Skipped]:
        """The one answer. Raises `Unreadable` at a line that is no JSON object."""
        body = bytearray()
        for line in _events(file, data):
            body += b"data: %b\n\n" % line
            if len(body) > MOST:
                raise Unreadable(file, f"larger than {MOST} octets as a stream")
        yield answer(None, _TYPE, Stored(bytes(body), own=False), _LOST)


def _events(file: str, data: bytes) -> Iterator[bytes]:
    """The lines that say something."""
    for number, line in enumerate(BytesIO(data), 1):
        text = line.strip()
        if text and not _is_object(text):
            raise Unreadable(file, f"line {number} is not a JSON object, or it is cut off")
        if text:
            yield text


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(load(text), dict)
    except NotJson:
        return False
