"""Google's Gemini: parts of candidates, each a piece of words, of thoughts, or a call.

See `core/dialects/google/answers.py`, which reads the same. Moved text becomes a part of its own, marked as a thought.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from proxy_daemon.core.rewriting.channels.spot import (
    CONTENT,
    REASONING,
    Key,
    Path,
    Spot,
    arguments,
    in_list,
    index_of,
    listed,
    texts,
)


class Google:
    """See `Channels`."""

    moves = True

    def spots(self, name: str, item: Any) -> list[Spot]:
        """See `Channels`."""
        found: list[Spot] = []
        for at, candidate in listed(item, "candidates"):
            content = candidate.get("content")
            for place, part in listed(content, "parts"):
                path = ("candidates", at, "content", "parts", place)
                found += _part(part, path, (index_of(candidate, "index", at),), place)
        return found

    def document(self, document: Any) -> list[Spot]:
        """A document is like the only item of a stream; a list is a stream that came as one."""
        if not isinstance(document, list):
            return self.spots("", document)
        return [
            spot._replace(path=(at, *spot.path), thought=spot.thought and (at, *spot.thought))
            for at, each in enumerate(document)
            for spot in self.spots("", each)
        ]

    def ends(self, name: str, item: Any) -> Iterable[Key]:
        """See `Channels`."""
        found = listed(item, "candidates")
        return [(index_of(candidate, "index", at),) for at, candidate in found if candidate.get("finishReason")]


def _part(part: dict[str, Any], path: Path, channel: Key, place: int) -> list[Spot]:
    if part.get("thought") is True:
        return texts(part, path, (*channel, "thought"), REASONING, "text")
    found = in_list(texts(part, path, channel, CONTENT, "text"), path[:-1], "gemini")
    for name in ("functionCall", "function_call"):
        found += arguments(part.get(name), (*path, name), (*channel, place, name), "args")
    return found
