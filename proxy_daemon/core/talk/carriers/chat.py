"""A conversation as OpenAI's chat completions, and all that speak like them, ask. Called by `carrying.py`.

Source: https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from proxy_daemon.core.conversation import (
    Declined,
    Media,
    Message,
    Other,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)

Members = dict[str, Any]


def body(messages: Iterable[Message]) -> Members:
    """The members that hold the conversation."""
    return {"messages": [each for message in messages for each in _message(message)]}


def _message(message: Message) -> Iterator[Members]:
    if message.role == "assistant":
        yield _spoken(message.parts)
        return
    media = [part for part in message.parts if isinstance(part, Media)]
    results = [part for part in message.parts if isinstance(part, ToolResult)]
    for at, part in enumerate(results):
        yield _result(part, media if at == len(results) - 1 else ())
    rest = [part for part in message.parts if not isinstance(part, ToolResult)]
    if not results:
        yield {"role": message.role, "content": content(rest)}
    elif others := [part for part in rest if not isinstance(part, Media)]:
        yield {"role": "user", "content": content(others)}


def _result(part: ToolResult, media: Sequence[Part]) -> Members:
    named = {"name": part.name} if part.name else {}
    said = content([Text(part.text), *media]) if media else part.text
    return {"role": "tool", "tool_call_id": part.id, **named, "content": said}


def _spoken(parts: Sequence[Part]) -> Members:
    said = [part for part in parts if isinstance(part, Text | Media | Other)]
    found: Members = {"role": "assistant", "content": content(said) if said else None}
    if thoughts := "".join(part.text for part in parts if isinstance(part, Reasoning)):
        found["reasoning_content"] = thoughts
    if refused := "".join(part.text for part in parts if isinstance(part, Declined)):
        found["refusal"] = refused
    if calls := [_call(part) for part in parts if isinstance(part, ToolCall)]:
        found["tool_calls"] = calls
    return found


def _call(part: ToolCall) -> Members:
    return {"id": part.id, "type": "function", "function": {"name": part.name, "arguments": part.arguments}}


def content(parts: Sequence[Part]) -> Any:
    """A text where there is one; else blocks."""
    if len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    return [block for part in parts for block in _block(part)] or ""


def _block(part: Part) -> Iterator[Members]:
    match part:
        case Text(text):
            yield {"type": "text", "text": text}
        case Reasoning(text):
            yield {"type": "thinking", "thinking": text}
        case Declined(text):
            yield {"type": "refusal", "refusal": text}
        case Media():
            yield _medium(part)
        case Other(kind):
            yield {"type": kind}
        case _:
            return


def _medium(part: Media) -> Members:
    if part.kind == "image":
        return {"type": "image_url", "image_url": {"url": url(part)}}
    if part.kind == "video":
        return {"type": "video_url", "video_url": {"url": url(part)}}
    if part.kind == "audio" and not part.source:
        form = {"format": part.media_type.partition("/")[2]} if part.media_type else {}
        return {"type": "input_audio", "input_audio": {"data": data(part), **form}}
    if part.kind == "file" and not part.source:
        return {"type": "file", "file": {"file_data": url(part) if part.media_type else data(part)}}
    return {"type": "file", "file": {"file_id": part.source}}


def url(part: Media) -> str:
    """Where it stands, or itself (RFC 2397)."""
    return part.source or f"data:{part.media_type};base64,{data(part)}"


def data(part: Media) -> str:
    """Its octets in base64."""
    return base64.b64encode(part.data).decode()
