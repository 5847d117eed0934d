"""How the daemon is: `health` for balancers and people, `api/stats` in numbers. And the token of our own pages.

Called by `ui/pages.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from attrs import frozen

from proxy_daemon.core.services import Life, Services
from proxy_daemon.hookspecs import JsonPage
from proxy_daemon.settings import Settings
from proxy_daemon.ui.parameters import Answer, answering, known


def health(settings: Settings, trouble: str, life: Life) -> dict[str, Any]:
    """Whether the daemon does all that it should: ready, degraded (and in what), or draining before its stop.

    ``trouble``: why something is not recorded.
    """
    status = "draining" if life.draining else "degraded" if trouble or life.unread else "ready"
    said = {"status": status, "recording": trouble or ("on" if _records(settings) else "off")}
    if settings.insecure_upstream:
        said["insecure"] = f"certificates not checked: {', '.join(settings.insecure_upstream)} (--insecure-upstream)"
    return said | ({"settings": f"not read again: {life.unread}"} if life.unread else {})


def _records(settings: Settings) -> bool:
    return settings.store != "off" or bool(settings.cassette or settings.cassette_dir)


@frozen
class Standing:
    """The pages that tell of the daemon as a whole."""

    settings: Settings
    services: Services

    def pages(self) -> dict[str, JsonPage]:
        """By path."""
        return {
            "health": JsonPage({"GET": answering(self.health)}),
            "api/stats": JsonPage({"GET": answering(self.stats)}),
            "api/token": JsonPage({"GET": answering(self.token)}),
        }

    async def health(self, parameters: Mapping[str, str]) -> Answer:
        """As it is now. Code 503 while the daemon drains: a balancer sends nothing more here."""
        shelves, life = self.services.shelves, self.services.life
        said = health(self.settings, shelves.trouble(), life) | {"mode": shelves.default.mode.name}
        return 503 if life.draining else 200, said

    async def stats(self, parameters: Mapping[str, str]) -> Answer:
        """All facts."""
        known(parameters, ())
        return 200, {name: _said(fact) for name, fact in self.services.facts.items()}

    async def token(self, parameters: Mapping[str, str]) -> Answer:
        """Pages of ours read it; those of other origins cannot read what any of our pages says."""
        known(parameters, ())
        return 200, {"token": self.services.page_token}


def _said(fact: Callable[[], Any]) -> Any:
    """What a fact says. Plugins add theirs: one that is broken must not hide the others."""
    try:
        return orjson.Fragment(orjson.dumps(fact()))
    except Exception as error:  # noqa: BLE001  (whatever a plugin raises is the plugin's fault)
        return {"fault": ascii(error)}
