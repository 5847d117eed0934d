"""What is wrong with a document, and in which line.

Called by the readers of this folder; `reading.py` makes `Damaged` of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


class Wrong(ValueError):
    """Why a document is not read. ``path``: the members down to where it stands. Nothing of a secret is in it."""

    def __init__(self, reason: str, *path: str) -> None:
        super().__init__(reason)
        self.reason, self.path = reason, path

    def under(self, name: str) -> Wrong:
        """The same, one member further in."""
        return Wrong(self.reason, name, *self.path)


def line_of(document: bytes, path: tuple[str, ...]) -> int:
    """The line of a member within its document, from 0; of the innermost that is found as llmproxy writes it."""
    at = 0
    for depth, name in enumerate(path):
        found = re.compile(rb"^(?:%b)%b:" % (b"  " * depth, re.escape(name.encode())), re.MULTILINE).search(
            document, at
        )
        if found is None:
            break
        at = found.start()
    return document.count(b"\n", 0, at)


def members(value: Any, known: frozenset[str]) -> Mapping[str, Any]:
    """A mapping that has no other members than the known. Raises `Wrong`."""
    if not isinstance(value, dict):
        raise Wrong("no mapping")
    unknown = sorted(value.keys() - known)
    if unknown:
        raise Wrong(f"no member of this name: there are {', '.join(sorted(known))}", unknown[0][:100])
    return value


def flag(found: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    """A member that is true or false. Raises `Wrong`."""
    value = found.get(name, default)
    if type(value) is not bool:
        raise Wrong("neither true nor false", name)
    return value


def text(found: Mapping[str, Any], name: str, default: str = "") -> str:
    """A member that is text. Raises `Wrong`."""
    value = found.get(name, default)
    if type(value) is not str:
        raise Wrong("no text: put it in quotes", name)
    return value


def octets(found: Mapping[str, Any], name: str, default: bytes = b"") -> bytes:
    """A member that is text, or octets in `!!binary`. Raises `Wrong`."""
    value = found.get(name, default)
    if type(value) is bytes:
        return value
    if type(value) is not str:
        raise Wrong("no text: put it in quotes", name)
    return value.encode("utf-8", "replace")
