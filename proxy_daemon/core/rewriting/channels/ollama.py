"""Ollama's chats and completions: lines, of which the last one is done. See `core/dialects/ollama/answers.py`."""

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
    listed,
    texts,
)


class Ollama:
    """See `Channels`."""

    moves = True

    def spots(self, name: str, item: Any) -> list[Spot]:
        """See `Channels`."""
        if not isinstance(item, dict):
            return []
        message = item.get("message")
        if not isinstance(message, dict) or not message:
            return _said(item, (), "response")
        found = _said(message, ("message",), "content")
        for at, call in listed(message, "tool_calls"):
            path = ("message", "tool_calls", at, "function")
            found += arguments(call.get("function"), path, ("tool_calls", at), "arguments")
        return found

    def document(self, document: Any) -> list[Spot]:
        """See `Channels`."""
        return self.spots("", document)

    def ends(self, name: str, item: Any) -> Iterable[Key]:
        """See `Channels`."""
        return EVERYTHING if isinstance(item, dict) and item.get("done") is True else NOTHING


def _said(holder: dict[str, Any], path: Path, name: str) -> list[Spot]:
    thoughts = texts(holder, path, (), REASONING, "thinking")
    words = texts(holder, path, (), CONTENT, name)
    return thoughts + [spot._replace(thought=(*path, "thinking")) for spot in words]
