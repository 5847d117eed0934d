"""A conversation as OpenAI's Responses ask. Called by `carrying.py`.

Source: https://platform.openai.com/docs/api-reference/responses/create
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from proxy_daemon.core.conversation import Declined, Media, Message, Other, Part, Reasoning, Text, ToolCall, ToolResult
from proxy_daemon.core.dialects.json_shapes import parsed
from proxy_daemon.core.dialects.openai.items import CLIENT_TOOLS
from proxy_daemon.core.talk.carriers.chat import Members, data, url


def body(messages: Sequence[Message]) -> Members:
    """The members that hold the conversation."""
    return {"input": [item for message in messages for item in _items(message)]}


def _items(message: Message) -> Iterator[Members]:
    """An item for each call, result and thought; the words between them are messages."""
    said: list[Part] = []
    for part in message.parts:
        if isinstance(part, Text | Declined) or (isinstance(part, Media) and message.role != "tool"):
            said.append(part)
            continue
        if said:
            yield _said(message.role, said)
            said = []
        yield from _item(part, [each for each in message.parts if isinstance(each, Media)])
    if said or not message.parts:
        yield _said(message.role, said)


def _said(role: str, parts: Sequence[Part]) -> Members:
    if len(parts) == 1 and isinstance(parts[0], Text) and role != "assistant":
        return {"role": role, "content": parts[0].text}
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [_block(part, kind) for part in parts]}


def _block(part: Part, kind: str) -> Members:
    match part:
        case Text(text):
            return {"type": kind, "text": text}
        case Declined(text):
            return {"type": "refusal", "refusal": text}
        case Media() if part.kind == "image":
            return {"type": "input_image", "image_url": url(part)}
        case Media() if part.source:
            return {"type": "input_file", "file_id": part.source}
        case Media():
            return {"type": "input_file", "file_data": url(part) if part.media_type else data(part)}
    return {"type": kind, "text": ""}


def _item(part: Part, media: Sequence[Media]) -> Iterator[Members]:
    match part:
        case Reasoning(text):
            yield {"type": "reasoning", "summary": [{"type": "summary_text", "text": text}]}
        case ToolCall(call, name, arguments) if name in CLIENT_TOOLS:
            yield {"type": name, "call_id": call, CLIENT_TOOLS[name]: parsed(arguments)}
        case ToolCall(call, name, arguments):
            yield {"type": "function_call", "call_id": call, "name": name, "arguments": arguments}
        case ToolResult():
            yield _result(part, media)
        case Other(kind):
            yield {"type": kind}
        case _:
            return


def _result(part: ToolResult, media: Sequence[Media]) -> Members:
    named = {"name": part.name} if part.name else {}
    ended: Members = {"status": "failed"} if part.failed else {}
    shown: list[Any] = [{"type": "input_text", "text": part.text}, *(_block(each, "") for each in media)]
    return {
        "type": "function_call_output",
        "call_id": part.id,
        **named,
        "output": shown if media else part.text,
        **ended,
    }
