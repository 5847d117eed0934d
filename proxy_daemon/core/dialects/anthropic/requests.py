"""What a request of Anthropic's Messages API says, as a conversation. Called by the dialects that carry its bodies."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from proxy_daemon.core.conversation import Conversation, Message, Part, Text, Tool, ToolResult
from proxy_daemon.core.dialects.anthropic.parts import parts_of, parts_of_block
from proxy_daemon.core.dialects.json_shapes import member, objects, objects_at, text_at

_ROLES = {"developer": "system", "model": "assistant"}


def conversation_of(body: Any) -> Conversation:
    """See https://docs.anthropic.com/en/api/messages ; the legacy API's prompt is one message of the user's."""
    messages = list(_system(member(body, "system")))
    if prompt := text_at(body, "prompt"):
        messages.append(Message("user", (Text(prompt),)))
    for message in objects_at(body, "messages"):
        messages += _turns(message)
    return Conversation(tuple(messages), tuple(map(_tool, objects_at(body, "tools"))))


def _system(system: Any) -> Iterator[Message]:
    if parts := tuple(parts_of(system)):
        yield Message("system", parts)


def _turns(message: dict[str, Any]) -> Iterator[Message]:
    """A message as it is, but results of tools, which stand in the user's, are messages of the tool."""
    role = text_at(message, "role")
    for given_by, parts in groupby(_owned(message, _ROLES.get(role, role)), lambda each: each[0]):
        yield Message(given_by, tuple(part for _, part in parts))


def _owned(message: dict[str, Any], role: str) -> Iterator[tuple[str, Part]]:
    content = message.get("content")
    if not isinstance(content, list):
        yield from ((role, part) for part in parts_of(content))
    for block in objects(content):
        parts = list(parts_of_block(block))
        of_tool = role == "user" and isinstance(parts[0], ToolResult)
        yield from (("tool" if of_tool else role, part) for part in parts)


def _tool(stated: dict[str, Any]) -> Tool:
    """Tools that Anthropic runs have a type for a description, and no schema."""
    description = text_at(stated, "description") or text_at(stated, "type")
    return Tool(text_at(stated, "name"), description, stated.get("input_schema"))
