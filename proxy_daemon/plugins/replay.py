"""Answers requests from the store: the newest good recording with the request's fingerprint, if young enough."""

from __future__ import annotations

from proxy_daemon.core.messages import Exchange, Recording
from proxy_daemon.core.modes import MODES
from proxy_daemon.core.services import Services
from proxy_daemon.hookspecs import hookimpl
from proxy_daemon.settings import Settings


class Replay:
    """`llmproxy_lookup` over the store."""

    @hookimpl
    def llmproxy_configure(self, settings: Settings, services: Services) -> None:
        """Keep the store, and the age limit: it holds in recording modes only."""
        self._store = services.store
        self._clock = services.clock
        self._limit_age(settings)

    @hookimpl
    def llmproxy_reload(self, settings: Settings) -> None:
        """The age limit may be another one."""
        self._limit_age(settings)

    def _limit_age(self, settings: Settings) -> None:
        self._max_age = settings.replay_max_age if MODES[settings.mode].forwards else None

    @hookimpl
    def llmproxy_lookup(self, exchange: Exchange) -> Recording | None:
        """The recording that answers, or None."""
        recording = self._store.find(exchange.fingerprint)
        if recording is None or recording.response is None:
            return None
        if self._max_age is not None and self._clock.wall() - recording.started > self._max_age:
            return None
        return recording
