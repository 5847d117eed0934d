"""Answers of Gemini's API: documents, and the items of a stream, which are documents of the same shape.

Called by the dialect beside this. No mark stands at the end: an answer is complete when each candidate has its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from attrs import define, evolve, field

from proxy_daemon.core.conversation import Answer, Choice, Finish, Media, Part, Text, Usage, Vector
from proxy_daemon.core.dialects.dialect import error_text
from proxy_daemon.core.dialects.google.parts import finish_of, joined, parts_of, text_named, usage_of
from proxy_daemon.core.dialects.json_shapes import count_at, member, numbers, object_at, objects, objects_at, text_at


def answer_of(document: Any) -> Answer:
    """What a document tells; a list is a stream that came as one."""
    if isinstance(document, list):
        stream = GoogleStream()
        for each in document:
            stream.add("", each)
        return stream.answer()
    if error := error_text(document):
        return Answer(error=error, complete=False)
    if isinstance(document, dict) and not ("candidates" in document or "promptFeedback" in document):
        return _other(document)
    stream = GoogleStream(join=tuple)
    stream.add("", document)
    return evolve(stream.answer(), complete=True)


def _other(document: dict[str, Any]) -> Answer:
    """Embeddings, predictions of Vertex, a count of tokens; usage may stand beside all of them."""
    usage = usage_of(document.get("usageMetadata")) or _counted(document)
    return Answer(tuple(_choices(document)), text_at(document, "responseId"), usage=usage)


def _choices(document: dict[str, Any]) -> Iterator[Choice]:
    for embedding in [document.get("embedding"), *objects_at(document, "embeddings")]:
        if isinstance(embedding, dict):
            yield Choice((Vector(numbers(embedding.get("values"))),))
    for prediction in objects_at(document, "predictions"):
        if part := _prediction(prediction):
            yield Choice((part,))


def _prediction(prediction: dict[str, Any]) -> Part | None:
    """See .../vertex-ai/generative-ai/docs/model-reference/text-embeddings-api and .../imagen-api ."""
    if isinstance(embeddings := prediction.get("embeddings"), dict):
        return Vector(numbers(embeddings.get("values")))
    if isinstance(image := prediction.get("bytesBase64Encoded"), str):
        return Media("image", text_named(prediction, "mimeType"), size=len(image.encode("utf-8", "replace")))
    content = prediction.get("content")
    return Text(content) if isinstance(content, str) else None


def _counted(document: dict[str, Any]) -> Usage | None:
    """See https://ai.google.dev/api/tokens ; predictions count their own tokens."""
    total = count_at(document, "totalTokens")
    if total is not None:
        return Usage(input=total, cached=count_at(document, "cachedContentTokenCount"))
    statistics = (
        object_at(object_at(each, "embeddings"), "statistics") for each in objects_at(document, "predictions")
    )
    counts = [count for each in statistics if (count := count_at(each, "token_count")) is not None]
    return Usage(input=sum(counts)) if counts else None


@define
class _Candidate:
    """One of the answers under way."""

    parts: list[Part] = field(factory=list)
    said: str = ""


class GoogleStream:
    """Items of https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent .

    ``join`` makes the parts of a candidate out of those of its pieces.
    """

    def __init__(self, join: Callable[[list[Part]], tuple[Part, ...]] = joined) -> None:
        self._join = join
        self._candidates: dict[int, _Candidate] = {}
        self._head: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._blocked = self._error = ""

    def add(self, name: str, data: Any) -> None:
        """See `Assembler`."""
        if not isinstance(data, dict):
            return
        self._error = self._error or error_text(data)
        self._head.update({each: data[each] for each in ("responseId", "modelVersion", "createTime") if each in data})
        self._usage.update(object_at(data, "usageMetadata"))
        self._blocked = text_at(object_at(data, "promptFeedback"), "blockReason") or self._blocked
        for place, candidate in enumerate(objects(member(data, "candidates"))):
            self._go_on(place, candidate)

    def _go_on(self, place: int, candidate: dict[str, Any]) -> None:
        index = count_at(candidate, "index")
        known = self._candidates.setdefault(place if index is None else index, _Candidate())
        known.parts += parts_of(object_at(candidate, "content"))
        known.said = text_at(candidate, "finishReason") or known.said

    def answer(self) -> Answer:
        """See `Assembler`."""
        ended = bool(self._blocked) or all(each.said for each in self._candidates.values())
        return Answer(
            self._choices(),
            text_at(self._head, "responseId"),
            text_at(self._head, "modelVersion"),
            seconds(text_at(self._head, "createTime")),
            usage_of(self._usage),
            self._error,
            complete=ended and bool(self._candidates or self._blocked) and not self._error,
        )

    def _choices(self) -> tuple[Choice, ...]:
        if self._blocked and not self._candidates:
            return (Choice((), Finish.FILTERED, self._blocked),)
        found = ((self._join(each.parts), each.said) for _, each in sorted(self._candidates.items()))
        return tuple(Choice(parts, finish_of(said, parts), said) for parts, said in found)


def seconds(text: str) -> int | None:
    """A time such as "2025-01-31T12:00:00.5Z" (RFC 3339) in seconds since 1970; None where it is none."""
    try:
        return int(datetime.fromisoformat(text).timestamp()) if text.endswith("Z") or "+" in text else None
    except (ValueError, OverflowError):
        return None
