"""All that the daemon itself answers below `/_llmproxy/`: the page for browsers, `health`, and the API.

A plugin like any other (`llmproxy_resources`). It is for this machine or the admin only, and what changes something
needs a token: `net/request.py` sees to both. `ui/openapi.py` describes each page of the API.
"""

from __future__ import annotations

from typing import Any

from proxy_daemon.core.services import Services
from proxy_daemon.hookspecs import JsonPage, hookimpl
from proxy_daemon.settings import Settings
from proxy_daemon.ui.acting import Acting
from proxy_daemon.ui.downloads import SIDES, RawBody
from proxy_daemon.ui.events import Events, LiveAnswers
from proxy_daemon.ui.exchanges import Exchanges
from proxy_daemon.ui.files import Files
from proxy_daemon.ui.health import Standing
from proxy_daemon.ui.openapi import description
from proxy_daemon.ui.parameters import answering
from proxy_daemon.ui.views import Views


class Pages:
    """The built-in resources."""

    @hookimpl
    def llmproxy_resources(self, settings: Settings, services: Services) -> dict[str, Any]:
        """By path."""
        exchanges, acting = Exchanges(services), Acting(services)
        one = JsonPage({"GET": answering(exchanges.one), "DELETE": answering(acting.delete)})
        bodies = {f"api/exchanges/{{id}}/{side}/body": RawBody(services.store, side) for side in SIDES}
        return {
            **Files().pages(),
            **Standing(settings, services).pages(),
            **exchanges.pages(),
            "api/exchanges/{id}": one,
            **Views(services).pages(),
            **bodies,
            **acting.pages(),
            "api/events": Events(services),
            "api/live/{id}": LiveAnswers(services),
            "api/openapi.json": JsonPage({"GET": lambda parameters: (200, description())}),
        }
