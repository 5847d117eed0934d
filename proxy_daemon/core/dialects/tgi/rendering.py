"""An answer as Text Generation Inference writes it. Called by `tgi.py`."""

from __future__ import annotations

from typing import Any

from proxy_daemon.core.conversation import Answer, Choice, Operation
from proxy_daemon.core.dialects.cutting import words
from proxy_daemon.core.dialects.dialect import CannotRender, Piece, Rendered
from proxy_daemon.core.dialects.json_writing import document, events, octets
from proxy_daemon.core.dialects.said import text_of, vectors_of, word_for
from proxy_daemon.core.dialects.tgi.answers import ENDS


def rendered(answer: Answer, operation: Operation, *, streams: bool, as_list: bool) -> Rendered:
    """Raises `CannotRender`."""
    if operation is Operation.EMBEDDINGS:
        return document(vectors_of(answer))
    if operation is not Operation.COMPLETION or not answer.choices:
        raise CannotRender("only a text or an embedding can be written")
    if streams:
        return events(_tokens(answer))
    if not as_list and len(answer.choices) != 1:
        raise CannotRender("one text is expected")
    texts = [_generated(choice, answer) for choice in answer.choices]
    return document(texts if as_list else texts[0])


def _generated(choice: Choice, answer: Answer) -> dict[str, Any]:
    return {"generated_text": text_of(choice), "details": _details(choice, answer)}


def _details(choice: Choice, answer: Answer) -> dict[str, Any]:
    usage = answer.usage
    return {
        "finish_reason": word_for(choice, ENDS, "eos_token"),
        "generated_tokens": usage.output or 0 if usage else 0,
        "input_length": usage.input or 0 if usage else 0,
        "seed": None,
        "prefill": [],
        "tokens": [],
    }


def _tokens(answer: Answer) -> list[Piece]:
    if len(answer.choices) != 1:
        raise CannotRender("a stream tells of one text")
    choice = answer.choices[0]
    text = text_of(choice)
    told = [_token(at, word) for at, word in enumerate(words(text), 1)] or [_token(1, "")]
    told[-1] |= {"generated_text": text, "details": _details(choice, answer)}
    return [Piece(b"data:" + octets(each) + b"\n\n", spoken=True) for each in told]


def _token(at: int, text: str) -> dict[str, Any]:
    token = {"id": at, "text": text, "logprob": 0.0, "special": not text}
    return {"index": at, "token": token, "generated_text": None, "details": None}
