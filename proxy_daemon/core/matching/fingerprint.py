"""Under which key a recording is found: equal for equal requests, different for all others.

Two requests are the same when upstream, method, path, query, streaming or not, and body are equal. JSON bodies are
compared in canonical form, all others octet for octet. Taken from a redacted request (`pipeline/keeping.py`).
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import Any

from proxy_daemon.core.bodies import chunks
from proxy_daemon.core.matching.canonical import canonical_json
from proxy_daemon.core.messages import JSON_LIMIT, Request
from proxy_daemon.core.upstreams import Upstream

VERSION = b"llmproxy-fp-1"
_SPACE = b" \t\r\n"


def fingerprint(request: Request, upstream: Upstream, streams: bool, scope: bytes) -> bytes:
    """32 octets. ``scope``: whose recordings count (a credential's hash), or empty for everybody's."""
    digest = _prefix(upstream, request.method, request.target, streams, scope).copy()
    _add_body(digest, request)
    return digest.digest()  # type: ignore[no-any-return]


@lru_cache(maxsize=256)
def _prefix(upstream: Upstream, method: bytes, target: bytes, streams: bool, scope: bytes) -> Any:
    """The hash of all but the body."""
    parts = (
        VERSION,
        upstream.name.encode(),
        upstream.url.encode(),
        method,
        upstream.target(target),
        b"s" if streams else b"-",
        scope,
    )
    return sha256(b"".join([b"%d:%b" % (len(part), part) for part in parts]))


def _add_body(digest: Any, request: Request) -> None:
    """A kind before the body: a canonical one can never equal a raw one."""
    data = request.body.whole()
    if data is not None and len(data) <= JSON_LIMIT and data.lstrip(_SPACE)[:1] in (b"{", b"["):
        canonical = canonical_json(data)
        if canonical is not None:
            digest.update(b"json:" + canonical)
            return
    digest.update(b"octets:")
    for part in chunks(request.body):
        digest.update(part)
