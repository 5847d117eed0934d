"""The daemon's own key in the place of the client's: which field it goes into, and what it takes the place of.

It happens on the way up only: what is recorded, logged and looked up is the client's request. Called by
`net/upstream/client.py` for upstreams with a key.
"""

from __future__ import annotations

import re
from functools import lru_cache

from attrs import evolve

from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.headers import Headers, Pair
from proxy_daemon.core.messages import Request
from proxy_daemon.core.secret_names import plain_name
from proxy_daemon.core.upstreams import Upstream, parse_upstream

REPLACED = frozenset((b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key"))
FIELDS = {"anthropic": b"x-api-key", "google": b"x-goog-api-key"}
HOMES = {parse_upstream(dialect.home).host: dialect for dialect in BUILT_IN}
AZURE = re.compile(r"\.(openai|cognitiveservices|services\.ai)\.azure\.com\Z")  # their keys are not bearer tokens


def with_key(upstream: Upstream, request: Request, key: bytes) -> Request:
    """The request as it goes up: with ``key`` in the field of the upstream's API, without the client's credentials."""
    return evolve(
        request,
        target=_without_key(request.target),
        headers=_replaced(request.headers, field_of(upstream, request), key),
    )


def field_of(upstream: Upstream, request: Request) -> bytes:
    """The field of a key: by what the request asks for, and where that is any API's, by whose host it is."""
    if AZURE.search(upstream.host):
        return b"api-key"
    dialect = recognise(request, BUILT_IN)
    home = HOMES.get(upstream.host)
    if home is not None and not dialect.generates(request):
        dialect = home  # GET /v1/models looks the same everywhere
    return FIELDS.get(dialect.upstream_name, b"authorization")


@lru_cache(maxsize=64)
def _replaced(headers: Headers, name: bytes, key: bytes) -> Headers:
    """The fields; the key stands where the first credential stood."""
    own: Pair = (b"Authorization", b"Bearer " + key) if name == b"authorization" else (name, key)
    place = next((at for at, (each, _) in enumerate(headers.pairs) if each.lower() in REPLACED), len(headers.pairs))
    rest = [pair for pair in headers.pairs[place:] if pair[0].lower() not in REPLACED]
    return Headers((*headers.pairs[:place], own, *rest))


def _without_key(target: bytes) -> bytes:
    """The target without the parameter `key`, however it is written; the others stay octet for octet."""
    path, mark, query = target.partition(b"?")
    if not mark:
        return target
    kept = [each for each in query.split(b"&") if not _is_key(each.partition(b"=")[0])]
    return target if len(kept) == query.count(b"&") + 1 else path + (b"?" + b"&".join(kept) if kept else b"")


def _is_key(name: bytes) -> bool:
    return plain_name(re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), name)) == b"key"
