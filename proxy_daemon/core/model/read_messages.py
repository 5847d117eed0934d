"""Requests of Anthropic Messages (https://docs.anthropic.com/en/api/messages).

The dialect says what is talked about; this checks the request as strictly as the API does, and reads what bounds the
answer. Called by `answering.py`.
"""

from __future__ import annotations

from typing import Any

from proxy_daemon.core.conversation import Conversation
from proxy_daemon.core.model.calls import ToolUse
from proxy_daemon.core.model.mind import Ask, Shape
from proxy_daemon.core.model.read_chat import MOST_TOKENS
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
from proxy_daemon.core.model.turns import results_last, tools_of, turns_of

_ROLES = ("user", "assistant", "system")


def read_messages(body: dict[str, Any], said: Conversation) -> Ask:
    """The request without the words of this API. Raises `Refused`."""
    limit = integer({"max_tokens": required(body, "max_tokens", int)}, "max_tokens", 1, MOST_TOKENS)
    return _read(body, said, limit)


def read_to_count(body: dict[str, Any], said: Conversation) -> Ask:
    """The same of a request whose tokens are to be counted, which needs no limit. Raises `Refused`."""
    return _read(body, said, None)


def _read(body: dict[str, Any], said: Conversation, limit: int | None) -> Ask:
    given = required(body, "messages", list)
    if not given:
        raise Refused("'messages' is empty: give at least one message.", "messages")
    optional(body, "stream", bool)
    check_text(body.get("system"), "system")
    for place, message in objects(given, "messages"):
        _check_message(message, place)
    thinks = (optional(body, "thinking", dict) or {"type": "disabled"}).get("type") != "disabled"
    stops = stops_of(optional(body, "stop_sequences", list), "stop_sequences")
    use = _use(body, said)
    return Ask(results_last(turns_of(said)), use, body.get("tools"), limit, stops, _shape(body), thinks)


def _check_message(message: dict[str, Any], place: str) -> None:
    role = required(message, "role", str, where=place)
    if role not in _ROLES:
        raise Refused(f"'{place}role' must be one of {', '.join(_ROLES)}.", place + "role")
    content = required(message, "content", str, list, where=place)
    check_text(content, place + "content")
    for where, block in objects(content, place + "content") if isinstance(content, list) else ():
        if block.get("type") == "tool_result":
            check_text(block.get("content"), where + "content")


def _use(body: dict[str, Any], said: Conversation) -> ToolUse:
    """The client's own tools, as far as `tool_choice` leaves them. Tools that Anthropic runs are left out."""
    offered = objects(offered_in(body), "tools")
    names = {name_of(item, "name", place) for place, item in offered if item.get("type") in (None, "custom")}
    choice = optional(body, "tool_choice", dict) or {}
    single = choice.get("disable_parallel_tool_use") is True
    use = ToolUse(tools_of(said, names), must=choice.get("type") == "any", single=single)
    if choice.get("type") == "tool":
        return use.only(name_of(choice, "name", "tool_choice."))
    return ToolUse() if choice.get("type") == "none" else use


def _shape(body: dict[str, Any]) -> Shape | None:
    config = optional(body, "output_config", dict) or {}
    wanted = optional(config, "format", dict) or optional(body, "output_format", dict) or {}
    return Shape(wanted.get("schema", {})) if wanted.get("type") == "json_schema" else None
