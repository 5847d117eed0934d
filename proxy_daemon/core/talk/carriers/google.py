"""A conversation as Gemini's API asks. Called by `carrying.py`.

Source: https://ai.google.dev/api/generate-content#request-body
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile

from proxy_daemon.core.conversation import Declined, Media, Message, Part, Reasoning, Text, ToolCall, ToolResult
from proxy_daemon.core.dialects.json_shapes import parsed
from proxy_daemon.core.talk.carriers.chat import Members, data

_ROLES = {"assistant": "model", "tool": "function"}


def body(messages: Sequence[Message]) -> Members:
    """The members that hold the conversation."""
    first = list(takewhile(lambda each: each.role == "system", messages))
    system = [block for message in first for part in message.parts for block in _part(part)]
    contents = [_content(message) for message in messages[len(first) :]]
    return ({"systemInstruction": {"parts": system}} if system else {}) | {"contents": contents}


def _content(message: Message) -> Members:
    role = _ROLES.get(message.role, message.role)
    return {"role": role, "parts": [each for part in message.parts for each in _part(part)]}


def _part(part: Part) -> Iterator[Members]:
    match part:
        case Text(text) | Declined(text):
            yield {"text": text}
        case Reasoning(text):
            yield {"text": text, "thought": True}
        case ToolCall(call, name, arguments):
            given = parsed(arguments)
            yield {"functionCall": _named(call, name) | {"args": {} if given is None else given}}
        case ToolResult(call, text, name):
            given = parsed(text)
            yield {"functionResponse": _named(call, name) | {"response": {"result": text} if given is None else given}}
        case Media():
            yield _medium(part)
        case _:
            return


def _named(call: str, name: str) -> Members:
    return ({"id": call} if call else {}) | {"name": name}


def _medium(part: Media) -> Members:
    named = {"mimeType": part.media_type} if part.media_type else {}
    if part.source:
        return {"fileData": {**named, "fileUri": part.source}}
    return {"inlineData": {**named, "data": data(part)}}
