"""What the client of one exchange gets, beside what upstream sent: kept only where transforms or heads changed it.

As long as each piece goes on as it came, nothing is compared twice. From the first one that does not, both bodies are
hashed to their ends: a transform may hold octets back and give the same ones later. Fed by `pipeline/outlet.py`, read
by `pipeline/keeping.py`.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from proxy_daemon.core.messages import Delivered, Exchange, ResponseHead
from proxy_daemon.pipeline.tape import Tape

_NOTE = "llmproxy.delivery"  # an exchange's, where somebody may change its answer


class Delivery:
    """``tape``: takes what goes to the client; ``head``: as it goes there, set when the answer begins."""

    def __init__(self, tape: Tape, *, head_differs: bool) -> None:
        self.head = ResponseHead(0)
        self._tape = tape
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
            self._tape.add(went, 0)
        if self._came is None:
            if came == went:
                return
            self._came, self._went = blake2b(), blake2b()
        self._came.update(came)
        self._went.update(went)

    def told(self) -> Delivered | None:
        """So far; None where it is what upstream sent."""
        if self._came is not None and self._came.digest() != self._went.digest():
            return Delivered(self.head, self._tape.body, self._tape.cut)
        return Delivered(self.head) if self._head_differs else None
