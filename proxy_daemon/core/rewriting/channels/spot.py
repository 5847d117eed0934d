"""Where text stands in an item of a stream or in a document, and what each API's file beside this says of it.

A channel is a text that grows from item to item: the content of one choice, one block, the arguments of one call. Its
key is a tuple, and the end of a choice or a block ends all channels whose keys begin with it. Nothing here raises,
whatever the JSON says. Called by `core/rewriting/machine.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

from proxy_daemon.core.rewriting.channels.shapes import MOVED

Key = tuple[Any, ...]
Path = tuple[str | int, ...]

CONTENT, REASONING, ARGUMENTS = "content", "reasoning", "arguments"
EVERYTHING: tuple[Key, ...] = ((),)  # ends all channels
NOTHING: tuple[Key, ...] = ()


class Spot(NamedTuple):
    """A text at ``path``. No attrs class: one is made for each event, and its frozen ones cost thrice.

    ``whole``: it repeats all of a text and is no piece of one. ``so_far``: it is all of a text up to here, and the next
    will begin with it. ``raw``: the value is no text but an object, and
    ``text`` is empty: the JSON itself is what a rule sees. ``thought``: where moved text is put; None: nowhere.
    ``shape``: ``thought`` is a list of blocks, around the one at hand, and moved text becomes a block of this shape.
    """

    channel: Key
    path: Path
    field: str
    text: str
    whole: bool = False
    so_far: bool = False
    raw: bool = False
    thought: Path | None = None
    shape: str = ""


class Channels(Protocol):
    """What one API has to say. Items are parsed; ``name`` is that of the event or frame."""

    @property
    def moves(self) -> bool:
        """Whether text can be moved into a field for reasoning."""

    def spots(self, name: str, item: Any) -> list[Spot]:
        """The texts of an item, in their order."""

    def ends(self, name: str, item: Any) -> Iterable[Key]:
        """What ends with this item; each key ends all channels that begin with it."""

    def document(self, document: Any) -> list[Spot]:
        """The texts of a document, in their order."""


def texts(holder: Any, path: Path, channel: Key, field: str, *names: str) -> list[Spot]:
    """Of each of the members ``names`` of ``holder``, which stands at ``path``, that is text and not empty."""
    if not isinstance(holder, dict):
        return []
    found = ((name, holder.get(name)) for name in names)
    return [
        Spot((*channel, name), (*path, name), field, text) for name, text in found if isinstance(text, str) and text
    ]


def movable(found: list[Spot]) -> list[Spot]:
    """Of pieces of a stream of blocks: moved text stands beside the words until `core/rewriting/blocks/` has it."""
    return [spot._replace(thought=(*spot.path[:-1], MOVED)) if spot.field == CONTENT else spot for spot in found]


def in_list(found: list[Spot], path: Path, shape: str) -> list[Spot]:
    """Of blocks in the list at ``path``: moved text becomes a block of its own there."""
    return [spot._replace(thought=path, shape=shape) if spot.field == CONTENT else spot for spot in found]


def arguments(holder: Any, path: Path, channel: Key, name: str) -> list[Spot]:
    """The arguments of a call: a text of JSON, or an object."""
    value = holder.get(name) if isinstance(holder, dict) else None
    if isinstance(value, dict) and value:
        return [Spot((*channel, name), (*path, name), ARGUMENTS, "", raw=True)]
    return texts(holder, path, channel, ARGUMENTS, name)


def listed(holder: Any, name: str) -> list[tuple[int, dict[str, Any]]]:
    """The objects in the member that is a list, with their places."""
    value = holder.get(name) if isinstance(holder, dict) else None
    return [(at, each) for at, each in enumerate(value) if isinstance(each, dict)] if isinstance(value, list) else []


def index_of(holder: Any, name: str, default: int = 0) -> int:
    """The member that is a whole number."""
    value = holder.get(name) if isinstance(holder, dict) else None
    return value if isinstance(value, int) else default
