"""OpenAI's Responses: deltas by item and block, and the same text again in `done` events and in the whole response.

See `core/dialects/openai/responses_stream.py`, which reads the same. What is repeated is rewritten as a text of its
own.
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
    in_list,
    index_of,
    listed,
    movable,
    texts,
)

# By the subject of an event: the field, the member that says which block, the member with the whole text.
_SUBJECTS = {
    "output_text": (CONTENT, "content_index", "text"),
    "reasoning_text": (REASONING, "content_index", "text"),
    "reasoning_summary_text": (REASONING, "summary_index", "text"),
    "function_call_arguments": (ARGUMENTS, "", "arguments"),
    "mcp_call_arguments": (ARGUMENTS, "", "arguments"),
    "custom_tool_call_input": (ARGUMENTS, "", "input"),
    "code_interpreter_call_code": (ARGUMENTS, "", "code"),
}
_PARTS = ("response.content_part.", "response.reasoning_summary_part.", "response.reasoning_part.")
_LAST = ("response.completed", "response.incomplete", "response.failed", "error")


class Responses:
    """See `Channels`."""

    moves = True

    def spots(self, name: str, item: Any) -> list[Spot]:
        """See `Channels`."""
        if not isinstance(item, dict):
            return []
        kind = _kind(name, item)
        subject, _, step = kind.removeprefix("response.").rpartition(".")
        if subject in _SUBJECTS:
            return _of_text(subject, step, item)
        if kind.startswith(_PARTS):
            return movable(_whole(_part(item.get("part"), ("part",))))
        if subject == "output_item":
            return movable(_whole(_item(item.get("item"), ("item",))))
        return _whole(_output(item.get("response"), ("response",)))

    def document(self, document: Any) -> list[Spot]:
        """See `Channels`."""
        return _whole(_output(document, ()))

    def ends(self, name: str, item: Any) -> Iterable[Key]:
        """See `Channels`."""
        if not isinstance(item, dict):
            return NOTHING
        kind = _kind(name, item)
        if kind in _LAST:
            return EVERYTHING
        if not kind.endswith(".done"):
            return NOTHING
        subject = kind.removeprefix("response.").removesuffix(".done")
        return [_place(subject, item) if subject in _SUBJECTS else (_output_index(item),)]


def _kind(name: str, item: dict[str, Any]) -> str:
    kind = item.get("type")
    return kind if isinstance(kind, str) else name


def _of_text(subject: str, step: str, item: dict[str, Any]) -> list[Spot]:
    field, _, whole = _SUBJECTS[subject]
    member = {"delta": "delta", "done": whole}.get(step, "")
    text = item.get(member)
    if not isinstance(text, str) or not text:
        return []
    return movable([Spot(_place(subject, item), (member,), field, text, whole=step == "done")])


def _place(subject: str, item: dict[str, Any]) -> Key:
    return (_output_index(item), subject, index_of(item, _SUBJECTS[subject][1]))


def _output_index(item: dict[str, Any]) -> Any:
    """Servers that leave it out name the item."""
    index = item.get("output_index")
    return index if isinstance(index, int) else str(item.get("item_id"))


def _whole(found: list[Spot]) -> list[Spot]:
    return [spot._replace(whole=True) for spot in found]


def _output(response: Any, path: Path) -> list[Spot]:
    found: list[Spot] = []
    for at, item in listed(response, "output"):
        found += _item(item, (*path, "output", at))
    return in_list(found, (*path, "output"), "responses")


def _item(item: Any, path: Path) -> list[Spot]:
    """See `core/dialects/openai/items.py`."""
    kind = item.get("type") if isinstance(item, dict) else None
    if kind not in _MEMBERS:
        return []
    found = texts(item, path, path, ARGUMENTS, *_MEMBERS[kind])
    if kind in ("message", "reasoning"):
        for name in ("summary", "content"):
            for at, part in listed(item, name):
                found += _part(part, (*path, name, at), thinks=kind == "reasoning")
    return found


_MEMBERS: dict[Any, tuple[str, ...]] = {
    "message": (),
    "reasoning": (),
    "function_call": ("arguments",),
    "mcp_call": ("arguments",),
    "custom_tool_call": ("input",),
    "code_interpreter_call": ("code",),
}


def _part(part: Any, path: Path, *, thinks: bool = False) -> list[Spot]:
    kind = part.get("type") if isinstance(part, dict) else ""
    thinks = thinks or kind in ("summary_text", "reasoning_text")
    return texts(part, path, path, REASONING if thinks else CONTENT, "text")
