"""The line of requests that wait for a connection to one upstream: first come, first served, and nobody for ever.

Used by `net/upstream/pool.py`, only where the cap is reached: a request that finds a connection never comes here.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from twisted.internet.defer import Deferred

from proxy_daemon.core.quantities import duration_text
from proxy_daemon.pipeline.faults import Busy
from proxy_daemon.pipeline.ports import Timer


class Line:
    """Those who wait. ``patience``: seconds until one is told that there is none; ``given_up``: how many were."""

    def __init__(self, timer: Timer, name: str, cap: int, patience: float) -> None:
        self.given_up = 0
        self._timer = timer
        self._patience = patience
        self._words = (
            f"upstream {name} is busy: each of its {cap} connections (--upstream-connections) was in use for "
            f"{duration_text(patience)} (--queue-timeout)"
        )
        self._waiting: deque[Deferred[None]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def turn(self) -> Deferred[None]:
        """Fires when it is one's turn; fails with `Busy`. Cancelling it gives the place up."""
        waiter: Deferred[None] = Deferred(self._waiting.remove)
        timeout = self._timer.callLater(self._patience, self._give_up, waiter)
        self._waiting.append(waiter)
        return waiter.addBoth(_stopped, timeout)

    def next(self) -> None:
        """There may be a connection for the one who has waited longest."""
        if self._waiting:
            self._waiting.popleft().callback(None)

    def _give_up(self, waiter: Deferred[None]) -> None:
        self._waiting.remove(waiter)
        self.given_up += 1
        waiter.errback(Busy(self._words))


def _stopped(result: object, timeout: Any) -> Any:
    if timeout.active():
        timeout.cancel()
    return result
