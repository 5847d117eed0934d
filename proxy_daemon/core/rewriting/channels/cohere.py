"""Cohere's chats, version 2 with typed events, version 1 with lines or events whose last holds the whole answer again.

See `core/dialects/cohere/answers.py` and `v1.py`, which read the same. The plan of which tools to
call counts as thoughts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from proxy_daemon.core.rewriting.channels.spot import (
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


class Cohere:
    """Version 2. See `Channels`."""

    moves = True

    def spots(self, name: str, item: Any) -> list[Spot]:
        """See `Channels`."""
        delta = item.get("delta") if isinstance(item, dict) else None
        message = delta.get("message") if isinstance(delta, dict) else None
        if not isinstance(message, dict):
            return []
        index, path = index_of(item, "index"), ("delta", "message")
        found = texts(message, path, (), REASONING, "tool_plan")
        found += movable(_block(message.get("content"), (*path, "content"), ("content", index)))
        return found + _call(message.get("tool_calls"), (*path, "tool_calls"), index)

    def document(self, document: Any) -> list[Spot]:
        """See `Channels`."""
        message = document.get("message") if isinstance(document, dict) else None
        found = texts(message, ("message",), (), REASONING, "tool_plan")
        path: Path = ("message", "content")
        found += in_list(texts(message, ("message",), (), CONTENT, "content"), path, "cohere")
        for at, block in listed(message, "content"):
            found += in_list(_block(block, (*path, at), ("content", at)), path, "cohere")
        for at, call in listed(message, "tool_calls"):
            found += _call(call, ("message", "tool_calls", at), at)
        return found

    def ends(self, name: str, item: Any) -> Iterable[Key]:
        """See `Channels`."""
        kind = (item.get("type") or name) if isinstance(item, dict) else ""
        if kind == "message-end":
            return EVERYTHING
        if kind == "content-end":
            return [("content", index_of(item, "index"))]
        return [("tool_calls", index_of(item, "index"))] if kind == "tool-call-end" else NOTHING


def _block(block: Any, path: Path, channel: Key) -> list[Spot]:
    words = texts(block, path, channel, CONTENT, "text")
    return words + texts(block, path, channel, REASONING, "thinking")


def _call(call: Any, path: Path, at: int) -> list[Spot]:
    function = call.get("function") if isinstance(call, dict) else None
    return arguments(function, (*path, "function"), ("tool_calls", at), "arguments")


class CohereV1:
    """Version 1. See `Channels`."""

    moves = False  # there are no thoughts

    def spots(self, name: str, item: Any) -> list[Spot]:
        """See `Channels`."""
        if not isinstance(item, dict):
            return []
        if not _is_last(item):
            is_text = item.get("event_type") in (None, "text-generation")
            return texts(item, (), (), CONTENT, "text") if is_text else []
        return [
            spot._replace(path=("response", *spot.path), whole=True) for spot in self.document(item.get("response"))
        ]

    def document(self, document: Any) -> list[Spot]:
        """See `Channels`."""
        found = texts(document, (), (), CONTENT, "text")
        for at, each in listed(document, "generations"):
            found += texts(each, ("generations", at), ("generations", at), CONTENT, "text")
        for at, call in listed(document, "tool_calls"):
            found += arguments(call, ("tool_calls", at), ("tool_calls", at), "parameters")
        return found

    def ends(self, name: str, item: Any) -> Iterable[Key]:
        """See `Channels`."""
        return EVERYTHING if isinstance(item, dict) and _is_last(item) else NOTHING


def _is_last(item: dict[str, Any]) -> bool:
    return item.get("is_finished") is True or item.get("event_type") == "stream-end"
