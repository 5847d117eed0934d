"""What WireMock's `matchesJsonPath` asks, where a value is looked for at a place: `$.a[0].b`, `$.list[?(@.a == 'x')]`.

Invariant: as that of `wiremock/bodies.py`, which calls this; but `contains` looks into texts only. Each expression is
read in one go, without going back. Source: https://github.com/json-path/JsonPath .
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from proxy_daemon.core.cassettes.wiremock.asked import ANY, PLACEHOLDER, Asked, NotSaid, merged

_LONGEST_PATH, _LONGEST = 1_000, 10_000  # characters of a way, and of an expression
_STEP = re.compile(r"\.([A-Za-z_][\w-]{0,99})|\['([^'\\\]]{1,100})'\]|\[(0)\]", re.ASCII)
_FILTER = re.compile(r"(.*?)\[\?\((.*)\)\]\Z", re.DOTALL)
_TERM = re.compile(
    r"""\s*+@((?:\.[A-Za-z_][\w-]{0,99}){1,9})\s*+(==|contains)\s*+('[^'\\]*+'|"[^"\\]*+"|-?[0-9]{1,15}|true|false|null)\s*+(&&|\Z)""",
    re.ASCII,
)
_TEXT_ONLY = re.compile(r"\s*[\[{\"0-9+-]|(?:true|false|null|NaN|-?Infinity)?\Z")


def by_path(given: Any) -> Asked:
    """Of an expression, or of one with what the value there must be. Raises `NotSaid`."""
    if isinstance(given, str):
        return _filtered(given)
    if not isinstance(given, dict) or not isinstance(given.get("expression"), str):
        raise NotSaid("a matchesJsonPath without an expression")
    wanted = given.keys() - {"expression"}
    if wanted == {"equalTo"} and _is_text(given["equalTo"]):
        return _at(given["expression"], given["equalTo"])
    if wanted == {"contains"} and _is_text(given["contains"]):
        return _at(given["expression"], f"{ANY}{given['contains']}{ANY}")
    raise NotSaid("a matchesJsonPath that compares with more than a text")


def _is_text(given: Any) -> bool:
    """Whether what it is compared with can be a text only: WireMock compares other values as they are written."""
    return isinstance(given, str) and not _TEXT_ONLY.match(given) and not PLACEHOLDER.search(given)


def _at(expression: str, value: Any) -> Asked:
    """A value at a path such as `$.a['b'][0].c`."""
    steps = list(_steps(expression))
    for step in reversed(steps):
        value = [value] if step is None else {step: value}
    return Asked(value, leading=True, there=True)


def _steps(expression: str) -> Iterator[str | None]:
    """Names of members; None: a list's first element."""
    place = 1
    if not expression.startswith("$") or len(expression) > _LONGEST_PATH:
        raise NotSaid("a JSON path of an unknown kind")
    while place < len(expression):
        step = _STEP.match(expression, place)
        if step is None:
            raise NotSaid("a JSON path that is no way of members and first elements")
        yield None if step[3] else step[1] or step[2]
        place = step.end()


def _filtered(expression: str) -> Asked:
    """`$[?(@.a == 'x')]`, or an element of a list: `$.list[?(@.a == 'x' && @.b == 1)]`."""
    found = _FILTER.match(expression) if len(expression) < _LONGEST else None
    if found is None:
        raise NotSaid("a JSON path that asks only whether something is there")
    element: Any = None
    for term in _terms(found[2]):
        element = term if element is None else merged(element, term)
    if found[1] == "$":
        return Asked(element, there=True)
    steps = list(_steps(found[1]))
    if None in steps:
        raise NotSaid("a JSON path with a filter behind a list's element")
    value: Any = [element]
    for step in reversed(steps):
        value = {step: value}
    return Asked(value, there=True)


def _terms(text: str) -> Iterator[Any]:
    """Each of the conditions as JSON that must be there."""
    place, joined = 0, "&&"
    while joined:
        term = _TERM.match(text, place)
        if term is None:
            raise NotSaid("a filter of a JSON path that compares with more than texts, numbers and words")
        yield _term(term[1].split(".")[1:], term[2], term[3])
        place, joined = term.end(), term[4]


def _term(names: list[str], operator: str, literal: str) -> Any:
    value = literal[1:-1] if literal[0] in "'\"" else orjson.loads(literal)
    if isinstance(value, str) and PLACEHOLDER.search(value):
        raise NotSaid("a placeholder of JsonUnit in a JSON path")
    if operator == "contains":
        if not isinstance(value, str) or not value:
            raise NotSaid("a filter of a JSON path that looks for no text")
        value = f"{ANY}{value}{ANY}"
    for name in reversed(names):
        value = {name: value}
    return value
