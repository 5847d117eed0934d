"""Values that fit into an answer of the child process: texts are cut, shorter where there are many, and all is JSON.

Called by `chat.py` and whoever else shows what others wrote at any length.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

LIMITS = (256 * 1024, 32 * 1024, 4 * 1024, 512, 64)  # characters of one text
MOST_WRITTEN = 3 * 1024 * 1024  # octets of a value as JSON
_DEEPEST = 100
_LARGEST = 2**53  # of whole numbers that a page can hold


def fitted(make: Callable[[int], dict[str, Any]], leave_out: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """What ``make`` gives for the largest of the limits with which it fits.

    ``leave_out``: takes the most out of what fits with none of them.
    """
    largest, *others, smallest = LIMITS
    value, fits = _made(make, largest)
    if fits:
        return value
    least, fits = _made(make, smallest)
    if not fits:
        leave_out(least)
        return least
    for limit in others:
        value, fits = _made(make, limit)
        if fits:
            return value
    return least


def _made(make: Callable[[int], dict[str, Any]], limit: int) -> tuple[dict[str, Any], bool]:
    """(The value, whether it fits)."""
    value = make(limit)
    octets = _written(value)
    if octets is None:
        value = sound(value)
        octets = _written(value) or b""
    return value, len(octets) <= MOST_WRITTEN


def _written(value: Any) -> bytes | None:
    try:
        return orjson.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return None


def sound(value: Any, levels: int = _DEEPEST) -> Any:
    """What JSON and a page can hold: not too deep, no number too large, no half of a character."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict | list) and not levels:
        return "(nested too deep to be shown)"
    if isinstance(value, dict):
        return {sound(str(name)): sound(each, levels - 1) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [sound(each, levels - 1) for each in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _LARGEST:
        return str(value)
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def cut(text: str, limit: int) -> str:
    """So much of it."""
    return text if len(text) <= limit else text[:limit]
