"""Bedrock's Converse: frames and documents; of `invoke` the documents whose shape another file knows.

See `core/dialects/bedrock/converse.py`, which reads the same. The chunks of an `invoke` stream hold octets in base64,
and are not looked into.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from proxy_daemon.core.rewriting.channels.anthropic import Anthropic
from proxy_daemon.core.rewriting.channels.chat import Chat
from proxy_daemon.core.rewriting.channels.spot import (
    CONTENT,
    EVERYTHING,
    NOTHING,
    REASONING,
    Key,
    Path,
    Spot,
    arguments,
    index_of,
    listed,
    texts,
)

_MESSAGES, _CHAT = Anthropic(), Chat("")


class Bedrock:
    """See `Channels`."""

    moves = False  # thoughts are blocks of their own, as with Anthropic

    def spots(self, name: str, item: Any) -> list[Spot]:
        """See `Channels`."""
        if name != "contentBlockDelta" or not isinstance(item, dict):
            return []
        delta, channel = item.get("delta"), (index_of(item, "contentBlockIndex"),)
        if not isinstance(delta, dict):
            return []
        path: Path = ("delta", "reasoningContent")
        found = texts(delta, ("delta",), channel, CONTENT, "text")
        found += texts(delta.get("reasoningContent"), path, (*channel, "reasoningContent"), REASONING, "text")
        return found + arguments(delta.get("toolUse"), ("delta", "toolUse"), channel, "input")

    def ends(self, name: str, item: Any) -> Iterable[Key]:
        """See `Channels`."""
        if name == "contentBlockStop":
            return [(index_of(item, "contentBlockIndex"),)]
        return EVERYTHING if name in ("messageStop", "metadata") else NOTHING

    def document(self, document: Any) -> list[Spot]:
        """See `Channels`."""
        output = document.get("output") if isinstance(document, dict) else None
        message = output.get("message") if isinstance(output, dict) else None
        if message is None:
            return _MESSAGES.document(document) or _CHAT.document(document)
        found: list[Spot] = []
        for at, block in listed(message, "content"):
            found += _block(block, ("output", "message", "content", at), (at,))
        return found


def _block(block: dict[str, Any], path: Path, channel: Key) -> list[Spot]:
    thought = block.get("reasoningContent")
    words = thought.get("reasoningText") if isinstance(thought, dict) else None
    inner = (*path, "reasoningContent", "reasoningText")
    found = texts(block, path, channel, CONTENT, "text") + texts(words, inner, (*channel, "t"), REASONING, "text")
    return found + arguments(block.get("toolUse"), (*path, "toolUse"), channel, "input")
