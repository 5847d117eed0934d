"""Requests of OpenAI chat completions (https://platform.openai.com/docs/api-reference/chat), and of who speaks alike.

The dialect says what is talked about; this checks the request as strictly as the API does, and reads what bounds the
answer. Called by `answering.py`.
"""

from __future__ import annotations

from typing import Any

from proxy_daemon.core.conversation import Conversation
from proxy_daemon.core.model.calls import ToolUse
from proxy_daemon.core.model.mind import AnyJSON, Ask, Shape
from proxy_daemon.core.model.reading import (
    check_text,
    integer,
    name_of,
    objects,
    offered_in,
    optional,
    required,
    stops_of,
)
from proxy_daemon.core.model.refusal import Refused
from proxy_daemon.core.model.turns import tools_of, turns_of

CHOICES = 128
MOST_TOKENS = 2**31
_ROLES = ("system", "developer", "user", "assistant", "tool", "function")


def read_chat(body: dict[str, Any], said: Conversation) -> Ask:
    """The request without the words of this API. Raises `Refused`."""
    messages = required(body, "messages", list)
    if not messages:
        raise Refused("'messages' is empty: give at least one message.", "messages", code="empty_array")
    optional(body, "stream", bool)
    optional(body, "stream_options", dict)
    limit = integer(body, "max_completion_tokens", 1, MOST_TOKENS) or integer(body, "max_tokens", 1, MOST_TOKENS)
    use = _use(body, said)
    for place, message in objects(messages, "messages"):
        _check_message(message, place)
    count = integer(body, "n", 1, CHOICES) or 1
    stops = stops_of(body.get("stop"), "stop")
    return Ask(turns_of(said), use, body.get("tools"), limit, stops, _shape(body), choices=count)


def choose(use: ToolUse, choice: str | dict[str, Any] | None) -> ToolUse:
    """The tools that `tool_choice` leaves, in the form of chat completions and in that of Responses."""
    if choice == "none":
        return ToolUse()
    if choice in ("required", "any"):  # the second is Mistral's
        return ToolUse(use.tools, must=True, single=use.single)
    if isinstance(choice, dict) and choice.get("type") == "function":
        function = optional(choice, "function", dict, where="tool_choice.") or choice
        return use.only(name_of(function, "name", "tool_choice."))
    return use


def _check_message(message: dict[str, Any], place: str) -> None:
    role = required(message, "role", str, where=place)
    if role not in _ROLES:
        raise Refused(f"'{place}role' must be one of {', '.join(_ROLES)}.", place + "role", code="invalid_value")
    check_text(message.get("content"), place + "content")


def _use(body: dict[str, Any], said: Conversation) -> ToolUse:
    names = set()
    for place, item in objects(offered_in(body), "tools"):
        if item.get("type") == "function":
            names.add(name_of(required(item, "function", dict, where=place), "name", place + "function."))
    single = optional(body, "parallel_tool_calls", bool) is False
    return choose(ToolUse(tools_of(said, names), single=single), optional(body, "tool_choice", str, dict))


def _shape(body: dict[str, Any]) -> AnyJSON | Shape | None:
    wanted = optional(body, "response_format", dict) or {}
    if wanted.get("type") == "json_schema":
        inner = required(wanted, "json_schema", dict, where="response_format.")
        return Shape(inner.get("schema", {}))
    return AnyJSON() if wanted.get("type") == "json_object" else None
