"""The `response` of an aimock fixture as an answer, and what it says of its pace. Called by `aimock.py`.

Source: aimock's `src/types.ts`: text, calls of tools, blocks of both in an order, errors.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from attrs import frozen

from proxy_daemon.core.cassettes.fields import Broken
from proxy_daemon.core.conversation import Part, Reasoning, Text, ToolCall, Usage
from proxy_daemon.core.dialects.json_shapes import count_at, text_at
from proxy_daemon.core.talk.carrying import ERRORS, Wanted, choice
from proxy_daemon.core.talk.front_matter import Front
from proxy_daemon.core.talk.quoting import pattern_of

_CANNOT = {
    "embedding": "its answer is numbers",
    "image": "its answer is an image",
    "images": "its answer is an image",
    "audio": "its answer is a sound",
    "transcription": "its answer is a transcript",
    "video": "its answer is a film",
    "json": "its answer is JSON of another service",
    "live": "its answer is a session of sound",
    "webSearches": "its answer tells of searches that the API makes itself",
    "redactedThinking": "its answer has thoughts that are encrypted",
}
_FAULTS = ("truncateAfterChunks", "disconnectAfterMs", "chaos")
_FINISHES = ("finishReason",)
_LARGEST_STATUS = 599
_SLOWEST = 3600.0  # seconds


@frozen
class Answered:
    """``parts``: of the answer. ``front``: what stands beside it."""

    parts: tuple[Part, ...]
    front: Front
    wanted: Wanted

    @property
    def pattern(self) -> list[Part]:
        """The same as a part of what a later request says."""
        return [pattern_of(part) for part in self.parts if not isinstance(part, Reasoning)]


def answered(fixture: Any) -> Answered:
    """Raises `Broken`."""
    response = fixture.get("response") if isinstance(fixture, dict) else None
    if not isinstance(response, dict) or not isinstance(fixture.get("match"), dict):
        raise Broken("no fixture: it has no match, or no response")
    for name in _FAULTS:
        if fixture.get(name):
            raise Broken("it breaks off, or fails by chance, on purpose")
    if isinstance(response.get("error"), dict | str):
        return _error(response)
    for name, why in _CANNOT.items():
        if response.get(name):
            raise Broken(why)
    parts = tuple(_parts(response))
    if not parts and "content" not in response:
        raise Broken("its answer is of no kind that is known")
    front = Front(
        answered_by=text_at(response, "model"),
        usage=_usage(response.get("usage")),
        pace=_pace(fixture),
        model=text_at(fixture["match"], "model"),
    )
    return Answered(parts, front, Wanted((choice(parts, text_at(response, *_FINISHES)),), ""))


def _error(response: dict[str, Any]) -> Answered:
    """Where no status is told it is 500; a 429 says when to try again: after one second, if nothing else."""
    status = response.get("status", 500)
    if type(status) is not int or not ERRORS <= status <= _LARGEST_STATUS:
        raise Broken("its status is none of an error")
    error = response["error"]
    message = error if isinstance(error, str) else text_at(error, "message")
    after = response.get("retryAfter", 1 if status == 429 else None)  # noqa: PLR2004  (RFC 6585 section 4)
    headers = ((b"retry-after", b"%d" % after),) if type(after) is int and after >= 0 else ()
    return Answered((), Front(status=status, headers=headers, error=text_at(error, "type")), Wanted((), message))


def _parts(response: dict[str, Any]) -> Iterator[Part]:
    if thought := text_at(response, "reasoning"):
        yield Reasoning(thought, text_at(response, "reasoningSignature"))
    blocks = response.get("blocks")
    if isinstance(blocks, list) and blocks:
        yield from map(_block, blocks)
        return
    if text := _text(response.get("content")):
        yield Text(text)
    calls = response.get("toolCalls", [])
    if not isinstance(calls, list):
        raise Broken("its calls are no list")
    yield from map(_call, calls)


def _block(value: Any) -> Part:
    kind = text_at(value, "type")
    if kind == "text":
        return Text(text_at(value, "text"))
    if kind == "toolCall":
        return _call(value)
    raise Broken("a block of it is of no kind that is known")


def _call(value: Any) -> Part:
    if not text_at(value, "name"):
        raise Broken("a call of it has no name")
    return ToolCall(text_at(value, "id"), text_at(value, "name"), _text(value.get("arguments")) or "{}")


def _text(value: Any) -> str:
    """Where an API has JSON as text, a fixture may have the JSON itself."""
    if value is None or isinstance(value, str):
        return value or ""
    if not isinstance(value, dict | list):
        raise Broken("a text of it is none")
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _usage(value: Any) -> Usage | None:
    names = {
        "input": ("prompt_tokens", "input_tokens", "promptTokenCount"),
        "output": ("completion_tokens", "output_tokens", "candidatesTokenCount"),
        "total": ("total_tokens", "totalTokenCount"),
    }
    counts = {name: count_at(value, *others) for name, others in names.items()}
    return Usage(**counts) if any(each is not None for each in counts.values()) else None


def _pace(fixture: dict[str, Any]) -> float:
    """Seconds before each word: `latency` is before each piece, `tps` pieces a second."""
    rate = _number(fixture.get("streamingProfile"), "tps")
    if rate:
        return min(1 / rate, _SLOWEST)
    return min(_number(fixture, "latency") / 1000, _SLOWEST)


def _number(value: Any, name: str) -> float:
    """0 where there is none above it."""
    found = value.get(name) if isinstance(value, dict) else None
    is_number = isinstance(found, int | float) and not isinstance(found, bool) and 1e-9 < found < 1e9  # noqa: PLR2004  (a pace)
    return float(found) if is_number and found is not None else 0.0
