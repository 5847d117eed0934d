"""What a talk says (`Said`) as values of JSON, and back: for the store's rows and for documents of cassettes.

Invariant: it comes back equal; what is no such value raises `NotSaid`, which names the member. Called by
`store/codec.py` and `core/cassettes/llmproxy/patterns.py`; and to take secrets out of it (`core/adopting.py`).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from typing import Any

from proxy_daemon.core.conversation import (
    Declined,
    Media,
    Message,
    Other,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Vector,
)
from proxy_daemon.core.pattern import Said

_FLAGS = ("tail", "anything")
_PAIR = 2


class NotSaid(ValueError):
    """``member``: the one that is wrong."""

    def __init__(self, member: str, reason: str) -> None:
        super().__init__(f"{member}: {reason}")
        self.member, self.reason = member, reason


def members_of(said: Said) -> dict[str, Any]:
    """Its members; those that ask for nothing are left out."""
    found: dict[str, Any] = {name: True for name in _FLAGS if getattr(said, name)}
    if said.api:
        found["api"] = _clean(said.api)
    if said.parameters:
        found["parameters"] = [[_clean(name), _clean(value)] for name, value in said.parameters]
    if said.messages:
        found["messages"] = [_message(each) for each in said.messages]
    return found


def _message(message: Message) -> dict[str, Any]:
    return {"role": _clean(message.role), "parts": [_part(each) for each in message.parts]}


def _part(part: Part) -> dict[str, Any]:  # noqa: PLR0911  (one for each kind)
    match part:
        case Text(text):
            return {"text": _clean(text)}
        case Reasoning(text, opaque):
            return {"reasoning": _clean(text)} | ({"opaque": _clean(opaque)} if opaque else {})
        case Declined(text):
            return {"declined": _clean(text)}
        case ToolCall(call, name, arguments):
            return {"call": _clean(name), "id": _clean(call), "arguments": _clean(arguments)}
        case ToolResult(call, text, name, failed):
            told = {"result": _clean(text), "id": _clean(call), "name": _clean(name)}
            return told | ({"failed": True} if failed else {})
        case Media():
            return _media(part)
        case Vector(values):
            return {"vector": list(values)}
        case Other(kind):
            return {"other": _clean(kind)}


def _media(part: Media) -> dict[str, Any]:
    found: dict[str, Any] = {"media": _clean(part.kind)}
    for name, value in (("type", part.media_type), ("source", part.source)):
        found |= {name: _clean(value)} if value else {}
    found |= {} if part.size is None else {"size": part.size}
    return found | ({"data": base64.b64encode(part.data).decode()} if part.data else {})


def _clean(text: str) -> str:
    """Lone surrogates, which JSON can hold and UTF-8 cannot, become question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


# --- and back --------------------------------------------------------------------------------------------------------


def said_of(value: Any) -> Said:
    """Raises `NotSaid`."""
    found = _mapping(value, "said", (*_FLAGS, "api", "parameters", "messages"))
    messages = tuple(_read_message(each) for each in _list(found, "messages"))
    flags = {name: _flag(found, name) for name in _FLAGS}
    return Said(messages, api=_text(found, "api", ""), parameters=tuple(_pairs(found)), **flags)


def _pairs(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for pair in _list(found, "parameters"):
        if type(pair) is not list or len(pair) != _PAIR or not all(type(each) is str for each in pair):
            raise NotSaid("parameters", "no list of pairs: a name and a value in JSON")
        yield pair[0], pair[1]


def _read_message(value: Any) -> Message:
    found = _mapping(value, "messages", ("role", "parts"))
    return Message(_text(found, "role"), tuple(_read_part(each) for each in _list(found, "parts")))


def _read_part(value: Any) -> Part:
    kind = next((name for name in _PARTS if isinstance(value, dict) and name in value), "")
    if not kind:
        raise NotSaid("parts", f"no part: there are {', '.join(_PARTS)}")
    names, read = _PARTS[kind]
    return read(_mapping(value, "parts", (kind, *names)))


def _read_media(found: dict[str, Any]) -> Part:
    size = found.get("size")
    if size is not None and (type(size) is not int or size < 0):
        raise NotSaid("size", "no number of octets")
    try:
        data = base64.b64decode(_text(found, "data", ""), validate=True)
    except binascii.Error:
        raise NotSaid("data", "no base64") from None
    return Media(_text(found, "media"), _text(found, "type", ""), _text(found, "source", ""), size, data)


def _read_vector(found: dict[str, Any]) -> Part:
    values = _list(found, "vector")
    if not all(type(each) in (int, float) for each in values):
        raise NotSaid("vector", "no list of numbers")
    return Vector(tuple(map(float, values)))


_PARTS: dict[str, tuple[tuple[str, ...], Callable[[dict[str, Any]], Part]]] = {
    "text": ((), lambda found: Text(_text(found, "text"))),
    "reasoning": (("opaque",), lambda found: Reasoning(_text(found, "reasoning"), _text(found, "opaque", ""))),
    "declined": ((), lambda found: Declined(_text(found, "declined"))),
    "call": (
        ("id", "arguments"),
        lambda found: ToolCall(_text(found, "id", ""), _text(found, "call"), _text(found, "arguments", "")),
    ),
    "result": (
        ("id", "name", "failed"),
        lambda found: ToolResult(
            _text(found, "id", ""), _text(found, "result"), _text(found, "name", ""), _flag(found, "failed")
        ),
    ),
    "media": (("type", "source", "size", "data"), _read_media),
    "vector": ((), _read_vector),
    "other": ((), lambda found: Other(_text(found, "other"))),
}


def _mapping(value: Any, name: str, known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise NotSaid(name, "no mapping")
    unknown = sorted(str(each)[:100] for each in value if each not in known)
    if unknown:
        raise NotSaid(unknown[0], f"no member of this name: there are {', '.join(known)}")
    return value


def _list(found: dict[str, Any], name: str) -> list[Any]:
    value = found.get(name, [])
    if type(value) is not list:
        raise NotSaid(name, "no list")
    return value


def _text(found: dict[str, Any], name: str, default: str | None = None) -> str:
    value = found.get(name, default)
    if type(value) is not str:
        raise NotSaid(name, "no text: put it in quotes")
    return value


def _flag(found: dict[str, Any], name: str) -> bool:
    value = found.get(name, False)
    if type(value) is not bool:
        raise NotSaid(name, "neither true nor false")
    return value
