"""A conversation as Anthropic's Messages API asks. Called by `carrying.py`.

Source: https://docs.anthropic.com/en/api/messages
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any

from proxy_daemon.core.conversation import Declined, Media, Message, Other, Part, Reasoning, Text, ToolCall, ToolResult
from proxy_daemon.core.dialects.json_shapes import parsed
from proxy_daemon.core.talk.carriers.chat import Members, data


def body(messages: Sequence[Message]) -> Members:
    """The members that hold the conversation. The system's first words have a member of their own."""
    first = list(takewhile(lambda each: each.role == "system", messages))
    system = [block for message in first for block in _blocks(message.parts)]
    turns = [{"role": _role(each), "content": _content(each.parts)} for each in messages[len(first) :]]
    return ({"system": system} if system else {}) | {"messages": turns}


def _role(message: Message) -> str:
    return "user" if message.role == "tool" else message.role


def _content(parts: Sequence[Part]) -> Any:
    if len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    return list(_blocks(parts))


def _blocks(parts: Sequence[Part]) -> Iterator[Members]:
    """What comes behind a tool's result and is a medium belongs to it."""
    result: Members | None = None
    for part in parts:
        if isinstance(part, ToolResult):
            if result:
                yield result
            result = _result(part)
        elif result and isinstance(part, Media):
            held = result["content"]
            words = [{"type": "text", "text": held}] if isinstance(held, str) and held else held or []
            result["content"] = [*words, _medium(part)]
        else:
            if result:
                yield result
            result = None
            yield from _block(part)
    if result:
        yield result


def _result(part: ToolResult) -> Members:
    failed = {"is_error": True} if part.failed else {}
    return {"type": "tool_result", "tool_use_id": part.id, "content": part.text, **failed}


def _block(part: Part) -> Iterator[Members]:
    match part:
        case Text(text) | Declined(text):
            yield {"type": "text", "text": text}
        case Reasoning(text):
            yield {"type": "thinking", "thinking": text, "signature": ""}
        case ToolCall(call, name, arguments):
            given = parsed(arguments)
            yield {"type": "tool_use", "id": call, "name": name, "input": arguments if given is None else given}
        case Media():
            yield _medium(part)
        case Other(kind):
            yield {"type": kind}
        case _:
            return


def _medium(part: Media) -> Members:
    named = {"media_type": part.media_type} if part.media_type else {}
    kind = "image" if part.kind == "image" else "document"
    if part.source.startswith(("http:", "https:", "sha256:")):
        return {"type": kind, "source": {"type": "url", **named, "url": part.source}}
    if part.source:
        return {"type": kind, "source": {"type": "file", **named, "file_id": part.source}}
    if part.media_type.startswith("text/"):
        return {"type": kind, "source": {"type": "text", **named, "data": part.data.decode("utf-8", "replace")}}
    return {"type": kind, "source": {"type": "base64", **named, "data": data(part)}}
