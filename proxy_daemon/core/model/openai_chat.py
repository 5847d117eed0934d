"""OpenAI chat completions (https://platform.openai.com/docs/api-reference/chat).

Reads the request into an `Ask`, renders what is said as JSON or as a stream of chunks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from attrs import frozen

from proxy_daemon.core.model import tokens
from proxy_daemon.core.model.calls import Tool, ToolUse
from proxy_daemon.core.model.mind import CALLS, LENGTH, AnyJSON, Ask, Said, Shape, Turn, say
from proxy_daemon.core.model.reading import integer, name_of, objects, optional, required, stops_of, text_of, tools_of
from proxy_daemon.core.model.refusal import Refused
from proxy_daemon.core.model.seeds import CREATED, name_from
from proxy_daemon.core.model.sse import DONE, Event, event

CHOICES = 128
MOST_TOKENS = 2**31
_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
_FINISH = {CALLS: "tool_calls", LENGTH: "length"}


def chat(body: dict[str, Any], seed: bytes) -> dict[str, Any] | list[Event]:
    """The answer to a request: a document, or the events of a stream. Raises `Refused`."""
    ask = read(body)
    count = integer(body, "n", 1, CHOICES) or 1
    said = [say(ask, choice) for choice in range(count)]
    base = _Base(name_from(seed, "chatcmpl-"), body["model"], seed)
    usage = _usage(ask, said)
    if optional(body, "stream", bool):
        options = optional(body, "stream_options", dict) or {}
        return list(_events(base, said, usage if options.get("include_usage") is True else None))
    return base.document("chat.completion", [base.choice(at, one) for at, one in enumerate(said)], usage=usage)


def read(body: dict[str, Any]) -> Ask:
    """The request without the words of this API."""
    messages = required(body, "messages", list)
    if not messages:
        raise Refused("'messages' is empty: give at least one message.", "messages", code="empty_array")
    limit = integer(body, "max_completion_tokens", 1, MOST_TOKENS) or integer(body, "max_tokens", 1, MOST_TOKENS)
    use, offered = _tools(body)
    turns = tuple(_turn(message, place) for place, message in objects(messages, "messages"))
    return Ask(turns, use, offered, limit, stops_of(body.get("stop"), "stop"), _shape(body))


def _turn(message: dict[str, Any], place: str) -> Turn:
    role = required(message, "role", str, where=place)
    if role not in _ROLES:
        raise Refused(f"'{place}role' must be one of {', '.join(_ROLES)}.", place + "role", code="invalid_value")
    return Turn(_ROLES[role], text_of(message.get("content"), place + "content"))


def _tools(body: dict[str, Any]) -> tuple[ToolUse, Any]:
    offered = tools_of(body)
    tools = []
    for place, item in objects(offered, "tools"):
        if item.get("type") == "function":
            function = required(item, "function", dict, where=place)
            tools.append(Tool(name_of(function, "name", place + "function."), function.get("parameters", {})))
    single = optional(body, "parallel_tool_calls", bool) is False
    return choose(ToolUse(tuple(tools), single=single), optional(body, "tool_choice", str, dict)), offered


def choose(use: ToolUse, choice: str | dict[str, Any] | None) -> ToolUse:
    """The tools that `tool_choice` leaves, both in the form of chat completions and in that of Responses."""
    if choice == "none":
        return ToolUse()
    if choice == "required":
        return ToolUse(use.tools, must=True, single=use.single)
    if isinstance(choice, dict) and choice.get("type") == "function":
        function = optional(choice, "function", dict, where="tool_choice.") or choice
        return use.only(name_of(function, "name", "tool_choice."))
    return use


def _shape(body: dict[str, Any]) -> AnyJSON | Shape | None:
    wanted = optional(body, "response_format", dict) or {}
    if wanted.get("type") == "json_schema":
        inner = required(wanted, "json_schema", dict, where="response_format.")
        return Shape(inner.get("schema", {}))
    return AnyJSON() if wanted.get("type") == "json_object" else None


def _usage(ask: Ask, said: Sequence[Said]) -> dict[str, Any]:
    asked, answered = ask.tokens, sum(one.tokens for one in said)
    return {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": asked + answered,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


@frozen
class _Base:
    """What every document of one answer has in common."""

    id: str
    model: str
    seed: bytes

    def document(self, kind: str, choices: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        common = {"service_tier": "default", "system_fingerprint": "fp_demo"}
        head = {"id": self.id, "object": kind, "created": CREATED, "model": self.model}
        return {**head, "choices": choices, **more, **common}

    def choice(self, index: int, said: Said) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": said.text or None, "refusal": None}
        if said.calls:
            message["tool_calls"] = self.calls(index, said)
        else:
            message["content"] = said.text
        return {"index": index, "message": message, "logprobs": None, "finish_reason": finish(said)}

    def calls(self, index: int, said: Said) -> list[dict[str, Any]]:
        """The calls of one choice, whole."""
        return [
            {
                "id": name_from(self.seed, "call_", index * 100 + at),
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for at, call in enumerate(said.calls)
        ]


def finish(said: Said) -> str:
    """The `finish_reason`."""
    return _FINISH.get(said.ending, "stop")


def _events(base: _Base, said: list[Said], usage: dict[str, Any] | None) -> Iterator[Event]:
    """The stream: the choices take turns, as the real API's do."""
    more = {} if usage is None else {"usage": None}
    rounds = zip_longest(*(list(_deltas(base, at, one)) for at, one in enumerate(said)))
    for turns in rounds:
        spoken = True
        for choice in filter(None, turns):
            delta = choice["delta"]
            yield event(base.document("chat.completion.chunk", [choice], **more), spoken=spoken and bool(delta))
            spoken = False
    if usage is not None:
        yield event(base.document("chat.completion.chunk", [], usage=usage))
    yield DONE


def _deltas(base: _Base, index: int, said: Said) -> Iterator[dict[str, Any]]:
    def choice(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        return {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}

    yield choice({"role": "assistant", "content": None if said.calls else "", "refusal": None})
    for piece in tokens.pieces(said.text):
        yield choice({"content": piece})
    for at, call in enumerate(base.calls(index, said)):
        arguments = call["function"]["arguments"]
        yield choice({"tool_calls": [{"index": at, **call, "function": {**call["function"], "arguments": ""}}]})
        for piece in tokens.pieces(arguments):
            yield choice({"tool_calls": [{"index": at, "function": {"arguments": piece}}]})
    yield choice({}, finish(said))
