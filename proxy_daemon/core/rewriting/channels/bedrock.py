"""Bedrock's Converse: frames and documents; and of `invoke` those of the makers, each in its own shape.

See `core/dialects/bedrock/`: `converse.py` and `vendors.py` read the same. A chunk is given as what its base64 holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from proxy_daemon.core.dialects.bedrock.converse import EVENTS
from proxy_daemon.core.dialects.bedrock.vendors import METRICS
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
    in_list,
    index_of,
    listed,
    movable,
    texts,
)

_MESSAGES, _CHAT = Anthropic(), Chat("")


class Bedrock:
    """See `Channels`. ``converses``: it is no `invoke`, whose events are the makers' own and stay as they are."""

    def __init__(self, *, converses: bool = True) -> None:
        self.moves = converses

    def spots(self, name: str, item: Any) -> list[Spot]:
        """See `Channels`."""
        if name == "chunk":
            return _chunk(self, item)
        if name != "contentBlockDelta" or not isinstance(item, dict):
            return []
        delta, channel = item.get("delta"), (index_of(item, "contentBlockIndex"),)
        if not isinstance(delta, dict):
            return []
        path: Path = ("delta", "reasoningContent")
        found = movable(texts(delta, ("delta",), channel, CONTENT, "text"))
        found += texts(delta.get("reasoningContent"), path, (*channel, "reasoningContent"), REASONING, "text")
        return found + arguments(delta.get("toolUse"), ("delta", "toolUse"), channel, "input")

    def ends(self, name: str, item: Any) -> Iterable[Key]:
        """See `Channels`."""
        if name == "chunk":
            return _chunk_ends(self, item)
        if name == "contentBlockStop":
            return [(index_of(item, "contentBlockIndex"),)]
        return EVERYTHING if name in ("messageStop", "metadata") else NOTHING

    def document(self, document: Any) -> list[Spot]:
        """See `Channels`."""
        output = document.get("output") if isinstance(document, dict) else None
        message = output.get("message") if isinstance(output, dict) else None
        if message is None:
            return _MESSAGES.document(document) or _maker(document)
        found: list[Spot] = []
        for at, block in listed(message, "content"):
            found += _block(block, ("output", "message", "content", at), (at,))
        return found


def _block(block: dict[str, Any], path: Path, channel: Key) -> list[Spot]:
    thought = block.get("reasoningContent")
    words = thought.get("reasoningText") if isinstance(thought, dict) else None
    inner = (*path, "reasoningContent", "reasoningText")
    found = in_list(texts(block, path, channel, CONTENT, "text"), path[:-1], "bedrock")
    found += texts(words, inner, (*channel, "t"), REASONING, "text")
    return found + arguments(block.get("toolUse"), (*path, "toolUse"), channel, "input")


# --- what makers write ------------------------------------------------------------------------------------------------

_LISTS = {"results": "outputText", "outputs": "text", "generations": "text"}  # Titan, Mistral, Cohere
_ALONE = ("generation", "outputText", "text")  # Llama, Titan, Cohere
_ENDINGS = ("stop_reason", "completionReason", "finish_reason", METRICS)


def _chunk(converse: Bedrock, item: Any) -> list[Spot]:
    """Nova's name is the only member of its event."""
    if not isinstance(item, dict):
        return []
    event = next((name for name in EVENTS if name in item), "")
    if event:
        return [spot._replace(path=(event, *spot.path)) for spot in converse.spots(event, item[event])]
    return _MESSAGES.spots("", item) if isinstance(item.get("type"), str) else _maker(item)


def _chunk_ends(converse: Bedrock, item: Any) -> Iterable[Key]:
    if not isinstance(item, dict):
        return NOTHING
    event = next((name for name in EVENTS if name in item), "")
    if event:
        return converse.ends(event, item[event])
    if isinstance(item.get("type"), str):
        return _MESSAGES.ends("", item)
    return EVERYTHING if any(item.get(name) for name in _ENDINGS) else _CHAT.ends("", item)


def _maker(document: Any) -> list[Spot]:
    found = [*_CHAT.document(document), *texts(document, (), (), CONTENT, "completion")]
    for name, words in _LISTS.items():
        for at, each in listed(document, name):
            found += texts(each, (name, at), (name, index_of(each, "index", at)), CONTENT, words)
    for at, each in listed(document, "completions"):  # AI21's Jurassic
        found += texts(each.get("data"), ("completions", at, "data"), ("completions", at), CONTENT, "text")
    return found or texts(document, (), (), CONTENT, *_ALONE)
