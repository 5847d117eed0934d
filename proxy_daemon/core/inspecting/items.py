"""The items of an answer's stream one by one, each with where it ends: events, lines, elements or frames.

Invariant: nothing raises, and nothing is held but what the caller keeps. Called by `stream.py` and `inline.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson

from proxy_daemon.core.dialects.framing import Framing, framing_of
from proxy_daemon.core.inspecting.opened import Opened
from proxy_daemon.core.inspecting.unpacked import Unpacked
from proxy_daemon.core.messages import Response
from proxy_daemon.core.rewriting.packed import payload_of
from proxy_daemon.core.wire import Item, Malformed, Reader, json_text
from proxy_daemon.core.wire.event_stream import EventStreamReader, Frame
from proxy_daemon.core.wire.json_array import JSONArrayReader
from proxy_daemon.core.wire.ndjson import LineReader
from proxy_daemon.core.wire.sse import Event, SSEReader

LOOKED_AT = 4096  # octets that tell the framing
_READERS: dict[Framing, Callable[[], Reader]] = {
    Framing.EVENTS: SSEReader,
    Framing.FRAMES: EventStreamReader,
    Framing.ARRAY: JSONArrayReader,
    Framing.LINES: LineReader,
}


class Items:
    """The stream of one answer. ``framing``: of the body, a stream or not; ``problem``: what was no item."""

    def __init__(self, read: Opened, response: Response) -> None:
        self.problem = ""
        headers = response.head.headers
        first = Unpacked(headers, response.body).whole(LOOKED_AT)
        stated = headers.get(b"content-type")
        self.framing = framing_of(stated, first, status=response.head.status, streams=read.streams)
        self.is_stream = self.framing in _READERS and bool(first)

    def of(self, parts: Iterable[bytes]) -> Iterator[Item]:
        """Those of these octets, decoded."""
        if not self.is_stream:
            return
        reader = _READERS[self.framing]()
        try:
            for part in parts:
                yield from reader.feed(part)
            yield from reader.end()
        except Malformed as fault:
            if isinstance(reader, SSEReader) and reader.rest.startswith((b"data:", b"event:", b"id:")):
                yield Event(reader.rest + b"\n\n", fault.at - len(reader.rest))  # recorders strip the blank line
            else:
                self.problem = f"not as the framing wants it: {fault}"


def data_of(item: Item) -> bytes:
    """What an item says; of Bedrock's chunks what is packed in them."""
    return payload_of(item) if isinstance(item, Frame) else item.data


def value_of(item: Item) -> Any:
    """The same as parsed JSON; None where it is none."""
    data = data_of(item)
    if data[:1] not in (b"{", b"["):
        return None
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return _odd(data)


def _odd(data: bytes) -> Any:
    try:
        return json_text.parse(data)
    except json_text.NotJSON:
        return None
