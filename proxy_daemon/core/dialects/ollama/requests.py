"""What a request to Ollama says. Reads any JSON; called by `ollama.py`."""

from __future__ import annotations

from typing import Any

from proxy_daemon.core.conversation import (
    Conversation,
    Media,
    Message,
    Part,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from proxy_daemon.core.dialects.json_shapes import member, object_at, objects_at, text_at, written


def conversation_of(body: Any) -> Conversation:
    """Of a chat; of a completion, with its system message first; of embeddings: one message for each input."""
    if isinstance(body, dict) and "messages" in body:
        messages = tuple(_message(each) for each in objects_at(body, "messages"))
        return Conversation(messages, tuple(_tool(each) for each in objects_at(body, "tools")))
    system = text_at(body, "system")
    said = (Message("system", (Text(system),)),) if system else ()
    return Conversation(said + _asked(body))


def _asked(body: Any) -> tuple[Message, ...]:
    """The prompt, or what is to be embedded."""
    given = member(body, "input")
    inputs = given if isinstance(given, list) else [given if given is not None else member(body, "prompt")]
    images = _images(body)
    return tuple(Message("user", (Text(text), *images)) for text in inputs if isinstance(text, str))


def _message(message: dict[str, Any]) -> Message:
    text, thought = text_at(message, "content"), text_at(message, "thinking")
    if message.get("role") == "tool":
        name = text_at(message, "tool_name", "name")
        return Message("tool", (ToolResult(text_at(message, "tool_call_id"), text, name),))
    parts: list[Part] = [Reasoning(thought)] if thought else []
    parts += [Text(text)] if text else []
    return Message(text_at(message, "role"), (*parts, *_images(message), *calls_in(message)))


def calls_in(message: Any) -> list[ToolCall]:
    """The calls of a message; their arguments are objects, and written as JSON here."""
    return [_call(each) for each in objects_at(message, "tool_calls")]


def _call(call: dict[str, Any]) -> ToolCall:
    function = object_at(call, "function")
    arguments = function.get("arguments")
    text = arguments if isinstance(arguments, str) else written(arguments if arguments is not None else {})
    return ToolCall(text_at(call, "id"), text_at(function, "name"), text)


def _images(holder: Any) -> tuple[Media, ...]:
    """In base64, without a type."""
    found = member(holder, "images")
    each = found if isinstance(found, list) else []
    return tuple(Media("image", size=len(image)) for image in each if isinstance(image, str))


def _tool(tool: dict[str, Any]) -> Tool:
    function = object_at(tool, "function")
    return Tool(text_at(function, "name"), text_at(function, "description"), function.get("parameters"))
