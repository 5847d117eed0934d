"""Answers of Bedrock: which of its shapes a document or a frame has. Called by the dialect beside this."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from attrs import evolve

from proxy_daemon.core.conversation import Answer, Usage
from proxy_daemon.core.dialects.anthropic.answers import AnthropicStream
from proxy_daemon.core.dialects.bedrock import converse, vendors
from proxy_daemon.core.dialects.bedrock.converse import EVENTS, ConverseStream
from proxy_daemon.core.dialects.bedrock.vendors import METRICS, VendorStream
from proxy_daemon.core.dialects.dialect import Assembler, error_text
from proxy_daemon.core.dialects.json_shapes import count_at, member, object_at, parsed, text_at


def answer_of(document: Any) -> Answer:
    """What a document tells, of whatever operation and maker."""
    if error := _error(document):
        return Answer(error=error, complete=False)
    if isinstance(counted := count_at(document, "inputTokens"), int):
        return Answer(usage=Usage(input=counted))
    return vendors.answer_of(document)


def _error(document: Any) -> str:
    """See https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html ."""
    if isinstance(document, dict) and not document.keys() & {"choices", "content", "text", "output"}:
        message = text_at(document, "message", "Message") or text_at(document, "__type")
        return message or text_at(object_at(document, "Output"), "__type") or error_text(document)
    return error_text(document)


class BedrockStream:
    """Frames of both streaming operations. The first that says which shape it has decides for all."""

    def __init__(self) -> None:
        self._reader: Assembler | None = None
        self._metrics: Any = None
        self._error = ""

    def add(self, name: str, data: Any) -> None:
        """See `Assembler`."""
        if name.endswith(("Exception", "Error")):
            self._error = self._error or text_at(data, "message", "originalMessage") or name
        elif isinstance(packed := member(data, "bytes"), str):
            self._unpack(packed)
        elif name in EVENTS:
            self._to(ConverseStream, name, data)

    def _unpack(self, packed: str) -> None:
        """A chunk of `invoke`: the maker's event, in base64."""
        try:
            chunk = parsed(b64decode(packed))
        except ValueError:  # no base64: it says nothing
            return
        if not isinstance(chunk, dict):
            return
        self._metrics = chunk.get(METRICS, self._metrics)
        event = next((name for name in EVENTS if name in chunk), "")
        if event:
            self._to(ConverseStream, event, chunk[event])
        elif isinstance(chunk.get("type"), str) or isinstance(chunk.get("completion"), str):
            self._to(AnthropicStream, "", chunk)
        elif not self._is_left_to_others(chunk):
            self._to(VendorStream, "", chunk)

    def _is_left_to_others(self, chunk: dict[str, Any]) -> bool:
        """Metrics alone are no answer of a maker."""
        return chunk.keys() == {METRICS} and self._reader is not None and not isinstance(self._reader, VendorStream)

    def _to(self, kind: type[AnthropicStream | ConverseStream | VendorStream], name: str, data: Any) -> None:
        self._reader = self._reader or kind()
        self._reader.add(name, data)

    def answer(self) -> Answer:
        """See `Assembler`. What the maker does not count, Bedrock's metrics do."""
        answer = self._reader.answer() if self._reader else Answer(complete=False)
        error = answer.error or self._error
        usage = _filled(answer.usage, converse.usage_of(self._metrics))
        return evolve(answer, usage=usage, error=error, complete=answer.complete and not error)


def _filled(stated: Usage | None, metrics: Usage | None) -> Usage | None:
    if stated is None or metrics is None:
        return stated or metrics
    names = ("input", "output", "cached", "cache_written")
    return evolve(stated, **{name: getattr(metrics, name) for name in names if getattr(stated, name) is None})
