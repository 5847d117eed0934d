"""What a request of Bedrock says, as a conversation: Converse's own, or the body of the model's maker.

Called by the dialect beside this.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from proxy_daemon.core.conversation import Conversation, Message, Part, Text, Tool, ToolResult
from proxy_daemon.core.dialects.anthropic import requests as anthropic_requests
from proxy_daemon.core.dialects.anthropic.parts import parts_of as parts_of_claude
from proxy_daemon.core.dialects.bedrock.converse import parts_of
from proxy_daemon.core.dialects.json_shapes import member, object_at, objects, objects_at, parsed, text_at

_ROLES = {"chatbot": "assistant", "model": "assistant", "developer": "system"}
_PROMPTS = ("prompt", "inputText", "message", "query")


def conversation_of(body: Any) -> Conversation:
    """By the shape of the body. To count tokens, a request stands within a request."""
    within = object_at(body, "input")
    asked = object_at(within, "converse") or _invoked(object_at(within, "invokeModel")) or body
    if member(asked, "anthropic_version") is not None or member(asked, "max_tokens_to_sample") is not None:
        return anthropic_requests.conversation_of(asked)
    tools = objects_at(object_at(asked, "toolConfig"), "tools") or objects_at(asked, "tools")
    return Conversation(tuple(_messages(asked)), tuple(map(_tool, tools)))


def _invoked(asked: Any) -> Any:
    """See https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html ."""
    try:
        return parsed(b64decode(text_at(asked, "body")))
    except ValueError:
        return None


def _messages(asked: Any) -> Iterator[Message]:
    system = tuple(_parts(member(asked, "system"))) or tuple(_parts(member(asked, "preamble")))
    if system:
        yield Message("system", system)
    for message in [*objects_at(asked, "chat_history"), *objects_at(asked, "messages")]:
        yield from _turns(message)
    prompts = [text_at(asked, name) for name in _PROMPTS]
    embedded = text_at(object_at(object_at(asked, "singleEmbeddingParams"), "text"), "value")
    texts = member(asked, "texts")
    for text in [*prompts, embedded, *(texts if isinstance(texts, list) else [])]:
        if isinstance(text, str) and text:
            yield Message("user", (Text(text),))


def _turns(message: dict[str, Any]) -> Iterator[Message]:
    """A message as it is, but results of tools, which stand in the user's, are messages of the tool."""
    role = text_at(message, "role").lower()
    said = text_at(message, "message")
    parts = [Text(said)] if said else list(_parts(message.get("content")))
    for of_tool, found in groupby(parts, lambda part: isinstance(part, ToolResult)):
        yield Message("tool" if of_tool else _ROLES.get(role, role), tuple(found))


def _parts(content: Any) -> Iterator[Part]:
    """Text, blocks that state their type, or blocks that have one member."""
    if isinstance(content, str):
        yield Text(content)
    for block in objects(content):
        yield from parts_of_claude([block]) if isinstance(block.get("type"), str) else parts_of([block])


def _tool(stated: dict[str, Any]) -> Tool:
    """Converse's specification, or a function as OpenAI has it."""
    inner = object_at(stated, "toolSpec") or object_at(stated, "function") or stated
    schema = member(inner, "inputSchema") or member(inner, "parameters") or member(inner, "parameter_definitions")
    schema = schema.get("json", schema) if isinstance(schema, dict) else schema
    return Tool(text_at(inner, "name"), text_at(inner, "description"), schema)
