r"""Example plugin: models whose name begins with "local-" go to a server on this machine, never to the cloud.

    llmproxy serve --upstream https://api.openai.com/v1 --upstream local=http://127.0.0.1:11434/v1 \
        --plugin examples/stay_local.py

One idea: `llmproxy_route` chooses the upstream. The hook fails closed: if this plugin breaks, nothing leaves.
"""

from __future__ import annotations

from proxy_daemon.core.messages import Exchange
from proxy_daemon.core.upstreams import Upstream
from proxy_daemon.hookspecs import hookimpl
from proxy_daemon.settings import Settings, SettingsError

LOCAL: dict[str, Upstream] = {}


@hookimpl
def llmproxy_configure(settings: Settings) -> None:
    """Remember the upstream called "local"; without one the daemon does not start."""
    named = {upstream.name: upstream for upstream in settings.upstream}
    if "local" not in named:
        raise SettingsError("no upstream is called local; add --upstream local=URL")
    LOCAL["upstream"] = named["local"]


@hookimpl
def llmproxy_route(exchange: Exchange) -> Upstream | None:
    """The local server for local models."""
    return LOCAL["upstream"] if exchange.model.startswith("local-") else None
