"""Writes answers as Gemini's API does: a document; a stream of events, or of the elements of one JSON array."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from proxy_daemon.core.conversation import (
    Answer,
    Choice,
    Finish,
    Media,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)
from proxy_daemon.core.dialects.cutting import words
from proxy_daemon.core.dialects.dialect import CannotRender, Piece, Rendered
from proxy_daemon.core.dialects.google.parts import CODE, OUTPUT, SERVER_TOOLS, finish_of, kind_of
from proxy_daemon.core.dialects.json_shapes import parsed, without_none
from proxy_daemon.core.dialects.json_writing import octets
from proxy_daemon.core.dialects.media import alone, in_base64
from proxy_daemon.core.dialects.said import vectors_of

JSON = b"application/json; charset=UTF-8"
SSE = b"text/event-stream"
_SAID = {
    Finish.UNKNOWN: None,
    Finish.LENGTH: "MAX_TOKENS",
    Finish.FILTERED: "SAFETY",
    Finish.ERROR: "MALFORMED_RESPONSE",
    Finish.OTHER: "OTHER",
}
Chunk = tuple[dict[str, Any], bool]  # its JSON, and whether a model takes its time for it


def document(answer: Answer, model: str) -> dict[str, Any]:
    """See https://ai.google.dev/api/generate-content#generatecontentresponse . Raises `CannotRender`."""
    candidates = [
        without_none(content=_content(_written(choice.parts)), finishReason=_reason(choice), index=index)
        for index, choice in enumerate(answer.choices)
    ]
    return {"candidates": candidates, **_about(answer, model)}


def chunks(answer: Answer, model: str) -> Iterator[Chunk]:
    """The same in pieces, each of a candidate; the last has the reasons, where the answer has had its end."""
    identity = {name: value for name, value in _about(answer, model).items() if name != "usageMetadata"}
    for index, choice in enumerate(answer.choices):
        for part, spoken in _pieces(choice.parts):
            yield {"candidates": [{"content": _content([part]), "index": index}], **identity}, spoken
    ends = [
        without_none(content=_content([{"text": ""}]), finishReason=_reason(choice), index=index)
        for index, choice in enumerate(answer.choices)
    ]
    yield {"candidates": ends, **_about(answer, model)}, False
    if answer.error:
        yield {"error": {"code": 500, "message": answer.error, "status": "INTERNAL"}}, False


def embeddings(answer: Answer, *, single: bool) -> dict[str, Any]:
    """See https://ai.google.dev/api/embeddings . Raises `CannotRender`."""
    values = [{"values": each} for each in vectors_of(answer)]
    if single and len(values) != 1:
        raise CannotRender(f"one embedding is wanted, and there are {len(values)}")
    counted = {"usageMetadata": _usage(answer.usage)} if answer.usage else {}
    return {"embedding": values[0], **counted} if single else {"embeddings": values, **counted}


def predictions(answer: Answer) -> dict[str, Any]:
    """Embeddings as Vertex's `predict` gives them. Raises `CannotRender`."""
    found = embeddings(answer, single=False)["embeddings"]
    count = answer.usage.input if answer.usage and len(found) == 1 else None
    statistics = without_none(token_count=count)
    return {"predictions": [{"embeddings": {**each, "statistics": statistics}} for each in found]}


def images(answer: Answer) -> dict[str, Any]:
    """As Vertex's `predict` gives them; see `.../model-reference/imagen-api`. Raises `CannotRender`."""
    found = [alone(choice, "image") for choice in answer.choices]
    return {"predictions": [{"mimeType": each.media_type, "bytesBase64Encoded": in_base64(each)} for each in found]}


def as_document(value: dict[str, Any]) -> Rendered:
    """A document as octets."""
    return Rendered(JSON, (Piece(octets(value)),))


def as_events(found: Iterator[Chunk]) -> Rendered:
    """For `alt=sse`: lines end in CR LF, as Google's do."""
    return Rendered(SSE, tuple(Piece(b"data: %s\r\n\r\n" % octets(chunk), spoken) for chunk, spoken in found))


def as_array(found: Iterator[Chunk]) -> Rendered:
    """Without `alt=sse`: one array, an element at a time."""
    pieces = [Piece((b",\r\n" if at else b"[") + octets(chunk), spoken) for at, (chunk, spoken) in enumerate(found)]
    return Rendered(JSON, (*pieces, Piece(b"]")))


def _about(answer: Answer, model: str) -> dict[str, Any]:
    created = None if answer.created is None else _time(answer.created)
    usage = _usage(answer.usage) if answer.usage else None
    named = without_none(createTime=created, responseId=answer.id or None, usageMetadata=usage)
    return {"modelVersion": answer.model or model, **named}


def _time(created: int) -> str:
    try:
        return datetime.fromtimestamp(created, UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError) as error:
        raise CannotRender(f"no time is {created} seconds after 1970") from error


def _usage(usage: Usage | None) -> dict[str, Any]:
    usage = usage or Usage()
    return without_none(
        promptTokenCount=usage.input,
        candidatesTokenCount=usage.output,
        totalTokenCount=usage.total,
        cachedContentTokenCount=usage.cached,
        thoughtsTokenCount=usage.reasoning,
    )


def _reason(choice: Choice) -> str | None:
    """The API's own word, where that is one of this API's."""
    if finish_of(choice.said, choice.parts) is choice.finish and choice.said.isupper():
        return choice.said
    return _SAID.get(choice.finish, "STOP")


def _content(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {"parts": parts, "role": "model"}


def _written(parts: tuple[Part, ...]) -> list[dict[str, Any]]:
    """The API's parts; an opaque thought is the signature of the part behind it."""
    found: list[dict[str, Any]] = []
    signature = ""
    for part in parts:
        if signature and isinstance(part, Reasoning):
            found.append({"text": "", "thoughtSignature": signature})
            signature = ""
        if isinstance(part, Reasoning) and not part.text:
            signature = part.opaque
            continue
        found.append({**_part(part), **({"thoughtSignature": signature} if signature else {})})
        signature = ""
    return [*found, {"text": "", "thoughtSignature": signature}] if signature else found


def _part(part: Part) -> dict[str, Any]:
    match part:
        case Text(text):
            return {"text": text}
        case Reasoning(text, opaque):
            return {"text": text, "thought": True, **({"thoughtSignature": opaque} if opaque else {})}
        case ToolCall():
            return _call(part)
        case Media():
            return _medium(part)
        case ToolResult(name=name) if name == OUTPUT:
            outcome = "OUTCOME_FAILED" if part.failed else "OUTCOME_OK"
            return {OUTPUT: {"outcome": outcome, "output": part.text, **({"id": part.id} if part.id else {})}}
    raise CannotRender(f"an answer of Gemini's API has no {type(part).__name__.lower()}")


def _medium(medium: Media) -> dict[str, Any]:
    """Behind a URI, or inline. Its kind is told by its media type alone."""
    if medium.kind != kind_of(medium.media_type):
        raise CannotRender(f"{medium.media_type[:100]!r} does not say that this is of the kind {medium.kind}")
    if medium.source:
        return {"fileData": {"mimeType": medium.media_type, "fileUri": medium.source}}
    return {"inlineData": {"mimeType": medium.media_type, "data": in_base64(medium)}}


def _call(call: ToolCall) -> dict[str, Any]:
    args = parsed(call.arguments or "{}")
    if args is None:
        raise CannotRender(f"the arguments of the call {call.name!r} are no JSON")
    args = args if isinstance(args, dict) else {"value": args}
    if call.name == CODE:
        return {CODE: args}
    identity = {"id": call.id} if call.id else {}
    if call.name in SERVER_TOOLS:
        return {"toolCall": {**identity, "toolType": call.name, "args": args}}
    return {"functionCall": {**identity, "name": call.name, "args": args}}


def _pieces(parts: tuple[Part, ...]) -> Iterator[tuple[dict[str, Any], bool]]:
    """Words and thoughts come piece by piece, all else whole; a signature stands at the last piece of a thought."""
    for part in _written(parts):
        if not part.get("text"):
            yield part, False
            continue
        cut = words(part["text"])
        thought, signature = {"thought": True} if part.get("thought") else {}, part.get("thoughtSignature")
        at = len(cut) - 1 if thought else 0
        for place, piece in enumerate(cut):
            signed = {"thoughtSignature": signature} if signature and place == at else {}
            yield {"text": piece, **thought, **signed}, True
