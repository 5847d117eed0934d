"""What the client of one exchange gets, beside what upstream sent: kept only where transforms or heads changed it.

As long as each piece goes on as it came, nothing is compared twice, and many pieces are taped at a time. From the first
one that does not, both bodies are hashed to their ends: a transform may hold octets back and give the same ones later.
Fed by `pipeline/outlet.py`, read by `pipeline/keeping.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from proxy_daemon.core.messages import Delivered, Exchange, ResponseHead
from proxy_daemon.pipeline.tape import Tape

_AT_A_TIME = 64 * 1024  # octets that are taped at once
_NOTE = "llmproxy.delivery"  # an exchange's, where somebody may change its answer


class Delivery:
    """``tape``: makes what takes what goes to the client; ``head``: as it goes there, set when the answer begins."""

    def __init__(self, tape: Callable[[], Tape], *, head_differs: bool) -> None:
        self.head = ResponseHead(0)
        self._make_tape = tape
        self._tape: Tape | None = None
        self._waiting: list[bytes] = []  # for the tape
        self._size = 0  # of these
        self._head_differs = head_differs
        self._came: Any = None  # hashes, from the first piece on that went on as another
        self._went: Any = None

    @classmethod
    def of(cls, exchange: Exchange) -> Delivery | None:
        """The one that was noted."""
        found: Delivery | None = exchange.notes.get(_NOTE)
        return found

    def note(self, exchange: Exchange) -> Delivery:
        """For whoever writes the exchange."""
        exchange.notes[_NOTE] = self
        return self

    def piece(self, came: bytes, went: bytes) -> None:
        """``went`` goes to the client in the place of ``came``."""
        if went:
            self._waiting.append(went)
            self._size += len(went)
            if self._size >= _AT_A_TIME:
                self._taped()
        if self._came is None:
            if came == went:
                return
            self._came, self._went = blake2b(), blake2b()
        self._came.update(came)
        self._went.update(went)

    def told(self) -> Delivered | None:
        """So far; None where it is what upstream sent."""
        if self._came is not None and self._came.digest() != self._went.digest():
            tape = self._taped()
            return Delivered(self.head, tape.body, tape.cut)
        return Delivered(self.head) if self._head_differs else None

    def _taped(self) -> Tape:
        """All that has gone, as far as it may be kept."""
        tape = self._tape = self._tape or self._make_tape()
        for piece in self._waiting if tape.room < self._size else [b"".join(self._waiting)]:
            if piece:
                tape.add(piece, 0)
        self._waiting, self._size = [], 0
        return tape
