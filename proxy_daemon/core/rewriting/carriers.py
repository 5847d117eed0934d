"""Where the JSON of an item lies in its octets, for each framing, and how the item is written with cuts made in it.

Invariant: without cuts the octets are the item's own. Called by `edits.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from attrs import frozen

from proxy_daemon.core.rewriting.channels.spot import Path
from proxy_daemon.core.rewriting.packed import payload_of, with_payload
from proxy_daemon.core.splice import find
from proxy_daemon.core.splice.container import Cut
from proxy_daemon.core.splice.events import Lines
from proxy_daemon.core.wire import Item
from proxy_daemon.core.wire.event_stream import Frame
from proxy_daemon.core.wire.sse import Event

# What nearly all events look like; see `core/wire/sse.py`.
_COMMON = re.compile(rb"(?:event: ?+[^\r\n]*+\r?\n)?data: ?+([^\r\n]*+)\r?\n\r?\n")


@frozen
class Carrier:
    """``data``: the JSON. ``write``: gives the item with cuts in their order; their offsets are those of ``data``."""

    data: bytes
    write: Callable[[Sequence[Cut]], bytes]

    def value_at(self, path: Path) -> str:
        """The JSON of the value there, as it stands."""
        found = find(self.data, path)
        return found.of(self.data).decode() if found else ""


def carrier_of(item: Item) -> Carrier:
    """Of an event, a line, an element or a frame."""
    if isinstance(item, Event):
        if common := _COMMON.fullmatch(item.raw):
            return _shifted(item.raw, common[1], common.start(1))
        lines = Lines(item.raw)
        return Carrier(lines.data, lambda cuts: with_cuts(item.raw, [lines.placed(cut) for cut in cuts]))
    if isinstance(item, Frame):
        inner = payload_of(item)
        return Carrier(inner, lambda cuts: with_payload(item, with_cuts(inner, cuts)))
    return _shifted(item.raw, item.data, item.raw.rfind(item.data))


def _shifted(raw: bytes, data: bytes, by: int) -> Carrier:
    """Of an item whose JSON stands in it as it is."""

    def write(cuts: Sequence[Cut]) -> bytes:
        return with_cuts(raw, [Cut(cut.start + by, cut.end + by, cut.text, cut.edit) for cut in cuts])

    return Carrier(data, write)


def document(octets: bytes) -> Carrier:
    """Of a whole body."""
    return Carrier(octets, lambda cuts: with_cuts(octets, cuts))


def with_cuts(octets: bytes, cuts: Sequence[Cut]) -> bytes:
    """The octets with what comes in the place of each cut."""
    parts, at = [], 0
    for cut in cuts:
        parts += [octets[at : cut.start], cut.text]
        at = cut.end
    return b"".join([*parts, octets[at:]])
