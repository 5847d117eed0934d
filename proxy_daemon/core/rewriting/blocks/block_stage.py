"""A stream of blocks on its way behind the editor of its texts. A `Transform`.

Invariant: as long as nothing was moved, the octets are those that came. Once something was, each item is read, as its
number may have to change, also where the editor has stopped to edit. Called by `core/rewriting/editor.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from proxy_daemon.core.rewriting.channels.shapes import MOVED
from proxy_daemon.core.rewriting.looking import is_json, parsed
from proxy_daemon.core.wire import Item, Malformed, json_text
from proxy_daemon.core.wire.event_stream import EventStreamReader
from proxy_daemon.core.wire.sse import Event, SSEReader

LONGEST_ITEM = 64 * 1024 * 1024  # octets: what the editor makes of its longest ones
_ENDS = (b"\n\n", b"\r\n\r\n")


class Grouping(Protocol):
    """What one kind of API does. ``marks``: octets of which one stands in each item that it must see while idle."""

    @property
    def marks(self) -> tuple[bytes, ...]:
        """See above."""

    @property
    def busy(self) -> bool:
        """Whether all items must be seen."""

    def take(self, item: Item, value: Any) -> bytes:
        """What goes on in the place of an item. ``value``: its JSON."""

    def rest(self) -> bytes:
        """What is held, where nothing follows."""


class BlockStage:
    """One stream. ``frames``: it has those of AWS; else it has events. ``say``: takes a problem."""

    def __init__(self, grouping: Grouping, *, frames: bool, say: Callable[[str], None]) -> None:
        self._grouping, self._say = grouping, say
        self._marks = grouping.marks
        self._reader: SSEReader | EventStreamReader = (EventStreamReader if frames else SSEReader)(LONGEST_ITEM)
        self._passes = False

    def piece(self, data: bytes) -> bytes:
        """See `Transform`."""
        if self._passes or self._is_idle(data):
            return data
        try:
            return self._taken(self._reader.feed(data))
        except Malformed as fault:
            return self._stopped(fault)

    def end(self) -> bytes:
        """See `Transform`."""
        if self._passes:
            return b""
        try:
            self._reader.feed(b"")
            out = self._taken(self._reader.end())
        except Malformed:  # the editor has said so
            out = self._last()
        return out + self._grouping.rest()

    def _is_idle(self, data: bytes) -> bool:
        """Whether these are whole events of which none must be seen."""
        if self._grouping.busy or not data.endswith(_ENDS) or self._matters(data):
            return False
        return not self._reader.rest

    def _matters(self, octets: bytes) -> bool:
        for mark in self._marks:  # noqa: SIM110  (for each event: `any` takes twice as long)
            if mark in octets:
                return True
        return False

    def _taken(self, items: Iterable[Item]) -> bytes:
        return b"".join([self._one(item) for item in items])

    def _one(self, item: Item) -> bytes:
        grouping = self._grouping
        if not grouping.busy and not self._matters(item.raw):
            return item.raw
        try:
            return grouping.take(item, parsed(item.data) if item.data else None)
        except json_text.NotJSON:  # the editor has said so
            return grouping.take(item, None)

    def _stopped(self, fault: Malformed) -> bytes:
        self._passes = True
        self._say(f"{fault}: from there on the numbers of blocks are those that came")
        return self._grouping.rest() + self._reader.rest

    def _last(self) -> bytes:
        """What is whole but for its blank line."""
        rest = self._reader.rest
        last = Event(rest, 1)
        if isinstance(self._reader, SSEReader) and MOVED.encode() in rest and is_json(last.data):
            return self._taken([last])
        return self._grouping.rest() + rest
