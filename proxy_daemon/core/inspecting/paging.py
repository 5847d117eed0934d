"""A page of a long text that is made part by part: no more of it is made or held than the page needs.

Invariant: the pages one behind the other, by `next`, are the whole text. Called by `bodies.py`.
"""

from __future__ import annotations

from collections.abc import Iterable

import orjson
from attrs import frozen

USUAL, MOST = 256 * 1024, 1024 * 1024  # characters of a page
MOST_WRITTEN = 2 * 1024 * 1024  # octets of it as JSON


@frozen
class Page:
    """``text`` begins at character ``offset``; ``next``: where the next page does, None behind the last."""

    text: str
    offset: int
    next: int | None


def page_of(parts: Iterable[str], offset: int, limit: int) -> Page:
    """The page that begins there. One that would be too long as JSON is shorter than asked."""
    found: list[str] = []
    at, more = 0, False
    end = offset + limit
    for part in parts:
        if at >= end and part:
            more = True
            break
        if at + len(part) > offset:
            found.append(part[max(0, offset - at) : end - at])
        at += len(part)
        if at > end:
            more = True
            break
    text = _short("".join(found))
    return Page(text, offset, offset + len(text) if more or offset + len(text) < min(at, end) else None)


def _short(text: str) -> str:
    """As much as fits as JSON: a control character takes six octets there."""
    while len(text) > 1 and len(text) * 6 > MOST_WRITTEN and len(orjson.dumps(text)) > MOST_WRITTEN:
        text = text[: len(text) // 2]
    return text


def limit_of(value: object) -> int:
    """Characters of a page, as somebody asked for. Raises ValueError."""
    if value is None:
        return USUAL
    if type(value) is not int or value < 1:
        raise ValueError("limit is a whole number from 1 on")
    return min(value, MOST)


def offset_of(value: object) -> int:
    """Where a page begins, as somebody asked for. Raises ValueError."""
    if value is None:
        return 0
    if type(value) is not int or value < 0:
        raise ValueError("offset is a whole number from 0 on")
    return value
