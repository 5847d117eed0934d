"""The canonical form of forms: what their fields say, in their order, whatever boundary or escapes wrote them.

Invariant: two bodies with one form have the same fields with the same names, file names, types and octets. What is no
whole form has no canonical one: its octets count. Called by `fingerprint.py`.

Sources: RFC 7578 (multipart/form-data), WHATWG URL section 5 (application/x-www-form-urlencoded).
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import orjson

from proxy_daemon.core.bodies import Body, chunks
from proxy_daemon.core.matching.counting.addresses import pairs_of
from proxy_daemon.core.wire import Malformed
from proxy_daemon.core.wire.multipart import boundary_of, normalised

URLENCODED = b"application/x-www-form-urlencoded"
_MOST_FIELDS = 10_000


def form_of(data: bytes, content_type: bytes) -> bytes | None:
    """The canonical form of a body that is a form; None where it is none."""
    kind = content_type.partition(b";")[0].strip().lower()
    if kind == URLENCODED:
        if data.count(b"&") > _MOST_FIELDS:
            return None
        return _written("pairs", [[name.hex(), value.hex()] for name, value in pairs_of(data)])
    boundary = boundary_of(content_type)
    if not boundary or data.count(boundary) > _MOST_FIELDS:
        return None
    try:
        return _written("parts", normalised(data, boundary))
    except (Malformed, ValueError):
        return None


def _written(kind: str, fields: object) -> bytes:
    return orjson.dumps([kind, fields])


def without_boundary(body: Body, content_type: bytes) -> Iterator[bytes]:
    """The octets of a body too large to be looked at as a form, less its boundary; then a hash of where that stood."""
    boundary = boundary_of(content_type)
    if len(boundary) < _SHORTEST:
        yield from chunks(body)
        return
    held, at, places = b"", 0, sha256()
    for chunk in chunks(body):
        *before, held = (held + chunk).split(boundary)
        for each in before:
            at += len(each)
            places.update(b"%d," % at)
        yield b"".join(before)
        keep = len(boundary) - 1
        sure = max(0, len(held) - keep)
        yield held[:sure]
        at, held = at + sure, held[sure:]
    yield held
    yield places.digest()


_SHORTEST = 8  # octets: a shorter one may stand in a content by chance
