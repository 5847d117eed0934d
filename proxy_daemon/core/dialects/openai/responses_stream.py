"""Puts an answer of OpenAI's Responses together: from its document, or from the events of a stream.

See https://platform.openai.com/docs/api-reference/responses-streaming . Nothing here raises.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from proxy_daemon.core.conversation import Answer, Choice, Finish, Part, ToolCall
from proxy_daemon.core.dialects.json_shapes import count_at, member, object_at, text_at
from proxy_daemon.core.dialects.openai.items import parts_of_item, parts_of_items
from proxy_daemon.core.dialects.openai.told import event_problem, problem_in, usage_of

_REASONS = {
    "max_output_tokens": Finish.LENGTH,
    "max_tokens": Finish.LENGTH,
    "content_filter": Finish.FILTERED,
}
# Where the text of an event belongs in its item: the list, the member that says which of it, the kind of the block.
_BLOCKS = {
    "output_text": ("content", "content_index", "output_text", "text"),
    "refusal": ("content", "content_index", "refusal", "refusal"),
    "reasoning_text": ("content", "content_index", "reasoning_text", "text"),
    "reasoning_summary_text": ("summary", "summary_index", "summary_text", "text"),
}
# The same where the text is a member of the item itself.
_MEMBERS = {
    "function_call_arguments": "arguments",
    "mcp_call_arguments": "arguments",
    "custom_tool_call_input": "input",
    "code_interpreter_call_code": "code",
}
_ENDINGS = {"response.completed": "completed", "response.incomplete": "incomplete", "response.failed": "failed"}


def answer_of(response: Any) -> Answer:
    """The answer that a document tells, of any shape."""
    if not isinstance(response, dict):
        return Answer(complete=False)
    return _answer(response, text_at(response, "status"), list(parts_of_items(response.get("output"))))


def _answer(response: dict[str, Any], status: str, parts: list[Part], error: str = "", *, begun: bool = True) -> Answer:
    """``begun``: false for a stream that has not had its end, and so has no status that counts."""
    error = error or problem_in(response)
    finish, said = _finish(status if begun else "", response, parts)
    is_one = parts or said or isinstance(response.get("output"), list)
    return Answer(
        choices=(Choice(tuple(parts), finish, said),) if is_one else (),
        id=text_at(response, "id"),
        model=text_at(response, "model"),
        created=count_at(response, "created_at"),
        usage=usage_of(response.get("usage") or response),
        error=error,
        complete=begun and status in ("completed", "incomplete", "") and not error,
    )


def _finish(status: str, response: dict[str, Any], parts: Iterable[Part]) -> tuple[Finish, str]:
    if status == "completed":
        return (Finish.CALLS if any(isinstance(part, ToolCall) for part in parts) else Finish.STOP), status
    if status == "incomplete":
        reason = text_at(response.get("incomplete_details"), "reason")
        return _REASONS.get(reason, Finish.OTHER), reason or status
    if status == "failed":
        return Finish.ERROR, status
    return (Finish.OTHER, status) if status == "cancelled" else (Finish.UNKNOWN, "")


class Events:
    """Puts an answer together from the events of a stream: by what each says, not by the whole that the last repeats.

    Some servers leave the output out of the last one.
    """

    __slots__ = ("_ended", "_error", "_items", "_response")

    def __init__(self) -> None:
        self._items: dict[Any, _Item] = {}
        self._response: dict[str, Any] = {}
        self._ended = self._error = ""

    def add(self, name: str, data: Any) -> None:
        """See `Assembler`."""
        if not isinstance(data, dict):
            self._error = self._error or event_problem(name, data)
            return
        kind = text_at(data, "type") or name
        subject, _, step = kind.removeprefix("response.").rpartition(".")
        if step == "delta":
            self._grow(subject, data, "delta")
        elif step == "done" or subject == "output_item":
            self._settle(subject, data)
        else:
            self._tell(kind, name, data)

    def _tell(self, kind: str, name: str, data: dict[str, Any]) -> None:
        """Of the response as a whole."""
        if response := object_at(data, "response"):
            self._response = response
        self._ended = _ENDINGS.get(kind, self._ended)
        if kind == "error" or "error" in data or not kind:
            self._error = self._error or event_problem(name, data)

    def _settle(self, subject: str, data: dict[str, Any]) -> None:
        """An item has begun, or something is whole: what came in pieces is known already."""
        if subject == "output_item":
            self._item(data).take(object_at(data, "item"))
        elif subject in _BLOCKS or subject in _MEMBERS:
            self._grow(subject, data, "done")

    def _grow(self, subject: str, data: dict[str, Any], step: str) -> None:
        if (block := _BLOCKS.get(subject)) is not None:
            place: Any = (block, _index(data.get(block[1])))
            text = data.get("delta" if step == "delta" else block[3])
        elif (place := _MEMBERS.get(subject)) is not None:
            text = data.get("delta" if step == "delta" else place)
        else:
            return
        if isinstance(text, str):
            self._item(data).grow(place, text, whole=step == "done")

    def _item(self, data: dict[str, Any]) -> _Item:
        place = data.get("output_index")
        if not isinstance(place, int):
            place = text_at(data, "item_id") or text_at(data.get("item"), "id")
        item = self._items.get(place)
        if item is None:
            item = self._items[place] = _Item()
        return item

    def answer(self) -> Answer:
        """See `Assembler`."""
        parts = [part for item in self._items.values() for part in parts_of_item(item.document())]
        if not self._items:
            parts = list(parts_of_items(self._response.get("output")))
        status = text_at(self._response, "status") if self._ended else ""
        found = _answer(self._response, status or self._ended, parts, self._error, begun=bool(self._ended))
        return found if self._ended != "failed" or found.error else _failed(found)


def _failed(found: Answer) -> Answer:
    return Answer(found.choices, found.id, found.model, found.created, found.usage, "the response failed", False)


def _index(value: Any) -> int:
    return value if isinstance(value, int) else 0


class _Item:
    """One item as it grows. What is told at its end is the whole of it."""

    __slots__ = ("_item", "_texts")

    def __init__(self) -> None:
        self._item: dict[str, Any] = {}
        self._texts: dict[Any, list[str]] = {}

    def take(self, item: dict[str, Any]) -> None:
        """As told at its beginning or its end."""
        self._item = item or self._item

    def grow(self, place: Any, text: str, *, whole: bool) -> None:
        """A piece of a text, or all of it, which counts where no piece came."""
        pieces = self._texts.setdefault(place, [])
        if not whole or not pieces:
            pieces.append(text)

    def document(self) -> dict[str, Any]:
        """The item with the texts that came in pieces; where it has the text itself, that is the same."""
        grown = dict(self._item)
        lists: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        for place, pieces in self._texts.items():
            if isinstance(place, str):
                grown[place] = "".join(pieces)
                continue
            (name, _, kind, within), index = place
            lists.setdefault(name, []).append((index, {"type": kind, within: "".join(pieces)}))
        for name, blocks in lists.items():
            if not member(self._item, name):
                grown[name] = [block for _, block in sorted(blocks, key=lambda each: each[0])]
        grown["type"] = text_at(grown, "type") or _kind_of(lists)
        return grown


def _kind_of(lists: dict[str, Any]) -> str:
    """Of an item whose beginning was not told."""
    blocks = [block["type"] for name in lists for _, block in lists[name]]
    return "reasoning" if any(kind.startswith(("summary", "reasoning")) for kind in blocks) else "message"
