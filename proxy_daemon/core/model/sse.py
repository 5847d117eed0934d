"""Writing one server-sent event (WHATWG HTML, section 9.2), as each API writes its own."""

from __future__ import annotations

from typing import Any

import orjson
from attrs import frozen


@frozen
class Event:
    """One event as octets. ``spoken``: the model takes its time for it, as for each word."""

    octets: bytes
    spoken: bool = False


def event(data: dict[str, Any], name: str = "", *, spoken: bool = False) -> Event:
    """An event with JSON data; ``name`` stands in its ``event`` field. JSON has no raw line ends, so one line does."""
    head = b"event: %s\n" % name.encode() if name else b""
    return Event(head + b"data: " + orjson.dumps(data) + b"\n\n", spoken)


DONE = Event(b"data: [DONE]\n\n")  # how OpenAI's chat completions end
