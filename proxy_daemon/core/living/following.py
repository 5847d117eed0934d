"""One who follows the events: what it gets next, at the pace at which it reads.

Invariant: nothing is held for it but its place in the ring. One that reads too slowly finds its place gone, is told to
load anew (`reset`), and goes on from the newest event. Made by `living/live.py`.
"""

from __future__ import annotations

from typing import Protocol

from proxy_daemon.core.living.ring import Ring
from proxy_daemon.core.living.sse import HEARTBEAT, event, opening

BEAT = 15.0  # seconds of silence before a heartbeat


class Listener(Protocol):
    """An open stream of events."""

    @property
    def is_full(self) -> bool:
        """Whether its reader has to read before more is written."""

    def write(self, data: bytes) -> None:
        """Octets to its reader."""

    def close(self) -> None:
        """The end of the stream."""


class Pulse:
    """A listener's silence."""

    def __init__(self, listener: Listener, now: float) -> None:
        self._listener, self._last = listener, now

    def write(self, data: bytes, now: float) -> None:
        """Something to tell."""
        self._last = now
        self._listener.write(data)

    def beat(self, now: float) -> None:
        """A sign of life, where there was none for long."""
        if now - self._last >= BEAT and not self._listener.is_full:
            self.write(HEARTBEAT, now)


class Follower:
    """``place``: of the last event that it has; empty: it begins now."""

    def __init__(self, listener: Listener, ring: Ring, place: str, now: float) -> None:
        self.listener, self._ring = listener, ring
        self._pulse = Pulse(listener, now)
        self._at = ring.number(place) if place else ring.newest  # -1: it has missed something
        self._pulse.write(opening(ring.place(ring.newest) if self._at == ring.newest else ""), now)
        self.pump(now)

    def pump(self, now: float) -> None:
        """Give it what it has not got yet, as long as it takes more."""
        ring = self._ring
        while self._at != ring.newest and not self.listener.is_full:
            if ring.reaches(self._at):
                self._at += 1
                self._pulse.write(ring.event(self._at), now)
            else:
                self._at = ring.newest
                self._pulse.write(event("reset", {}, ring.place(self._at)), now)

    def beat(self, now: float) -> None:
        """See `Pulse`."""
        self._pulse.beat(now)
