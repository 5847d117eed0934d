"""What the readers of text framings share: items that follow each other, each up to and including an end.

Each octet is searched once and copied a fixed number of times, however the stream is cut: what belongs to no item yet
is kept aside, and only its last octets, which an end may begin with, are searched again. Subclassed by `SSEReader`,
`LineReader` and `JSONArrayReader`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from proxy_daemon.core.wire import LONGEST_ITEM, Malformed


class Span:
    """Octets of a stream and where they stand. No attrs class: millions are made, and its frozen ones cost thrice."""

    __slots__ = ("raw", "start")

    def __init__(self, raw: bytes, start: int) -> None:
        self.raw = raw
        self.start = start

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, Span) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self.start}, {len(self.raw)} octets>"

    def _key(self) -> tuple[bytes, int]:
        return self.raw, self.start


Item = TypeVar("Item", bound=Span)


class DelimitedReader(Generic[Item]):
    """See `Reader`. Items that stand before a fault are given first; the next call raises."""

    what = "item"  # for messages
    overlap = 0  # octets which an end may begin with that is not whole yet

    def __init__(self, make: Callable[[bytes, int], Item], limit: int = LONGEST_ITEM) -> None:
        self._make = make
        self._limit = limit
        self._held = bytearray()  # of the item that is not whole: searched
        self._tail = b""  # behind it: to be searched again
        self._start = 0  # of that item, in the stream
        self._fault: Malformed | None = None

    @property
    def rest(self) -> bytes:
        """See `Reader`."""
        return bytes(self._held) + self._tail

    def feed(self, data: bytes) -> Sequence[Item]:
        """The items that are whole with ``data``. Raises `Malformed`."""
        if self._fault is not None:
            self._held += self._tail + data
            self._tail = b""
            raise self._fault
        window = self._tail + data if self._tail else data
        ends = self._ends(window)
        if len(self._held) + len(window) > self._limit:
            self._check_sizes(ends, len(window))
        items = self._cut(window, ends) if ends else ()
        self._hold(window[ends[-1] :] if ends else window)
        if self._fault is not None and not items:
            raise self._fault
        return items

    def end(self) -> Sequence[Item]:
        """The item that the end of the stream makes whole. Raises `Malformed`."""
        if self._fault is not None:
            raise self._fault
        raw = self.rest
        if self._needs_more(raw):
            raise Malformed(f"the stream ends within an {self.what}", self._start + len(raw))
        if not raw:
            return ()
        item = self._make(raw, self._start)
        self._start += len(raw)
        self._held, self._tail = bytearray(), b""
        return [item]

    def _ends(self, window: bytes) -> list[int]:
        """Where in ``window`` items end. It may set `_fault`; then only the ends before that."""
        raise NotImplementedError

    def _needs_more(self, raw: bytes) -> bool:
        """Whether ``raw``, the last octets of the stream, are less than an item."""
        raise NotImplementedError

    def _cut(self, window: bytes, ends: list[int]) -> list[Item]:
        make, items = self._make, []
        at = self._start + len(self._held)  # of the window, in the stream
        begin = 0
        for end in ends:
            items.append(make(window[begin:end], at + begin))
            begin = end
        if self._held:
            items[0] = make(b"".join((self._held, window[: ends[0]])), self._start)
            self._held = bytearray()
        self._start = at + begin
        return items

    def _hold(self, window: bytes) -> None:
        settled = max(0, len(window) - self.overlap)
        self._held += window[:settled]
        self._tail = window[settled:]

    def _check_sizes(self, ends: list[int], size: int) -> None:
        """Drop the ends from the first item on that is too long; of two faults the one that comes first counts."""
        begin = -len(self._held)
        for index, end in enumerate([*ends, size]):
            if end - begin > self._limit:
                at = self._start + len(self._held) + begin + self._limit
                if self._fault is None or at < self._fault.at:
                    self._fault = Malformed(f"the {self.what} is over the limit of {self._limit} octets", at)
                del ends[index:]
                return
            begin = end


def ends_of(mark: bytes, window: bytes) -> list[int]:
    """Where in ``window`` each ``mark`` ends."""
    find, size, ends = window.find, len(mark), []
    at = find(mark)
    while at >= 0:
        at += size
        ends.append(at)
        at = find(mark, at)
    return ends
