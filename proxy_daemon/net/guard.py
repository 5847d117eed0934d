"""Who stands at the door: the name of a client's token, the origin of a page, and whether a token is missing.

Called by `net/request.py` once the head of a request is there, after the rules on `Host` and `Origin`
(`core/access.py`). What comes of a head is remembered with it (`net/channel.py`): it follows from the
head and from where it came.
"""

from __future__ import annotations

from attrs import frozen

from proxy_daemon.core.cors import is_preflight
from proxy_daemon.core.headers import Headers, Pair
from proxy_daemon.core.tokens import Tokens
from proxy_daemon.pipeline.faults import Refusal

SAFE_METHODS = frozenset((b"GET", b"HEAD", b"OPTIONS"))  # they change nothing (RFC 9110 section 9.2.1)
# Set by reverse proxies: whoever sends through one on this machine is not on this machine.
FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-real-ip")


@frozen(slots=False)
class Caller:
    """Who asks. ``name``: of the client's token; ``origin``: of the page. Empty where there is none.

    ``shows``: it is a browser, which could show the answer as a page of ours, now or later from its cache.
    """

    name: str = ""
    origin: bytes = b""
    shows: bool = False


NOBODY = Caller()


class Unauthorized(Refusal):
    """No token, or none that is known. A 401 names the scheme (RFC 9110 section 15.5.2, RFC 6750 section 3)."""

    headers: tuple[Pair, ...] = ((b"WWW-Authenticate", b'Bearer realm="llmproxy"'),)

    def __init__(self, message: str) -> None:
        super().__init__(401, message)


class UnknownVisitor(Unauthorized):
    """The same for our own pages: a browser asks its user for the token, and no script can read it (RFC 7617)."""

    headers = (*Unauthorized.headers, (b"WWW-Authenticate", b'Basic realm="llmproxy", charset="UTF-8"'))


def caller(headers: Headers, target: bytes, tokens: Tokens) -> Caller:
    """Who asks; the rules on `Origin` have passed the request."""
    name = tokens.client(headers, target) if tokens.clients else ""
    origin = headers.get(b"origin")
    shows = is_browser(headers)
    return Caller(name, origin, shows) if name or origin or shows else NOBODY


def is_browser(headers: Headers) -> bool:
    """Whether a browser asks, for a page or for anything on one: what it fetched before, it may show from its cache.

    Those of today say so in `Sec-Fetch-Site`, to addresses of this machine and with TLS (Node's fetch never); else
    their name begins as those of all browsers do.
    """
    if b"sec-fetch-site" in headers or headers.get(b"sec-fetch-mode") == b"navigate":
        return True
    return b"text/html" in headers.get(b"accept") or headers.get(b"user-agent").startswith(b"Mozilla/")


def is_local(headers: Headers, peer_is_local: bool) -> bool:
    """Whether the request comes from this machine, and not through a reverse proxy on it."""
    return peer_is_local and not any(name in headers for name in FORWARDED)


def refusal(method: bytes, own_page: bool, headers: Headers, who: Caller, tokens: Tokens) -> Refusal | None:
    """Why a request of another machine is turned away; None where it may go on."""
    return _refuse_visitor(headers, tokens) if own_page else _refuse_client(method, headers, who, tokens)


def refuse_change(method: bytes, headers: Headers, tokens: Tokens) -> Refusal | None:
    """Why a request to one of our own pages may not change anything; None where it may, or does not want to.

    A page of another origin can send such a request, but cannot read the token (OWASP, Cross-Site Request Forgery
    Prevention: a custom header).
    """
    if method in SAFE_METHODS or tokens.may_change(headers):
        return None
    return Refusal(
        403,
        "What changes something below /_llmproxy/ needs the field X-LLMProxy-Token: TOKEN,"
        " with the token that GET /_llmproxy/api/token tells (another one after each start), or the admin token.",
    )


def _refuse_client(method: bytes, headers: Headers, who: Caller, tokens: Tokens) -> Refusal | None:
    """Why a request of another machine may not be forwarded. A preflight never carries a token, and asks nobody."""
    if not tokens.needed or who.name or (who.origin and is_preflight(method, headers)):
        return None
    return Unauthorized(
        "llmproxy does not know this client: send the token that you were given in the field X-LLMProxy-Token,"
        " or as the API key. A token is made with: llmproxy token NAME"
    )


def _refuse_visitor(headers: Headers, tokens: Tokens) -> Refusal | None:
    """Why a request of another machine may not see the pages below `/_llmproxy/`."""
    if not tokens.admin:
        return Refusal(403, "/_llmproxy/ answers only clients on this machine, or with a token (--admin-token-file).")
    if tokens.is_admin(headers):
        return None
    return UnknownVisitor(
        "/_llmproxy/ answers clients of other machines only with the admin token: in the field X-LLMProxy-Token,"
        " as Authorization: Bearer TOKEN, or as the password (with any name) that a browser asks for"
    )
