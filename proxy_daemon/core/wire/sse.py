"""Server-sent events (`text/event-stream`): blocks of lines, each block ended by a blank line.

Finding the events is a search for blank lines; what an event says is decoded when somebody asks. A block without data,
such as a comment, is an item too. Read by `core/dialects/reading.py` and by whoever shows or splices a stream.

Source: WHATWG HTML, section 9.2 "Server-sent events": 9.2.5 parsing, 9.2.6 interpreting.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from proxy_daemon.core.wire import LONGEST_ITEM, json_text
from proxy_daemon.core.wire.delimited import DelimitedReader, Span, ends_of

BOM = b"\xef\xbb\xbf"
_MOST_DIGITS = 18  # of `retry`, milliseconds: more are longer than anybody waits
# Two line ends in a row. A CR that ends the window may be half of one: it waits for the next octet.
_BLANK = re.compile(rb"(?:\n|\r\n?+)(?:\n|\r(?:\n|(?=[^\n])))")
# What nearly all events of LLM APIs look like.
_COMMON = re.compile(rb"(?:event: ?+([^\r\n]*+)\r?\n)?data: ?+([^\r\n]*+)\r?\n\r?\n")
_SILENT = re.compile(rb"(?:[\r\n]++|:[^\r\n]*+)*+")  # blank lines and comments
_LINE_END = re.compile(rb"\r\n?+|\n")


class _Fields(NamedTuple):
    """What the lines of an event say."""

    name: bytes = b""
    data: bytes | None = None  # None: no line of data, and so nothing that a client would dispatch
    id: bytes | None = None
    retry: int | None = None


class Event(Span):
    """One block of lines with its blank line. Nothing of it is decoded before it is asked for."""

    __slots__ = ("_known",)

    def __init__(self, raw: bytes, start: int = 0) -> None:  # sets all itself: `super()` would cost a third of it
        self.raw = raw
        self.start = start
        self._known: _Fields | None = None

    @property
    def name(self) -> str:
        """Of the field `event`; empty without one, where clients say "message"."""
        return self._fields().name.decode("utf-8", "replace")

    @property
    def data(self) -> bytes:
        """The lines of data with LF between them; empty without any."""
        return self._fields().data or b""

    @property
    def text(self) -> str:
        """The data as text; what is no UTF-8 in it becomes U+FFFD."""
        return self.data.decode("utf-8", "replace")

    @property
    def dispatched(self) -> bool:
        """Whether a client sees it: it has a line of data, be it an empty one."""
        return self._fields().data is not None

    @property
    def id(self) -> str | None:
        """What it sets the last event id to; None where it leaves it."""
        found = self._fields().id
        return None if found is None else found.decode("utf-8", "replace")

    @property
    def retry(self) -> int | None:
        """Milliseconds that it sets the reconnection time to; None where it leaves it."""
        return self._fields().retry

    def _fields(self) -> _Fields:
        if self._known is None:
            common = _COMMON.fullmatch(self.raw)
            self._known = _Fields(common[1] or b"", common[2]) if common else _read(_text(self.raw, self.start))
        return self._known


def _text(raw: bytes, start: int) -> bytes:
    """Without the byte order mark, which only the stream's first octets can be."""
    return raw[len(BOM) :] if start == 0 and raw.startswith(BOM) else raw


def _read(block: bytes) -> _Fields:
    """What the lines of ``block`` say; of equal fields the last one rules, lines of data are joined."""
    event, last_id, retry = b"", None, None
    data: list[bytes] = []
    for line in block.splitlines():  # of octets: at CR, LF and CRLF only
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value
        elif name == b"id" and b"\0" not in value:
            last_id = value
        elif name == b"retry" and value.isdigit() and len(value) <= _MOST_DIGITS:
            retry = int(value)
    return _Fields(event, b"\n".join(data) if data else None, last_id, retry)


class SSEReader(DelimitedReader[Event]):
    """See `Reader`. Blank lines before an event belong to it.

    Where a blank line ends in CR, its event is given with the next octet, as that may be the LF of the same line end.
    What a stream leaves without its blank line is no event (9.2.6), and `rest` has it; comments may lack theirs.
    """

    what = "event"
    overlap = 3  # CR, LF, CR: 2 would find as much, but a window without half a line end takes the quick way

    def __init__(self, limit: int = LONGEST_ITEM) -> None:
        super().__init__(Event, limit)

    def feed(self, data: bytes) -> Sequence[Event]:
        """See `Reader`. Most pieces of a stream are one event of one line: it is found without a search."""
        size = len(data)
        one_line = data.find(b"\n") == size - 2 > 0 and data.endswith(b"\n\n") and b"\r" not in data
        if not one_line or self._held or self._tail or self._fault is not None or size > self._limit:
            return super().feed(data)
        start, self._start = self._start, self._start + size
        return [Event(data, start)]

    def _ends(self, window: bytes) -> list[int]:
        crs = window.count(b"\r")
        if not crs:
            return ends_of(b"\n\n", window)
        if crs == window.count(b"\n") == window.count(b"\r\n"):
            return ends_of(b"\r\n\r\n", window)
        return [blank.end() for blank in _BLANK.finditer(window)]

    def _needs_more(self, raw: bytes) -> bool:
        return not raw.endswith((b"\r\r", b"\n\r")) and not _SILENT.fullmatch(_text(raw, self._start))


def write(data: object, name: str = "", *, id: str | None = None, retry: int | None = None) -> bytes:  # noqa: A002  (the field's name)
    """An event. Text and octets stand as they are, any other value as JSON; each of their lines is a line of data.

    Raises ValueError where a name or an id holds a line end or NUL, and `json_text.NotJSON`, which is one too, where
    ``data`` cannot be written.
    """
    lines = [b"event: " + _one_line(name)] if name else []
    lines += [b"id: " + _one_line(id)] if id is not None else []
    lines += [b"retry: %d" % retry] if retry is not None else []
    return b"\n".join([*lines, *_prefixed(b"data: ", data), b"", b""])


def comment(text: str) -> bytes:
    """A block that says nothing to clients; servers keep a quiet connection open with it."""
    return b"\n".join([*_prefixed(b": ", text), b"", b""])


def _prefixed(prefix: bytes, value: object) -> list[bytes]:
    octets = value.encode("utf-8", "replace") if isinstance(value, str) else value
    octets = octets if isinstance(octets, bytes) else json_text.write(octets)
    return [prefix + line for line in _LINE_END.split(octets)]


def _one_line(text: str) -> bytes:
    octets = text.encode("utf-8", "replace")
    if _LINE_END.search(octets) or b"\0" in octets:
        raise ValueError("a name or an id cannot hold a line end or NUL")
    return octets
