"""Changes the texts of a stream as it passes: events, lines, frames, or elements of an array.

Invariant: all items leave in their order, each as soon as none of its text may be part of a match; where no rule
changes anything, the octets are those that came. What cannot be edited passes as it came, and `problems` says why.
Called by `editor.py`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from proxy_daemon.core.dialects.framing import Framing
from proxy_daemon.core.rewriting.beginning import Beginning
from proxy_daemon.core.rewriting.carriers import carrier_of
from proxy_daemon.core.rewriting.looking import is_json, parsed
from proxy_daemon.core.rewriting.machine import Entry, Machine, TooMany
from proxy_daemon.core.rewriting.mould import Mould
from proxy_daemon.core.rewriting.packed import MARK, payload_of
from proxy_daemon.core.wire import Item, Malformed, Reader, json_text
from proxy_daemon.core.wire.event_stream import EventStreamReader, Frame
from proxy_daemon.core.wire.json_array import JSONArrayReader
from proxy_daemon.core.wire.ndjson import LineReader
from proxy_daemon.core.wire.sse import Event, SSEReader

LONGEST_ITEM = 8 * 1024 * 1024  # octets of an item that is edited
MOST_WAITING = 8 * 1024 * 1024  # octets of items that wait for text to come
_READERS: dict[Framing, Callable[[int], Reader]] = {
    Framing.EVENTS: SSEReader,
    Framing.LINES: LineReader,
    Framing.ARRAY: JSONArrayReader,
    Framing.FRAMES: EventStreamReader,
}
_ENDS = {Framing.EVENTS: (b"\n\n", b"\r\n\r\n"), Framing.LINES: (b"\n",)}
_TWICE = {Framing.EVENTS: (b"\n\n", b"\r\n\r\n", b"\r\r"), Framing.LINES: (b"\n",), Framing.FRAMES: (b"",)}


class StreamEditor:
    """One stream. A `Transform`."""

    def __init__(self, machine: Machine, framing: Framing) -> None:
        self._machine = machine
        self._reader = _READERS[framing](LONGEST_ITEM)
        self._ends = _ENDS.get(framing, ())  # what a piece ends in that leaves nothing of an item behind
        self._twice = _TWICE.get(framing, ())  # what an item ends in that may become two
        self._begins = framing in (Framing.LINES, Framing.ARRAY)  # a byte order mark is not for the reader
        self._mould = Mould()
        self._queue: deque[Entry] = deque()
        self._waiting = 0  # octets in it
        self._passes = False  # nothing is edited any more
        self._beginning = Beginning(machine.looks) if machine.looks and self._ends else None
        self._skips = False  # between two items; whole ones that begin as others are looked at behind that alone
        self._like, self._after = b"", 0  # how these begin, and how many octets that are
        self._next = b""  # the end of one and the beginning of the next
        self._search = machine.looks.pattern.search if machine.looks else None

    def piece(self, data: bytes) -> bytes:
        """See `Transform`."""
        if self._skips and data.startswith(self._like) and data.endswith(self._ends):
            assert self._search is not None
            # Of several items each begins so. The octet in the place of that keeps what stands around it apart.
            rest = data[self._after :]
            if self._search(rest.replace(self._next, b"\n\n\0") if len(rest) > self._after else rest) is None:
                return data
            self._skips = False
            return self._fed(data)
        return self._looked_at(data)

    def _looked_at(self, data: bytes) -> bytes:
        self._skips = False
        if self._passes:
            return data
        if self._is_idle(data):
            self._learn(data)
            return data
        mark = b""
        if self._begins:
            mark, data = _without_mark(data)
            self._begins = False
        return mark + self._fed(data)

    def _is_idle(self, data: bytes) -> bool:
        """Whether these are whole items that no rule can touch."""
        if self._queue or self._machine.matters(data) or self._begins:
            return False
        return data.endswith(self._ends) if self._ends and not self._reader.rest else False

    def _learn(self, data: bytes) -> None:
        """Whole items that no rule can touch have passed."""
        if self._beginning is not None and self._machine.looks is not None:
            self._beginning.learn(data)
            self._like = self._beginning.octets
            self._next = b"\n\n" + self._like
            self._after, self._skips = len(self._like), bool(self._like)

    def _fed(self, data: bytes) -> bytes:
        out = b""
        try:
            out = self._taken(self._reader.feed(data), data)
            if isinstance(self._reader, EventStreamReader):
                self._reader.feed(b"")  # says what is wrong with what it holds, if anything is
        except Malformed as fault:
            self._stop(str(fault))
            out += self._drained()
        return out + self._reader.rest if self._passes else out

    def end(self) -> bytes:
        """See `Transform`."""
        if self._passes:
            return b""
        out = b""
        try:
            self._reader.feed(b"")
            out = self._taken(self._reader.end())
        except Malformed as fault:
            out = self._last(fault)
        self._machine.end()
        return out + self._drained()

    def _last(self, fault: Malformed) -> bytes:
        """What is whole but for its blank line was an event; other octets pass as they came."""
        rest = self._reader.rest
        last = Event(rest, max(1, fault.at - len(rest)))
        if isinstance(self._reader, SSEReader) and len(rest) <= LONGEST_ITEM and is_json(last.data):
            return self._taken([last])
        self._machine.end()
        self._machine.say(f"{fault}: the last octets pass as they came")
        return self._drained() + rest

    def _taken(self, items: Iterable[Item], seen: bytes = b"") -> bytes:
        """What may leave. ``seen``: octets that were looked at, and matter; most pieces are an item."""
        machine = self._machine
        out: list[bytes] = []
        for item in items:
            raw = item.raw
            if self._passes or not (self._queue or raw is seen or machine.matters(raw) or self._is_packed(raw)):
                out.append(raw)
                continue
            self._add(item, raw)
            if not self._queue[0].waits or self._waiting > MOST_WAITING:
                out.append(self._forwarded())
        return b"".join(out)

    def _is_packed(self, raw: bytes) -> bool:
        """Whether what a rule finds would not be seen in the octets."""
        return isinstance(self._reader, EventStreamReader) and MARK in raw

    def _add(self, item: Item, raw: bytes) -> None:
        entry = Entry(raw, None, lambda: carrier_of(item), cuts_in_two=bool(self._twice) and raw.endswith(self._twice))
        self._queue.append(entry)
        self._waiting += len(raw)
        try:
            self._read(item, entry)
        except json_text.NotJSON as error:
            self._machine.say(f"the item at octet {item.start} is no JSON, and passes as it came: {error}")
        except TooMany as error:
            self._stop(str(error))

    def _read(self, item: Item, entry: Entry) -> None:
        if known := self._mould.fits(entry.raw):
            spot, entry.place = known
            self._machine.take(entry, [spot])
            return
        data = payload_of(item) if isinstance(item, Frame) else item.data
        if not data:
            return
        entry.item = parsed(data)
        only = self._machine.add(item.name, entry)
        if only is not None and not isinstance(item, Frame):  # a frame has its length and a checksum in it
            self._mould.learn(entry.raw, data, only)

    def _forwarded(self) -> bytes:
        if self._queue[0].waits:
            self._stop(f"more than {MOST_WAITING} octets wait for the rest of a match")
        return self._drained()

    def _drained(self) -> bytes:
        """The items that are settled, up to one that is not."""
        out: list[bytes] = []
        while self._queue and not self._queue[0].waits:
            entry = self._queue.popleft()
            self._waiting -= len(entry.raw)
            out.append(self._machine.write(entry))
        return b"".join(out)

    def _stop(self, reason: str) -> None:
        """What has come is settled, what follows passes."""
        self._passes = True
        self._machine.say(f"{reason}: from there on the answer passes as it came")
        self._machine.end()
        for entry in self._queue:  # of an item that could not be taken all, nothing comes any more
            entry.waits = 0


def _without_mark(data: bytes) -> tuple[bytes, bytes]:
    return (json_text.BOM, data[len(json_text.BOM) :]) if data.startswith(json_text.BOM) else (b"", data)
