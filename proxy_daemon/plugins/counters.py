"""Counts exchanges by outcome and by ending, for `/_llmproxy/api/stats`."""

from __future__ import annotations

from collections import Counter
from typing import Any

from proxy_daemon.core.messages import Ending, Exchange, Outcome
from proxy_daemon.core.services import Services
from proxy_daemon.hookspecs import Event, events, hookimpl


class Counters:
    """`llmproxy_log` into numbers."""

    def __init__(self) -> None:
        self._begun = 0
        self._outcomes: Counter[Outcome] = Counter()
        self._endings: Counter[Ending] = Counter()

    @hookimpl
    def llmproxy_configure(self, services: Services) -> None:
        """Show the numbers."""
        services.facts["exchanges"] = self.numbers

    @hookimpl
    @events("begun", "ended", "failed")
    def llmproxy_log(self, exchange: Exchange, event: Event) -> None:
        """One more."""
        if event.kind == "begun":
            self._begun += 1
        elif event.kind in ("ended", "failed"):
            self._outcomes[exchange.outcome] += 1
            if exchange.ending is not None:
                self._endings[exchange.ending] += 1

    def numbers(self) -> dict[str, Any]:
        """Since the start; under way are those that have begun and not ended."""
        under_way = self._begun - sum(self._outcomes.values())
        return {"outcomes": _worded(self._outcomes), "endings": _worded(self._endings), "under_way": under_way}


def _worded(counts: Counter[Any]) -> dict[str, int]:
    return {each.value: count for each, count in counts.items()}
