"""Writes answers as Bedrock does: Converse's document and frames, and `invoke` for the makers whose shapes are plain.

Streams are frames of `application/vnd.amazon.eventstream`. Called by the dialect beside this.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from proxy_daemon.core.conversation import (
    Answer,
    Choice,
    Finish,
    Part,
    Reasoning,
    Text,
    ToolCall,
    Usage,
)
from proxy_daemon.core.dialects.anthropic import rendering as anthropic_rendering
from proxy_daemon.core.dialects.bedrock.converse import FINISHES
from proxy_daemon.core.dialects.bedrock.vendors import METRICS, finish_of
from proxy_daemon.core.dialects.cutting import words
from proxy_daemon.core.dialects.dialect import CannotRender, Piece, Rendered
from proxy_daemon.core.dialects.json_shapes import parsed, without_none, written
from proxy_daemon.core.dialects.json_writing import JSON, octets
from proxy_daemon.core.dialects.media import alone, in_base64
from proxy_daemon.core.dialects.said import vectors_of
from proxy_daemon.core.wire.event_stream import event, exception

FRAMES = b"application/vnd.amazon.eventstream"
_SAID = {
    Finish.STOP: "end_turn",
    Finish.STOP_SEQUENCE: "stop_sequence",
    Finish.LENGTH: "max_tokens",
    Finish.CALLS: "tool_use",
    Finish.FILTERED: "content_filtered",
    Finish.ERROR: "malformed_model_output",
}
# Of the makers whose models only go on with a text: the word for a full stop, and for too many tokens.
_ENDINGS = {"amazon": ("FINISH", "LENGTH"), "meta": ("stop", "length"), "mistral": ("stop", "length")}
_ENDINGS["cohere"] = ("COMPLETE", "MAX_TOKENS")
Event = tuple[str, dict[str, Any], bool]  # name, JSON, and whether a model takes its time for it


def converse(answer: Answer) -> dict[str, Any]:
    """See https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html . Raises `CannotRender`."""
    choice = _only(answer)
    message = {"role": "assistant", "content": [_block(part) for part in choice.parts]}
    stop = without_none(stopReason=_reason(choice))
    return {"output": {"message": message}, **stop, "usage": _usage(answer.usage), "metrics": {"latencyMs": 0}}


def converse_events(answer: Answer) -> Iterator[Event]:
    """See .../API_runtime_ConverseStream.html . Raises `CannotRender`."""
    choice = _only(answer)
    yield "messageStart", {"role": "assistant"}, False
    for index, part in enumerate(choice.parts):
        place = {"contentBlockIndex": index}
        if isinstance(part, ToolCall):
            start = {"toolUse": {"toolUseId": part.id, "name": part.name}}
            yield "contentBlockStart", {"start": start, **place}, False
        for delta, spoken in _deltas(part):
            yield "contentBlockDelta", {"delta": delta, **place}, spoken
        yield "contentBlockStop", place, False
    if answer.complete and not answer.error:
        yield "messageStop", {"stopReason": _reason(choice) or "end_turn"}, False
        yield "metadata", {"usage": _usage(answer.usage), "metrics": {"latencyMs": 0}}, False


def as_document(value: dict[str, Any]) -> Rendered:
    """A document as octets."""
    return Rendered(JSON, (Piece(octets(value)),))


def as_frames(events: Iterator[Event], error: str = "") -> Rendered:
    """Events as frames, and the exception that a stream broken off ends with."""
    pieces = [Piece(event(name, octets(value)), spoken) for name, value, spoken in events]
    if error:
        pieces.append(Piece(exception("modelStreamErrorException", octets({"message": error}))))
    return Rendered(FRAMES, tuple(pieces))


def invoked(answer: Answer, model: str, vendor: str) -> dict[str, Any]:
    """The document of a model's maker. Raises `CannotRender`."""
    if vendor in ("anthropic", "nova"):
        return converse(answer) if vendor == "nova" else anthropic_rendering.message_document(answer, model)
    text, said, usage = _plain(answer, vendor)
    if vendor == "amazon":
        result = without_none(tokenCount=usage.output, outputText=text, completionReason=said)
        return without_none(inputTextTokenCount=usage.input, results=[result])
    if vendor == "cohere":
        return {"id": answer.id, "generations": [{"id": answer.id, "text": text, "finish_reason": said}]}
    return _chunk(vendor, text, said, usage)


def invoked_events(answer: Answer, model: str, vendor: str) -> Iterator[Event]:
    """The maker's events, each in a frame `chunk`; Bedrock's metrics stand in the last. Raises `CannotRender`."""
    found = list(_vendor_events(answer, model, vendor))
    for at, (value, spoken) in enumerate(found):
        last = at == len(found) - 1 and answer.complete and not answer.error
        whole = {**value, METRICS: _metrics(answer.usage)} if last else value
        yield "chunk", {"bytes": b64encode(octets(whole)).decode()}, spoken


def _vendor_events(answer: Answer, model: str, vendor: str) -> Iterator[tuple[dict[str, Any], bool]]:
    if vendor == "anthropic":
        yield from (each for each in anthropic_rendering.message_events(answer, model) if each[0]["type"] != "error")
        return
    if vendor == "nova":
        yield from (({name: value}, spoken) for name, value, spoken in converse_events(answer))
        return
    text, said, usage = _plain(answer, vendor)
    for piece in words(text):
        yield _chunk(vendor, piece, None, Usage()), True
    if answer.complete and not answer.error:
        yield _chunk(vendor, "", said or "stop", usage), False


def _chunk(vendor: str, text: str, said: str | None, usage: Usage) -> dict[str, Any]:
    """Llama and Mistral write a chunk and a whole answer alike."""
    if vendor == "amazon":
        counts = {"totalOutputTextTokenCount": usage.output, "inputTextTokenCount": usage.input}
        return {"outputText": text, "index": 0, "completionReason": said, **counts}
    if vendor == "meta":
        counts = {"prompt_token_count": usage.input, "generation_token_count": usage.output}
        return {"generation": text, **counts, "stop_reason": said}
    if vendor == "mistral":
        return {"outputs": [{"text": text, "stop_reason": said}]}
    end = {"is_finished": True, "finish_reason": said} if said else {"is_finished": False}
    return {"index": 0, "text": text, **end}


def _plain(answer: Answer, vendor: str) -> tuple[str, str | None, Usage]:
    """The words, the maker's word for the end, and the counts. Raises `CannotRender`."""
    choice = _only(answer)
    if vendor not in _ENDINGS:
        raise CannotRender(f"how models of {vendor or 'an unknown maker'} answer to `invoke` is not known")
    if any(not isinstance(part, Text) for part in choice.parts):
        raise CannotRender(f"an answer of {vendor} to `invoke` is text only")
    stop, length = _ENDINGS[vendor]
    said: str | None = length if choice.finish is Finish.LENGTH else stop
    if choice.said and finish_of(choice.said) is choice.finish:
        said = choice.said
    return choice.text, said if choice.finish else None, answer.usage or Usage()


def embedded(answer: Answer, vendor: str) -> dict[str, Any]:
    """The document of a model that makes vectors. Raises `CannotRender`."""
    found = vectors_of(answer)
    if vendor == "amazon" and len(found) == 1:
        count = answer.usage.input if answer.usage else None
        return without_none(embedding=found[0], inputTextTokenCount=count)
    if vendor == "cohere":
        return {"id": answer.id, "embeddings": found, "response_type": "embeddings_floats"}
    raise CannotRender(f"how models of {vendor or 'an unknown maker'} give {len(found)} embeddings is not known")


def drawn(answer: Answer) -> dict[str, Any]:
    """The document of a model that makes images: Amazon's and Stability's list them alike. Raises `CannotRender`."""
    if not answer.choices:
        raise CannotRender("a model that makes images gives one at least")
    return {"images": [in_base64(alone(choice, "image")) for choice in answer.choices]}


def _only(answer: Answer) -> Choice:
    if len(answer.choices) > 1:
        raise CannotRender("an answer of Bedrock has one choice")
    return answer.choices[0] if answer.choices else Choice()


def _reason(choice: Choice) -> str | None:
    """The API's own word, where that is one of this API's."""
    known = FINISHES.get(choice.said) is choice.finish
    return choice.said if known else _SAID.get(choice.finish, "end_turn" if choice.finish else None)


def _usage(usage: Usage | None) -> dict[str, Any]:
    """All three counts are demanded; those of the cache only where they are known."""
    usage = usage or Usage()
    total = usage.total if usage.total is not None else (usage.input or 0) + (usage.output or 0)
    cache = without_none(cacheReadInputTokens=usage.cached, cacheWriteInputTokens=usage.cache_written)
    return {"inputTokens": usage.input or 0, "outputTokens": usage.output or 0, "totalTokens": total, **cache}


def _metrics(usage: Usage | None) -> dict[str, Any]:
    usage = usage or Usage()
    latency = {"invocationLatency": 0, "firstByteLatency": 0}
    return {**without_none(inputTokenCount=usage.input, outputTokenCount=usage.output), **latency}


def _block(part: Part) -> dict[str, Any]:
    match part:
        case Text(text):
            return {"text": text}
        case Reasoning("", opaque):
            return {"reasoningContent": {"redactedContent": opaque}}
        case Reasoning(text, opaque):
            signature = {"signature": opaque} if opaque else {}
            return {"reasoningContent": {"reasoningText": {"text": text, **signature}}}
        case ToolCall(id=call, name=name):
            return {"toolUse": {"toolUseId": call, "name": name, "input": _arguments(part)}}
    raise CannotRender(f"an answer of Bedrock has no {type(part).__name__.lower()}")


def _arguments(call: ToolCall) -> dict[str, Any]:
    value = parsed(call.arguments or "{}")
    if value is None or not written(value):
        raise CannotRender(f"the arguments of the call {call.id!r} are no JSON that can be written")
    return value if isinstance(value, dict) else {"value": value}


def _deltas(part: Part) -> Iterator[tuple[dict[str, Any], bool]]:
    match part:
        case Text(text):
            yield from (({"text": piece}, True) for piece in words(text) or [""])
        case Reasoning("", opaque):
            yield {"reasoningContent": {"redactedContent": opaque}}, False
        case Reasoning(text, opaque):
            yield from (({"reasoningContent": {"text": piece}}, True) for piece in words(text))
            if opaque:
                yield {"reasoningContent": {"signature": opaque}}, False
        case ToolCall():
            yield from (({"toolUse": {"input": piece}}, True) for piece in words(written(_arguments(part))))
        case _:
            raise CannotRender(f"an answer of Bedrock has no {type(part).__name__.lower()}")
