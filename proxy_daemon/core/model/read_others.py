"""Requests of all other APIs: Gemini, Bedrock, Ollama, Cohere, legacy completions and the like.

The dialect says what is talked about. What bounds the answer has much the same names in all of them, at the top of the
body or within one of its objects; what is of the wrong type there counts as not said. Called by `answering.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proxy_daemon.core.conversation import Conversation
from proxy_daemon.core.model.calls import ToolUse
from proxy_daemon.core.model.mind import AnyJSON, Ask, Shape
from proxy_daemon.core.model.read_chat import CHOICES, MOST_TOKENS
from proxy_daemon.core.model.reading import MOST_STOPS, MOST_TOOLS
from proxy_daemon.core.model.refusal import Refused
from proxy_daemon.core.model.turns import results_last, tools_of, turns_of

_WITHIN = ("generationConfig", "generation_config", "inferenceConfig", "options", "parameters")
_LIMITS = (
    "max_tokens",
    "maxOutputTokens",
    "max_output_tokens",
    "maxTokens",
    "num_predict",
    "max_new_tokens",
    "max_tokens_to_sample",
)
_STOPS = ("stop", "stop_sequences", "stopSequences")
_COUNTS = ("n", "candidateCount", "num_generations")
_SCHEMAS = ("responseSchema", "responseJsonSchema", "response_schema")


def read_others(body: dict[str, Any], said: Conversation) -> Ask:
    """The request without the words of its API. Raises `Refused` where it says nothing."""
    turns = results_last(turns_of(said))
    if not turns:
        raise Refused("There is nothing to answer: the request has no message and no prompt.")
    if len(said.tools) > MOST_TOOLS:
        raise Refused(f"There may be {MOST_TOOLS} tools at most, but there are {len(said.tools)}.")
    limit, count = _number(body, _LIMITS, MOST_TOKENS), _number(body, _COUNTS, CHOICES)
    offered = body.get("tools") or body.get("toolConfig")
    use = ToolUse(tools_of(said))
    return Ask(turns, use, offered, limit, _stops(body), _shape(body), choices=count or 1)


def _stated(body: dict[str, Any], names: tuple[str, ...]) -> Iterator[Any]:
    for place in (body, *(body.get(name) for name in _WITHIN)):
        if isinstance(place, dict):
            yield from (place[name] for name in names if name in place)


def _number(body: dict[str, Any], names: tuple[str, ...], most: int) -> int | None:
    """The first that is within bounds: Ollama has -1 for "no limit"."""
    return next((value for value in _stated(body, names) if type(value) is int and 1 <= value <= most), None)


def _stops(body: dict[str, Any]) -> tuple[str, ...]:
    found = next(iter(_stated(body, _STOPS)), None)
    each = found[:MOST_STOPS] if isinstance(found, list) else [found]
    return tuple(stop for stop in each if isinstance(stop, str) and stop)


def _shape(body: dict[str, Any]) -> AnyJSON | Shape | None:
    """Gemini's, and Ollama's `format`: "json" or a schema."""
    for schema in _stated(body, _SCHEMAS):
        if isinstance(schema, dict):
            return Shape(schema)
    form = body.get("format")
    if isinstance(form, dict):
        return Shape(form)
    kinds = _stated(body, ("responseMimeType", "response_mime_type"))
    return AnyJSON() if form == "json" or "application/json" in kinds else None
