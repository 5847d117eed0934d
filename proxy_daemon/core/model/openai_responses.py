"""OpenAI Responses (https://platform.openai.com/docs/api-reference/responses).

Reads the request into an `Ask` and renders what is said as a document; `responses_stream.py` renders it as events.
`previous_response_id` is accepted and echoed, but nothing is remembered: what counts is in `input`.
"""

from __future__ import annotations

from typing import Any

from proxy_daemon.core.model.calls import Tool, ToolUse
from proxy_daemon.core.model.mind import LENGTH, AnyJSON, Ask, Said, Shape, Turn, say
from proxy_daemon.core.model.openai_chat import MOST_TOKENS, choose
from proxy_daemon.core.model.reading import integer, name_of, objects, optional, required, text_of, tools_of
from proxy_daemon.core.model.refusal import Refused
from proxy_daemon.core.model.responses_stream import stream
from proxy_daemon.core.model.seeds import CREATED, name_from
from proxy_daemon.core.model.sse import Event

_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_ECHOED: dict[
    str, tuple[tuple[type, ...], Any]
] = {  # the types under which a field is echoed, and what stands there else
    "instructions": ((str, list), None),
    "max_output_tokens": ((int,), None),
    "max_tool_calls": ((int,), None),
    "metadata": ((dict,), {}),
    "parallel_tool_calls": ((bool,), True),
    "previous_response_id": ((str,), None),
    "prompt_cache_key": ((str,), None),
    "reasoning": ((dict,), {"effort": None, "summary": None}),
    "safety_identifier": ((str,), None),
    "store": ((bool,), True),
    "temperature": ((int, float), 1.0),
    "text": ((dict,), {"format": {"type": "text"}, "verbosity": "medium"}),
    "tool_choice": ((str, dict), "auto"),
    "tools": ((list,), []),
    "top_logprobs": ((int,), 0),
    "top_p": ((int, float), 1.0),
    "truncation": ((str,), "disabled"),
    "user": ((str,), None),
}


def responses(body: dict[str, Any], seed: bytes) -> dict[str, Any] | list[Event]:
    """The answer to a request: a document, or the events of a stream. Raises `Refused`."""
    ask = read(body)
    said = say(ask)
    whole = _document(body, seed, ask, said)
    return stream(whole) if optional(body, "stream", bool) else whole


def input_tokens(body: dict[str, Any], _seed: bytes) -> dict[str, Any]:
    """How many tokens a request has. Raises `Refused`."""
    return {"object": "response.input_tokens", "input_tokens": read(body).tokens}


def read(body: dict[str, Any]) -> Ask:
    """The request without the words of this API."""
    instructions = optional(body, "instructions", str, list)
    system = (Turn("system", instructions),) if isinstance(instructions, str) else ()
    use, offered = _tools(body)
    limit = integer(body, "max_output_tokens", 1, MOST_TOKENS)
    return Ask(system + _turns(body), use, offered, limit, (), _shape(body))


def _turns(body: dict[str, Any]) -> tuple[Turn, ...]:
    if optional(body, "prompt", dict) is not None and "input" not in body:
        return ()
    given = required(body, "input", str, list)
    if isinstance(given, str):
        return (Turn("user", given),)
    if not given:
        raise Refused("'input' is empty: give at least one item.", "input", code="empty_array")
    turns = (_turn(item, place) for place, item in objects(given, "input"))
    return tuple(turn for turn in turns if turn is not None)


def _turn(item: dict[str, Any], place: str) -> Turn | None:
    """An item as a message; None for items that say nothing to the built-in model, such as calls and reasoning."""
    kind = optional(item, "type", str, where=place) or "message"
    if kind in ("function_call_output", "custom_tool_call_output"):
        return Turn("tool", text_of(item.get("output"), place + "output"))
    if kind != "message":
        return None
    role = required(item, "role", str, where=place)
    if role not in _ROLES:
        raise Refused(f"'{place}role' must be one of {', '.join(_ROLES)}.", place + "role", code="invalid_value")
    return Turn(_ROLES[role], text_of(item.get("content"), place + "content"))


def _tools(body: dict[str, Any]) -> tuple[ToolUse, Any]:
    offered = tools_of(body)
    tools = tuple(
        Tool(name_of(item, "name", place), item.get("parameters") or {})
        for place, item in objects(offered, "tools")
        if item.get("type") == "function"
    )
    single = optional(body, "parallel_tool_calls", bool) is False
    return choose(ToolUse(tools, single=single), optional(body, "tool_choice", str, dict)), offered


def _shape(body: dict[str, Any]) -> AnyJSON | Shape | None:
    wanted = optional(optional(body, "text", dict) or {}, "format", dict, where="text.") or {}
    if wanted.get("type") == "json_schema":
        return Shape(wanted.get("schema", {}))
    return AnyJSON() if wanted.get("type") == "json_object" else None


def _document(body: dict[str, Any], seed: bytes, ask: Ask, said: Said) -> dict[str, Any]:
    cut = said.ending == LENGTH
    return {
        "id": name_from(seed, "resp_"),
        "object": "response",
        "created_at": CREATED,
        "status": "incomplete" if cut else "completed",
        "background": False,
        "completed_at": None if cut else CREATED,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "model": body["model"],
        "output": _output(said, seed, "incomplete" if cut else "completed"),
        "service_tier": "default",
        "usage": _usage(ask.tokens, said),
        **{name: _echo(body.get(name), *allowed) for name, allowed in _ECHOED.items()},
    }


def _echo(value: Any, kinds: tuple[type, ...], default: Any) -> Any:
    return value if type(value) in kinds else default


def _output(said: Said, seed: bytes, status: str) -> list[dict[str, Any]]:
    if not said.calls:
        part = {"type": "output_text", "annotations": [], "logprobs": [], "text": said.text}
        message = {"id": name_from(seed, "msg_"), "type": "message", "status": status, "role": "assistant"}
        return [{**message, "content": [part]}]
    return [
        {
            "id": name_from(seed, "fc_", at),
            "type": "function_call",
            "status": status,
            "arguments": call.arguments,
            "call_id": name_from(seed, "call_", at),
            "name": call.name,
        }
        for at, call in enumerate(said.calls)
    ]


def _usage(asked: int, said: Said) -> dict[str, Any]:
    return {
        "input_tokens": asked,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": said.tokens,
        "output_tokens_details": {"reasoning_tokens": said.thought_tokens},
        "total_tokens": asked + said.tokens,
    }
