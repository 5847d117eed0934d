"""An answer as Ollama writes it: a document, or lines. Called by `ollama.py`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from proxy_daemon.core.conversation import Answer, Choice, Operation, Reasoning, ToolCall
from proxy_daemon.core.dialects.cutting import words
from proxy_daemon.core.dialects.dialect import CannotRender, Piece, Rendered
from proxy_daemon.core.dialects.json_shapes import without_none
from proxy_daemon.core.dialects.json_writing import document, line, lines
from proxy_daemon.core.dialects.ollama.answers import ENDS
from proxy_daemon.core.dialects.said import arguments_of, calls_of, text_of, thought_of, vectors_of, word_for

Members = dict[str, Any]


def rendered(answer: Answer, operation: Operation, streams: bool, path: bytes) -> Rendered:
    """Raises `CannotRender`."""
    if operation is Operation.EMBEDDINGS:
        return document(_embeddings(answer, alone=path.rstrip(b"/").endswith(b"embeddings")))
    if operation not in (Operation.CHAT, Operation.COMPLETION) or len(answer.choices) != 1:
        raise CannotRender("Ollama gives one answer to a chat or a completion")
    choice, is_chat = answer.choices[0], operation is Operation.CHAT
    text_of(choice, others=(Reasoning, ToolCall) if is_chat else (Reasoning,))
    if streams:
        return lines(_lines(answer, choice, is_chat=is_chat))
    said = _said(is_chat, choice.text, thought_of(choice), calls_of(choice))
    return document({**_head(answer), **said, **_end(answer, choice)})


def _lines(answer: Answer, choice: Choice, *, is_chat: bool) -> list[Piece]:
    head = _head(answer)
    pieces = [
        line({**head, **_said(is_chat, "", word), "done": False}, spoken=True) for word in words(thought_of(choice))
    ]
    pieces += [line({**head, **_said(is_chat, word), "done": False}, spoken=True) for word in words(choice.text)]
    calls = calls_of(choice)
    if calls:
        pieces.append(line({**head, **_said(is_chat, "", "", calls), "done": False}))
    return [*pieces, line({**head, **_said(is_chat, ""), **_end(answer, choice)})]


def _head(answer: Answer) -> Members:
    return {"model": answer.model, "created_at": _written_time(answer.created)}


def _written_time(created: int | None) -> str:
    try:
        return datetime.fromtimestamp(created or 0, UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError) as error:
        raise CannotRender(f"no date is {created} seconds from 1970") from error


def _said(is_chat: bool, text: str, thought: str = "", calls: list[ToolCall] | None = None) -> Members:
    extras = without_none(thinking=thought or None, tool_calls=[_call(each) for each in calls or []] or None)
    return {"message": {"role": "assistant", "content": text, **extras}} if is_chat else {"response": text, **extras}


def _call(call: ToolCall) -> Members:
    return {**({"id": call.id} if call.id else {}), "function": {"name": call.name, "arguments": arguments_of(call)}}


def _end(answer: Answer, choice: Choice) -> Members:
    usage = answer.usage
    counts = without_none(prompt_eval_count=usage.input, eval_count=usage.output) if usage else {}
    return {"done": True, "done_reason": word_for(choice, ENDS, "stop"), "total_duration": 0, **counts}


def _embeddings(answer: Answer, *, alone: bool) -> Members:
    vectors = vectors_of(answer)
    if alone and len(vectors) != 1:
        raise CannotRender(f"one embedding is wanted, and there are {len(vectors)}")
    if alone:
        return {"embedding": vectors[0]}
    usage = without_none(prompt_eval_count=answer.usage.input) if answer.usage else {}
    return {"model": answer.model, "embeddings": vectors, **usage}
