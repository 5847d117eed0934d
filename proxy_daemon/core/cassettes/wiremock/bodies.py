"""What WireMock's `bodyPatterns` ask of a body, as the JSON of a `Pattern`.

Invariant: no request is answered that WireMock would not answer; what cannot be said exactly raises `NotSaid`, with a
reason that holds nothing of the file. Called by `wiremock/requests.py`.

Sources: https://wiremock.org/docs/request-matching/ ; its `EqualToJsonPattern` asks JsonUnit with the options
IGNORING_ARRAY_ORDER, and IGNORING_EXTRA_ARRAY_ITEMS with IGNORING_EXTRA_FIELDS.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from proxy_daemon.core.cassettes.wiremock.asked import ANY, DEEPEST, PLACEHOLDER, Asked, NotSaid, check, merged
from proxy_daemon.core.cassettes.wiremock.paths import by_path
from proxy_daemon.core.wire.json_text import NotJSON, parse

_ANY_ELSE = "#{json-unit.any-string}"
_OPTIONS = frozenset(("equalToJson", "ignoreArrayOrder", "ignoreExtraElements"))


def asked(patterns: Any) -> Asked:
    """What all of them ask together. Raises `NotSaid`."""
    if patterns is None:
        return Asked()
    if not isinstance(patterns, list) or not all(isinstance(each, dict) for each in patterns):
        raise NotSaid("its 'bodyPatterns' are no list of objects")
    found = [_one(each) for each in patterns]
    if len(found) > 1:
        return _together(found)
    return found[0] if found else Asked()


def _one(pattern: Mapping[str, Any]) -> Asked:
    if "equalToJson" in pattern:
        return _equal(pattern)
    if pattern.keys() == {"matchesJsonPath"}:
        return by_path(pattern["matchesJsonPath"])
    kind = next(iter(sorted(pattern.keys() & _KNOWN)), "")
    raise NotSaid(f"a body with {kind or 'a condition of an unknown kind'}: only JSON is compared")


_KNOWN = frozenset(
    (
        *("absent", "and", "before", "binaryEqualTo", "contains", "doesNotContain", "doesNotMatch", "equalTo"),
        *("equalToDateTime", "equalToXml", "matches", "matchesJsonSchema", "matchesXPath", "not", "or", "after"),
    )
)


# --- equalToJson -----------------------------------------------------------------------------------------------------


def _equal(pattern: Mapping[str, Any]) -> Asked:
    if pattern.keys() - _OPTIONS:
        raise NotSaid("equalToJson with an option of an unknown kind")
    given = pattern["equalToJson"]
    try:
        value = parse(given.encode("utf-8", "replace")) if isinstance(given, str) else given
    except NotJSON:
        raise NotSaid("equalToJson with what is no JSON") from None
    more, any_order = (pattern.get(name, False) for name in ("ignoreExtraElements", "ignoreArrayOrder"))
    if type(more) is not bool or type(any_order) is not bool:
        raise NotSaid("equalToJson with an option that is neither true nor false")
    if any_order and _longest(value) > 1:
        raise NotSaid("ignoreArrayOrder: elements are compared in their order")
    return Asked(_with_placeholders(value), whole=not more, leading=more and not any_order, there=True)


def _longest(value: Any, levels: int = DEEPEST) -> int:
    """Elements of the longest list in it. Raises `NotSaid`."""
    check(levels)
    if isinstance(value, dict):
        return max((_longest(each, levels - 1) for each in value.values()), default=0)
    if isinstance(value, list):
        return max([len(value), *(_longest(each, levels - 1) for each in value)])
    return 0


def _with_placeholders(value: Any, levels: int = DEEPEST) -> Any:
    """With JsonUnit's placeholder for any text in one spelling. Raises `NotSaid` for all others."""
    check(levels)
    if isinstance(value, dict):
        return {name: _with_placeholders(each, levels - 1) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_placeholders(each, levels - 1) for each in value]
    if not isinstance(value, str) or not PLACEHOLDER.search(value):
        return value
    if value not in (ANY, _ANY_ELSE):
        raise NotSaid("a placeholder of JsonUnit that is none for any string")
    return ANY


# --- several at once -------------------------------------------------------------------------------------------------


def _together(found: Iterable[Asked]) -> Asked:
    """What each of them asks, as one. Raises `NotSaid`."""
    first, *others = found
    for other in others:
        if first.whole or other.whole:
            raise NotSaid("equalToJson beside another condition")
        first = Asked(merged(first.value, other.value), leading=_leading(first, other), there=True)
    return first


def _leading(one: Asked, other: Asked) -> bool:
    if one.leading != other.leading and _longest(one.value) and _longest(other.value):
        raise NotSaid("conditions that look at lists in two ways")
    return one.leading if _longest(one.value) else other.leading
