"""What a request of Gemini's API says, as a conversation: contents, texts to embed, instances of Vertex's `predict`.

Called by the dialect beside this.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from proxy_daemon.core.conversation import Conversation, Media, Message, Part, Text, Tool, ToolResult
from proxy_daemon.core.dialects.google.parts import named, parts_of
from proxy_daemon.core.dialects.json_shapes import member, objects, objects_at, text_at

_ROLES = {"": "user", "model": "assistant", "function": "tool"}


def conversation_of(body: Any) -> Conversation:
    """See https://ai.google.dev/api/generate-content#request-body ; to count tokens, one may stand within a request."""
    inner = named(body, "generateContentRequest")
    asked = inner if isinstance(inner, dict) else body
    messages = list(_system(named(asked, "systemInstruction")))
    for content in _contents(asked):
        messages += _turns(content)
    declared = (each for group in objects_at(asked, "tools") for each in objects(named(group, "functionDeclarations")))
    return Conversation(tuple(messages), tuple(map(_tool, declared)))


def _system(content: Any) -> Iterator[Message]:
    if parts := tuple(parts_of(content)):
        yield Message("system", parts)


def _contents(asked: Any) -> Iterator[Any]:
    """Whatever holds parts, in the order of the API's several operations."""
    contents = member(asked, "contents")
    yield from contents if isinstance(contents, list) else [contents]
    yield member(asked, "content")
    yield from (member(each, "content") for each in objects_at(asked, "requests"))
    for instance in objects_at(asked, "instances"):
        yield text_at(instance, "content", "prompt")


def _turns(content: Any) -> Iterator[Message]:
    """A content as one message, but what functions gave is of the tool, with the media that came along."""
    role = text_at(content, "role")
    owner = ""
    owned: list[tuple[str, Part]] = []
    for part in parts_of(content):
        of_tool = isinstance(part, ToolResult) or (isinstance(part, Media) and owner == "tool")
        owner = "tool" if of_tool and role != "model" else _ROLES.get(role, role)
        owned.append((owner, part))
    for said_by, parts in groupby(owned, lambda each: each[0]):
        found = tuple(part for _, part in parts)
        if found != (Text(""),):
            yield Message(said_by, found)


def _tool(declared: dict[str, Any]) -> Tool:
    schema = named(declared, "parameters") or named(declared, "parametersJsonSchema")
    return Tool(text_at(declared, "name"), text_at(declared, "description"), schema)
