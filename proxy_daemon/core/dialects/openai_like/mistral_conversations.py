"""Mistral's conversations: what is told by the entries of a document, or by named events. Reads any JSON.

See https://docs.mistral.ai/api/#tag/beta.conversations . Called by `mistral.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proxy_daemon.core.conversation import Answer, Choice, Finish, Message, Other, Part, Text, ToolCall, ToolResult
from proxy_daemon.core.dialects.json_shapes import count_at, objects, objects_at, text_at
from proxy_daemon.core.dialects.openai.parts import arguments_of, parts_of, plain_text, role_of
from proxy_daemon.core.dialects.openai.told import event_problem, problem_in, usage_of


def answer_of(document: Any) -> Answer:
    """The answer of a document, of any shape."""
    if not isinstance(document, dict):
        return Answer(complete=False)
    parts = tuple(part for entry in objects_at(document, "outputs") for part in _parts(entry))
    choice = Choice(parts, Finish.CALLS if any(isinstance(part, ToolCall) for part in parts) else Finish.STOP)
    models = [text_at(entry, "model") for entry in objects_at(document, "outputs")]
    error = problem_in(document)
    return Answer(
        choices=(choice,) if isinstance(document.get("outputs"), list) else (),
        id=text_at(document, "conversation_id"),
        model=next(filter(None, models), ""),
        created=count_at(document, "created"),
        usage=usage_of(document.get("usage")),
        error=error,
        complete=not error,
    )


def _parts(entry: dict[str, Any]) -> Iterator[Part]:
    kind = text_at(entry, "type")
    if kind.startswith("function.call"):
        yield ToolCall(text_at(entry, "tool_call_id"), text_at(entry, "name"), arguments_of(entry.get("arguments")))
    elif kind.startswith("message.") or not kind:
        yield from parts_of(entry.get("content"))
    else:
        yield Other(kind)


def messages_of(inputs: Any) -> Iterator[Message]:
    """What the `inputs` of a request say."""
    if isinstance(inputs, str) and inputs:
        yield Message("user", (Text(inputs),))
    for entry in objects(inputs):
        if text_at(entry, "type") == "function.result":
            result = ToolResult(text_at(entry, "tool_call_id"), plain_text(entry.get("result")))
            yield Message("tool", (result,))
        else:
            role = role_of(text_at(entry, "role"))
            yield Message(role or "assistant", tuple(_parts(entry)))


class Entries:
    """Puts an answer together from events: each entry grows by its place."""

    def __init__(self) -> None:
        self._entries: dict[Any, tuple[dict[str, Any], list[Any], list[str]]] = {}
        self._told: dict[str, Any] = {}
        self._error, self._done = "", False

    def add(self, name: str, data: Any) -> None:
        """See `Assembler`."""
        kind = text_at(data, "type") or name
        if not isinstance(data, dict) or kind in ("conversation.response.error", "error"):
            failed = "error" if kind.endswith("error") else name
            self._error = self._error or event_problem(failed, data)
        elif kind.startswith("conversation.response."):
            self._told |= data
            self._done = self._done or kind == "conversation.response.done"
        else:
            self._grow(kind, data)

    def _grow(self, kind: str, data: dict[str, Any]) -> None:
        index = data.get("output_index")
        place = index if isinstance(index, int) else text_at(data, "id")
        entry, content, arguments = self._entries.setdefault(place, ({}, [], []))
        entry.update(data, type=kind.rpartition(".")[0])
        content.append(data.get("content"))
        arguments.append(arguments_of(data.get("arguments")))

    def answer(self) -> Answer:
        """See `Assembler`."""
        outputs = [
            {**entry, "content": _joined(content), "arguments": "".join(arguments)}
            for entry, content, arguments in self._entries.values()
        ]
        found = answer_of({**self._told, "outputs": outputs})
        choices = found.choices if self._done else tuple(Choice(choice.parts) for choice in found.choices)
        error = self._error or found.error
        return Answer(choices, found.id, found.model, found.created, found.usage, error, self._done and not error)


def _joined(content: list[Any]) -> list[Any]:
    """Words that follow each other as one block."""
    blocks: list[Any] = []
    words: list[str] = []
    for each in [*content, {}]:
        if isinstance(each, str):
            words.append(each)
            continue
        if each and words:
            blocks.append("".join(words))
            words = []
        if each:
            blocks.append(each)
    return [*blocks, "".join(words)] if any(words) else blocks
