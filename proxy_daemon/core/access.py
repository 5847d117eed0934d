"""Who may ask (the design's section of that name): what `Host` may say, which pages' `Origin` may, and which tokens.

It keeps web pages out: one that a browser shows must not reach the proxy by a name that it controls (DNS rebinding)
nor by a request across origins.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from attrs import frozen

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.tokens import NO_TOKENS, Tokens

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_ORIGIN = re.compile(r"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")


@frozen
class Access:
    """``allow_hosts``: names without port, `*.example.com`, or `*`; ``allow_origins``: whole origins, or `*`.

    All the rules, in one value: a reload puts another one in its place (`FrontSite.access`).

    Loopback names may always ask, and so may pages of theirs: they come from a web server on the same machine.
    """

    allow_hosts: tuple[str, ...] = ()
    allow_origins: tuple[str, ...] = ()
    tokens: Tokens = NO_TOKENS

    def refusal(self, headers: Headers, local_host: str, version_1_1: bool) -> str:
        """Why the request is refused, in a sentence that says what to do; empty where it may go on.

        ``local_host``: our own address on this connection.
        """
        hosts = headers.all(b"host")
        if len(hosts) > 1:
            return "The request names more than one Host."
        if not hosts and version_1_1:
            return "The request names no Host, which HTTP/1.1 demands."
        host = hosts[0].decode("latin-1") if hosts else ""
        refused = _host_refusal(host, local_host, self.allow_hosts) if hosts else ""
        if refused or b"origin" not in headers:
            return refused
        return self._origin_refusal(headers.all(b"origin"), host)

    def _origin_refusal(self, origins: list[bytes], host: str) -> str:
        origin = origins[0].decode("latin-1")
        if len(origins) == 1 and ("*" in self.allow_origins or origin.lower() in map(str.lower, self.allow_origins)):
            return ""
        found = _ORIGIN.fullmatch(origin)
        if len(origins) == 1 and found and _is_own(found, host):
            return ""
        name = origin if found else "null"
        return (
            f"Pages of the origin {name!r} may not ask here; start llmproxy with --allow-origin {name} if they should."
        )


def _is_own(origin: re.Match[str], host: str) -> bool:
    """Whether a page is ours, or of another server on this machine."""
    same = origin[0].partition("://")[2].lower() == host.lower()
    return same or _is_loopback_name(origin[2].lower().removesuffix("."))


@lru_cache(maxsize=1024)
def _host_refusal(host: str, local_host: str, allowed: tuple[str, ...]) -> str:
    found = _HOST.fullmatch(host)
    if found is None:
        return "The Host of the request is malformed."
    name = found[1].lower().removesuffix(".")
    if _is_loopback_name(name) or _is_address(name, local_host) or any(_matches(name, each) for each in allowed):
        return ""
    return f"{name!r} is not a Host that llmproxy answers to; start it with --allow-host {name} if it should."


def _is_loopback_name(name: str) -> bool:
    return name == "localhost" or name.endswith(".localhost") or is_loopback(name.strip("[]"))


def _is_address(name: str, address: str) -> bool:
    """Whether the name is this very address, written as one: a rebound name never is."""
    try:
        return bool(address) and ipaddress.ip_address(name.strip("[]")) == ipaddress.ip_address(address)
    except ValueError:
        return False


def _matches(name: str, allowed: str) -> bool:
    allowed = allowed.lower()
    return allowed in ("*", name, name.strip("[]")) or (allowed.startswith("*.") and name.endswith(allowed[1:]))


@lru_cache(maxsize=1024)
def is_loopback(address: str) -> bool:
    """Whether it is an address of this machine alone: 127.0.0.0/8, ::1, or the former within IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return parsed.is_loopback or (mapped is not None and mapped.is_loopback)
