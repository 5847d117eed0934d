"""Which proxy stands between us and an upstream: by option, else by the environment as curl reads it, less NO_PROXY.

A proxy's password stays out of every text: reprs, errors and names. Read by `settings` and `tap.py`.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes, urlsplit

from attrs import field, frozen

from proxy_daemon.core.no_proxy import Exemption, parse_exempt
from proxy_daemon.core.upstreams import Upstream, without_password

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
    """The proxies of a daemon, by the scheme of the upstream, and the hosts that are reached without.

    In the place of a proxy may stand what is wrong with it: a fault only for whoever would need it.
    """

    by_scheme: Mapping[str, Proxy | str] = field(factory=dict)
    exempt: tuple[Exemption, ...] = ()

    def of(self, upstream: Upstream) -> Proxy | None:
        """The proxy for an upstream; None: straight. This machine's own are always reached straight. ValueError."""
        proxy = self.by_scheme.get(upstream.scheme)
        if proxy is None or upstream.is_here:
            return None
        host = upstream.host.lower().removesuffix(".")
        if any(each.covers(host, upstream.port) for each in self.exempt):
            return None
        if isinstance(proxy, str):
            raise ValueError(proxy)  # noqa: TRY004  (a fault of the environment, not of the caller's)
        return proxy


def parse_proxy(text: str) -> Proxy:
    """Read `http://user:password@host:port`, `host:port` or `off`. Raises ValueError, without the password."""
    if text == "off":
        return OFF
    url = text if "://" in text else f"http://{text}"
    shown = without_password(url)
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
        (host or "").encode("idna")
    except ValueError as error:
        raise ValueError(f"proxy {shown!r} is not a URL; {EXAMPLE}") from error
    if parts.scheme != "http":
        raise ValueError(f"proxy {shown!r} must be reached by http:// (TLS to the upstream goes through it); {EXAMPLE}")
    if not host or port == 0 or parts.path not in ("", "/") or parts.query or parts.fragment or not _is_plain(url):
        raise ValueError(f"proxy {shown!r} must be a host and a port; {EXAMPLE}")
    return Proxy(host, port or DEFAULT_PORT, _authorization(parts.username, parts.password))


def proxies(option: Proxy | None, environ: Mapping[str, str]) -> Proxies:
    """The proxies of a daemon. ``option``: of `--upstream-proxy`. A fault of the environment names the variable."""
    if option == OFF:
        return Proxies()
    exempt = parse_exempt(environ.get("no_proxy") or environ.get("NO_PROXY") or "")
    if option is not None:
        return Proxies({"http": option, "https": option}, exempt)
    found = {scheme: _from_environment(names, environ) for scheme, names in VARIABLES.items()}
    return Proxies({scheme: proxy for scheme, proxy in found.items() if proxy is not None}, exempt)


def _from_environment(names: tuple[str, ...], environ: Mapping[str, str]) -> Proxy | str | None:
    for name in names:
        if environ.get(name):
            try:
                proxy = parse_proxy(environ[name])
            except ValueError as error:
                return f"${name}: {error}; --upstream-proxy off does without"
            return None if proxy == OFF else proxy
    return None


def _authorization(user: str | None, password: str | None) -> bytes:
    """RFC 7617: user and password as they are meant, not as a URL writes them."""
    if user is None:
        return b""
    return b"Basic " + b64encode(unquote_to_bytes(user) + b":" + unquote_to_bytes(password or ""))


def _is_plain(url: str) -> bool:
    return re.fullmatch(r"[\x21-\x7e]+", url) is not None
