"""Requests of OpenAI Responses (https://platform.openai.com/docs/api-reference/responses).

The dialect says what is talked about; this checks the request, and reads what bounds the answer.
`previous_response_id` is accepted and echoed, but nothing is remembered: what counts is in `input`. Called by
`answering.py`.
"""

from __future__ import annotations

from typing import Any

from proxy_daemon.core.conversation import Conversation
from proxy_daemon.core.model.calls import ToolUse
from proxy_daemon.core.model.mind import AnyJSON, Ask, Shape
from proxy_daemon.core.model.read_chat import MOST_TOKENS, choose
from proxy_daemon.core.model.reading import check_text, integer, name_of, objects, offered_in, optional, required
from proxy_daemon.core.model.refusal import Refused
from proxy_daemon.core.model.turns import tools_of, turns_of

_ROLES = ("system", "developer", "user", "assistant")


def read_responses(body: dict[str, Any], said: Conversation) -> Ask:
    """The request without the words of this API. Raises `Refused`."""
    optional(body, "instructions", str, list)
    optional(body, "stream", bool)
    _check_input(body)
    limit = integer(body, "max_output_tokens", 1, MOST_TOKENS)
    return Ask(turns_of(said), _use(body, said), body.get("tools"), limit, (), _shape(body))


def _check_input(body: dict[str, Any]) -> None:
    if optional(body, "prompt", dict) is not None and "input" not in body:
        return
    given = required(body, "input", str, list)
    if not isinstance(given, str) and not given:
        raise Refused("'input' is empty: give at least one item.", "input", code="empty_array")
    for place, item in objects(given, "input") if isinstance(given, list) else ():
        _check_item(item, place)


def _check_item(item: dict[str, Any], place: str) -> None:
    kind = optional(item, "type", str, where=place) or "message"
    if kind in ("function_call_output", "custom_tool_call_output"):
        check_text(item.get("output"), place + "output")
    elif kind == "message":
        role = required(item, "role", str, where=place)
        if role not in _ROLES:
            raise Refused(f"'{place}role' must be one of {', '.join(_ROLES)}.", place + "role", code="invalid_value")
        check_text(item.get("content"), place + "content")


def _use(body: dict[str, Any], said: Conversation) -> ToolUse:
    offered = objects(offered_in(body), "tools")
    names = {name_of(item, "name", place) for place, item in offered if item.get("type") == "function"}
    single = optional(body, "parallel_tool_calls", bool) is False
    return choose(ToolUse(tools_of(said, names), single=single), optional(body, "tool_choice", str, dict))


def _shape(body: dict[str, Any]) -> AnyJSON | Shape | None:
    wanted = optional(optional(body, "text", dict) or {}, "format", dict, where="text.") or {}
    if wanted.get("type") == "json_schema":
        return Shape(wanted.get("schema", {}))
    return AnyJSON() if wanted.get("type") == "json_object" else None
