"""What a request to Cohere says, in either version. Reads any JSON; called by `v2.py` and `v1.py`."""

from __future__ import annotations

from typing import Any

from proxy_daemon.core.conversation import (
    Conversation,
    Media,
    Message,
    Other,
    Part,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from proxy_daemon.core.dialects.json_shapes import member, object_at, objects, objects_at, text_at, written

_ROLES = {"USER": "user", "CHATBOT": "assistant", "SYSTEM": "system", "TOOL": "tool"}


def conversation_of(body: Any) -> Conversation:
    """Version 2 has messages, version 1 a message and what came before it; the rest has texts."""
    if isinstance(body, dict) and "messages" in body:
        messages = tuple(_message(each) for each in objects_at(body, "messages"))
        return Conversation(messages, tuple(_tool(object_at(each, "function")) for each in objects_at(body, "tools")))
    tools = tuple(_tool(each) for each in objects_at(body, "tools"))
    return Conversation((*_first_version(body), *_texts(body)), tools)


def _message(message: dict[str, Any]) -> Message:
    role, content = text_at(message, "role"), member(message, "content")
    if role == "tool":
        return Message("tool", (ToolResult(text_at(message, "tool_call_id"), _plain(content)),))
    plan = text_at(message, "tool_plan")
    parts = ((Reasoning(plan),) if plan else ()) + content_parts(content)
    return Message(role, (*parts, *calls_in(message)))


def content_parts(content: Any) -> tuple[Part, ...]:
    """A text, or blocks of text, thoughts, images and documents."""
    if isinstance(content, str):
        return (Text(content),) if content else ()
    return tuple(_part(each) for each in objects(content))


def _part(block: dict[str, Any]) -> Part:
    kind = text_at(block, "type")
    if kind == "text":
        return Text(text_at(block, "text"))
    if kind == "thinking":
        return Reasoning(text_at(block, "thinking"))
    if kind == "image_url":
        return _image(text_at(member(block, "image_url"), "url"))
    return Other(kind)


def _image(url: str) -> Media:
    if not url.startswith("data:"):
        return Media("image", source=url)
    head, _, data = url[5:].partition(",")
    return Media("image", head.partition(";")[0][:100], size=len(data))


def calls_in(message: Any) -> list[ToolCall]:
    """The calls of a message of version 2."""
    return [_call(each) for each in objects_at(message, "tool_calls")]


def _call(call: dict[str, Any]) -> ToolCall:
    function = object_at(call, "function")
    return ToolCall(text_at(call, "id"), text_at(function, "name"), text_at(function, "arguments"))


def _plain(content: Any) -> str:
    """What a tool gave: a text, or documents."""
    if isinstance(content, str):
        return content
    each = [object_at(block, "document") or block for block in objects(content)]
    return "".join(text_at(one, "text", "data") or written(one.get("data", one)) for one in each)


def _tool(tool: dict[str, Any]) -> Tool:
    schema = tool.get("parameters", tool.get("parameter_definitions"))
    return Tool(text_at(tool, "name"), text_at(tool, "description"), schema)


def _first_version(body: Any) -> list[Message]:
    """See https://docs.cohere.com/v1/reference/chat ."""
    preamble, asked = text_at(body, "preamble"), text_at(body, "message", "prompt", "query", "text")
    said = [Message("system", (Text(preamble),))] if preamble else []
    for each in objects_at(body, "chat_history"):
        text, role = text_at(each, "message"), text_at(each, "role")
        said.append(Message(_ROLES.get(role.upper(), role), (Text(text),) if text else ()))
    return [*said, Message("user", (Text(asked),))] if asked else said


def _texts(body: Any) -> list[Message]:
    """What is embedded or ranked."""
    given = [member(body, name) for name in ("texts", "documents")]
    each = [one for found in given if isinstance(found, list) for one in found]
    texts = [one if isinstance(one, str) else text_at(one, "text") for one in each]
    return [Message("user", (Text(text),)) for text in texts if text]
