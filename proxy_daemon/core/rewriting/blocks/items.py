"""Items of OpenAI's Responses: moved text becomes an item of reasoning, before its message or behind what has begun.

A message stays one item, whatever was moved out of it: its beginning is held until its first text shows whether an item
of reasoning comes before it. Events that follow get other numbers, of items and of themselves. Made by
`core/rewriting/blocks/__init__.py` for `block_stage.py`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import define, field

from proxy_daemon.core.dialects.json_shapes import object_at, objects_at, text_at
from proxy_daemon.core.rewriting.blocks.renumbering import Sequence, written
from proxy_daemon.core.rewriting.blocks.speech import event_like
from proxy_daemon.core.rewriting.blocks.thought import Thought
from proxy_daemon.core.rewriting.channels.shapes import MOVED
from proxy_daemon.core.wire import Item

MOST_HELD = 64  # items
MOST_MESSAGES = 1000  # that are under way
_LAST = ("response.completed", "response.incomplete", "response.failed", "error")
Held = list[tuple[Item, dict[str, Any]]]


@define
class _Message:
    """``place``: its number now. ``thoughts``: how many it has had; ``thought``: the one that is open."""

    place: int
    id: str
    thoughts: int = 0
    thought: Thought | None = None


@define
class Items:
    """See `Grouping`. ``_more``: items that were added; ``_top``: the highest number that was given."""

    marks: ClassVar[tuple[bytes, ...]] = (MOVED.encode(), b"output_item.")
    _messages: dict[Any, _Message] = field(factory=dict)  # by the number that they came with
    _places: dict[Any, int] = field(factory=dict)  # of other items
    _held: Held = field(factory=list)
    _holding: _Message | None = None
    _sequence: Sequence = field(factory=Sequence)
    _more: int = 0
    _top: int = -1

    @property
    def busy(self) -> bool:
        """See `Grouping`."""
        return bool(self._more or self._holding)

    def take(self, item: Item, value: Any) -> bytes:
        """See `Grouping`."""
        if not isinstance(value, dict):
            return self.rest() + item.raw if self._holding else item.raw
        kind = text_at(value, "type") or item.name
        if kind in _LAST:
            return self._all_closed(item, value) + self.rest() + self._write(item, value)
        key = _key(value)
        if kind == "response.output_item.added" and key not in self._messages:
            return self._added(key, item, value)
        message = self._messages.get(key)
        if message is None and not _moved_in(value):
            return self._held_or(item, value)
        if message is None:  # its item has no beginning
            message = self._new(
                key, self._shifted(key) if isinstance(key, int) else self._top + 1, text_at(value, "item_id")
            )
        out = self._of_message(message, kind, item, value)
        if kind == "response.output_item.done":
            del self._messages[key]
        return out

    def rest(self) -> bytes:
        """See `Grouping`."""
        held, self._held, self._holding = self._held, [], None
        return b"".join([self._write(item, value) for item, value in held])

    # --- items --------------------------------------------------------------------------------------------------------

    def _added(self, key: Any, item: Item, value: dict[str, Any]) -> bytes:
        place = key + self._more if isinstance(key, int) else self._top + 1
        self._top = max(self._top, place)
        told = object_at(value, "item")
        if told.get("type") != "message":
            self._places[key] = place
            return self._held_or(item, value)
        out = self.rest() if self._holding else b""
        self._holding = self._new(key, place, text_at(told, "id"))
        self._held.append((item, value))
        return out

    def _new(self, key: Any, place: int, id_: str) -> _Message:
        if len(self._messages) >= MOST_MESSAGES:
            del self._messages[next(iter(self._messages))]
        self._top = max(self._top, place)
        message = self._messages[key] = _Message(place, id_)
        return message

    def _of_message(self, message: _Message, kind: str, item: Item, value: dict[str, Any]) -> bytes:
        moved, words = _moved_in(value), _words_in(kind, value)
        out = b""
        if moved and (kind.endswith(".delta") or not message.thoughts):
            out = self._moved(message, moved, item, value)
        if kind.endswith(".delta") and not words:
            return out if moved else out + self._held_or(item, value)
        if message is self._holding and not words and not kind.endswith("done"):
            return out + self._held_or(item, value)
        out += self._closed(message, item, value)
        if message is self._holding:
            out += self.rest()
        return out + self._held_or(item, value)

    # --- thoughts -----------------------------------------------------------------------------------------------------

    def _moved(self, message: _Message, text: str, item: Item, value: dict[str, Any]) -> bytes:
        out = b""
        if message.thought is not None and message.thought.is_full:
            out = self._closed(message, item, value)
        if message.thought is None:
            if message is self._holding and message.thoughts:
                out += self.rest()
            self._top, self._more = self._top + 1, self._more + 1
            place = self._top
            if message is self._holding:
                place, message.place = message.place, place
            message.thought = Thought(message.id, message.thoughts, place)
            message.thoughts += 1
            out += self._own(message.thought.begin(), item, value)
        return out + self._own(message.thought.piece(text), item, value)

    def _closed(self, message: _Message, item: Item, value: dict[str, Any]) -> bytes:
        thought, message.thought = message.thought, None
        return b"" if thought is None else self._own(thought.end(), item, value)

    def _all_closed(self, item: Item, value: dict[str, Any]) -> bytes:
        return b"".join([self._closed(message, item, value) for message in self._messages.values()])

    # --- events -------------------------------------------------------------------------------------------------------

    def _own(self, events: list[dict[str, Any]], like: Item, value: dict[str, Any]) -> bytes:
        """Events of our own, before ``like`` and before what is held."""
        out = []
        first = self._held[0][1] if self._held else value
        for told in events:
            number = self._sequence.own_at(first)
            numbered = told if number is None else {**told, "sequence_number": number}
            out.append(event_like(like, told["type"], numbered))
        return b"".join(out)

    def _held_or(self, item: Item, value: dict[str, Any]) -> bytes:
        """The item, behind what is held if anything is."""
        if self._holding is None:
            return self._write(item, value)
        self._held.append((item, value))
        return self.rest() if len(self._held) > MOST_HELD else b""

    def _write(self, item: Item, value: dict[str, Any]) -> bytes:
        key = _key(value)
        message = self._messages.get(key)
        place = message.place if message else self._places.get(key, self._shifted(key))
        return written(item, value, place, self._sequence.next_at(value))

    def _shifted(self, key: Any) -> Any:
        return key + self._more if isinstance(key, int) else key


def _key(value: dict[str, Any]) -> Any:
    """Servers that leave the number out name the item."""
    index = value.get("output_index")
    return index if isinstance(index, int) else text_at(value, "item_id") or text_at(object_at(value, "item"), "id")


def _moved_in(value: dict[str, Any]) -> str:
    """The moved text, wherever it stands."""
    parts = [value, object_at(value, "part"), *objects_at(object_at(value, "item"), "content")]
    return "".join(text_at(part, MOVED) for part in parts)


def _words_in(kind: str, value: dict[str, Any]) -> bool:
    """Whether the message says anything with it; all that is no text of it counts as said."""
    if kind == "response.output_text.delta":
        return bool(text_at(value, "delta"))
    if kind == "response.content_part.added":
        part = object_at(value, "part")
        return part.get("type") != "output_text" or bool(text_at(part, "text"))
    return True
