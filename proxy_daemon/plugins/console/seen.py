"""What the console has seen of its traffic as a whole: how much of it there is, and whose. Called by `Console`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from attrs import define, field

from proxy_daemon.core.messages import Exchange


@define(eq=False)
class Rush:
    """Whether more exchanges end in a second than one can read.

    ``most``: exchanges a second; ``calm_seconds``: after so long with fewer it is over.
    """

    most: int
    calm_seconds: float
    is_on: bool = False
    _ends: deque[float] = field(factory=deque)
    _busy: float = 0.0  # when there were too many last

    def ended(self, now: float) -> bool:
        """One more has ended. Whether the rush begins with it."""
        self._ends.append(now)
        if len(self._ends) <= self.most:
            return False
        if now - self._ends.popleft() >= 1:
            return False
        self._busy, began = now, not self.is_on
        self.is_on = True
        return began

    def calm(self, now: float) -> None:
        """Time passes."""
        self.is_on = self.is_on and now - self._busy < self.calm_seconds


@define(eq=False)
class Room:
    """For octets that wait, of all conversations together."""

    most: int
    size: int = 0

    def take(self, size: int) -> bool:
        """Whether there was room for these."""
        if self.size + size > self.most:
            return False
        self.size += size
        return True


@define(eq=False)
class Notes:
    """Lines of the daemon's own, which are no part of its traffic, until they are drawn."""

    most: int
    _lines: deque[str] = field(factory=deque)
    _left_out: int = 0

    def add(self, text: str) -> None:
        """Called from any thread."""
        lines = text.rstrip("\n").split("\n")
        room = max(0, self.most - len(self._lines))
        self._lines.extend(lines[:room])
        self._left_out += len(lines[room:])

    def take(self) -> Iterator[str]:
        """All that came since."""
        while self._lines:
            yield self._lines.popleft()
        if self._left_out:
            left_out, self._left_out = self._left_out, 0
            yield f"… {left_out:,} more lines of the log left out"


@define(eq=False)
class Whose:
    """Names a client and its session, once there is more than one of them."""

    _first: tuple[str, str] | None = None
    _are_several: bool = False

    def name(self, exchange: Exchange) -> str:
        """Empty while all come from the first one."""
        who = (exchange.client_name or exchange.client, exchange.session)
        self._first = self._first or who
        self._are_several = self._are_several or who != self._first
        if not self._are_several:
            return ""
        return " ".join(part for part in (who[0], f"session {who[1]}" if who[1] else "") if part)
