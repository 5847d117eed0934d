"""Writes server-sent events (WHATWG HTML, section 9.2 "Server-sent events").

Invariant: an event is read as one whatever its data holds, for JSON has no line break of its own. Called by the other
files here.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

HEARTBEAT = b":\n\n"  # a comment: it keeps those between from closing what is silent
RETRY = 1000  # milliseconds until a page that has lost its stream asks again


def event(kind: str, value: Any, place: str = "") -> bytes:
    """One event, its data as JSON. ``place``: its id; empty: it has none, and the last one stands."""
    head = f"id: {place}\nevent: {kind}\n" if place else f"event: {kind}\n"
    return b"%bdata: %b\n\n" % (head.encode(), _written(value))


def _written(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # numbers of more than 64 bits, or lone surrogates, as an API may send them
        return json.dumps(value, default=str).encode()


def opening(place: str = "") -> bytes:
    """The first octets of a stream: how soon to ask again, and from where. An event without data is not given out."""
    return b"retry: %d\n%b\n" % (RETRY, f"id: {place}\n".encode() if place else b"")
