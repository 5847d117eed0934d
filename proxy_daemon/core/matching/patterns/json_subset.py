"""Whether a JSON value holds what a pattern of JSON names. Used by `patterns.py`.

Members are found by name, elements in their order: between two of them the value may have more, unless the whole is
meant, or the value's first elements are. Numbers count by their value (1.0 is 1), words by their letters. Invariant:
each value of the request is compared with at most one of the pattern, so the cost is linear in the request; recursion
goes no deeper than the pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from attrs import frozen

from proxy_daemon.core.matching.patterns.wildcards import TextPattern, text_pattern
from proxy_daemon.core.wire.json_text import NotJSON

DEEPEST = 128  # levels of a pattern


@frozen(eq=False)
class JSONPattern:
    """``value``: parsed JSON in which each text is a `TextPattern`. ``whole``: nothing may be there besides."""

    value: Any
    whole: bool

    def fits(self, found: Any) -> bool:
        """``found``: parsed JSON."""
        return _fits(self.value, found, self.whole)


@frozen(eq=False)
class _Leading:
    """Elements with which a list begins."""

    values: list[Any]


def json_pattern(value: Any, wild: Iterable[str], *, whole: bool = False, leading: bool = False) -> JSONPattern:
    """``value``: parsed JSON; ``wild``: see `text_pattern`; ``leading``: lists begin with what the pattern's have.

    Raises `NotJSON` where it is nested too deep.
    """
    signs = tuple(wild)
    found = json_pattern_of(value, lambda text: text_pattern(text, signs), whole=whole)
    return JSONPattern(_with_leading(found.value), whole) if leading and not whole else found


def json_pattern_of(value: Any, read: Callable[[str], TextPattern], *, whole: bool = False) -> JSONPattern:
    """The same, with each text as ``read`` makes it."""
    return JSONPattern(_read(value, read, DEEPEST), whole)


def _read(value: Any, read: Callable[[str], TextPattern], levels: int) -> Any:
    if not levels:
        raise NotJSON(f"a pattern with more than {DEEPEST} levels")
    if isinstance(value, str):
        return read(value)
    if isinstance(value, dict):
        return {name: _read(each, read, levels - 1) for name, each in value.items()}
    if isinstance(value, list):
        return [_read(each, read, levels - 1) for each in value]
    return value


def _with_leading(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_leading(each) for name, each in value.items()}
    return _Leading([_with_leading(each) for each in value]) if isinstance(value, list) else value


def _fits(pattern: Any, found: Any, whole: bool) -> bool:
    if isinstance(pattern, TextPattern):
        return isinstance(found, str) and pattern.fits(found)
    if isinstance(pattern, dict):
        return isinstance(found, dict) and _fits_object(pattern, found, whole)
    if isinstance(pattern, _Leading):
        return isinstance(found, list) and _begins(pattern.values, found)
    if isinstance(pattern, list):
        return isinstance(found, list) and _fits_list(pattern, found, whole)
    if isinstance(pattern, bool) or isinstance(found, bool):
        return pattern is found
    return bool(pattern == found)


def _fits_object(pattern: dict[str, Any], found: dict[str, Any], whole: bool) -> bool:
    if len(pattern) > len(found) or (whole and len(pattern) != len(found)):
        return False
    return all(name in found and _fits(each, found[name], whole) for name, each in pattern.items())


def _fits_list(pattern: list[Any], found: list[Any], whole: bool) -> bool:
    """In order: the first element that fits is taken, as any later one would leave fewer for the rest."""
    if whole:
        return len(pattern) == len(found) and all(map(_fits_whole, pattern, found))
    left = len(pattern)
    for index, each in enumerate(found):
        if not left or left > len(found) - index:
            break
        left -= _fits(pattern[-left], each, whole)
    return not left


def _begins(pattern: list[Any], found: list[Any]) -> bool:
    return len(found) >= len(pattern) and all(map(_fits_part, pattern, found))


def _fits_part(pattern: Any, found: Any) -> bool:
    return _fits(pattern, found, whole=False)


def _fits_whole(pattern: Any, found: Any) -> bool:
    return _fits(pattern, found, whole=True)
