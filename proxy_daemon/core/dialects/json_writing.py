"""Writing answers: a JSON document, a server-sent event, a line of JSON, and what streams are made of.

Called by the `render` of the dialects beside it. Lone surrogates become question marks, as UTF-8 cannot say them; what
is nested too deep to be written, and what is no number, raises `CannotRender`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from proxy_daemon.core.dialects.dialect import CannotRender, Piece, Rendered

JSON = b"application/json"
EVENTS = b"text/event-stream"
LINES = b"application/x-ndjson"


def octets(value: object) -> bytes:
    """JSON in UTF-8, which has no NaN and no infinity (RFC 8259, section 6). Raises `CannotRender`."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    except (RecursionError, ValueError) as error:
        raise CannotRender(f"no JSON says this: {error}") from error


def document(value: object, kind: bytes = JSON) -> Rendered:
    """A whole answer."""
    return Rendered(kind, (Piece(octets(value)),))


def event(value: object, name: str = "", *, spoken: bool = False) -> Piece:
    """One server-sent event with JSON data (WHATWG HTML, section 9.2). ``name``: without line breaks."""
    head = b"event: " + name.encode("utf-8", "replace") + b"\n" if name else b""
    return Piece(head + b"data: " + octets(value) + b"\n\n", spoken)


def line(value: object, *, spoken: bool = False) -> Piece:
    """One line of JSON."""
    return Piece(octets(value) + b"\n", spoken)


def events(pieces: Iterable[Piece]) -> Rendered:
    """A stream of server-sent events."""
    return Rendered(EVENTS, tuple(pieces))


def lines(pieces: Iterable[Piece], kind: bytes = LINES) -> Rendered:
    """A stream of lines."""
    return Rendered(kind, tuple(pieces))
