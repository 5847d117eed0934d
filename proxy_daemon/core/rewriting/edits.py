"""Writes an item or a document with its texts changed: only the strings that differ get other octets.

Moved text goes where `Spot.thought` says. Where words and moved text stand in one piece of a stream, the event is cut
in two or more, as clients read either the one or the other of an event. Called by `machine.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from attrs import evolve

from proxy_daemon.core.rewriting import listed
from proxy_daemon.core.rewriting.carriers import Carrier, document
from proxy_daemon.core.rewriting.channels.spot import Path, Spot
from proxy_daemon.core.rewriting.clones import blank_for, clone_of
from proxy_daemon.core.rewriting.escapes import as_string
from proxy_daemon.core.rewriting.quick import replaced
from proxy_daemon.core.rewriting.said import Said
from proxy_daemon.core.splice.container import Cut
from proxy_daemon.core.splice.edits import Add, Edit, Replace, tree
from proxy_daemon.core.splice.walk import hits
from proxy_daemon.core.wire import json_text

QUICK = 64 * 1024  # octets of an item up to which the quick way is the quicker one
MOST_CLONES = 16  # events that one becomes
MOST_CHANGES = 5000  # texts of one item: finding more in it takes long, and no answer has them


class Change(NamedTuple):
    """What comes in the place of a spot's text."""

    spot: Spot
    said: list[Said]

    @property
    def moves(self) -> bool:
        """Whether any of it is to go elsewhere, and there is such a place."""
        return self.spot.thought is not None and any(each.moved for each in self.said)


class CannotEdit(ValueError):
    """A place that was seen cannot be written."""


def differs(spot: Spot, said: Sequence[Said]) -> bool:
    """Whether the text has changed."""
    return not (len(said) == 1 and said[0].text == spot.text and not said[0].moved)


def written(carrier: Carrier, item: Any, changes: Sequence[Change], *, cuts_in_two: bool) -> bytes:
    """The octets with all changes. ``cuts_in_two``: the item may become several. Raises ValueError."""
    if len(changes) > MOST_CHANGES:
        raise CannotEdit(f"{len(changes)} texts of one item would change; {MOST_CHANGES} are the most")
    moving = [change for change in changes if change.moves]
    if cuts_in_two and len(moving) == 1 and _is_piece(moving[0].spot):
        return _several(carrier, item, changes, moving[0])
    return _once(carrier, item, changes)


def _is_piece(spot: Spot) -> bool:
    """Whether the text is said here, and has no list of blocks to be put into."""
    return not (spot.so_far or spot.whole or spot.shape)


def _several(carrier: Carrier, item: Any, changes: Sequence[Change], moving: Change) -> bytes:
    """All but the last of what the one piece became stands in an event of its own, before this one."""
    *first, last = moving.said if len(moving.said) <= MOST_CLONES else _by_kind(moving.said)
    clones = [json_text.write(clone_of(item, moving.spot, each)) for each in first]
    octets = [carrier.write([Cut(0, len(carrier.data), clone, 0)]) for clone in clones]
    rest = [Change(change.spot, [last]) if change is moving else change for change in changes]
    return b"".join([*octets, _once(carrier, item, rest)])


def _by_kind(said: Sequence[Said]) -> list[Said]:
    """All moved text, then all words: events for each turn would be many times as long as the text."""
    return [Said("".join(each.text for each in said if each.moved is moved), moved) for moved in (True, False)]


def _once(carrier: Carrier, item: Any, changes: Sequence[Change]) -> bytes:
    if len(changes) == 1 and len(carrier.data) <= QUICK:
        done = _quickly(carrier, changes[0])
        if done is not None:
            return done
    return _everywhere(carrier, item, changes)


def _quickly(carrier: Carrier, change: Change) -> bytes | None:
    """See `quick.py`: for a text that is replaced, or that goes to a member beside it which is not there yet."""
    spot, said = change
    words = "".join(each.text for each in said if not (each.moved and change.moves))
    if spot.raw or (spot.shape and change.moves):
        return None
    if not change.moves or spot.thought is None:
        return replaced(carrier, spot.path, spot.text, {spot.path: words})
    moved = "".join(each.text for each in said if each.moved)
    if words:
        return None
    return replaced(carrier, spot.path, spot.text, {spot.path: blank_for(spot), spot.thought: moved})


def _everywhere(carrier: Carrier, item: Any, changes: Sequence[Change]) -> bytes:
    blocks, changes = _by_block(changes)
    texts: dict[Path, str] = {}
    blanks: dict[Path, Any] = {}
    moved: list[tuple[Path, str]] = []
    for change in changes:
        spot, said = change
        words = "".join(each.text for each in said if not (each.moved and change.moves))
        if change.moves and spot.thought is not None:
            moved.append((spot.thought, "".join(each.text for each in said if each.moved)))
        if words or not change.moves:
            texts[spot.path] = words
        else:
            blanks[spot.path] = blank_for(spot)
    for path, text in moved:  # last: the thoughts that stand there already may have changed as well
        before = texts.pop(path, None)
        blanks[path] = (before if before is not None else _text_at(item, path)) + text
    raw = {change.spot.path for change in changes if change.spot.raw}
    return carrier.write(_placed(carrier, item, texts, blanks, raw, blocks))


Blocks = dict[Path, list[Change]]


def _by_block(changes: Sequence[Change]) -> tuple[Blocks, list[Change]]:
    """The changes in blocks that become several, by the block's path, and the others."""
    blocks: Blocks = {listed.place_of(change.spot): [] for change in changes if change.moves and change.spot.shape}
    sizes = {len(path) for path in blocks}
    others = []
    for change in changes:
        path = next((path for size in sizes if (path := change.spot.path[:size]) in blocks), None)
        if path is None:
            others.append(change)
        else:
            blocks[path].append(change)
    return blocks, others


def _placed(
    carrier: Carrier, item: Any, texts: dict[Path, str], values: dict[Path, Any], raw: set[Path], blocks: Blocks
) -> list[Cut]:
    """All cuts in their order. ``texts``: strings, written like those that they replace; ``values``: as they are."""
    paths = [*texts, *blocks]
    edits: list[Edit] = [Replace(path, b'""') for path in paths]
    edits += [Add(path, value) for path, value in values.items()]
    cuts = hits(carrier.data, tree(edits))
    if {cut.edit for cut in cuts} != set(range(len(edits))):
        raise CannotEdit("a text is not where it was seen")
    found = []
    for cut in cuts:
        if cut.edit < len(paths):
            path, like = paths[cut.edit], carrier.data[cut.start : cut.end]
            if path in blocks:
                text = _of_block(like, path, item, blocks[path])
            else:
                text = texts[path].encode() if path in raw else as_string(texts[path], like, _text_at(item, path))
            found.append(evolve(cut, text=text))
        else:
            found.append(cut)
    return found


def _of_block(octets: bytes, path: Path, item: Any, changes: Sequence[Change]) -> bytes:
    """See `listed.py`."""
    for step in path:
        item = item[step]
    inner = [Change(change.spot._replace(path=change.spot.path[len(path) :]), change.said) for change in changes]
    return listed.several(
        octets,
        item,
        inner,
        lambda octets, value, left: _once(document(octets), value, [Change(*each) for each in left]),
    )


def _text_at(item: Any, path: Path) -> str:
    """The text that stands there; empty for anything else."""
    for step in path:
        try:
            item = item[step]
        except (LookupError, TypeError):
            return ""
    return item if isinstance(item, str) else ""
