"""OpenAI's assistants: what a run says in named events, and messages and runs as they are kept.

See `core/dialects/openai/runs.py`, which reads the same. What a user said stays. There are no thoughts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from proxy_daemon.core.dialects.json_shapes import object_at, text_at
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

_LAST = ("thread.run.completed", "thread.run.failed", "thread.run.incomplete", "thread.run.cancelled", "done", "error")
_OVER = ("thread.message.completed", "thread.message.incomplete")


class Runs:
    """See `Channels`."""

    moves = False

    def spots(self, name: str, item: Any) -> list[Spot]:
        """See `Channels`."""
        kind = text_at(item, "object")
        if kind == "thread.message.delta":
            return _content(object_at(item, "delta"), ("delta",), (text_at(item, "id"),))
        if kind == "thread.run.step.delta":
            path: Path = ("delta", "step_details")
            return _calls(object_at(object_at(item, "delta"), "step_details"), path, (text_at(item, "id"),))
        return [spot._replace(whole=True) for spot in self.document(item)]

    def document(self, document: Any) -> list[Spot]:
        """A message, a run, a step of one, or a list of them."""
        found = _kept(document, ())
        for at, each in listed(document, "data"):
            found += _kept(each, ("data", at))
        return found

    def ends(self, name: str, item: Any) -> Iterable[Key]:
        """See `Channels`."""
        if name in _LAST or item == "[DONE]":
            return EVERYTHING
        return [(text_at(item, "id"),)] if name in _OVER or name.startswith("thread.run.step.completed") else NOTHING


def _kept(thing: Any, path: Path) -> list[Spot]:
    """One thing that is kept: its text is whole, so its place names its channel."""
    kind = text_at(thing, "object")
    if kind == "thread.message":
        return _content(thing, path, path) if text_at(thing, "role") == "assistant" else []
    if kind == "thread.run.step":
        return _calls(object_at(thing, "step_details"), (*path, "step_details"), path)
    if kind == "thread.run":
        asked = object_at(object_at(thing, "required_action"), "submit_tool_outputs")
        return _calls(asked, (*path, "required_action", "submit_tool_outputs"), path)
    return []


def _content(holder: dict[str, Any], path: Path, channel: Key) -> list[Spot]:
    found: list[Spot] = []
    for at, block in listed(holder, "content"):
        key = (*channel, index_of(block, "index", at))
        found += texts(block.get("text"), (*path, "content", at, "text"), key, CONTENT, "value")
    return found


def _calls(holder: dict[str, Any], path: Path, channel: Key) -> list[Spot]:
    found: list[Spot] = []
    for at, call in listed(holder, "tool_calls"):
        place, key = (*path, "tool_calls", at), (*channel, "calls", index_of(call, "index", at))
        for kind, name in (("function", "arguments"), ("code_interpreter", "input")):
            found += arguments(call.get(kind), (*place, kind), key, name)
    return found
