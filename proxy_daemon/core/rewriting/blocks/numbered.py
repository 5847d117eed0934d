"""Blocks that follow each other, each with its number, its beginning and its end: Anthropic, Bedrock, Cohere.

A block of words that has moved text becomes several: moved text stands in blocks of thoughts, at its place. The
beginning of a block is held until it is known which of both comes first, so that no empty block is left behind.
Made by `core/rewriting/editor.py` for `block_stage.py`.
"""

from __future__ import annotations

import re
from typing import Any

import orjson
from attrs import define, field

from proxy_daemon.core.rewriting.blocks.speech import Said, Speech, Step
from proxy_daemon.core.rewriting.carriers import Carrier, carrier_of
from proxy_daemon.core.rewriting.channels.shapes import MOVED
from proxy_daemon.core.splice.container import Cut
from proxy_daemon.core.splice.edits import Replace, tree
from proxy_daemon.core.splice.walk import hits
from proxy_daemon.core.wire import Item

MOST_HELD = 64  # items
MOST_OPEN = 1000  # blocks under way
WORDS, THOUGHTS, UNKNOWN, OTHER = "words", "thoughts", "unknown", "other"


@define
class _Block:
    """``place``: the number that it has now. ``start``: its beginning, for words that follow thoughts."""

    place: int
    kind: str = UNKNOWN
    start: Item | None = None


@define
class Numbered:
    """See `Grouping`. ``_more``: blocks that were added; ``_top``: the highest number that was given."""

    _speech: Speech
    _blocks: dict[int, _Block] = field(factory=dict)  # by the number that they came with
    _held: list[tuple[bytes, bool]] = field(factory=list)  # octets, and whether they are words that say nothing
    _holding: _Block | None = None
    _more: int = 0
    _top: int = -1

    @property
    def marks(self) -> tuple[bytes, ...]:
        """See `Grouping`."""
        return (MOVED.encode(), *self._speech.marks)

    @property
    def busy(self) -> bool:
        """See `Grouping`."""
        if self._more or self._holding or not self._speech.marks:
            return True
        return any(block.kind == THOUGHTS for block in self._blocks.values())

    def take(self, item: Item, value: Any) -> bytes:
        """See `Grouping`."""
        said = self._speech.said(item.name, value)
        if said.step is Step.ELSE:
            return self._passed(item.raw)
        if said.step is Step.LAST:
            return self.rest() + item.raw
        block = self._blocks.get(said.block)
        is_new = block is None
        out = self.rest() if self._holding is not None and self._holding is not block else b""
        if block is None:
            block = self._begun(said)
        if said.step is Step.BEGINS and not said.moved:
            return out + self._opens(block, said, item, value, is_new=is_new)
        return out + self._within(block, said, item, value)

    def rest(self) -> bytes:
        """See `Grouping`."""
        return self._released(WORDS) if self._holding else b""

    # --- one block ----------------------------------------------------------------------------------------------------

    def _begun(self, said: Said) -> _Block:
        """A block that is new here, be it that it has no beginning, as with Bedrock."""
        if len(self._blocks) >= MOST_OPEN:
            del self._blocks[next(iter(self._blocks))]
        block = _Block(said.block + self._more)
        self._top = max(self._top, block.place)
        self._blocks[said.block] = block
        if said.step is Step.BEGINS_OTHER:
            block.kind = OTHER
        elif said.step is Step.BEGINS or (said.step is Step.SAYS and not self._speech.marks):
            self._holding = block
        elif said.step is Step.SAYS:
            block.kind = WORDS  # there were some before, which nobody had to see
        return block

    def _within(self, block: _Block, said: Said, item: Item, value: Any) -> bytes:
        if said.step is Step.ENDS:
            del self._blocks[said.block]
            return self.rest() + self._numbered(item, block.place)
        if block.kind == OTHER and said.moved:
            block.kind = WORDS
        if block.kind == OTHER or said.step is Step.BEGINS_OTHER:
            return self.rest() + self._numbered(item, block.place)
        if said.step is Step.NUMBERED:
            return self._ready(block, WORDS, item) + self._numbered(item, block.place)
        return self._spoken(block, said, item, value)

    def _opens(self, block: _Block, said: Said, item: Item, value: Any, *, is_new: bool) -> bytes:
        """The beginning of a block of words. The second of one: the editor made several of one that has words."""
        if is_new:
            self._held.append((self._numbered(item, block.place), False))
            if said.words:
                return self._ready(block, WORDS, item)
            block.start = item
            return b""
        if block.kind != THOUGHTS:
            return self.rest() + self._numbered(item, block.place)
        if not said.words:
            return b""
        return self._ready(block, WORDS, item) + self._speech.without_moved(block.place, item, value)

    def _spoken(self, block: _Block, said: Said, item: Item, value: Any) -> bytes:
        """A piece of words."""
        out = b""
        if said.moved:
            out = self._ready(block, THOUGHTS, item) + self._speech.thought(block.place, said.moved, item)
        if said.words:
            out += self._ready(block, WORDS, item) + self._of_words(block, item, value)
        return out if said.moved or said.words else self._empty(block, item)

    def _of_words(self, block: _Block, item: Item, value: Any) -> bytes:
        """The words without what was moved, which has its block by now."""
        carrier = carrier_of(item)
        if MOVED.encode() not in carrier.data:
            return self._numbered(item, block.place)
        return self._speech.without_moved(block.place, item, value)

    def _empty(self, block: _Block, item: Item) -> bytes:
        """A piece without a word: it says nothing of what its block is, and is left out between thoughts."""
        if block.kind == THOUGHTS:
            return b""
        octets = self._numbered(item, block.place)
        if block is not self._holding:
            return octets
        self._held.append((octets, True))
        return self._limited()

    def _ready(self, block: _Block, kind: str, like: Item) -> bytes:
        """What goes before a piece of this kind."""
        if block is self._holding:
            return self._released(kind, like)
        if block.kind in (kind, OTHER):
            return b""
        if block.kind == UNKNOWN:
            block.kind = kind
            return b""
        out = self._speech.ended(block.place, like)
        self._top, self._more = self._top + 1, self._more + 1
        block.place, block.kind = self._top, kind
        return out + self._opened(block, like)

    def _opened(self, block: _Block, like: Item) -> bytes:
        if block.kind == THOUGHTS:
            return self._speech.thoughts_begin(block.place, like)
        if block.start is None:
            return self._speech.words_begin(block.place, like)
        return self._numbered(block.start, block.place)

    # --- what is held -------------------------------------------------------------------------------------------------

    def _passed(self, octets: bytes) -> bytes:
        if self._holding is None:
            return octets
        self._held.append((octets, False))
        return self._limited()

    def _limited(self) -> bytes:
        return self.rest() if len(self._held) > MOST_HELD else b""

    def _released(self, kind: str, like: Item | None = None) -> bytes:
        """The block that is held begins, as one of this kind."""
        block, held = self._holding, self._held
        assert block is not None
        self._holding, self._held = None, []
        block.kind = kind
        if kind == WORDS or like is None:
            return b"".join(octets for octets, _ in held)
        if block.start is not None:
            held = held[1:]
        kept = [octets for octets, is_empty in held if not is_empty]
        return b"".join([self._speech.thoughts_begin(block.place, like), *kept])

    def _numbered(self, item: Item, place: int) -> bytes:
        """The item with this number."""
        carrier = carrier_of(item)
        return renumbered(carrier, item, self._speech.number, place)


def renumbered(carrier: Carrier, item: Item, member: str, place: int) -> bytes:
    """The item with this number at its top; its own octets where that stands there."""
    try:
        if (cut := _quickly(carrier.data, member, place)) is not None:
            return carrier.write([cut]) if cut.text else item.raw
    except (TypeError, ValueError):  # no object, or no JSON as most write it
        pass
    cuts = hits(carrier.data, tree([Replace((member,), place)]))
    return carrier.write(cuts) if cuts else item.raw


def _quickly(data: bytes, member: str, place: int) -> Cut | None:
    """The first member of that name, proved to be the one; its text is empty where the number stands there already."""
    value = orjson.loads(data)
    found = re.search(rb'"%b": ?(\d+)' % member.encode(), data)
    if found is None or value.get(member) == place:
        return Cut(0, 0, b"", 0) if found else None
    number = str(place).encode()
    done = orjson.loads(data[: found.start(1)] + number + data[found.end(1) :])
    return Cut(found.start(1), found.end(1), number, 0) if done == {**value, member: place} else None
