"""The decoded answer as people read it in the file: plain values made of an `Answer`.

Invariant: the same answer always gives the same values; what it says in words is there whole. Called by `writing.py`
to write it, and by `checking.py` to see whether what stands in the file is still that.
"""

from __future__ import annotations

from typing import Any

from proxy_daemon.core.cassettes.llmproxy.tree import Prose
from proxy_daemon.core.conversation import (
    Answer,
    Choice,
    Declined,
    Media,
    Other,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Usage,
    Vector,
)

COUNTS = {
    "in": "input",
    "out": "output",
    "total": "total",
    "cached": "cached",
    "cache written": "cache_written",
    "thoughts": "reasoning",
}
MOST_CHOICES = 100  # of more, such as embeddings of many texts, the number is told


def told(answer: Answer) -> dict[str, Any]:
    """Its members; none where it says nothing."""
    if not answer.choices and not answer.error:
        return {}
    found: dict[str, Any] = {"model": _clean(answer.model)} if answer.model else {}
    found |= _choices(answer)
    if answer.error:
        found["error"] = Prose(_clean(answer.error))
    if answer.usage is not None and (usage := _usage(answer.usage)):
        found["usage"] = usage
    return found if answer.complete else found | {"complete": False}


def _choices(answer: Answer) -> dict[str, Any]:
    if len(answer.choices) == 1:
        return choice(answer.choices[0])
    if len(answer.choices) > MOST_CHOICES:
        return {"choices": f"{len(answer.choices)} of them"}
    return {"choices": [choice(each) for each in answer.choices]} if answer.choices else {}


def choice(found: Choice) -> dict[str, Any]:
    """The members of one choice."""
    parts = [part(each) for each in found.parts]
    members: dict[str, Any] = parts[0] if len(parts) == 1 and "text" in parts[0] else {"parts": parts}
    if word := _clean(found.said) or found.finish.value:
        members = members | {"finish": word}
    return members | ({"stopped_by": _clean(found.stopped_by)} if found.stopped_by else {})


def part(found: Part) -> dict[str, Any]:  # noqa: PLR0911  (one for each kind)
    """The members of one part."""
    match found:
        case Text(text):
            return {"text": Prose(_clean(text))}
        case Reasoning(text, opaque):
            return {"reasoning": Prose(_clean(text))} | ({"opaque": _size(opaque)} if opaque else {})
        case Declined(text):
            return {"declined": Prose(_clean(text))}
        case ToolCall(call, name, arguments):
            members = {"call": _clean(name)} | ({"id": _clean(call)} if call else {})
            return members | {"arguments": _clean(arguments)}
        case ToolResult(call, text, name, failed):
            members = {"result": Prose(_clean(text)), "id": _clean(call), "name": _clean(name)}
            return members | ({"failed": True} if failed else {})
        case Media():
            return {"media": _media(found)}
        case Vector(values):
            return {"vector": f"{len(values)} numbers"}
        case Other(kind):
            return {"other": _clean(kind)}


def _media(found: Media) -> str:
    size = "" if found.size is None else f"{found.size} octets"
    return _clean(", ".join(filter(None, (found.kind, found.media_type, found.source, size))))


def _size(opaque: str) -> str:
    return f"{len(opaque)} characters"


def _usage(usage: Usage) -> str:
    counts = [(word, getattr(usage, name)) for word, name in COUNTS.items()]
    return ", ".join(f"{word} {count}" for word, count in counts if count is not None)


def _clean(text: str) -> str:
    """Lone surrogates, which JSON can hold and UTF-8 cannot, become question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
