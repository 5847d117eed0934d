"""Ids of exchanges: they grow with time, also those of two processes that share a store.

Made by the daemon for each request (`pipeline/admission.py`), and by `llmproxy import`.
"""

from __future__ import annotations

import itertools
import secrets

from attrs import field, frozen

from proxy_daemon.core.services import Clock

COUNTER_BITS = 22
EPOCH = 1_735_689_600  # 2025 begins: 41 bits of milliseconds last for 69 years


@frozen(slots=False)
class Ids:
    """Exchange ids: milliseconds since 2025 above 22 bits that start at random: two daemons may share a store."""

    clock: Clock
    _counter: itertools.count[int] = field(init=False, factory=lambda: itertools.count(secrets.randbits(COUNTER_BITS)))

    def next(self) -> int:
        """A new id; later ones are larger, within the clock's grain."""
        return self.least() | (next(self._counter) & ((1 << COUNTER_BITS) - 1))

    def least(self) -> int:
        """The least id that an exchange of this moment can have; what was made before has smaller ones."""
        return max(0, int((self.clock.wall() - EPOCH) * 1000)) << COUNTER_BITS
