"""What other machines can reach, by the endpoints that the daemon listens on, and what follows from that.

Called by `tap.py` and nobody else.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from proxy_daemon.core.access import is_loopback
from proxy_daemon.net import handed_over
from proxy_daemon.settings import Settings, SettingsError


def interface(description: str) -> str:
    """The interface that an endpoint description names; empty where it names none (which means all)."""
    if description.startswith("systemd:"):
        return handed_over.host(description)
    found = re.search(r"(?:^|(?<!\\):)interface=((?:[^:\\]|\\.)*)", description)
    return found[1].replace("\\", "") if found else ""


def scopes_by_key(settings: Settings) -> bool:
    """`--replay-scope`; unless given, `key` where somebody else may connect, if only through a reverse proxy."""
    if settings.replay_scope:
        return settings.replay_scope == "key"
    return settings.client_tokens is not None or bool(_open_places(settings))


def guard_keys(settings: Settings, has_keys: bool) -> None:
    """A key of ours, or that of a client certificate, is not for whoever can connect. Raises `SettingsError`."""
    used = "--upstream-key" if has_keys else "--upstream-cert" if settings.upstream_cert else ""
    places = _open_places(settings)
    if used and places and settings.client_tokens is None:
        raise SettingsError(
            f"{used}: with --listen {places[0]} everybody who can connect would use the key; "
            "give clients tokens ([client-tokens] in the --config file), or listen on loopback only"
        )


def opened(settings: Settings) -> list[str]:
    """What to tell where a reload has taken `[client-tokens]` away, and with it the need for a token."""
    places = _open_places(settings)
    if not places:
        return []
    return [
        f"warning: [client-tokens] is gone: whoever can connect to {', '.join(places)} can use the upstreams",
        "to close that: put it back; an empty table lets nobody in",
    ]


def exposed(addresses: list[str]) -> list[str]:
    """What to tell who starts a daemon that asks for no token. ``addresses``: URLs, or paths of sockets."""
    named = [(address, urlsplit(address).hostname) for address in addresses]
    reached = [address for address, host in named if host and not is_loopback(host)]
    if not reached:
        return []
    return [
        f"warning: whoever can connect to {', '.join(reached)} can use the upstreams and gets recorded answers",
        "to close that: give a token to each client (llmproxy token NAME), or listen on 127.0.0.1",
    ]


def _open_places(settings: Settings) -> list[str]:
    return [description for description in settings.listen if not _is_private(description)]


def _is_private(description: str) -> bool:
    if description.startswith("unix:") or (description.startswith("systemd:") and handed_over.is_unix(description)):
        return True
    name = interface(description)
    return name == "localhost" or is_loopback(name)
