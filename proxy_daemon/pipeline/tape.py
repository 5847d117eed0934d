"""Keeps what upstream sent while it is relayed: the octets, the pieces and their times, up to the limits.

Beyond a limit, or on a full disk, the record is cut, marked, and never replayed; the relay goes on. The relay also
reads it back, for clients that join late or read slowly.
"""

from __future__ import annotations

from array import array

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.messages import Pieces
from proxy_daemon.pipeline.ports import Spool

NO_PIECES = Pieces()
# Sixteen octets each: what the boundaries of one answer may take in memory is bounded too.
MAX_PIECES = 500_000


class Tape:
    """One answer's record. ``limit``: octets kept; ``cut``: whether the answer was more than could be kept."""

    def __init__(self, spool: Spool, limit: int) -> None:
        self.body = spool
        self.cut = False
        self._limit = limit
        self._sizes = array("Q")
        self._times = array("Q")

    def add(self, data: bytes, micros: int) -> None:
        """Append a piece that came ``micros`` microseconds after the exchange began."""
        if self.cut:
            return
        if self.body.size + len(data) > self._limit or len(self._sizes) >= MAX_PIECES:
            self.cut = True
            return
        try:
            self.body.write(data)
        except OSError:  # the disk is full
            self.cut = True
            return
        self._sizes.append(len(data))
        self._times.append(micros)

    @property
    def room(self) -> int:
        """Octets that it may still take."""
        return 0 if self.cut else self._limit - self.body.size

    def tail(self, size: int) -> bytes:
        """The last octets so far."""
        return self.body.read(max(0, self.body.size - size), size)

    @property
    def pieces(self) -> Pieces:
        """Sizes and times so far."""
        return Pieces(self._sizes, self._times)


class OnePiece:
    """The tape of an answer that came in one read ``micros`` microseconds after the exchange began, and fits."""

    cut = False

    def __init__(self, data: bytes, micros: int) -> None:
        self.body = Bytes(data)
        self.pieces = Pieces(array("Q", (len(data),)), array("Q", (micros,))) if data else NO_PIECES

    def tail(self, size: int) -> bytes:
        """The last octets."""
        return self.body.data[-size:]


Taped = Tape | OnePiece
