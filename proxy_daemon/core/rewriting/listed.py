"""Moved text in documents whose content is a list of blocks: it becomes blocks of their own, at its place.

A block keeps its octets but for the text; a block of which all text was moved goes, as APIs refuse empty ones. Of a
message of Responses the thoughts become items around it. Called by `edits.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from proxy_daemon.core.dialects.json_shapes import text_at
from proxy_daemon.core.rewriting.channels.shapes import SHAPES, thought_item
from proxy_daemon.core.rewriting.channels.spot import Path, Spot
from proxy_daemon.core.rewriting.said import Said
from proxy_daemon.core.wire import json_text

Change = tuple[Spot, list[Said]]
Write = Callable[[bytes, Any, Sequence[Change]], bytes]  # a value's octets with changes made in it


def place_of(spot: Spot) -> Path:
    """Of the block that becomes several, or of the text that becomes a list of blocks."""
    assert spot.thought is not None
    return spot.path[: len(spot.thought) + 1]


def several(octets: bytes, value: Any, changes: Sequence[Change], write: Write) -> bytes:
    """What stands in the place of the block ``octets``, ``value`` as JSON. ``changes``: all within it, from its top."""
    moving = next(change for change in changes if change[0].shape and any(said.moved for said in change[1]))
    spot = moving[0]
    if spot.shape == "responses":
        return _around(octets, value, changes, write)
    if not spot.path:
        return b"[%b]" % b",".join(_block(each, spot.shape) for each in moving[1])
    others = [change for change in changes if change is not moving]
    blocks, last = [], _last_words(moving[1])
    for at, said in enumerate(moving[1]):
        if said.moved or at != last:
            blocks.append(_block(said, spot.shape))
        else:
            blocks.append(write(octets, value, [*others, (_still(spot), [said])]))
    if last < 0 and spot.shape == "gemini" and len(value) > 1:  # a signature counts without words too
        blocks.append(write(octets, value, [*others, (_still(spot), [])]))
    return b",".join(blocks)


def _last_words(said: Sequence[Said]) -> int:
    """Which piece keeps the block, with all that stands beside its text."""
    return max((at for at, each in enumerate(said) if not each.moved), default=-1)


def _block(said: Said, shape: str) -> bytes:
    if said.moved:
        return json_text.write(SHAPES[shape](said.text))
    kind = {"type": "text"} if shape not in ("gemini", "bedrock") else {}
    return json_text.write({**kind, "text": said.text})


def _around(octets: bytes, value: Any, changes: Sequence[Change], write: Write) -> bytes:
    """A message with its words alone, thoughts before the first word before it, and the others behind it."""
    before: list[bytes] = []
    behind: list[bytes] = []
    words: list[Change] = []
    first = _first_said(value)
    message = str(value.get("id", "")) if isinstance(value, dict) else ""
    for spot, said in changes:
        if not spot.shape:
            words.append((spot, said))
            continue
        is_first = spot.path[:2] == ("content", first)
        for at, each in enumerate(said):
            if each.moved:
                items = before if is_first and not at else behind
                item = thought_item(message, len(before) + len(behind), each.text)
                items.append(json_text.write(item))
        words.append((_still(spot), [each for each in said if not each.moved]))
    return b",".join([*before, write(octets, value, words), *behind])


def _first_said(message: Any) -> int:
    """The part with the first text of a message; -1 where there is none."""
    content = message.get("content") if isinstance(message, dict) else None
    parts = content if isinstance(content, list) else []
    return next((at for at, part in enumerate(parts) if text_at(part, "text")), -1)


def _still(spot: Spot) -> Spot:
    return spot._replace(thought=None, shape="")
