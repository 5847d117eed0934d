"""The items of OpenAI's Responses as parts: of an answer's `output`, and of a request's `input`, which gives them back.

See https://platform.openai.com/docs/api-reference/responses/object#responses-object-output . Nothing here raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from proxy_daemon.core.conversation import Media, Message, Other, Part, Reasoning, ToolCall, ToolResult
from proxy_daemon.core.dialects.json_shapes import objects, objects_at, text_at
from proxy_daemon.core.dialects.openai.parts import arguments_of, inline, parts_of, plain_text, role_of

# Calls of tools that the API itself defines and the client runs, and the member that says what to do.
CLIENT_TOOLS = {
    "computer_call": "action",
    "local_shell_call": "action",
    "shell_call": "action",
    "apply_patch_call": "operation",
}


def parts_of_items(items: Any) -> Iterator[Part]:
    """The parts of all items of an output, in their order."""
    for item in objects(items):
        yield from parts_of_item(item)


def parts_of_item(item: dict[str, Any]) -> Iterator[Part]:
    """The parts of one item; what the API's own tools did is named as `Other`."""
    kind = text_at(item, "type")
    yield from _KINDS.get(kind, _other)(item)


def _message(item: dict[str, Any]) -> Iterator[Part]:
    return parts_of(item.get("content"))


def _reasoning(item: dict[str, Any]) -> Iterator[Part]:
    """One part for each text, as they came: the summary's first. What is opaque belongs to the last."""
    texts = [text_at(each, "text") for name in ("summary", "content") for each in objects_at(item, name)]
    texts = [text for text in texts if text]
    opaque = text_at(item, "encrypted_content")
    if not texts and not opaque:
        return
    yield from map(Reasoning, texts[:-1])
    yield Reasoning(texts[-1] if texts else "", opaque)


def _call(item: dict[str, Any]) -> Iterator[Part]:
    arguments = arguments_of(item.get("arguments", item.get("input")))
    yield ToolCall(text_at(item, "call_id", "id"), text_at(item, "name"), arguments)


def _client_tool(item: dict[str, Any]) -> Iterator[Part]:
    kind = text_at(item, "type")
    yield ToolCall(text_at(item, "call_id", "id"), kind, arguments_of(item.get(CLIENT_TOOLS[kind])))


def _image(item: dict[str, Any]) -> Iterator[Part]:
    kind = text_at(item, "output_format")
    yield inline("image", text_at(item, "result"), f"image/{kind}" if kind else "")


def _other(item: dict[str, Any]) -> Iterator[Part]:
    yield Other(text_at(item, "type"))


_KINDS: dict[str, Callable[[dict[str, Any]], Iterator[Part]]] = {
    "message": _message,
    "reasoning": _reasoning,
    "function_call": _call,
    "custom_tool_call": _call,
    "image_generation_call": _image,
    **dict.fromkeys(CLIENT_TOOLS, _client_tool),
}


def messages_of_items(items: Any) -> Iterator[Message]:
    """An input as messages; the model's own items that follow each other are one, as they were one answer."""
    turn: list[Part] = []
    for role, parts in map(_spoken, objects(items)):
        if role == "assistant":
            turn.extend(parts)
            continue
        if turn:
            yield Message("assistant", tuple(turn))
            turn = []
        yield Message(role, tuple(parts))
    if turn:
        yield Message("assistant", tuple(turn))


def _spoken(item: dict[str, Any]) -> tuple[str, Iterable[Part]]:
    """Who says an item, and what."""
    kind, role = text_at(item, "type"), text_at(item, "role")
    if role and kind in ("", "message"):
        return role_of(role), parts_of(item.get("content"))
    if kind.endswith("_output"):
        return "tool", _result(item)
    return ("user" if kind in _OF_THE_USER else "assistant"), parts_of_item(item)


_OF_THE_USER = frozenset(("mcp_approval_response", "item_reference", "additional_tools"))


def _result(item: dict[str, Any]) -> Iterator[Part]:
    output = item.get("output")
    failed = text_at(item, "status") in ("failed", "incomplete")
    yield ToolResult(text_at(item, "call_id", "id"), plain_text(output), text_at(item, "name"), failed)
    shown = [output] if isinstance(output, dict) and "image_url" in output else output
    if isinstance(shown, list):
        yield from (part for part in parts_of(shown) if isinstance(part, Media))
