"""An exchange as a conversation: messages, tools, parameters and the answer, each part as it is told.

Invariant: long texts are cut and say so; the text of an answer that is not cut is the assembled text. Called by
`work/viewing.py`, and `parts` by whoever shows an answer that still grows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from proxy_daemon.core.conversation import Answer, Part, Vector
from proxy_daemon.core.dialects import forms
from proxy_daemon.core.inspecting.fitting import cut, fitted
from proxy_daemon.core.inspecting.inline import is_inline, media_of
from proxy_daemon.core.inspecting.opened import Opened
from proxy_daemon.core.inspecting.plain import plain
from proxy_daemon.core.matching.nearness.subject import PROMPTS, TOOLS
from proxy_daemon.core.messages import Request

LONGEST = 256 * 1024  # characters of one text
_PER_NUMBER = 64  # characters for which one number of a vector is shown
_LEFT = 200  # messages, parts or tools that are shown where not all can be
_NOT_PARAMETERS = PROMPTS | TOOLS | {"model"}
_LONGEST_PARAMETER = 16 * 1024  # characters, as JSON
_MOST_PARAMETERS = 100
_TEXTS = ("text", "arguments", "opaque", "source")


def chat_view(read: Opened) -> dict[str, Any]:
    """As the API's `exchanges/ID/chat` has it."""
    hrefs = [octets is not None for octets in media_of(read)]
    return fitted(lambda limit: _told(read, limit, hrefs), _leave_out)


def _told(read: Opened, limit: int, hrefs: Sequence[bool]) -> dict[str, Any]:
    numbers = count()
    answer = read.answer
    return {
        "dialect": read.dialect.name,
        "operation": read.operation.value,
        "model": read.model,
        "parameters": parameters(read.recording.request),
        "messages": [
            {"role": each.role, "parts": _numbered(each.parts, limit, numbers, hrefs)}
            for each in read.conversation.messages
        ],
        "tools": [_tool(plain(each), limit) for each in read.conversation.tools],
        "answer": None if answer is None else answer_told(answer, limit, numbers, hrefs),
        "problem": read.problem,
    }


def answer_told(
    answer: Answer, limit: int = LONGEST, numbers: Iterator[int] | None = None, hrefs: Sequence[bool] = ()
) -> dict[str, Any]:
    """The answer's members. ``numbers``: of the media that come; ``hrefs``: which of them can be had."""
    numbers = count() if numbers is None else numbers
    usage = answer.usage
    return {
        "choices": [
            {
                "parts": _numbered(each.parts, limit, numbers, hrefs),
                "finish": each.finish.value,
                "said": cut(each.said, limit),
                "stopped_by": cut(each.stopped_by, limit),
            }
            for each in answer.choices
        ],
        "id": cut(answer.id, limit),
        "model": cut(answer.model, limit),
        "created": answer.created,
        "usage": None if usage is None else {name: each for name, each in plain(usage).items() if name != "type"},
        "error": cut(answer.error, limit),
        "complete": answer.complete,
    }


def _numbered(parts: Sequence[Part], limit: int, numbers: Iterator[int], hrefs: Sequence[bool]) -> list[dict[str, Any]]:
    told = []
    for part in parts:
        one = part_told(part, limit)
        if is_inline(part) and (number := next(numbers)) < len(hrefs) and hrefs[number]:
            one["href"] = f"media/{number}"
        told.append(one)
    return told


def part_told(part: Part, limit: int = LONGEST) -> dict[str, Any]:
    """PART of the API. ``cut``: how long the longest of its texts is as a whole, where it is cut."""
    if isinstance(part, Vector):
        return _vector(part, max(1, limit // _PER_NUMBER))
    told: dict[str, Any] = plain(part)
    for name in _TEXTS:
        text = told.get(name)
        if isinstance(text, str) and len(text) > limit:
            told[name] = text[:limit]
            told["cut"] = max(len(text), told.get("cut", 0))
    return told


def _vector(part: Vector, most: int) -> dict[str, Any]:
    told: dict[str, Any] = {"type": "Vector", "values": list(part.values[:most])}
    return told | {"cut": len(part.values)} if len(part.values) > most else told


def _tool(tool: dict[str, Any], limit: int) -> dict[str, Any]:
    """Its schema as a whole, unless all is much too long."""
    if len(tool["description"]) > limit:
        tool["cut"] = len(tool["description"])
        tool["description"] = tool["description"][:limit]
    if limit < LONGEST and _long(tool["schema"], limit):
        tool["schema"] = None
    return tool


def _long(value: Any, limit: int) -> bool:
    try:
        return value is not None and len(str(value)) > limit
    except (RecursionError, ValueError):
        return True


def parameters(request: Request) -> dict[str, Any]:
    """What a request says beside its messages and tools; long values by their size."""
    if forms.is_form(request):
        fields = ((part.name, part) for part in forms.parts(request) if part.name and not part.filename)
        pairs = [(name, part.data[:_LONGEST_PARAMETER].decode("utf-8", "replace")) for name, part in fields]
    else:
        body = request.json
        pairs = list(body.items()) if isinstance(body, dict) else []
    kept = [(name, value) for name, value in pairs if name not in _NOT_PARAMETERS]
    return {name[:200]: _short(value) for name, value in kept[:_MOST_PARAMETERS]}


def _short(value: Any) -> Any:
    try:
        size = len(str(value))
    except (RecursionError, ValueError):
        return "(too deep to be shown)"
    return value if size <= _LONGEST_PARAMETER else f"({size} characters)"


def _leave_out(told: dict[str, Any]) -> None:
    """What is too much however short its texts are: the oldest goes."""
    messages, tools = told["messages"], told["tools"]
    told["problem"] = told["problem"] or f"only the last {_LEFT} of {len(messages)} messages are shown"
    told["messages"] = [each | {"parts": each["parts"][:_LEFT]} for each in messages[-_LEFT:]]
    told["tools"] = tools[:_LEFT]
    for choice in (told["answer"] or {"choices": []})["choices"]:
        choice["parts"] = choice["parts"][:_LEFT]
    if told["answer"]:
        told["answer"]["choices"] = told["answer"]["choices"][:_LEFT]
