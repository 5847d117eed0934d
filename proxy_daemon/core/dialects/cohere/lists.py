"""Cohere's embeddings and rankings, of which version 1 has nearly the same. Reads any JSON; called by `v2.py`.

A place in a ranking is a choice: the document's number stands in `said`, and its text, where the answer has it, in the
parts.
"""

from __future__ import annotations

from typing import Any

from proxy_daemon.core.conversation import Answer, Choice, Finish, Operation, Text, Vector
from proxy_daemon.core.dialects.cohere.answers import problem_in, usage_of
from proxy_daemon.core.dialects.dialect import CannotRender, Rendered
from proxy_daemon.core.dialects.json_shapes import count_at, member, numbers, objects_at, text_at, without_none
from proxy_daemon.core.dialects.json_writing import document as written_document
from proxy_daemon.core.dialects.openai.embeddings import vector
from proxy_daemon.core.dialects.said import vectors_of


def is_embeddings(document: Any) -> bool:
    """By the member that no other answer has."""
    return isinstance(document, dict) and "embeddings" in document


def is_ranking(document: Any) -> bool:
    """Cohere's `results`, and Voyage's `data` with scores."""
    return any("relevance_score" in each for name in ("results", "data") for each in objects_at(document, name)[:1])


def embeddings_of(document: dict[str, Any]) -> Answer:
    """The numbers as floats, or in base64; those of other kinds are as many, and no vectors of numbers."""
    found = document["embeddings"]
    if isinstance(found, dict):
        found = next((found[kind] for kind in ("float", "base64", *found) if kind in found), [])
    each = found if isinstance(found, list) else []
    return Answer(
        choices=tuple(Choice((vector(one),), Finish.STOP) for one in each),
        id=text_at(document, "id"),
        usage=usage_of(document),
        error=problem_in(document),
    )


def ranking_of(document: Any) -> Answer:
    """In the order of the answer: the best first."""
    ranked = objects_at(document, "results") or objects_at(document, "data")
    return Answer(
        choices=tuple(_place(each) for each in ranked),
        id=text_at(document, "id"),
        model=text_at(document, "model"),
        usage=usage_of(document),
    )


def _place(result: dict[str, Any]) -> Choice:
    found = member(result, "document")
    text = found if isinstance(found, str) else text_at(found, "text")
    index, score = count_at(result, "index"), numbers([member(result, "relevance_score")])
    parts = (Vector(score), Text(text)) if text else (Vector(score),)
    return Choice(parts, Finish.STOP, "" if index is None else str(index))


def lists_rendered(answer: Answer, operation: Operation) -> Rendered:
    """A document. Raises `CannotRender`."""
    if operation is Operation.EMBEDDINGS:
        return written_document(_written_embeddings(answer))
    if operation is Operation.RERANK:
        results = [_result(choice) for choice in answer.choices]
        return written_document(without_none(id=answer.id, results=results, meta=_meta(answer)))
    raise CannotRender("only chats, embeddings and rankings can be written")


def _written_embeddings(answer: Answer) -> dict[str, Any]:
    vectors = vectors_of(answer)
    return without_none(
        id=answer.id,
        texts=[""] * len(vectors),
        embeddings={"float": vectors},
        response_type="embeddings_by_type",
        meta=_meta(answer),
    )


def _meta(answer: Answer) -> dict[str, Any] | None:
    usage = answer.usage
    tokens = without_none(input_tokens=usage.input, output_tokens=usage.output) if usage else None
    return {"api_version": {"version": "2"}, "tokens": tokens} if tokens else None


def _result(choice: Choice) -> dict[str, Any]:
    score = next((part.values for part in choice.parts if isinstance(part, Vector)), ())
    if not choice.said.isascii() or not choice.said.isdigit() or len(choice.said) > _DIGITS or len(score) != 1:
        raise CannotRender("a place in a ranking needs the document's number and a score")
    document = {"text": choice.text} if choice.text else None
    return without_none(index=int(choice.said), relevance_score=score[0], document=document)


_DIGITS = 9
