"""Writes answers made of `choices`, as documents and as streams of chunks: chat completions and legacy completions.

Ids and times are the answer's own; where it has none, they are the same each time. Called by `render` of the dialects
openai-chat and openai-completions, and of those made of them, which say by a `Manner` what they do in their own way.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from attrs import frozen

from proxy_daemon.core.conversation import Answer, Choice, Declined, Finish, Reasoning, Text, ToolCall
from proxy_daemon.core.dialects.cutting import words
from proxy_daemon.core.dialects.dialect import Piece
from proxy_daemon.core.dialects.json_writing import event
from proxy_daemon.core.dialects.openai.choices import finish_of
from proxy_daemon.core.dialects.openai.told import DONE, call_id, unsaid, usage_document

Delta = tuple[dict[str, Any], bool]  # and whether it is spoken

_SAID = {
    Finish.STOP: "stop",
    Finish.STOP_SEQUENCE: "stop",
    Finish.LENGTH: "length",
    Finish.CALLS: "tool_calls",
    Finish.FILTERED: "content_filter",
    Finish.ERROR: "error",
    Finish.OTHER: "stop",
}


@frozen
class Manner:
    """How an API of this family writes. ``thoughts``: the member for them; "" where they are blocks of the content.

    ``text``: legacy completions, which know words only. ``custom``: names of tools that take text. ``legacy_call``:
    the request offered `functions`, and so expects a `function_call`.
    """

    model: str
    thoughts: str = "reasoning_content"
    usage: bool = False
    text: bool = False
    custom: frozenset[str] = frozenset()
    legacy_call: bool = False

    @property
    def kind(self) -> str:
        """The `object` of a document."""
        return "text_completion" if self.text else "chat.completion"


def document_of(answer: Answer, manner: Manner) -> dict[str, Any]:
    """The answer as one document. Raises `CannotRender`."""
    choices = [_whole_choice(index, choice, manner) for index, choice in enumerate(answer.choices)]
    whole = {**_head(answer, manner, manner.kind), "choices": choices}
    if answer.usage is not None:
        whole["usage"] = usage_document(answer.usage, "prompt", "completion")
    return whole


def events_of(answer: Answer, manner: Manner) -> Iterator[Piece]:
    """The answer as chunks, the choices by turns, which are said at once. Raises `CannotRender`.

    One that broke off stops where it broke off; the error of one that has an error is the caller's to add.
    """
    head = _head(answer, manner, manner.kind if manner.text else "chat.completion.chunk")
    more = {"usage": None} if manner.usage and answer.usage else {}
    for turns in zip_longest(*(_chunks(index, choice, manner) for index, choice in enumerate(answer.choices))):
        first = True
        for choice, spoken in filter(None, turns):
            yield event({**head, "choices": [choice], **more}, spoken=spoken and first)
            first = False
    if manner.usage and answer.usage:
        yield event({**head, "choices": [], "usage": usage_document(answer.usage, "prompt", "completion")})
    if answer.complete and not answer.error:
        yield DONE


def _head(answer: Answer, manner: Manner, kind: str) -> dict[str, Any]:
    created = answer.created or 0
    return {"id": answer.id, "object": kind, "created": created, "model": answer.model or manner.model}


def _reason(choice: Choice, manner: Manner) -> str | None:
    """The API's word; another API's word only where it is the only one."""
    if choice.finish is Finish.UNKNOWN:
        return None
    if choice.said and finish_of(choice.said) is choice.finish:
        return choice.said
    if choice.finish is Finish.CALLS and manner.legacy_call:
        return "function_call"
    return _SAID[choice.finish]


def _whole_choice(index: int, choice: Choice, manner: Manner) -> dict[str, Any]:
    reason = _reason(choice, manner)
    if manner.text:
        text = "".join(_text_only(choice))
        return {"text": text, "index": index, "logprobs": None, "finish_reason": reason}
    message = {"role": "assistant", **_message(choice, manner)}
    return {"index": index, "message": message, "logprobs": None, "finish_reason": reason}


def _message(choice: Choice, manner: Manner) -> dict[str, Any]:
    found = _sorted(choice)
    said: dict[str, Any] = {"content": choice.text or ("" if not found.calls else None)}
    if not manner.thoughts and found.thoughts:
        said["content"] = [*map(_thinking, found.thoughts), *([_text(choice.text)] if choice.text else [])]
    said["refusal"] = found.refused or None
    said |= _thoughts(found.thoughts, manner)
    if calls := [_call(at, call, manner) for at, call in enumerate(found.calls)]:
        said |= {"function_call": calls[0]["function"]} if _is_legacy(found, manner) else {"tool_calls": calls}
    return said


@frozen
class _Sorted:
    """The parts of a choice by their kinds."""

    thoughts: tuple[Reasoning, ...]
    refused: str
    calls: tuple[ToolCall, ...]


def _sorted(choice: Choice) -> _Sorted:
    for part in choice.parts:
        if not isinstance(part, Text | Reasoning | Declined | ToolCall):
            raise unsaid(part, "chat completions")
    refused = "".join(part.text for part in choice.parts if isinstance(part, Declined))
    calls = tuple(part for part in choice.parts if isinstance(part, ToolCall))
    return _Sorted(tuple(part for part in choice.parts if isinstance(part, Reasoning)), refused, calls)


def _is_legacy(found: _Sorted, manner: Manner) -> bool:
    return manner.legacy_call and len(found.calls) == 1


def _thoughts(thoughts: tuple[Reasoning, ...], manner: Manner) -> dict[str, Any]:
    """Their text; with details, where it alone would not tell all."""
    if not manner.thoughts or not thoughts:
        return {}
    text = "".join(thought.text for thought in thoughts)
    told: dict[str, Any] = {manner.thoughts: text} if text else {}
    if len(thoughts) > 1 or thoughts[0].opaque:
        told["reasoning_details"] = [_detail(index, thought) for index, thought in enumerate(thoughts)]
    return told


def _detail(index: int, thought: Reasoning) -> dict[str, Any]:
    if not thought.text:
        return {"type": "reasoning.encrypted", "data": thought.opaque, "index": index}
    return {"type": "reasoning.text", "text": thought.text, "signature": thought.opaque or None, "index": index}


def _thinking(thought: Reasoning) -> dict[str, Any]:
    """Mistral's block."""
    signed = {"signature": thought.opaque} if thought.opaque else {}
    return {"type": "thinking", "thinking": [_text(thought.text)], **signed}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _call(index: int, call: ToolCall, manner: Manner) -> dict[str, Any]:
    head = {"id": call_id(call, index)}
    if call.name in manner.custom:
        return {**head, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {**head, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _text_only(choice: Choice) -> Iterator[str]:
    for part in choice.parts:
        if not isinstance(part, Text):
            raise unsaid(part, "legacy completions")
        yield part.text


# --- chunks -----------------------------------------------------------------------------------------------------------


def _chunks(index: int, choice: Choice, manner: Manner) -> Iterator[Delta]:
    """The members of `choices`, one in each chunk."""
    for told, spoken in _texts(choice) if manner.text else _deltas(choice, manner):
        yield {"index": index, **told, "logprobs": None, "finish_reason": None}, spoken
    if (reason := _reason(choice, manner)) is not None:
        told = {"text": ""} if manner.text else {"delta": {}}
        yield {"index": index, **told, "logprobs": None, "finish_reason": reason}, False


def _texts(choice: Choice) -> Iterator[Delta]:
    for piece in words("".join(_text_only(choice))):
        yield {"text": piece}, True


def _deltas(choice: Choice, manner: Manner) -> Iterator[Delta]:
    found = _sorted(choice)
    begun = {"role": "assistant", "content": None if found.calls else "", "refusal": None}
    yield {"delta": begun}, False
    yield from _thought_deltas(found.thoughts, manner)
    for name, text in (("content", choice.text), ("refusal", found.refused)):
        for piece in words(text):
            yield {"delta": {name: piece}}, True
    yield from _call_deltas(found, manner)


def _thought_deltas(thoughts: tuple[Reasoning, ...], manner: Manner) -> Iterator[Delta]:
    for thought in thoughts:
        for piece in words(thought.text):
            told = {manner.thoughts: piece} if manner.thoughts else {"content": [_thinking(Reasoning(piece))]}
            yield {"delta": told}, True
        if not manner.thoughts and thought.opaque:
            yield {"delta": {"content": [_thinking(Reasoning("", thought.opaque))]}}, False
    if details := _thoughts(thoughts, manner).get("reasoning_details"):
        yield {"delta": {"reasoning_details": details}}, False


def _call_deltas(found: _Sorted, manner: Manner) -> Iterator[Delta]:
    """The first of a call has its name, the others its arguments."""
    for index, call in enumerate(found.calls):
        whole = _call(index, call, manner)
        if not manner.thoughts:  # Mistral's come whole: its SDK takes nothing else
            yield {"delta": {"tool_calls": [{"index": index, **whole}]}}, True
            continue
        kind, member = ("custom", "input") if call.name in manner.custom else ("function", "arguments")
        begun: list[tuple[dict[str, Any], bool]] = [({**whole, kind: {"name": call.name, member: ""}}, False)]
        for fragment, spoken in begun + [({kind: {member: piece}}, True) for piece in words(call.arguments)]:
            if _is_legacy(found, manner):
                yield {"delta": {"function_call": fragment["function"]}}, spoken
            else:
                yield {"delta": {"tool_calls": [{"index": index, **fragment}]}}, spoken
