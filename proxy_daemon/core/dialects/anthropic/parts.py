"""The content blocks of Anthropic's Messages API as parts, in requests and in answers; its words for usage and endings.

What a block says beside its words (citations, cache marks, who called a tool) is left out. A block of a kind that is
not known is named as `Other`. Called by the dialects of Anthropic, and for Claude on Bedrock and on Vertex.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from proxy_daemon.core.conversation import (
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
    "stop_sequence": Finish.STOP_SEQUENCE,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "tool_use": Finish.CALLS,
    "refusal": Finish.FILTERED,
    "pause_turn": Finish.OTHER,
}


def finish_of(said: str) -> Finish:
    """See https://docs.anthropic.com/en/api/handling-stop-reasons ."""
    return FINISHES.get(said, Finish.OTHER) if said else Finish.UNKNOWN


def usage_of(stated: Any) -> Usage | None:
    """See https://docs.anthropic.com/en/api/messages#response-usage ; None where nothing is stated."""
    if not isinstance(stated, dict):
        return None
    usage = Usage(
        input=count_at(stated, "input_tokens"),
        output=count_at(stated, "output_tokens"),
        cached=count_at(stated, "cache_read_input_tokens"),
        cache_written=count_at(stated, "cache_creation_input_tokens"),
        reasoning=count_at(object_at(stated, "output_tokens_details"), "thinking_tokens"),
    )
    return usage if usage != Usage() else None


def parts_of(content: Any) -> Iterator[Part]:
    """The parts of a message's ``content``: text, or a list of blocks."""
    if isinstance(content, str):
        yield Text(content)
    for block in objects(content):
        yield from parts_of_block(block)


def parts_of_block(block: dict[str, Any]) -> Iterator[Part]:
    """The parts of one block: a tool's result may bring media along."""
    kind = text_at(block, "type")
    if kind.endswith("tool_result"):
        yield from _result(block)
    elif kind.endswith("tool_use"):
        yield ToolCall(text_at(block, "id"), text_at(block, "name"), _arguments(block))
    else:
        yield _BLOCKS.get(kind, _other)(block)


def _arguments(block: dict[str, Any]) -> str:
    """Pieces of JSON as they came in a stream, else the object written anew."""
    given = block.get("input")
    return given if isinstance(given, str) else written({} if given is None else given)


def _result(block: dict[str, Any]) -> Iterator[Part]:
    """A tool's result, the client's or the server's own: its words, then what else it holds."""
    content = block.get("content")
    words = content if isinstance(content, str) else "".join(_words(content))
    failed = block.get("is_error") is True or text_at(content, "type").endswith("_error")
    yield ToolResult(text_at(block, "tool_use_id"), words, failed=failed)
    yield from (part for part in map(_media_or_none, objects(content)) if part is not None)


def _words(content: Any) -> Iterator[str]:
    """The words of a result's blocks; of one that has none, such as a search's, its JSON."""
    for block in [content] if isinstance(content, dict) else objects(content):
        if text_at(block, "type") not in _MEDIA:
            yield block["text"] if isinstance(block.get("text"), str) else written(block)


def _media_or_none(block: dict[str, Any]) -> Media | None:
    kind = _MEDIA.get(text_at(block, "type"))
    return _media(block, kind) if kind else None


def _media(block: dict[str, Any], kind: str) -> Media:
    """See https://docs.anthropic.com/en/docs/build-with-claude/vision and .../pdf-support ."""
    source = object_at(block, "source")
    data = member(source, "data")
    size = len(data.encode("utf-8", "replace")) if isinstance(data, str) else None
    return Media(kind, text_at(source, "media_type"), text_at(source, "url", "file_id"), size)


def _text(block: dict[str, Any]) -> Part:
    return Text(text_at(block, "text"))


def _search_result(block: dict[str, Any]) -> Part:
    return Text("".join(text_at(each, "text") for each in objects_at(block, "content")))


def _thinking(block: dict[str, Any]) -> Part:
    return Reasoning(text_at(block, "thinking"), text_at(block, "signature"))


def _redacted(block: dict[str, Any]) -> Part:
    return Reasoning(opaque=text_at(block, "data"))


def _image(block: dict[str, Any]) -> Part:
    return _media(block, "image")


def _document(block: dict[str, Any]) -> Part:
    return _media(block, "file")


def _upload(block: dict[str, Any]) -> Part:
    return Media("file", source=text_at(block, "file_id"))


def _other(block: dict[str, Any]) -> Part:
    return Other(text_at(block, "type"))


_MEDIA = {"image": "image", "document": "file"}
_BLOCKS: dict[str, Callable[[dict[str, Any]], Part]] = {
    "text": _text,
    "search_result": _search_result,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
    "image": _image,
    "document": _document,
    "container_upload": _upload,
}
