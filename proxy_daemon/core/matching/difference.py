"""How two requests differ, for people: the first paths whose values are not equal, and how alike the whole is.

Works on any depth and any size within its limits; what is too large is said to be so.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import orjson

from proxy_daemon.core.messages import Request

WIDTH = 80
LONGEST_PATH = 160
MOST_LEAVES = 20_000  # leaves that are looked at: a bound on the time
COMPARED_SIZE = 1024 * 1024
_ABSENT: Any = object()
Difference = tuple[str, Any, Any]


def json_differences(recorded: Any, incoming: Any, limit: int = 10) -> list[str]:
    """A line for each of the first ``limit`` paths that differ, and one that counts the rest."""
    lines: list[str] = []
    more = 0
    for path, old, new in _differing(recorded, incoming):
        if len(lines) < limit:
            lines.append(_line(path, old, new))
        else:
            more += 1
    return [*lines, f"... and {more} more"] if more else lines


def request_differences(recorded: Request, incoming: Request, limit: int = 10) -> list[str]:
    """What differs between two requests, most telling first: method, path, query, body."""
    lines = [
        f"{name}: recorded {_shown(old, new)} / incoming {_shown(new, old)}"
        for name, old, new in (
            ("method", _text(recorded.method), _text(incoming.method)),
            ("path", _text(recorded.path), _text(incoming.path)),
            ("query", _text(recorded.query), _text(incoming.query)),
        )
        if old != new
    ]
    return lines + _body_differences(recorded, incoming, limit)


def likeness(recorded: Request, incoming: Request) -> float:
    """The share of leaves of both JSON bodies that are equal at the same path: 0 to 1. Equal octets are 1."""
    if _equal_octets(recorded, incoming):
        return 1.0
    if not (_comparable(recorded) and _comparable(incoming)):
        return 0.0
    equal = total = 0
    for _, old, new in _leaves(recorded.json, incoming.json):
        total += 1
        equal += type(old) is type(new) and old == new
    return equal / total if total else 0.0


def _equal_octets(recorded: Request, incoming: Request) -> bool:
    """Whether both bodies lie in memory and are the same."""
    data = recorded.body.whole()
    return data is not None and data == incoming.body.whole()


def _comparable(request: Request) -> bool:
    return request.body.size <= COMPARED_SIZE and request.json is not None


def _body_differences(recorded: Request, incoming: Request, limit: int) -> list[str]:
    if _comparable(recorded) and _comparable(incoming):
        lines = json_differences(recorded.json, incoming.json, limit)
        if lines or _equal_octets(recorded, incoming):
            return lines
        if sum(1 for _ in _leaves(recorded.json, incoming.json)) < MOST_LEAVES:
            return ["body: the same values, but numbers or keys are written differently"]
    if max(recorded.body.size, incoming.body.size) > COMPARED_SIZE:
        return [f"body: {recorded.body.size} octets recorded / {incoming.body.size} incoming, too large to compare"]
    old, new = recorded.body.whole() or b"", incoming.body.whole() or b""
    if old == new:
        return []
    at = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    return [f"body: {len(old)} octets recorded / {len(new)} incoming, the first difference at octet {at}"]


def _differing(recorded: Any, incoming: Any) -> Iterator[Difference]:
    for path, old, new in _leaves(recorded, incoming):
        if type(old) is not type(new) or old != new:
            yield path, old, new


def _leaves(recorded: Any, incoming: Any) -> Iterator[Difference]:
    """(path, recorded, incoming) of each leaf, in document order; a subtree that only one side has is one leaf."""
    waiting: list[Difference] = [("", recorded, incoming)]
    seen = 0
    while waiting and seen < MOST_LEAVES:
        path, old, new = waiting.pop()
        if isinstance(old, dict) and isinstance(new, dict) and (old or new):
            waiting.extend(reversed(_members(path, old, new)))
        elif isinstance(old, list) and isinstance(new, list) and (old or new):
            pairs = enumerate(zip_longest(old[:MOST_LEAVES], new[:MOST_LEAVES], fillvalue=_ABSENT))
            waiting.extend(reversed([(f"{path}[{i}]", a, b) for i, (a, b) in pairs]))
        else:
            seen += 1
            yield path or "body", old, new


def _members(path: str, old: dict[str, Any], new: dict[str, Any]) -> list[Difference]:
    names = [*old, *(name for name in new if name not in old)]
    return [(f"{path}.{name}" if path else name, old.get(name, _ABSENT), new.get(name, _ABSENT)) for name in names]


def _line(path: str, old: Any, new: Any) -> str:
    if len(path) > LONGEST_PATH:
        path = f"{path[: LONGEST_PATH // 2]}…{path[-LONGEST_PATH // 2 :]}"
    return f"{_printable(path)}: recorded {_shown(old, new)} / incoming {_shown(new, old)}"


def _printable(text: str) -> str:
    """Keys and values are the client's: what would break, colour or turn a line is written as an escape."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def _shown(value: Any, other: Any) -> str:
    """The value as JSON, cut to the place where it begins to differ."""
    if value is _ABSENT:
        return "<absent>"
    text, beside = _json(value), _json(other) if other is not _ABSENT else ""
    if len(text) <= WIDTH:
        return _printable(text)
    same = next((i for i, (a, b) in enumerate(zip(text, beside, strict=False)) if a != b), 0)
    start = max(0, min(same - WIDTH // 4, len(text) - WIDTH))
    return ("…" if start else "") + _printable(text[start : start + WIDTH]) + ("…" if start + WIDTH < len(text) else "")


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except (TypeError, ValueError, RecursionError):
        return f"<a {type(value).__name__} that is too deep to show>"


def _text(octets: bytes) -> str:
    return octets.decode("latin-1")
