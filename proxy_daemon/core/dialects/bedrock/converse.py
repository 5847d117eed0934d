"""Bedrock's Converse API: content blocks as parts, documents and the frames of its streams as answers.

Amazon's Nova has the same shapes within `invoke`. Called by the files of the dialect beside this.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import define, field

from proxy_daemon.core.conversation import (
    Answer,
    Choice,
    Finish,
    Media,
    Other,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)
from proxy_daemon.core.dialects.json_shapes import count_at, member, object_at, objects, objects_at, text_at, written

FINISHES = {
    "end_turn": Finish.STOP,
    "tool_use": Finish.CALLS,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "stop_sequence": Finish.STOP_SEQUENCE,
    "guardrail_intervened": Finish.FILTERED,
    "content_filtered": Finish.FILTERED,
    "malformed_model_output": Finish.ERROR,
    "malformed_tool_use": Finish.ERROR,
}
EVENTS = ("messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata")
_MEDIA = {"image": "image", "video": "video", "audio": "audio", "document": "file"}


def finish_of(said: str) -> Finish:
    """See https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html (stopReason)."""
    return FINISHES.get(said, Finish.OTHER) if said else Finish.UNKNOWN


def usage_of(stated: Any) -> Usage | None:
    """See .../API_runtime_TokenUsage.html ; the same counts have other names where `invoke` states them."""
    usage = Usage(
        input=count_at(stated, "inputTokens", "inputTokenCount"),
        output=count_at(stated, "outputTokens", "outputTokenCount"),
        total=count_at(stated, "totalTokens"),
        cached=count_at(stated, "cacheReadInputTokens", "cacheReadInputTokenCount"),
        cache_written=count_at(stated, "cacheWriteInputTokens", "cacheWriteInputTokenCount"),
    )
    return usage if usage != Usage() else None


def parts_of(content: Any) -> Iterator[Part]:
    """The parts of a message's blocks; marks of the cache say nothing."""
    for block in objects(content):
        for kind, value in block.items():
            if kind != "cachePoint":
                yield from _parts_of(kind, value)


def _parts_of(kind: str, value: Any) -> Iterator[Part]:
    """See .../API_runtime_ContentBlock.html ."""
    if kind == "text":
        yield Text(value if isinstance(value, str) else "")
    elif kind == "reasoningContent":
        yield _reasoning(value)
    elif kind == "toolUse":
        yield _call(value)
    elif kind == "toolResult":
        yield from _result(value)
    elif kind in _MEDIA:
        yield _media(kind, value)
    elif kind in ("citationsContent", "searchResult"):
        yield Text("".join(text_at(each, "text") for each in objects_at(value, "content")))
    elif kind == "guardContent":
        yield Text(text_at(object_at(value, "text"), "text"))
    else:
        yield Other(kind)


def _reasoning(value: Any) -> Reasoning:
    words = object_at(value, "reasoningText")
    return Reasoning(text_at(words, "text"), text_at(words, "signature") or text_at(value, "redactedContent"))


def _call(value: Any) -> ToolCall:
    """Arguments are pieces of JSON where they came in a stream, else a value."""
    given = member(value, "input")
    arguments = given if isinstance(given, str) else written({} if given is None else given)
    return ToolCall(text_at(value, "toolUseId"), text_at(value, "name"), arguments)


def _result(value: Any) -> Iterator[Part]:
    content = objects_at(value, "content")
    words = [
        each["text"] if isinstance(each.get("text"), str) else written(each["json"]) for each in content if _says(each)
    ]
    yield ToolResult(text_at(value, "toolUseId"), "".join(words), failed=text_at(value, "status") == "error")
    yield from (_media(kind, each[kind]) for each in content for kind in _MEDIA if kind in each)


def _says(block: dict[str, Any]) -> bool:
    return isinstance(block.get("text"), str) or "json" in block


def _media(kind: str, value: Any) -> Media:
    """Formats are stated by a short name, such as "png"."""
    source, form = object_at(value, "source"), text_at(value, "format")
    data = source.get("bytes")
    size = len(data.encode("utf-8", "replace")) if isinstance(data, str) else None
    media_type = f"{kind}/{form}" if form and kind != "document" else form
    return Media(_MEDIA[kind], media_type, text_at(object_at(source, "s3Location"), "uri"), size)


def answer_of(document: Any) -> Answer:
    """A document of `converse`, or of Nova's `invoke`."""
    message = object_at(object_at(document, "output"), "message")
    said = text_at(document, "stopReason")
    choice = Choice(tuple(parts_of(message.get("content"))), finish_of(said), said)
    return Answer((choice,), usage=usage_of(member(document, "usage")))


@define
class _Block:
    """A content block under way."""

    call: dict[str, Any] = field(factory=dict)
    text: list[str] = field(factory=list)
    arguments: list[str] = field(factory=list)
    thoughts: list[str] = field(factory=list)
    opaque: str = ""
    is_thought: bool = False

    def take(self, delta: dict[str, Any]) -> None:
        """See .../API_runtime_ContentBlockDelta.html ."""
        self.text.append(text_at(delta, "text"))
        if "toolUse" in delta:
            self.arguments.append(text_at(object_at(delta, "toolUse"), "input"))
        if "reasoningContent" in delta:
            thought = object_at(delta, "reasoningContent")
            self.is_thought = True
            self.thoughts.append(text_at(thought, "text"))
            self.opaque = text_at(thought, "signature", "redactedContent") or self.opaque

    def part(self) -> Part:
        if self.call or self.arguments:
            return _call({**self.call, "input": "".join(self.arguments) or {}})
        if self.is_thought:
            return Reasoning("".join(self.thoughts), self.opaque)
        return Text("".join(self.text))


class ConverseStream:
    """Frames of .../API_runtime_ConverseStream.html ; Nova's name is the only member of its event."""

    def __init__(self) -> None:
        self._blocks: dict[int, _Block] = {}
        self._usage: Any = None
        self._said = ""
        self._begun = False

    def add(self, name: str, data: Any) -> None:
        """See `Assembler`."""
        index = count_at(data, "contentBlockIndex") or 0
        if name == "contentBlockDelta":
            self._blocks.setdefault(index, _Block()).take(object_at(data, "delta"))
        elif name == "contentBlockStart":
            self._blocks[index] = _Block(object_at(object_at(data, "start"), "toolUse"))
        elif name == "messageStop":
            self._said = text_at(data, "stopReason")
        elif name == "metadata":
            self._usage = member(data, "usage")
        self._begun = self._begun or name in EVENTS

    def answer(self) -> Answer:
        """See `Assembler`. The reason is its good end; usage comes behind it."""
        parts = tuple(block.part() for _, block in sorted(self._blocks.items()))
        choices = (Choice(parts, finish_of(self._said), self._said),) if self._begun else ()
        return Answer(choices, usage=usage_of(self._usage), complete=bool(self._said))
