"""One JSON array whose elements come one by one, as Gemini and Vertex stream without `alt=sse`.

It finds where elements end and leaves what they say to `json_text.parse`: brackets are counted, not paired. What stands
before an element belongs to it; what stands behind the last one is an item without data. Read by
`core/dialects/reading.py` and by whoever shows a stream.

Source: RFC 8259, sections 2 to 7.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum, auto

from proxy_daemon.core.wire import LONGEST_ITEM, Malformed, json_text
from proxy_daemon.core.wire.delimited import DelimitedReader, Span

_BLANKS = re.compile(rb"[ \t\r\n]*+")
_BEFORE = re.compile(rb"[ \t\r\n]*+[\[,]?+[ \t\r\n]*+")
_IN_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
# Within an element: over all that opens and closes nothing, whole strings included; not more of them than the pattern
# can remember. The group is atomic, not possessive: before Python 3.11.5 a possessive one whose last round fails
# half-way, as in a string that the window cuts, goes on from there (gh-106052).
_PLAIN = rb'[^"{}\[\]]*+(?>(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"{}\[\]]*+){0,256})'
_IN_ELEMENT = re.compile(_PLAIN, re.DOTALL)
# A comma and an element in which little is nested: what is many is small.
_NEXT = re.compile(
    rb'[ \t\r\n]*+,[ \t\r\n]*+(?>[-+.0-9A-Za-z]++(?=[^-+.0-9A-Za-z])|"[^"\\]*+(?:\\.[^"\\]*+)*+"'
    + rb"|[{\[]%b(?>(?:[{\[]%b[}\]]%b){0,64})[}\]])" % (_PLAIN, _PLAIN, _PLAIN),
    re.DOTALL,
)
_OPENING, _CLOSING = re.compile(rb"[{\[]++"), re.compile(rb"[}\]]++")
_IN_SCALAR = re.compile(rb"[-+.0-9A-Za-z]*+")  # numbers, true, false, null
BEGIN, BETWEEN, END = b"[", b"\n,\r\n", b"\n]\n"  # as Google writes them


class _At(Enum):
    """Where in the text the reader stands."""

    BEGIN = auto()
    FIRST = auto()  # behind the opening bracket
    VALUE = auto()  # behind a comma
    CONTAINER = auto()
    STRING = auto()
    SCALAR = auto()
    NEXT = auto()  # behind an element
    CLOSED = auto()


_AFTER = {
    (_At.BEGIN, b"["): _At.FIRST,
    (_At.FIRST, b"]"): _At.CLOSED,
    (_At.NEXT, b","): _At.VALUE,
    (_At.NEXT, b"]"): _At.CLOSED,
}
_FAULTS = {
    _At.BEGIN: "this is no JSON array",
    _At.NEXT: "there is neither a comma nor the end behind an element",
    _At.CLOSED: "something stands behind the array",
}


class Element(Span):
    """One element with what separates it from the one before; or the end of the array."""

    __slots__ = ()
    name = ""

    @property
    def data(self) -> bytes:
        """The JSON of the element; empty for the end of the array."""
        before = _BEFORE.match(self.raw)
        value = self.raw[before.end() :] if before else self.raw
        return b"" if value.startswith(b"]") else value


class JSONArrayReader(DelimitedReader[Element]):
    """See `Reader`. An element is given with its last octet; a number or a word with the octet behind it."""

    what = "array"

    def __init__(self, limit: int = LONGEST_ITEM) -> None:
        super().__init__(Element, limit)
        self._at = _At.BEGIN
        self._depth = 0  # within an element
        self._escaped = False  # the last octet was a backslash within a string

    def _needs_more(self, raw: bytes) -> bool:
        return self._at is not _At.CLOSED

    def _ends(self, window: bytes) -> list[int]:
        ends: list[int] = []
        at = 0
        within = {_At.CONTAINER: self._in_container, _At.STRING: self._in_string, _At.SCALAR: self._in_scalar}
        while at < len(window) and self._fault is None:
            step = within.get(self._at)
            at = step(window, at) if step else self._between(window, at)
            if step and self._at is _At.NEXT:
                ends.append(at)
                while found := _NEXT.match(window, at):
                    at = found.end()
                    ends.append(at)
        return ends

    def _between(self, window: bytes, at: int) -> int:
        """Blanks and one octet that is none."""
        at = _end(_BLANKS, window, at)
        octet = window[at : at + 1]
        after = _AFTER.get((self._at, octet))
        if after is not None or not octet:
            self._at = after or self._at
        elif self._at in _FAULTS or octet in b",:]}":
            reason = _FAULTS.get(self._at, "an element is missing")
            self._fault = Malformed(reason, self._start + len(self._held) + at)
        else:
            return self._begin(octet, at)
        return at + len(octet)

    def _begin(self, octet: bytes, at: int) -> int:
        """An element, at its first octet."""
        self._depth = 0
        self._at = _At.CONTAINER if octet in b"{[" else _At.STRING if octet == b'"' else _At.SCALAR
        return at + 1 if self._at is _At.STRING else at

    def _in_container(self, window: bytes, at: int) -> int:
        """Up to its end, or into a string that the window does not end, or to the end of the window."""
        while (at := _end(_IN_ELEMENT, window, at)) < len(window):
            if window[at] == ord('"'):
                self._at = _At.STRING
                return at + 1
            opened = _end(_OPENING, window, at)
            self._depth += opened - at
            closed = min(_end(_CLOSING, window, opened), opened + self._depth)
            self._depth -= closed - opened
            at = closed
            if not self._depth:
                self._at = _At.NEXT
                break
        return at

    def _in_string(self, window: bytes, at: int) -> int:
        """Up to its end, or to the end of the window."""
        at = _end(_IN_STRING, window, at + self._escaped)
        self._escaped = window[at:] == b"\\"
        if window[at : at + 1] == b'"':
            self._at = _At.CONTAINER if self._depth else _At.NEXT
            at += 1
        return len(window) if self._escaped else at

    def _in_scalar(self, window: bytes, at: int) -> int:
        """Up to its end, or to the end of the window."""
        at = _end(_IN_SCALAR, window, at)
        if at < len(window):
            self._at = _At.NEXT
        return at


def _end(pattern: re.Pattern[bytes], window: bytes, at: int) -> int:
    found = pattern.match(window, at)
    return found.end() if found else at


def write_element(value: object, *, first: bool = False) -> bytes:
    """An element with what separates it from the one before, or with the array's beginning. `END` ends the array.

    Octets are JSON already, any other value becomes JSON. Raises `json_text.NotJSON`.
    """
    return (BEGIN if first else BETWEEN) + (value if isinstance(value, bytes) else json_text.write(value))


def write(values: Iterable[object]) -> bytes:
    """A whole array. Raises `json_text.NotJSON`."""
    elements = [write_element(value, first=not index) for index, value in enumerate(values)]
    return (b"".join(elements) or BEGIN) + END
