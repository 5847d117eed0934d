"""Answers of Anthropic's Messages API: from a document, from a stream's events, from the lines of a batch's results.

Called by the dialects that carry its bodies: Anthropic's own, and for Claude on Bedrock and on Vertex.
"""

from __future__ import annotations

from typing import Any

from attrs import define, evolve, field

from proxy_daemon.core.conversation import Answer, Choice, Finish, Part, Text, Usage
from proxy_daemon.core.dialects.anthropic.parts import finish_of, parts_of, parts_of_block, usage_of
from proxy_daemon.core.dialects.dialect import error_text
from proxy_daemon.core.dialects.json_shapes import member, object_at, objects_at, text_at

_DELTAS = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
_STARTS = {"text_delta": "text", "thinking_delta": "thinking"}
# The kind of a block whose start was not seen, by its delta's.
_BLOCKS = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "thinking",
    "input_json_delta": "tool_use",
}


def answer_of(document: Any) -> Answer:
    """What a document tells: a message, a legacy completion, a count of tokens, a line of results, an error."""
    if error := error_text(document):
        return Answer(error=error, complete=False)
    if member(document, "custom_id") is not None:
        return _with_results([_result_of(document)])
    return Answer(
        _choices(document),
        text_at(document, "id"),
        text_at(document, "model"),
        usage=usage_of(member(document, "usage")) or usage_of(document),
    )


def _choices(document: Any) -> tuple[Choice, ...]:
    """One, where the document is an answer at all."""
    said = text_at(document, "stop_reason")
    content = member(document, "content")
    if isinstance(content, list):
        return (Choice(tuple(parts_of(content)), finish_of(said), said, text_at(document, "stop_sequence")),)
    text = member(document, "completion")
    return (Choice((Text(text),), finish_of(said), said, text_at(document, "stop")),) if isinstance(text, str) else ()


def _result_of(line: Any) -> Answer:
    """One line of a batch's results: https://docs.anthropic.com/en/api/retrieving-message-batch-results ."""
    result = object_at(line, "result")
    said = text_at(result, "type")
    if said == "succeeded":
        return answer_of(object_at(result, "message"))
    error = error_text(object_at(result, "error")) or error_text(result)
    return Answer((Choice((), Finish.ERROR if error else Finish.OTHER, said),), error=error)


def _with_results(results: list[Answer]) -> Answer:
    """One choice for each request of a batch. What went wrong in one of them is no fault of the batch."""
    stated = [result.usage for result in results if result.usage is not None]
    return Answer(
        tuple(choice for result in results for choice in result.choices),
        model=next((result.model for result in results if result.model), ""),
        usage=_sum(stated) if stated else None,
    )


def _sum(stated: list[Usage]) -> Usage:
    def total(name: str) -> int | None:
        counts = [count for usage in stated if (count := getattr(usage, name)) is not None]
        return sum(counts) if counts else None

    return Usage(**{name: total(name) for name in ("input", "output", "cached", "cache_written", "reasoning")})


@define
class _Block:
    """A content block under way."""

    start: dict[str, Any]
    pieces: dict[str, list[str]] = field(factory=dict)
    signature: str | None = None

    def take(self, delta: dict[str, Any]) -> None:
        kind = text_at(delta, "type")
        if kind in _DELTAS:
            self.pieces.setdefault(kind, []).append(text_at(delta, _DELTAS[kind]))
        elif kind == "signature_delta":
            self.signature = text_at(delta, "signature")

    def whole(self) -> dict[str, Any]:
        """As it would stand in a document; arguments stay the text that came."""
        block = dict(self.start)
        for kind, name in _STARTS.items():
            if kind in self.pieces:
                block[name] = text_at(self.start, name) + "".join(self.pieces[kind])
        if arguments := "".join(self.pieces.get("input_json_delta", ())):
            block["input"] = arguments
        if self.signature is not None:
            block["signature"] = self.signature
        return block


class AnthropicStream:
    """Events of https://docs.anthropic.com/en/docs/build-with-claude/streaming , legacy completions, lines of results.

    Usage is stated in `message_start` and again, grown, in `message_delta`: what is stated later counts.
    """

    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._blocks: dict[int, _Block] = {}
        self._latest = 0  # of the blocks: where a delta does not say which
        self._completion: list[str] | None = None
        self._results: list[Answer] = []
        self._said = self._stopped_by = self._error = ""
        self._begun = self._complete = False

    def add(self, name: str, data: Any) -> None:
        """See `Assembler`."""
        kind = text_at(data, "type") or name
        if member(data, "custom_id") is not None:
            self._results.append(_result_of(data))
        elif kind == "error":
            self._error = self._error or error_text(data) or (data if isinstance(data, str) else "error")
        elif isinstance(data, dict):
            self._event(kind, data)

    def _event(self, kind: str, data: dict[str, Any]) -> None:
        if kind == "content_block_delta":
            self._delta(data)
        elif kind == "content_block_start":
            self._latest = self._index(data)
            self._blocks[self._latest] = _Block(object_at(data, "content_block"))
        elif kind in ("message_start", "message_delta"):
            self._about(data)
        elif kind == "message_stop":
            self._begun = self._complete = True
        elif "completion" in data:
            self._continue(data)
        elif error := error_text(data):
            self._error = self._error or error

    def _index(self, data: dict[str, Any]) -> int:
        index = data.get("index")
        return index if isinstance(index, int) else self._latest

    def _delta(self, data: dict[str, Any]) -> None:
        block = self._blocks.get(self._index(data))
        delta = object_at(data, "delta")
        if block is None:
            kind = text_at(delta, "type")
            block = self._blocks[self._index(data)] = _Block({"type": _BLOCKS.get(kind, kind)})
        block.take(delta)

    def _about(self, data: dict[str, Any]) -> None:
        """What is said of the message as a whole."""
        self._begun = True
        message = object_at(data, "message")
        self._head = message or self._head
        for place, block in enumerate(objects_at(message, "content")):
            self._blocks[place] = _Block(block)
        self._said = text_at(object_at(data, "delta"), "stop_reason") or text_at(message, "stop_reason") or self._said
        self._stopped_by = text_at(object_at(data, "delta"), "stop_sequence") or self._stopped_by
        for stated in (object_at(message, "usage"), object_at(data, "usage")):
            self._usage.update({name: value for name, value in stated.items() if value is not None})

    def _continue(self, data: dict[str, Any]) -> None:
        """A legacy completion goes on; it ends with a reason."""
        self._begun, self._head = True, {**self._head, **data}
        self._completion = self._completion or []
        self._completion.append(text_at(data, "completion"))
        self._said = text_at(data, "stop_reason") or self._said
        self._stopped_by = text_at(data, "stop") or self._stopped_by
        self._complete = self._complete or bool(self._said)

    def answer(self) -> Answer:
        """See `Assembler`."""
        if self._results:
            return evolve(_with_results(self._results), error=self._error, complete=not self._error)
        parts = [part for _, block in sorted(self._blocks.items()) for part in parts_of_block(block.whole())]
        if self._completion is not None:
            parts.append(Text("".join(self._completion)))
        return Answer(
            (self._choice(tuple(parts)),) if self._begun or parts else (),
            text_at(self._head, "id"),
            text_at(self._head, "model"),
            usage=usage_of(self._usage),
            error=self._error,
            complete=self._complete and not self._error,
        )

    def _choice(self, parts: tuple[Part, ...]) -> Choice:
        return Choice(parts, finish_of(self._said), self._said, self._stopped_by)
