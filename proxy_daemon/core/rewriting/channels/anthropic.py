"""Anthropic's Messages, on its own host and on Vertex, and its legacy completions: content blocks by their index.

See `core/dialects/anthropic/answers.py`, which reads the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from proxy_daemon.core.rewriting.channels.spot import (
    ARGUMENTS,
    CONTENT,
    EVERYTHING,
    NOTHING,
    REASONING,
    Key,
    Path,
    Spot,
    arguments,
    in_list,
    index_of,
    listed,
    movable,
    texts,
)

_DELTAS = {
    "text_delta": (CONTENT, "text"),
    "thinking_delta": (REASONING, "thinking"),
    "input_json_delta": (ARGUMENTS, "partial_json"),
}


class Anthropic:
    """See `Channels`."""

    moves = True  # but not in legacy completions, which have no blocks

    def spots(self, name: str, item: Any) -> list[Spot]:
        """See `Channels`."""
        if not isinstance(item, dict):
            return []
        kind = item.get("type") or name
        if kind == "content_block_delta":
            return _delta(item)
        if kind == "content_block_start":
            return movable(_block(item.get("content_block"), ("content_block",), (index_of(item, "index"),)))
        if kind == "message_start":
            return _message(item.get("message"), ("message",))
        return texts(item, (), (), CONTENT, "completion")

    def document(self, document: Any) -> list[Spot]:
        """A message, a legacy completion, or one line of a batch's results."""
        result = document.get("result") if isinstance(document, dict) else None
        if isinstance(result, dict):
            return _message(result.get("message"), ("result", "message"))
        return [*_message(document, ()), *texts(document, (), (), CONTENT, "completion")]

    def ends(self, name: str, item: Any) -> Iterable[Key]:
        """See `Channels`."""
        if not isinstance(item, dict):
            return NOTHING
        kind = item.get("type") or name
        if kind == "content_block_stop":
            return [(index_of(item, "index"),)]
        is_last = kind in ("message_delta", "message_stop", "error") or item.get("stop_reason")
        return EVERYTHING if is_last else NOTHING


def _delta(item: dict[str, Any]) -> list[Spot]:
    delta = item.get("delta")
    kind = delta.get("type") if isinstance(delta, dict) else None
    if not isinstance(kind, str) or kind not in _DELTAS:
        return []
    field, name = _DELTAS[kind]
    return movable(texts(delta, ("delta",), (index_of(item, "index"),), field, name))


def _message(message: Any, path: Path) -> list[Spot]:
    found: list[Spot] = []
    for at, block in listed(message, "content"):
        found += _block(block, (*path, "content", at), (at,))
    return in_list(found, (*path, "content"), "anthropic")


def _block(block: Any, path: Path, channel: Key) -> list[Spot]:
    """See `core/dialects/anthropic/parts.py`."""
    kind = block.get("type") if isinstance(block, dict) else None
    if kind == "text":
        return texts(block, path, channel, CONTENT, "text")
    if kind == "thinking":
        return texts(block, path, channel, REASONING, "thinking")
    return arguments(block, path, channel, "input") if kind in ("tool_use", "server_tool_use", "mcp_tool_use") else []
