"""Says what a refused request differs in from the nearest recording: by path and model, then the first JSON paths."""

from __future__ import annotations

from proxy_daemon.core.matching.difference import likeness, request_differences
from proxy_daemon.core.messages import Exchange
from proxy_daemon.core.services import Services
from proxy_daemon.hookspecs import NearMiss, hookimpl

# Recordings of one path and model that are compared; each costs a parse of its body.
COMPARED = 20
SHOWN = 5


class Nearest:
    """`llmproxy_fuzzy_match` over the store."""

    @hookimpl
    def llmproxy_configure(self, services: Services) -> None:
        """Keep the store."""
        self._store = services.store
        self._redactor = services.redactor

    @hookimpl
    def llmproxy_fuzzy_match(self, exchange: Exchange) -> NearMiss | None:
        """The most alike of the newest recordings of this path, with the first fields that differ."""
        request = self._redactor.request(exchange.request)
        candidates = self._store.similar(request.path, exchange.model, COMPARED)
        if not candidates:
            return None
        scored = [(likeness(candidate.request, request), candidate) for candidate in candidates]
        score, nearest = max(scored, key=lambda pair: pair[0])
        differences = request_differences(nearest.request, request, SHOWN)
        if nearest.upstream.url != exchange.upstream.url:
            differences.insert(0, f"upstream: recorded {nearest.upstream.url} / incoming {exchange.upstream.url}")
        return NearMiss(nearest, score, tuple(differences))
