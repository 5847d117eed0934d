"""Numbers in the events of Responses: of items, and of the events themselves. Called by `items.py`."""

from __future__ import annotations

from typing import Any

from attrs import define

from proxy_daemon.core.dialects.json_shapes import object_at, objects_at
from proxy_daemon.core.rewriting.carriers import carrier_of
from proxy_daemon.core.rewriting.channels.shapes import MOVED
from proxy_daemon.core.splice.edits import Edit, Path, Remove, Replace, tree
from proxy_daemon.core.splice.walk import hits
from proxy_daemon.core.wire import Item


@define
class Sequence:
    """Numbers of events: those that they came with, until the first event of our own; from it on one by one."""

    _last: int | None = None

    def own_at(self, value: dict[str, Any]) -> int | None:
        """For an event of our own that comes before ``value``; None where the stream has no numbers."""
        came = value.get("sequence_number")
        if self._last is None and isinstance(came, int):
            self._last = came - 1
        return self.next_at(value)

    def next_at(self, value: dict[str, Any]) -> int | None:
        """For that event itself."""
        came = value.get("sequence_number")
        if not isinstance(came, int) or self._last is None:
            return came if isinstance(came, int) else None
        self._last += 1
        return self._last


def written(item: Item, value: dict[str, Any], place: Any, number: int | None) -> bytes:
    """The item with these numbers, where it has any, and without moved text; else its own octets."""
    edits: list[Edit] = []
    if isinstance(value.get("output_index"), int) and value["output_index"] != place:
        edits.append(Replace(("output_index",), place))
    if number is not None and value["sequence_number"] != number:
        edits.append(Replace(("sequence_number",), number))
    edits += [Remove(path) for path in _moved(value)]
    if not edits:
        return item.raw
    carrier = carrier_of(item)
    cuts = hits(carrier.data, tree(edits))
    return carrier.write(
        [cut for cut in cuts if cut.text or cut.end > cut.start]
    )  # an empty one is a note on a removal


def _moved(value: dict[str, Any]) -> list[Path]:
    """Where moved text stands."""
    found: list[Path] = [(MOVED,)] if MOVED in value else []
    found += [("part", MOVED)] if MOVED in object_at(value, "part") else []
    blocks = objects_at(object_at(value, "item"), "content")
    return found + [("item", "content", at, MOVED) for at, block in enumerate(blocks) if MOVED in block]
