"""Tells the pages of the daemon what happens now: feeds and ticks `Services.live` (`core/living/live.py`).

While nobody follows, each event of an exchange costs a look at a flag, and no answer is observed. Of answers that are
at hand as a whole nothing is kept: they have ended when a page could ask.
"""

from __future__ import annotations

from proxy_daemon.core.living.kept import Kept
from proxy_daemon.core.living.live import Live as Living
from proxy_daemon.core.messages import Exchange, ResponseHead
from proxy_daemon.core.services import Life, Services
from proxy_daemon.hookspecs import Event, events, hookimpl, only_where

TICK_SECONDS = 0.1


class Live:
    """``_live``: None until the start."""

    _live: Living
    _life: Life

    def __init__(self) -> None:
        self._live = Living()

    @hookimpl
    def llmproxy_configure(self, services: Services) -> None:
        """From now on it is ticked."""
        self._live, self._life = services.live, services.life
        self._live.begin(f"{int(services.clock.wall() * 1000):x}", services.redactor, services.clock.seconds)
        services.scheduler.every(TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        if self._life.draining:
            self._live.close()
        else:
            self._live.tick()

    @hookimpl
    @events("begun", "first_byte", "explained", "ended", "failed")
    def llmproxy_log(self, exchange: Exchange, event: Event) -> None:
        """Remember which exchange it was."""
        if not self._live.active:
            return
        if event.kind == "explained":
            self._live.explain(exchange, event.text)
        else:
            self._live.note(exchange, event.kind)

    def _shows(self, exchange: Exchange) -> bool:
        """Whether its answer is kept for a page that may want to see it grow."""
        return self._live.active and exchange.at_hand is None and not exchange.directives.no_store

    @hookimpl
    @only_where(_shows)
    def llmproxy_response_head(self, exchange: Exchange, head: ResponseHead) -> None:
        """The head that the client gets: this plugin is the last one that is asked."""
        self._live.keep(exchange, head)

    @hookimpl
    @only_where(_shows)
    def llmproxy_observe(self, exchange: Exchange) -> Kept | None:
        """What takes the octets."""
        return self._live.kept(exchange)
