"""Who may ask (the design's section of that name): what `Host` may say, which pages' `Origin` may, and which tokens.

It keeps web pages out: one that a browser shows must not reach the proxy by a name that it controls (DNS rebinding)
nor by a request across origins. Asked by `net/request.py` for each head that is not known yet.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from attrs import frozen

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.tokens import NO_TOKENS, Tokens

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_ORIGIN = re.compile(r"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,255})(?::([0-9]{1,5}))?")
_ANY_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://[\[\]A-Za-z0-9._:-]{1,262}")  # of an extension, for one
ELSEWHERE = (b"cross-site", b"same-site")  # what `Sec-Fetch-Site` says of pages that are not ours
# What `Sec-Fetch-Dest` says of answers that would run, or draw, in the page that asks, or in our origin for good.
EXECUTED = frozenset(
    (
        *(b"script", b"style", b"worker", b"sharedworker", b"serviceworker", b"audioworklet", b"paintworklet"),
        *(b"json", b"manifest", b"xslt"),
    )
)
LONGEST_HOST = 262  # a name of DNS, and a port; what is longer is not remembered either

MALFORMED = "The Host of the request is malformed."


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

    def page_refusal(self, headers: Headers, own_page: bool) -> str:
        """Why a page's request that names no `Origin` is refused: an image, a script, a frame, a link.

        Browsers say where it comes from (https://www.w3.org/TR/fetch-metadata/). A link may lead to our own pages, but
        not further: an upstream is asked by nobody's page.
        """
        site = headers.get(b"sec-fetch-site")
        if site not in ELSEWHERE or b"origin" in headers or "*" in self.allow_origins:
            return ""
        if own_page and headers.get(b"sec-fetch-dest") == b"document":
            return ""
        if site == b"same-site" and _is_loopback_name(_name(headers.get(b"host").decode("latin-1"))):
            return ""
        return "Pages of other sites may not ask here; one that --allow-origin names asks with fetch(), in mode cors."

    def script_refusal(self, headers: Headers) -> str:
        """Why an upstream is not asked for a script, by our own pages either: it would run in their origin.

        As a service worker (https://www.w3.org/TR/service-workers/#service-worker-script-request) it would stay there.
        """
        if headers.get(b"sec-fetch-dest") in EXECUTED or b"service-worker" in headers:
            return "What an upstream says is run by no page as a script, a style or a worker; ask with fetch()."
        return ""

    def own_page_refusal(self, headers: Headers) -> str:
        """Why a page's request below `/_llmproxy/` is refused, whatever its `Origin`: only our own pages ask there.

        A page of another web server on this machine is one of another site too, or of another port of the same. A link
        may lead here.
        """
        if headers.get(b"sec-fetch-site") not in ELSEWHERE or headers.get(b"sec-fetch-dest") == b"document":
            return ""
        return "Below /_llmproxy/ only its own pages may ask, and programs that are no browser."

    def _origin_refusal(self, origins: list[bytes], host: str) -> str:
        origin = origins[0].decode("latin-1")
        if len(origins) == 1 and ("*" in self.allow_origins or origin.lower() in map(str.lower, self.allow_origins)):
            return ""
        found = _ORIGIN.fullmatch(origin)
        if len(origins) == 1 and found and _is_own(found, host):
            return ""
        name = origin if _ANY_ORIGIN.fullmatch(origin) else "null"
        return (
            f"Pages of the origin {name!r} may not ask here; start llmproxy with --allow-origin {name} if they should."
        )


def _is_own(origin: re.Match[str], host: str) -> bool:
    """Whether a page is ours, or of another server on this machine."""
    same = origin[0].partition("://")[2].lower() == host.lower()
    return same or _is_loopback_name(origin[2].lower().removesuffix("."))


def _host_refusal(host: str, local_host: str, allowed: tuple[str, ...]) -> str:
    return MALFORMED if len(host) > LONGEST_HOST else _known_host_refusal(host, local_host, allowed)


@lru_cache(maxsize=1024)
def _known_host_refusal(host: str, local_host: str, allowed: tuple[str, ...]) -> str:
    found = _HOST.fullmatch(host)
    if found is None:
        return MALFORMED
    name = _name(host)
    if _is_loopback_name(name) or _is_address(name, local_host) or any(_matches(name, each) for each in allowed):
        return ""
    return f"{name!r} is not a Host that llmproxy answers to; start it with --allow-host {name} if it should."


def _name(host: str) -> str:
    """Of a `Host`, without the port, in small letters."""
    found = _HOST.fullmatch(host)
    return found[1].lower().removesuffix(".") if found else ""


def is_own_address(host: str) -> bool:
    """Whether a `Host` that was let in says where the daemon listens, and no name of its own: `localhost:8910`."""
    name = _name(host)
    return _is_loopback_name(name) or _is_address(name, name.strip("[]"))


def _is_loopback_name(name: str) -> bool:
    return name == "localhost" or name.endswith(".localhost") or is_loopback(name.strip("[]"))


def _is_address(name: str, address: str) -> bool:
    """Whether the name is this very address, written as one: a rebound name never is."""
    try:
        return bool(address) and _plain(name.strip("[]")) == _plain(address)
    except ValueError:
        return False


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Without zone, and IPv4 within IPv6 as IPv4: a socket for both gives it so, and clients do not. ValueError."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _matches(name: str, allowed: str) -> bool:
    allowed = allowed.lower()
    return allowed in ("*", name, name.strip("[]")) or (allowed.startswith("*.") and name.endswith(allowed[1:]))


@lru_cache(maxsize=1024)
def is_loopback(address: str) -> bool:
    """Whether it is an address of this machine alone: 127.0.0.0/8, ::1, or the former within IPv6."""
    try:
        return _plain(address).is_loopback
    except ValueError:
        return False


# --- what people write -----------------------------------------------------------------------------------------------


def parse_allowed_host(text: str) -> str:
    """A name or an address, `*.example.com`, or `*`. Raises ValueError for what no `Host` can be equal to."""
    name = text.removeprefix("*.").removesuffix(".")
    found = _HOST.fullmatch(name) if len(name) <= LONGEST_HOST else None
    if text == "*" or _is_address(text, text) or (found and not found[2]):
        return text.removesuffix(".")
    raise ValueError(
        f"{text!r} is not a Host: a name or an address, without scheme, port and path; *.NAME for all below"
    )


def parse_allowed_origin(text: str) -> str:
    """A whole origin, or `*`. Raises ValueError for what no browser sends, as with a path or the scheme's own port."""
    found = _ORIGIN.fullmatch(text.lower())
    own_port = found is not None and (found[1], found[3]) in (("http", "80"), ("https", "443"))
    if text in ("*", "null") or (_ANY_ORIGIN.fullmatch(text) and not own_port):
        return text
    raise ValueError(f"{text!r} is not an Origin: scheme and host, a port if it is not the scheme's own, and no path")
