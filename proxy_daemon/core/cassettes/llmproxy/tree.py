"""Values of JSON as a YAML block: a member a line, texts of several lines as literal blocks.

Invariant: `yaml_text.load` gives an equal value back, or `NotInYaml` is raised and the value is written as its text.
Called for bodies that are JSON, and for the decoded answer.
"""

from __future__ import annotations

import math
from typing import Any

from proxy_daemon.core.cassettes.llmproxy.scalars import key, scalar

_DEEPEST = 60  # levels: each indents all that stands in it
_LONGEST_KEY = 200  # characters; libyaml wants a key within 1,024 octets
_MANY = 8  # numbers: so many stand in one line
_NUMBERS = frozenset((int, float))


class Prose(str):
    """A text that is a literal block, also where it is one line: changes of words are seen line by line."""

    __slots__ = ()


class NotInYaml(ValueError):
    """A value that would not come back as it is."""


def block(value: Any, indent: str) -> str:
    """What stands behind `key:`. ``indent``: of the lines of a mapping. Raises `NotInYaml`."""
    out: list[str] = []
    _value(value, indent, indent, out)
    return "".join(out)


def _value(value: Any, inner: str, listed: str, out: list[str]) -> None:
    """``inner``: indentation of what stands in it; ``listed``: of the dashes, where it is a list."""
    kind = type(value)
    if kind is str:
        out.append(scalar(value, inner))
    elif kind is Prose:
        out.append(scalar(str(value), inner, block=True))
    elif kind is dict and value:
        if len(inner) > 2 * _DEEPEST:
            raise NotInYaml
        for name, each in value.items():
            out.append(f"\n{inner}{_key(name)}:")
            _value(each, inner + "  ", inner, out)
    elif kind is list and value:
        _list(value, listed, out)
    else:
        out.append(" " + _atom(value))


def _list(value: list[Any], listed: str, out: list[str]) -> None:
    if len(listed) > 2 * _DEEPEST:
        raise NotInYaml
    if len(value) >= _MANY and _NUMBERS.issuperset(map(type, value)):
        out.append(f" [{', '.join(map(_atom, value))}]")
        return
    inner = listed + "  "
    for each in value:
        out.append(f"\n{listed}-")
        at = len(out)
        _value(each, inner, inner, out)
        if type(each) in (dict, list) and out[at].startswith("\n"):  # its first line stands behind the dash
            out[at] = " " + out[at][1 + len(inner) :]


def _key(name: Any) -> str:
    if type(name) is not str or len(name) > _LONGEST_KEY or name == "<<":
        raise NotInYaml
    return key(name)


def _atom(value: Any) -> str:
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if type(value) is int:
        return str(value)
    if type(value) is float and math.isfinite(value):
        text = repr(value)
        return text if "e" not in text or "." in text else text.replace("e", ".0e")
    if type(value) in (dict, list):
        return "{}" if type(value) is dict else "[]"
    raise NotInYaml
