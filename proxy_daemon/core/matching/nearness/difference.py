"""How two requests differ, for people: the first paths whose values are not equal.

Works on any depth and any size within its limits; what is too large is said to be so.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import orjson

from proxy_daemon.core.matching.nearness.alignment import Pair, aligned
from proxy_daemon.core.matching.nearness.paths import element, member
from proxy_daemon.core.matching.nearness.text_likeness import text_likeness
from proxy_daemon.core.matching.nearness.word_difference import word_difference
from proxy_daemon.core.messages import Request

WIDTH = 80
LONGEST_PATH = 160
MOST_LEAVES = 20_000  # leaves that are looked at: a bound on the time
COMPARED_SIZE = 1024 * 1024
ALIGNED_SIZE = 512 * 1024  # of a list, as JSON
LONGEST_TEXT = 256 * 1024
_ABSENT: Any = object()
Difference = tuple[str, Any, Any]


def json_differences(recorded: Any, incoming: Any, limit: int = 10) -> list[str]:
    """A line for each of the first ``limit`` paths that differ, and one that counts the rest."""
    lines: list[str] = []
    more = 0
    for path, old, new in differing(recorded, incoming):
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


def differing(recorded: Any, incoming: Any) -> Iterator[Difference]:
    """(path, recorded, incoming) of each leaf that is not equal, in document order, among the first `MOST_LEAVES`."""
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
            waiting.extend(reversed(_elements(path, old[:MOST_LEAVES], new[:MOST_LEAVES])))
        else:
            seen += 1
            yield path or "body", old, new


def _members(path: str, old: dict[str, Any], new: dict[str, Any]) -> list[Difference]:
    names = [*old, *(name for name in new if name not in old)]
    return [(member(path, name), old.get(name, _ABSENT), new.get(name, _ABSENT)) for name in names]


def _elements(path: str, old: list[Any], new: list[Any]) -> list[Difference]:
    """What belongs together: one that was put in or taken out is one difference, and does not move all that follow."""
    return [
        (
            element(path, _place(left, right)),
            _ABSENT if left is None else old[left],
            _ABSENT if right is None else new[right],
        )
        for left, right in _pairs(old, new)
    ]


def _place(left: int | None, right: int | None) -> str:
    if left is None or right is None or left == right:
        return str(right if left is None else left)
    return f"{left}→{right}"


def _pairs(old: list[Any], new: list[Any]) -> list[Pair]:
    one, other = _written(old), _written(new)
    if one is None or other is None:
        positions = zip_longest(range(len(old)), range(len(new)))
        return list(positions)
    return aligned(one, other, lambda left, right: text_likeness(one[left], other[right]))


def _written(values: list[Any]) -> list[str] | None:
    """The elements as JSON; None where they are large, as each level of them would be written again."""
    try:
        if len(orjson.dumps(values)) > ALIGNED_SIZE:
            return None
        return [orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode() for value in values]
    except (TypeError, ValueError, RecursionError):
        return None


def _line(path: str, old: Any, new: Any) -> str:
    if len(path) > LONGEST_PATH:
        path = f"{path[: LONGEST_PATH // 2]}…{path[-LONGEST_PATH // 2 :]}"
    recorded, incoming = sides(old, new)
    return f"{printable(path)}: recorded {recorded} / incoming {incoming}"


def sides(old: Any, new: Any) -> tuple[str, str]:
    """Both values for people: of long texts the words that differ, of others what stands where they begin to differ."""
    return _words(old, new) or (_shown(old, new), _shown(new, old))


def _words(old: Any, new: Any) -> tuple[str, str] | None:
    """Two long texts as the words that differ; None for other values."""
    if type(old) is not str or type(new) is not str or max(len(old), len(new)) < WIDTH:
        return None
    found = word_difference(old[:LONGEST_TEXT], new[:LONGEST_TEXT])
    return (printable(_json(found[0])), printable(_json(found[1]))) if found is not None else None


def printable(text: str) -> str:
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
        return printable(text)
    same = next((i for i, (a, b) in enumerate(zip(text, beside, strict=False)) if a != b), 0)
    start = max(0, min(same - WIDTH // 4, len(text) - WIDTH))
    return ("…" if start else "") + printable(text[start : start + WIDTH]) + ("…" if start + WIDTH < len(text) else "")


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except (TypeError, ValueError, RecursionError):
        return f"<a {type(value).__name__} that is too deep to show>"


def _text(octets: bytes) -> str:
    return octets.decode("latin-1")
