"""Answers that pages of other origins may read: CORS (https://fetch.spec.whatwg.org/#http-cors-protocol).

Which origins may ask is said by `core/access.py`; here is what an allowed one is told. Called by `net/request.py` for
preflights and by `net/client.py` for every other answer to a page.
"""

from __future__ import annotations

import re

from attrs import evolve

from proxy_daemon.core.headers import Headers, Pair
from proxy_daemon.core.messages import ResponseHead

EXPOSED = b"X-LLMProxy-Exchange, Cache-Status, X-LLMProxy-Body, Age"
MAX_AGE = b"600"  # seconds for which a browser need not ask again
# What an upstream says of its own origins is not true of ours.
REPLACED = frozenset(
    (b"access-control-allow-origin", b"access-control-allow-credentials", b"access-control-expose-headers")
)
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_ASKED_METHOD, _ASKED_FIELDS = b"access-control-request-method", b"access-control-request-headers"
_ASKED_NETWORK = b"access-control-request-private-network"


def is_preflight(method: bytes, headers: Headers) -> bool:
    """Whether a browser asks on behalf of a page, before the page's own request. There is no body to it."""
    if method != b"OPTIONS" or _TOKEN.fullmatch(headers.get(_ASKED_METHOD)) is None:
        return False
    return headers.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in headers


def preflight_answer(headers: Headers) -> ResponseHead:
    """Yes to what it asks for. The origin is added by `wire`, as to every answer."""
    fields: list[Pair] = [(b"Access-Control-Allow-Methods", headers.get(_ASKED_METHOD))]
    if asked := b", ".join(headers.all(_ASKED_FIELDS)):
        fields.append((b"Access-Control-Allow-Headers", asked))
    if headers.get(_ASKED_NETWORK).lower() == b"true":  # a page of the internet asks a machine of the local network
        fields.append((b"Access-Control-Allow-Private-Network", b"true"))
    vary = b"Access-Control-Request-Method, Access-Control-Request-Headers"
    return ResponseHead(204, b"No Content", Headers((*fields, (b"Access-Control-Max-Age", MAX_AGE), (b"Vary", vary))))


def wire(head: ResponseHead, origin: bytes) -> bytes:
    """`head.wire` for a page of this origin. It is named, never `*`; cookies are not asked for."""
    exposed = b", ".join([EXPOSED, *head.headers.all(b"access-control-expose-headers")])
    ours = (
        (b"Access-Control-Allow-Origin", origin),
        (b"Access-Control-Expose-Headers", exposed),
        (b"Vary", b"Origin"),
    )
    return evolve(head, headers=head.headers.without(REPLACED).plus(*ours)).wire
