"""What models of many makers answer to Bedrock's `invoke`, each in its own shape, by which it is told from the others.

Shapes: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html . Claude's and Nova's are read by the
files that know them. Called by `answers.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import define, field

from proxy_daemon.core.conversation import Answer, Choice, Finish, Media, Part, Text, ToolCall, Usage, Vector
from proxy_daemon.core.dialects.anthropic import answers as anthropic_answers
from proxy_daemon.core.dialects.bedrock import converse as bedrock_converse
from proxy_daemon.core.dialects.json_shapes import count_at, member, numbers, object_at, objects_at, text_at

METRICS = "amazon-bedrock-invocationMetrics"
_GUARDRAIL, BLOCKED = "amazon-bedrock-guardrailAction", "INTERVENED"  # a stream ends so, without metrics
_FINISHES = {
    "stop": Finish.STOP,
    "finish": Finish.STOP,
    "finished": Finish.STOP,
    "complete": Finish.STOP,
    "endoftext": Finish.STOP,
    "end_turn": Finish.STOP,
    "stop_criteria_met": Finish.STOP_SEQUENCE,
    "stop_sequence": Finish.STOP_SEQUENCE,
    "length": Finish.LENGTH,
    "max_tokens": Finish.LENGTH,
    "tool_calls": Finish.CALLS,
    "tool_call": Finish.CALLS,
    "content_filtered": Finish.FILTERED,
    "content_filter": Finish.FILTERED,
    "intervened": Finish.FILTERED,
    "error_toxic": Finish.FILTERED,
    "error": Finish.ERROR,
}
Said = tuple[int, tuple[Part, ...], str]  # which choice, what of it, and the word for its end


def answer_of(document: Any) -> Answer:
    """A document of any maker; without choices where its shape is not known."""
    if isinstance(member(document, "output"), dict):
        return bedrock_converse.answer_of(document)
    if text_at(document, "type") in ("message", "completion") or isinstance(member(document, "completion"), str):
        return anthropic_answers.answer_of(document)
    usage = usage_of(document)
    if found := [Choice((vector,)) for vector in _vectors(document)]:
        return Answer(tuple(found), usage=usage)
    choices = (Choice(parts, finish_of(said), said) for _, parts, said in _pieces(document))
    return Answer(tuple(choices), text_at(document, "id", "response_id"), text_at(document, "model"), usage=usage)


def finish_of(said: str) -> Finish:
    """The makers' words, whatever their case."""
    return _FINISHES.get(said.lower(), Finish.OTHER) if said else Finish.UNKNOWN


def usage_of(document: Any) -> Usage | None:
    """Where each maker counts tokens: OpenAI's way, Llama's, Titan's, Cohere's, Bedrock's own metrics."""
    stated = [
        object_at(document, "usage"),
        object_at(object_at(document, "meta"), "tokens"),
        object_at(document, METRICS),
        document,
    ]
    counts = [count for each in objects_at(document, "results") if (count := count_at(each, "tokenCount")) is not None]
    usage = Usage(
        _first(stated, "prompt_tokens", "prompt_token_count", "input_tokens", "inputTextTokenCount", "inputTokenCount"),
        _first(
            [*stated, {"output_tokens": sum(counts)} if counts else {}],
            *("completion_tokens", "generation_token_count", "output_tokens"),
            *("totalOutputTextTokenCount", "outputTokenCount"),
        ),
        _first(stated, "total_tokens"),
        _first(stated, "cacheReadInputTokenCount"),
        _first(stated, "cacheWriteInputTokenCount"),
    )
    return usage if usage != Usage() else None


def _first(stated: list[Any], *names: str) -> int | None:
    return next((count for each in stated if (count := count_at(each, *names)) is not None), None)


def _vectors(document: Any) -> Iterator[Vector]:
    """Titan's embedding, Nova's list of them, Cohere's lists of numbers, by type of number or not."""
    if isinstance(single := member(document, "embedding"), list):
        yield Vector(numbers(single))
    several = member(document, "embeddings")
    several = several.get("float") if isinstance(several, dict) else several
    for each in several if isinstance(several, list) and member(document, "embedding") is None else ():
        yield Vector(numbers(each.get("embedding") if isinstance(each, dict) else each))


def _pieces(document: Any) -> Iterator[Said]:
    """What a document or a chunk says, of each choice."""
    found = [said for name in _LISTS for said in _listed(document, name)] or _alone(document)
    blocked = text_at(document, _GUARDRAIL) == BLOCKED
    yield from ((index, parts, BLOCKED if blocked else said) for index, parts, said in found)


def _listed(document: Any, name: str) -> Iterator[Said]:
    words, endings = _LISTS[name]
    for place, each in enumerate(objects_at(document, name)):
        index, parts, said = count_at(each, "index"), _parts(each, words), _said(each, endings)
        if parts or said:  # without either it is something else, such as a rank
            yield place if index is None else index, parts, said


def _alone(document: Any) -> Iterator[Said]:
    """What has one choice, without a list; or images."""
    if not isinstance(document, dict):
        return
    words, said = text_at(document, *_WORDS), text_at(document, *_ENDINGS)
    if said or any(name in document for name in _WORDS):
        yield count_at(document, "index") or 0, (Text(words),) if words else (), said
    for image in images if isinstance(images := document.get("images"), list) else ():
        if isinstance(image, str):
            yield 0, (Media("image", size=len(image.encode("utf-8", "replace"))),), ""


_WORDS = ("generation", "outputText", "text")  # Llama, Titan, Cohere
_ENDINGS = ("stop_reason", "completionReason", "finish_reason")
# By the member that lists choices: the words' member, and that of the word for the end.
_LISTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "results": (("outputText",), ("completionReason",)),  # Titan
    "outputs": (("text",), ("stop_reason",)),  # Mistral
    "generations": (("text",), ("finish_reason",)),  # Cohere
    "completions": (("text",), ("finishReason",)),  # AI21's Jurassic
    "choices": (("text",), ("finish_reason", "stop_reason")),  # Jamba, DeepSeek, Mistral's and OpenAI's newer models
}


def _parts(choice: dict[str, Any], names: tuple[str, ...]) -> tuple[Part, ...]:
    """The words of one choice, and the calls of those that speak as OpenAI does."""
    message = next((object_at(choice, each) for each in ("message", "delta", "data") if choice.get(each)), choice)
    words = text_at(message, *names, "content")
    calls = [(each, object_at(each, "function")) for each in objects_at(message, "tool_calls")]
    return (
        *((Text(words),) if words else ()),
        *(ToolCall(text_at(each, "id"), text_at(of, "name"), text_at(of, "arguments")) for each, of in calls),
    )


def _said(choice: dict[str, Any], names: tuple[str, ...]) -> str:
    """Jurassic's reason stands in an object."""
    return text_at(choice, *names) or text_at(object_at(choice, "finishReason"), "reason")


@define
class _Choice:
    """A choice under way."""

    parts: list[Part] = field(factory=list)
    said: str = ""

    def whole(self) -> Choice:
        words = "".join(each.text for each in self.parts if isinstance(each, Text))
        others = (each for each in self.parts if not isinstance(each, Text))
        return Choice((*([Text(words)] if words else []), *others), finish_of(self.said), self.said)


class VendorStream:
    """Chunks of all makers but Anthropic and Amazon's Nova. Complete when each choice has a reason, or with metrics."""

    def __init__(self) -> None:
        self._choices: dict[int, _Choice] = {}
        self._counts: dict[str, int] = {}
        self._id = self._model = ""
        self._ended = False

    def add(self, name: str, data: Any) -> None:
        """See `Assembler`."""
        self._id = self._id or text_at(data, "id", "response_id")
        self._model = self._model or text_at(data, "model")
        usage = usage_of(data) or usage_of(object_at(data, "response")) or Usage()
        self._counts.update({each: count for each in _COUNTS if (count := getattr(usage, each)) is not None})
        self._ended = self._ended or METRICS in (data if isinstance(data, dict) else ())
        for index, parts, said in _pieces(data):
            choice = self._choices.setdefault(index, _Choice())
            choice.parts += parts
            choice.said = said or choice.said

    def answer(self) -> Answer:
        """See `Assembler`."""
        choices = [choice for _, choice in sorted(self._choices.items())]
        ended = self._ended or (bool(choices) and all(choice.said for choice in choices))
        usage = Usage(**self._counts) if self._counts else None
        return Answer(tuple(each.whole() for each in choices), self._id, self._model, usage=usage, complete=ended)


_COUNTS = ("input", "output", "total", "cached", "cache_written")
