"""Mistral's: chat completions whose thoughts are blocks of the content, and conversations, whose entries are numbered.

See `core/dialects/openai_like/mistral_conversations.py`, which reads the same. In conversations nothing moves: a block
of thoughts would have a number there, and all behind it another one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from proxy_daemon.core.dialects.json_shapes import text_at
from proxy_daemon.core.rewriting.channels.chat import Chat, blocks
from proxy_daemon.core.rewriting.channels.spot import (
    CONTENT,
    EVERYTHING,
    NOTHING,
    Key,
    Path,
    Spot,
    arguments,
    index_of,
    listed,
    texts,
)

_ENDS = ("conversation.response.done", "conversation.response.error")


class Mistral:
    """Both: each item tells by its shape whose it is. See `Channels`."""

    moves = True

    def __init__(self) -> None:
        self._chat = Chat("", blocks=True)

    def spots(self, name: str, item: Any) -> list[Spot]:
        """See `Channels`."""
        kind = text_at(item, "type") or name
        if not isinstance(item, dict) or "choices" in item:
            return self._chat.spots(name, item)
        if not kind.endswith(".delta"):
            return []
        return _entry(item, kind, (), (index_of(item, "output_index"), index_of(item, "content_index")))

    def document(self, document: Any) -> list[Spot]:
        """An answer, or the history of a conversation, in which what the client said stays."""
        if isinstance(document, dict) and "choices" in document:
            return self._chat.document(document)
        found: list[Spot] = []
        for name in ("outputs", "entries"):
            for at, entry in listed(document, name):
                found += _entry(entry, text_at(entry, "type"), (name, at), (name, at))
        return found

    def ends(self, name: str, item: Any) -> Iterable[Key]:
        """See `Channels`."""
        kind = text_at(item, "type") or name
        return EVERYTHING if kind in _ENDS else self._chat.ends(name, item) if "." not in kind else NOTHING


def _entry(entry: dict[str, Any], kind: str, path: Path, channel: Key) -> list[Spot]:
    if kind.startswith("function.call"):
        return arguments(entry, path, (*channel, "call"), "arguments")
    if not kind.startswith("message.output"):
        return []
    content, inner = entry.get("content"), (*path, "content")
    found = texts(entry, path, channel, CONTENT, "content") + blocks(content, inner, channel)
    for at, block in listed(entry, "content"):
        found += blocks(block, (*inner, at), (*channel, at))
    return found
