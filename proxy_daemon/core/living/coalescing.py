"""What has changed since the last look: the newest state of each exchange, once, however often it changed.

Invariant: to note a change costs one entry in a dictionary; rows are made of it at the look. Held by `living/live.py`.
"""

from __future__ import annotations

from proxy_daemon.core.messages import Exchange

MOST_ROWS = 200  # of one look
MOST_EXPLAINED = 20  # likewise
LONGEST_EXPLANATION = 8 * 1024  # characters
STATES = {"begun": "begun", "first_byte": "streaming", "ended": "ended", "failed": "ended"}  # by the kind of event


class Changes:
    """Exchanges and explanations between two looks."""

    def __init__(self) -> None:
        self._kinds: dict[int, tuple[Exchange, str]] = {}
        self._explained: dict[int, str] = {}

    def note(self, exchange: Exchange, kind: str) -> None:
        """An event of this kind has happened to it."""
        self._kinds[exchange.id] = (exchange, kind)

    def explain(self, exchange_id: int, text: str) -> None:
        """How a miss differs from the nearest recording. Beyond the bound the page asks for it."""
        if len(self._explained) < MOST_EXPLAINED:
            self._explained[exchange_id] = text[:LONGEST_EXPLANATION]

    def taken(self, most: int = MOST_ROWS) -> tuple[list[tuple[Exchange, str]], int]:
        """(exchange, its state) of the newest that have changed, the oldest of these first, and how many more have."""
        if not self._kinds:
            return [], 0
        changed, self._kinds = list(self._kinds.values()), {}
        left_out = max(0, len(changed) - most)
        return [(exchange, STATES[kind]) for exchange, kind in changed[left_out:]], left_out

    def explanations(self) -> list[tuple[int, str]]:
        """(id, text) of each."""
        if not self._explained:
            return []
        explained, self._explained = list(self._explained.items()), {}
        return explained

    def forget(self) -> None:
        """All of it."""
        self._kinds.clear()
        self._explained.clear()
