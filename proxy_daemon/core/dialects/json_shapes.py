"""What stands in parsed JSON of any shape: each function gives a value of the kind wanted, or that kind's empty value.

Nothing here raises, whatever is given. Called by the dialects.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from proxy_daemon.core.wire.json_text import NotJSON, has_long_integer, parse


def member(value: Any, name: str) -> Any:
    """A member of an object; None where there is none."""
    return value.get(name) if isinstance(value, dict) else None


def text_at(value: Any, *names: str) -> str:
    """The first of the members ``names`` that is text; empty where none is."""
    return next((found for name in names if isinstance(found := member(value, name), str)), "")


def count_at(value: Any, *names: str) -> int | None:
    """The first of the members ``names`` that is a whole number from zero on; 7.0 is one too, as some servers write."""
    for name in names:
        found = member(value, name)
        if isinstance(found, float) and found.is_integer():
            found = int(found)
        if isinstance(found, int) and not isinstance(found, bool) and found >= 0:
            return found
    return None


def object_at(value: Any, name: str) -> dict[str, Any]:
    """The member that is an object."""
    found = member(value, name)
    return found if isinstance(found, dict) else {}


def objects_at(value: Any, name: str) -> list[dict[str, Any]]:
    """The objects of the member that is a list."""
    return objects(member(value, name))


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def numbers(value: Any) -> tuple[float, ...]:
    """The numbers of a list."""
    if not isinstance(value, list):
        return ()
    return tuple(each for each in value if isinstance(each, int | float) and not isinstance(each, bool))


def written(value: Any) -> str:
    """A value as JSON without blanks; empty where it is nested too deep to be written."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except (RecursionError, ValueError, TypeError):
        return ""


def parsed(text: str | bytes) -> Any:
    """What JSON says; None where it is none. Integers beyond 64 bits stay what they are."""
    octets = text.encode("utf-8", "replace") if isinstance(text, str) else text
    try:
        return parse(octets) if has_long_integer(octets) else orjson.loads(text)
    except (orjson.JSONDecodeError, NotJSON, RecursionError):
        return None


def without_none(**members: Any) -> dict[str, Any]:
    """An object of those members that are stated."""
    return {name: value for name, value in members.items() if value is not None}
