"""Which proxy stands between us and an upstream: by option, else by the environment as curl reads it, less NO_PROXY.

A proxy's password stays out of every text: reprs, errors and names. Read by `settings` and `tap.py`.
"""

from __future__ import annotations

import ipaddress
import re
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from attrs import field, frozen

from proxy_daemon.core.access import is_loopback
from proxy_daemon.core.upstreams import Upstream

DEFAULT_PORT = 80
EXAMPLE = "for example http://proxy.example:3128"
# What a program may name its proxy by. `HTTP_PROXY` is not read: a CGI's client could set it by a field `Proxy`.
VARIABLES: dict[str, tuple[str, ...]] = {
    "http": ("http_proxy", "all_proxy", "ALL_PROXY"),
    "https": ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"),
}


@frozen(slots=False)
class Proxy:
    """An HTTP proxy. ``authorization``: the value of Proxy-Authorization, empty for none."""

    host: str
    port: int
    authorization: bytes = field(default=b"", repr=False)

    def __str__(self) -> str:
        """As it may be shown to anybody: without credentials."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


OFF = Proxy("", 0)  # `--upstream-proxy off`


@frozen(slots=False)
class Proxies:
    """The proxies of a daemon, by the scheme of the upstream, and the hosts that are reached without."""

    by_scheme: Mapping[str, Proxy] = field(factory=dict)
    exempt: tuple[Exemption, ...] = ()

    def of(self, upstream: Upstream) -> Proxy | None:
        """The proxy for an upstream; None: straight. This machine's own are always reached straight."""
        proxy = self.by_scheme.get(upstream.scheme)
        host = upstream.host.lower().removesuffix(".")
        if proxy is None or host == "localhost" or host.endswith(".localhost") or is_loopback(host):
            return None
        return None if any(each.covers(host, upstream.port) for each in self.exempt) else proxy


@frozen
class Exemption:
    """One entry of NO_PROXY: every host, a host with all below it, or a network; ``port`` 0 is any."""

    host: str
    port: int = 0

    def covers(self, host: str, port: int) -> bool:
        """Whether a host (lower case, without brackets and last dot) is reached without a proxy."""
        if self.port not in (0, port):
            return False
        if self.host == "*":
            return True
        network = _network(self.host)
        if network is not None:
            address = _address(host)
            return address is not None and address in network
        return host == self.host or (host.endswith("." + self.host) and _address(host) is None)


def parse_proxy(text: str) -> Proxy:
    """Read `http://user:password@host:port`, `host:port` or `off`. Raises ValueError, without the password."""
    if text == "off":
        return OFF
    url = text if "://" in text else f"http://{text}"
    shown = re.sub(r"//.*@", "//...@", url)
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise ValueError(f"proxy {shown!r} is not a URL; {EXAMPLE}") from error
    if parts.scheme != "http":
        raise ValueError(f"proxy {shown!r} must be reached by http:// (TLS to the upstream goes through it); {EXAMPLE}")
    if not host or port == 0 or parts.path not in ("", "/") or parts.query or parts.fragment or not _is_plain(url):
        raise ValueError(f"proxy {shown!r} must be a host and a port; {EXAMPLE}")
    return Proxy(host, port or DEFAULT_PORT, _authorization(parts.username, parts.password))


def proxies(option: Proxy | None, environ: Mapping[str, str]) -> Proxies:
    """The proxies of a daemon. ``option``: of `--upstream-proxy`. Raises ValueError that names the variable."""
    if option == OFF:
        return Proxies()
    exempt = parse_exempt(environ.get("no_proxy") or environ.get("NO_PROXY") or "")
    if option is not None:
        return Proxies({"http": option, "https": option}, exempt)
    found = {scheme: _from_environment(names, environ) for scheme, names in VARIABLES.items()}
    return Proxies({scheme: proxy for scheme, proxy in found.items() if proxy is not None}, exempt)


def parse_exempt(text: str) -> tuple[Exemption, ...]:
    """Read NO_PROXY: `*`, hosts (with all hosts below them), addresses, networks, each with a port or none."""
    return tuple(_exemption(entry) for entry in re.split(r"[,\s]+", text) if entry.strip("."))


def _exemption(entry: str) -> Exemption:
    found = re.fullmatch(r"(\[[^\]]*\]|[^:]*):(\d{1,5})", entry)
    host, port = (found[1], int(found[2])) if found else (entry, 0)
    host = host.strip("[]").lower().removeprefix("*.") if host != "*" else host
    return Exemption(host.strip(".") if _network(host) is None else host, port)


def _from_environment(names: tuple[str, ...], environ: Mapping[str, str]) -> Proxy | None:
    for name in names:
        if environ.get(name):
            try:
                proxy = parse_proxy(environ[name])
            except ValueError as error:
                raise ValueError(f"${name}: {error}; --upstream-proxy off does without") from error
            return None if proxy == OFF else proxy
    return None


def _authorization(user: str | None, password: str | None) -> bytes:
    """RFC 7617: user and password as they are meant, not as a URL writes them."""
    if user is None:
        return b""
    return b"Basic " + b64encode(unquote_to_bytes(user) + b":" + unquote_to_bytes(password or ""))


def _is_plain(url: str) -> bool:
    return re.fullmatch(r"[\x21-\x7e]+", url) is not None


@lru_cache(maxsize=256)
def _network(text: str) -> Any:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _address(host: str) -> Any:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
