"""A response as named events (https://platform.openai.com/docs/api-reference/responses-streaming).

Each event has a `sequence_number`, from 0. The last one holds the whole response: `response.completed`, or
`response.incomplete` where the limit of tokens cut it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import frozen

from proxy_daemon.core.model import tokens
from proxy_daemon.core.model.sse import Event, event


@frozen
class _Step:
    """An event before it has its number. ``kind``: its name without "response."."""

    kind: str
    fields: dict[str, Any]
    spoken: bool = False


def stream(whole: dict[str, Any]) -> list[Event]:
    """The events that tell a response, given as its document."""
    return [_numbered(step, number) for number, step in enumerate(_steps(whole))]


def _numbered(step: _Step, number: int) -> Event:
    name = "response." + step.kind
    return event({"type": name, **step.fields, "sequence_number": number}, name, spoken=step.spoken)


def _steps(whole: dict[str, Any]) -> Iterator[_Step]:
    begun = {**whole, "status": "in_progress", "completed_at": None, "incomplete_details": None}
    begun |= {"output": [], "usage": None}
    yield _Step("created", {"response": begun})
    yield _Step("in_progress", {"response": begun})
    for index, item in enumerate(whole["output"]):
        steps = _message if item["type"] == "message" else _call
        yield from steps(item, {"item_id": item["id"], "output_index": index})
        yield _Step("output_item.done", {"output_index": index, "item": item})
    yield _Step(whole["status"], {"response": whole})


def _message(item: dict[str, Any], place: dict[str, Any]) -> Iterator[_Step]:
    part = item["content"][0]
    begun = {**item, "status": "in_progress", "content": []}
    yield _Step("output_item.added", {"output_index": place["output_index"], "item": begun})
    place = {**place, "content_index": 0}
    yield _Step("content_part.added", {**place, "part": {**part, "text": ""}})
    for piece in tokens.pieces(part["text"]):
        yield _Step("output_text.delta", {**place, "delta": piece, "logprobs": []}, spoken=True)
    yield _Step("output_text.done", {**place, "text": part["text"], "logprobs": []})
    yield _Step("content_part.done", {**place, "part": part})


def _call(item: dict[str, Any], place: dict[str, Any]) -> Iterator[_Step]:
    begun = {**item, "status": "in_progress", "arguments": ""}
    yield _Step("output_item.added", {"output_index": place["output_index"], "item": begun})
    for piece in tokens.pieces(item["arguments"]):
        yield _Step("function_call_arguments.delta", {**place, "delta": piece}, spoken=True)
    yield _Step("function_call_arguments.done", {**place, "name": item["name"], "arguments": item["arguments"]})
