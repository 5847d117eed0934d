"""Writes answers as Anthropic's Messages API does: a document, or the named events of a stream.

`message_document` and `message_events` give values, which Bedrock puts into frames of its own; the dialects of
Anthropic and of Claude on Vertex write them as octets by `rendered_document` and `rendered_stream`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from proxy_daemon.core.conversation import Answer, Choice, Finish, Part, Reasoning, Text, ToolCall, Usage
from proxy_daemon.core.dialects.anthropic.parts import FINISHES
from proxy_daemon.core.dialects.cutting import words
from proxy_daemon.core.dialects.dialect import CannotRender, Piece, Rendered
from proxy_daemon.core.dialects.json_shapes import parsed, without_none, written
from proxy_daemon.core.dialects.json_writing import JSON, octets

Event = tuple[dict[str, Any], bool]  # its JSON, and whether a model takes its time for it

SSE = b"text/event-stream; charset=utf-8"
_SAID = {
    Finish.STOP: "end_turn",
    Finish.STOP_SEQUENCE: "stop_sequence",
    Finish.LENGTH: "max_tokens",
    Finish.CALLS: "tool_use",
    Finish.FILTERED: "refusal",
    Finish.OTHER: "pause_turn",
}
_EMPTIED: dict[str, dict[str, Any]] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"input": {}},
    "server_tool_use": {"input": {}},
    "redacted_thinking": {},
}


def message_document(answer: Answer, model: str) -> dict[str, Any]:
    """A message: https://docs.anthropic.com/en/api/messages . Raises `CannotRender`."""
    choice = _only(answer)
    return {**_head(answer, model), "content": [_block(part) for part in choice.parts], **_ending(choice)}


def message_events(answer: Answer, model: str) -> Iterator[Event]:
    """See https://docs.anthropic.com/en/docs/build-with-claude/streaming . Raises `CannotRender`.

    An answer without its good end stops where it stopped; one with an error ends in an `error` event.
    """
    choice = _only(answer)
    begun = {**_head(answer, model), "content": [], "stop_reason": None, "stop_sequence": None}
    begun["usage"] = {**begun["usage"], "output_tokens": min(1, begun["usage"]["output_tokens"])}
    yield {"type": "message_start", "message": begun}, False
    for index, part in enumerate(choice.parts):
        yield from _block_events(index, part)
    if choice.finish or answer.complete:
        yield {"type": "message_delta", "delta": _ending(choice), "usage": _usage(answer.usage)}, False
    if answer.error:
        yield {"type": "error", "error": {"type": "api_error", "message": answer.error}}, False
    elif answer.complete:
        yield {"type": "message_stop"}, False


def completion_document(answer: Answer, model: str) -> dict[str, Any]:
    """A legacy completion: https://docs.anthropic.com/en/api/complete . Raises `CannotRender`."""
    choice = _only(answer)
    said = "max_tokens" if choice.finish is Finish.LENGTH else "stop_sequence"
    identity = {"id": answer.id or "compl_0", "model": answer.model or model}
    return {
        "type": "completion",
        **identity,
        "completion": _words(choice),
        "stop_reason": said,
        "stop": choice.stopped_by or None,
    }


def completion_events(answer: Answer, model: str) -> Iterator[Event]:
    """The same as a stream: the last event has the reason. Raises `CannotRender`."""
    whole = completion_document(answer, model)
    for piece in words(whole["completion"]):
        yield {**whole, "completion": piece, "stop_reason": None}, True
    yield {**whole, "completion": ""}, False


def rendered_document(document: dict[str, Any]) -> Rendered:
    """A document as octets."""
    return Rendered(JSON, (Piece(octets(document)),))


def rendered_stream(events: Iterable[Event]) -> Rendered:
    """Server-sent events, each named after its type."""
    return Rendered(SSE, tuple(Piece(sse_event(event), spoken) for event, spoken in events))


def sse_event(event: dict[str, Any]) -> bytes:
    """One of them. JSON has no raw line ends, so one line of data does."""
    return b"event: %s\ndata: %s\n\n" % (event["type"].encode(), octets(event))


def _only(answer: Answer) -> Choice:
    if len(answer.choices) > 1:
        raise CannotRender("a message of Anthropic's API has one choice")
    return answer.choices[0] if answer.choices else Choice()


def _head(answer: Answer, model: str) -> dict[str, Any]:
    identity = {"id": answer.id or "msg_0", "type": "message", "role": "assistant", "model": answer.model or model}
    usage = {"input_tokens": 0, "output_tokens": 0, **_usage(answer.usage)}
    return {**identity, "usage": usage}


def _usage(usage: Usage | None) -> dict[str, Any]:
    """The counts that are known; SDKs demand that of the output."""
    usage = usage or Usage()
    thinking = {"thinking_tokens": usage.reasoning} if usage.reasoning is not None else None
    return without_none(
        input_tokens=usage.input,
        cache_creation_input_tokens=usage.cache_written,
        cache_read_input_tokens=usage.cached,
        output_tokens=usage.output or 0,
        output_tokens_details=thinking,
    )


def _ending(choice: Choice) -> dict[str, Any]:
    """The API's own word, where that is one of this API's."""
    known = FINISHES.get(choice.said) is choice.finish
    return {
        "stop_reason": choice.said if known else _SAID.get(choice.finish),
        "stop_sequence": choice.stopped_by or None,
    }


def _block(part: Part) -> dict[str, Any]:
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case Reasoning("", opaque):
            return {"type": "redacted_thinking", "data": opaque}
        case Reasoning(text, opaque):
            return {"type": "thinking", "thinking": text, "signature": opaque}
        case ToolCall(id=call, name=name):
            kind = "server_tool_use" if call.startswith("srvtoolu_") else "tool_use"
            return {"type": kind, "id": call, "name": name, "input": _arguments(part)}
    raise CannotRender(f"an answer of Anthropic's API has no {type(part).__name__.lower()}")


def _arguments(call: ToolCall) -> dict[str, Any]:
    """An object, as the API has it: another value is put into one, and what is no JSON is said to be none."""
    value = parsed(call.arguments or "{}")
    if value is None or not written(value):
        raise CannotRender(f"the arguments of the call {call.id!r} are no JSON that can be written")
    return value if isinstance(value, dict) else {"value": value}


def _block_events(index: int, part: Part) -> Iterator[Event]:
    block = _block(part)
    yield {"type": "content_block_start", "index": index, "content_block": {**block, **_EMPTIED[block["type"]]}}, False
    if index == 0:
        yield {"type": "ping"}, False
    for delta, spoken in _deltas(block):
        yield {"type": "content_block_delta", "index": index, "delta": delta}, spoken
    yield {"type": "content_block_stop", "index": index}, False


def _deltas(block: dict[str, Any]) -> Iterator[Event]:
    if "text" in block:
        yield from (({"type": "text_delta", "text": piece}, True) for piece in words(block["text"]))
    elif "thinking" in block:
        yield from (({"type": "thinking_delta", "thinking": piece}, True) for piece in words(block["thinking"]))
        yield {"type": "signature_delta", "signature": block["signature"]}, False
    elif "input" in block:
        for piece in ["", *words(written(block["input"]))]:
            yield {"type": "input_json_delta", "partial_json": piece}, True


def _words(choice: Choice) -> str:
    if any(not isinstance(part, Text) for part in choice.parts):
        raise CannotRender("a legacy completion is text only")
    return choice.text
