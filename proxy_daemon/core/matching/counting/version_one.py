"""The fingerprints of llmproxy's first store, which did not write down what had scoped them.

Invariant: frozen, as the stores of people are. Of such a recording only this tells whether somebody's credential
scoped it: where it has another fingerprint than this one without a scope, it is not served again. Called by `anew.py`.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import orjson

from proxy_daemon.core.bodies import chunks
from proxy_daemon.core.messages import JSON_LIMIT, Request
from proxy_daemon.core.upstreams import Upstream

VERSION = b"llmproxy-fp-1"
_SPACE = b" \t\r\n"


def fingerprint(request: Request, upstream: Upstream, streams: bool) -> bytes:
    """32 octets, without a scope."""
    target, flag = upstream.target(request.target), b"s" if streams else b"-"
    parts = (VERSION, upstream.name.encode(), upstream.url.encode(), request.method, target, flag, b"")
    digest = sha256(b"".join([b"%d:%b" % (len(part), part) for part in parts]))
    data = request.body.whole()
    if data is not None and len(data) <= JSON_LIMIT and data.lstrip(_SPACE)[:1] in (b"{", b"["):
        canonical = _canonical(data)
        if canonical is not None:
            digest.update(b"json:" + canonical)
            return digest.digest()
    digest.update(b"octets:")
    for part in chunks(request.body):
        digest.update(part)
    return digest.digest()


class _NotExact(ValueError):
    """It has no canonical form."""


def _refuse(text: str) -> Any:
    raise _NotExact(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _NotExact("duplicate keys")
    return members


_DECODER = json.JSONDecoder(
    parse_float=orjson.Fragment, parse_int=orjson.Fragment, parse_constant=_refuse, object_pairs_hook=_object
)


def _canonical(data: bytes) -> bytes | None:
    try:
        return orjson.dumps(_DECODER.decode(data.decode()), option=orjson.OPT_SORT_KEYS)
    except (ValueError, TypeError, RecursionError):
        return None
