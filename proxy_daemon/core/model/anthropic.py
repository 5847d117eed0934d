"""Anthropic Messages (https://docs.anthropic.com/en/api/messages).

Reads the request into an `Ask`, renders what is said as JSON or as the stream's named events.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from proxy_daemon.core.model import tokens
from proxy_daemon.core.model.calls import Tool, ToolUse
from proxy_daemon.core.model.mind import CALLS, LENGTH, STOP_SEQUENCE, Ask, Said, Shape, Turn, say
from proxy_daemon.core.model.reading import integer, name_of, objects, optional, required, stops_of, text_of, tools_of
from proxy_daemon.core.model.refusal import Refused
from proxy_daemon.core.model.seeds import name_from, seed_of
from proxy_daemon.core.model.sse import Event, event

_ROLES = ("user", "assistant", "system")
_REASONS = {CALLS: "tool_use", LENGTH: "max_tokens", STOP_SEQUENCE: "stop_sequence"}
_MOST_TOKENS = 2**31
_START: dict[str, dict[str, Any]] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"input": {}},
}


def messages(body: dict[str, Any], seed: bytes) -> dict[str, Any] | list[Event]:
    """The answer to a request: a document, or the events of a stream. Raises `Refused`."""
    limit = integer({"max_tokens": required(body, "max_tokens", int)}, "max_tokens", 1, _MOST_TOKENS)
    ask = read(body, limit)
    said = say(ask)
    whole = _document(body["model"], seed, ask, said)
    return list(_events(whole)) if optional(body, "stream", bool) else whole


def count_tokens(body: dict[str, Any], _seed: bytes) -> dict[str, Any]:
    """How many tokens a request has: https://docs.anthropic.com/en/api/messages-count-tokens. Raises `Refused`."""
    return {"input_tokens": read(body, None).tokens}


def read(body: dict[str, Any], limit: int | None) -> Ask:
    """The request without the words of this API."""
    given = required(body, "messages", list)
    if not given:
        raise Refused("'messages' is empty: give at least one message.", "messages")
    system = text_of(body.get("system"), "system")
    turns = [Turn("system", system)] if system else []
    for place, message in objects(given, "messages"):
        turns += _turns(message, place)
    offered = tools_of(body)
    thinking = (optional(body, "thinking", dict) or {"type": "disabled"}).get("type") != "disabled"
    stops = stops_of(optional(body, "stop_sequences", list), "stop_sequences")
    return Ask(tuple(turns), _use(body, offered), offered, limit, stops, _shape(body), thinking)


def _turns(message: dict[str, Any], place: str) -> list[Turn]:
    """A message as turns: results of tools count as turns of their own, behind the text beside them."""
    role = required(message, "role", str, where=place)
    if role not in _ROLES:
        raise Refused(f"'{place}role' must be one of {', '.join(_ROLES)}.", place + "role")
    content = required(message, "content", str, list, where=place)
    text = text_of(content, place + "content")
    results = [
        Turn("tool", text_of(block.get("content"), where + "content"))
        for where, block in (objects(content, place + "content") if isinstance(content, list) else ())
        if block.get("type") == "tool_result"
    ]
    return [*([Turn(role, text)] if text or not results else []), *results]


def _use(body: dict[str, Any], offered: list[Any]) -> ToolUse:
    """The client's own tools, as far as `tool_choice` leaves them. Tools that Anthropic runs are left out."""
    tools = tuple(
        Tool(name_of(item, "name", place), item.get("input_schema", {}))
        for place, item in objects(offered, "tools")
        if item.get("type") in (None, "custom")
    )
    choice = optional(body, "tool_choice", dict) or {}
    use = ToolUse(tools, must=choice.get("type") == "any", single=choice.get("disable_parallel_tool_use") is True)
    if choice.get("type") == "tool":
        return use.only(name_of(choice, "name", "tool_choice."))
    return ToolUse() if choice.get("type") == "none" else use


def _shape(body: dict[str, Any]) -> Shape | None:
    config = optional(body, "output_config", dict) or {}
    wanted = optional(config, "format", dict) or optional(body, "output_format", dict) or {}
    return Shape(wanted.get("schema", {})) if wanted.get("type") == "json_schema" else None


def _document(model: str, seed: bytes, ask: Ask, said: Said) -> dict[str, Any]:
    usage = {"input_tokens": ask.tokens, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    return {
        "id": name_from(seed, "msg_01"),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": list(_content(said, seed)),
        "stop_reason": _REASONS.get(said.ending, "end_turn"),
        "stop_sequence": said.stopped_by,
        "usage": {**usage, "output_tokens": said.tokens, "service_tier": "standard"},
    }


def _content(said: Said, seed: bytes) -> Iterator[dict[str, Any]]:
    if said.reasoning:
        yield {
            "type": "thinking",
            "thinking": said.reasoning,
            "signature": name_from(seed_of(said.reasoning.encode()), "demo"),
        }
    if not said.calls:
        yield {"type": "text", "text": said.text}
    for at, call in enumerate(said.calls):
        arguments = orjson.loads(call.arguments)
        given = arguments if isinstance(arguments, dict) else {"value": arguments}
        yield {"type": "tool_use", "id": name_from(seed, "toolu_01", at), "name": call.name, "input": given}


def _events(whole: dict[str, Any]) -> Iterator[Event]:
    usage = whole["usage"]
    begun = {**whole, "content": [], "stop_reason": None, "stop_sequence": None, "usage": {**usage, "output_tokens": 1}}
    yield _event("message_start", message=begun)
    for index, block in enumerate(whole["content"]):
        yield _event("content_block_start", index=index, content_block={**block, **_START[block["type"]]})
        if index == 0:
            yield _event("ping")
        for delta in _deltas(block):
            yield _event("content_block_delta", spoken="signature" not in delta, index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": whole["stop_sequence"]}
    yield _event("message_delta", delta=delta, usage={"output_tokens": usage["output_tokens"]})
    yield _event("message_stop")


def _event(kind: str, *, spoken: bool = False, **fields: Any) -> Event:
    return event({"type": kind, **fields}, kind, spoken=spoken)


def _deltas(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if block["type"] == "text":
        for piece in tokens.pieces(block["text"]):
            yield {"type": "text_delta", "text": piece}
    elif block["type"] == "thinking":
        for piece in tokens.pieces(block["thinking"]):
            yield {"type": "thinking_delta", "thinking": piece}
        yield {"type": "signature_delta", "signature": block["signature"]}
    else:
        for piece in ["", *tokens.pieces(orjson.dumps(block["input"]).decode())]:
            yield {"type": "input_json_delta", "partial_json": piece}
