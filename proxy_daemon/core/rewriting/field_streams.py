"""Edits fields of an answer's JSON as it passes: of a document at its end, of a stream item by item.

Invariant: items leave in their order, each in the piece that makes it whole; what no rule changes stays.
Called by `responses.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from attrs import frozen

from proxy_daemon.core.dialects.framing import Framing, framing_of, is_media, media_type, tells
from proxy_daemon.core.rewriting.field_edits import FieldEdits, TooMany
from proxy_daemon.core.wire import Item, Malformed, Reader
from proxy_daemon.core.wire.event_stream import EventStreamReader, Frame, write_frame
from proxy_daemon.core.wire.json_array import JSONArrayReader
from proxy_daemon.core.wire.json_text import BOM, NotJSON
from proxy_daemon.core.wire.ndjson import LineReader
from proxy_daemon.core.wire.sse import SSEReader

LONGEST_DOCUMENT = 16 * 1024 * 1024  # octets of one that is edited
LONGEST_ITEM = 8 * 1024 * 1024
_READERS: dict[Framing, Callable[[int], Reader]] = {
    Framing.EVENTS: SSEReader,
    Framing.LINES: LineReader,
    Framing.ARRAY: JSONArrayReader,
    Framing.FRAMES: EventStreamReader,
}
_NO_JSON = (b"text/html", b"text/css", b"text/csv", b"text/javascript", b"application/javascript")


@frozen
class Stated:
    """What a head and its request say of a body."""

    content_type: bytes
    status: int
    streams: bool

    @property
    def may_be_json(self) -> bool:
        """Whether its type leaves that open."""
        return not is_media(self.content_type) and media_type(self.content_type) not in _NO_JSON

    def framing(self, first: bytes) -> Framing:
        """By the first octets too."""
        return framing_of(self.content_type, first, status=self.status, streams=self.streams)


class FieldEditor:
    """One answer, decoded. A `Transform`. ``edits``: with the names of their rules; ``say``: takes a problem."""

    def __init__(self, edits: Sequence[tuple[str, FieldEdits]], stated: Stated, say: Callable[[str], None]) -> None:
        self._edits, self._stated, self._say = edits, stated, say
        self._held = bytearray()  # what has come of a document, or of a body whose framing is not known
        self._framing: Framing | None = None
        self._reader: Reader | None = None
        self._passes = False
        self._items_told = False
        self.fired: Counter[str] = Counter()

    def piece(self, data: bytes) -> bytes:
        """See `Transform`."""
        if self._passes:
            return data
        if self._reader is not None:
            return self._read(data)
        self._held += data
        if self._framing is None and tells(bytes(self._held[:8192])):
            return self._begun()
        return self._given_up("the document is too long to be edited") if len(self._held) > LONGEST_DOCUMENT else b""

    def end(self) -> bytes:
        """See `Transform`."""
        out = self._begun() if self._framing is None and self._held else b""
        if self._reader is not None and not self._passes:
            return out + self._ended(self._reader)
        if self._framing is not Framing.DOCUMENT or self._passes:
            return out
        octets, self._held = bytes(self._held), bytearray()
        return out + (self._edited(octets, FieldEdits.edited) if octets.strip() else octets)

    def _begun(self) -> bytes:
        first = bytes(self._held)
        self._framing = self._stated.framing(first)
        if self._framing is Framing.DOCUMENT:
            return b""
        self._held.clear()
        if self._framing is Framing.OPAQUE or not any(edits.touches_items for _, edits in self._edits):
            self._passes = True
            return first
        self._reader = _READERS[self._framing](LONGEST_ITEM)
        mark = BOM if self._framing is not Framing.EVENTS and first.startswith(BOM) else b""
        return mark + self._read(first[len(mark) :])

    def _read(self, data: bytes) -> bytes:
        assert self._reader is not None
        out: list[bytes] = []
        try:
            out += self._items(self._reader.feed(data))
            self._reader.feed(b"")
        except Malformed as fault:
            out.append(self._given_up(str(fault)) + self._reader.rest)
        return b"".join(out)

    def _ended(self, reader: Reader) -> bytes:
        try:
            return b"".join(self._items(reader.end()))
        except Malformed as fault:
            self._say(f"{fault}: the last octets pass as they came")
            return reader.rest

    def _items(self, items: Iterable[Item]) -> list[bytes]:
        return [self._item(item) if item.data[:1] == b"{" else item.raw for item in items]

    def _item(self, item: Item) -> bytes:
        edited = self._edited(item.data, FieldEdits.edited_item)
        if edited == item.data:
            return item.raw
        if isinstance(item, Frame):
            return write_frame(item.headers, edited)
        before, found, behind = item.raw.partition(item.data)
        if not found:
            self._tell_item("an event of several data lines passes as it came")
            return item.raw
        return before + edited + behind

    def _edited(self, octets: bytes, edit: Callable[[FieldEdits, bytes], bytes]) -> bytes:
        for name, edits in self._edits:
            try:
                edited = edit(edits, octets)
            except (NotJSON, TooMany) as error:
                self._tell_item(f"rule {name!r}: {error}")
                continue
            if edited != octets:
                self.fired[name] += 1
            octets = edited
        return octets

    def _tell_item(self, problem: str) -> None:
        """Once an answer: a stream has thousands of items."""
        if not self._items_told:
            self._say(problem)
        self._items_told = True

    def _given_up(self, reason: str) -> bytes:
        self._passes = True
        self._say(f"{reason}: from there on the answer passes as it came")
        held = bytes(self._held)
        self._held.clear()
        return held
