"""What a request to DashScope says. Reads any JSON; called by `dashscope.py`."""

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
from proxy_daemon.core.dialects.json_shapes import member, object_at, objects, objects_at, text_at

_MEDIA = ("image", "audio", "video")


def conversation_of(body: Any) -> Conversation:
    """The messages of the input, or its prompt, or its texts."""
    given = object_at(body, "input")
    tools = objects_at(object_at(body, "parameters"), "tools") or objects_at(body, "tools")
    messages = tuple(_message(each) for each in objects_at(given, "messages"))
    if not messages:
        messages = tuple(Message("user", (Text(text),)) for text in _texts(given))
    return Conversation(messages, tuple(_tool(object_at(each, "function")) for each in tools))


def _texts(given: dict[str, Any]) -> list[str]:
    asked = [text_at(given, name) for name in ("prompt", "query", "text")]
    each = [one for name in ("texts", "documents") if isinstance(given.get(name), list) for one in given[name]]
    return [text for text in (*asked, *each) if isinstance(text, str) and text]


def _message(message: dict[str, Any]) -> Message:
    role, content = text_at(message, "role"), message.get("content")
    if role == "tool":
        return Message(
            "tool", (ToolResult(text_at(message, "tool_call_id"), text_in(content), text_at(message, "name")),)
        )
    thought = text_at(message, "reasoning_content")
    parts = ((Reasoning(thought),) if thought else ()) + _parts(content)
    return Message(role, (*parts, *calls_in(message)))


def text_in(content: Any) -> str:
    """The words of a content: a text, or a list of objects."""
    return content if isinstance(content, str) else "".join(text_at(each, "text") for each in objects(content))


def _parts(content: Any) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (Text(content),) if content else ()
    return tuple(_part(each) for each in objects(content))


def _part(block: dict[str, Any]) -> Part:
    """The member's name is its kind."""
    if "text" in block:
        return Text(text_at(block, "text"))
    kind = next((kind for kind in _MEDIA if kind in block), None)
    return Other(next(iter(block), "")) if kind is None else _media(kind, text_at(block, kind))


def _media(kind: str, source: str) -> Media:
    if not source.startswith("data:"):
        return Media(kind, source=source)
    head, _, data = source[5:].partition(",")
    return Media(kind, head.partition(";")[0][:100], size=len(data))


def calls_in(message: Any) -> list[ToolCall]:
    """The calls of a message, as OpenAI writes them."""
    return [call_of(each) for each in objects_at(message, "tool_calls")]


def call_of(call: dict[str, Any]) -> ToolCall:
    """One of them."""
    function = object_at(call, "function")
    return ToolCall(text_at(call, "id"), text_at(function, "name"), text_at(function, "arguments"))


def _tool(tool: dict[str, Any]) -> Tool:
    return Tool(text_at(tool, "name"), text_at(tool, "description"), member(tool, "parameters"))
