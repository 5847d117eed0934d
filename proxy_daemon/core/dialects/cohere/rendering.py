"""An answer to a chat as version 2 of Cohere's API writes it. Called by `v2.py`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proxy_daemon.core.conversation import Answer, Choice, Reasoning, Text, ToolCall, Usage
from proxy_daemon.core.dialects.cohere.answers import ENDS
from proxy_daemon.core.dialects.cutting import words
from proxy_daemon.core.dialects.dialect import CannotRender, Piece, Rendered
from proxy_daemon.core.dialects.json_shapes import without_none
from proxy_daemon.core.dialects.json_writing import document as written_document
from proxy_daemon.core.dialects.json_writing import event, events
from proxy_daemon.core.dialects.said import calls_of, text_of, word_for

Members = dict[str, Any]


def chat_rendered(answer: Answer, *, streams: bool) -> Rendered:
    """A document or a stream. Raises `CannotRender`."""
    if len(answer.choices) != 1:
        raise CannotRender("Cohere gives one answer")
    choice = answer.choices[0]
    text_of(choice, others=(Reasoning, ToolCall))
    return events(_events(answer, choice)) if streams else written_document(_document(answer, choice))


def _document(answer: Answer, choice: Choice) -> Members:
    calls = [_call(each) for each in calls_of(choice)]
    message = {"role": "assistant", "content": [_block(part) for part in _blocks(choice)]}
    return {"id": answer.id, "message": message | ({"tool_calls": calls} if calls else {}), **_end(answer, choice)}


def _blocks(choice: Choice) -> list[Text | Reasoning]:
    return [part for part in choice.parts if isinstance(part, Text | Reasoning)]


def _block(part: Text | Reasoning) -> Members:
    kind = "text" if isinstance(part, Text) else "thinking"
    return {"type": kind, kind: part.text}


def _call(call: ToolCall) -> Members:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _end(answer: Answer, choice: Choice) -> Members:
    usage = {"usage": _usage(answer.usage)} if answer.usage else {}
    return {"finish_reason": word_for(choice, ENDS, "COMPLETE"), **usage}


def _usage(usage: Usage) -> Members:
    tokens = without_none(input_tokens=usage.input, output_tokens=usage.output, reasoning_tokens=usage.reasoning)
    return without_none(tokens=tokens, cached_tokens=usage.cached, total_tokens=usage.total)


def _events(answer: Answer, choice: Choice) -> Iterator[Piece]:
    opening = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    yield _typed("message-start", id=answer.id, delta={"message": opening})
    blocks, calls = _blocks(choice), calls_of(choice)
    for index, part in enumerate(blocks):
        yield from _block_events(index, part)
    for index, call in enumerate(calls):
        yield from _call_events(index, call)
    yield _typed("message-end", delta=_end(answer, choice))


def _block_events(index: int, part: Text | Reasoning) -> Iterator[Piece]:
    kind = "text" if isinstance(part, Text) else "thinking"
    yield _typed("content-start", index=index, delta=_within("content", {"type": kind, kind: ""}))
    for word in words(part.text):
        yield _typed("content-delta", spoken=True, index=index, delta=_within("content", {kind: word}))
    yield _typed("content-end", index=index)


def _call_events(index: int, call: ToolCall) -> Iterator[Piece]:
    opened = _call(call) | {"function": {"name": call.name, "arguments": ""}}
    yield _typed("tool-call-start", index=index, delta=_within("tool_calls", opened))
    for word in words(call.arguments):
        told = {"function": {"arguments": word}}
        yield _typed("tool-call-delta", spoken=True, index=index, delta=_within("tool_calls", told))
    yield _typed("tool-call-end", index=index)


def _within(name: str, value: Members) -> Members:
    return {"message": {name: value}}


def _typed(kind: str, *, spoken: bool = False, **members: Any) -> Piece:
    return event({"type": kind, **members}, kind, spoken=spoken)
