r"""What stands in place of a match: text with the match's groups in it, as in Python's `re.sub`.

Invariant: a template that exists names only groups that its pattern has. Called by `expressions.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import frozen

_MARK = re.compile(r"\\(?:(?P<number>[0-9])|g<(?P<name>\w+)>|(?P<backslash>\\)|(?P<other>.|\Z))", re.DOTALL)


@frozen
class Template:
    """``parts``: text, and numbers of groups. ``groups``: whether there are any."""

    parts: tuple[str | int, ...]
    groups: bool

    def filled(self, match: Any) -> str:
        """The text for a match of RE2 in octets; a group that took no part is empty."""
        return "".join(part if isinstance(part, str) else _text(match[part]) for part in self.parts)


def _text(octets: bytes | None) -> str:
    return (octets or b"").decode("utf-8", "surrogatepass")


def template(by: str, names: Mapping[str, int], groups: int) -> Template:
    r"""``by`` read: ``\1``, ``\g<name>``, ``\\``. Raises ValueError for a group that is not, and for other escapes."""
    parts: list[str | int] = []
    at = 0
    for mark in _MARK.finditer(by):
        parts += [by[at : mark.start()], _meant(mark, names, groups)]
        at = mark.end()
    parts.append(by[at:])
    return Template(tuple(parts), any(isinstance(part, int) for part in parts))


def _meant(mark: re.Match[str], names: Mapping[str, int], groups: int) -> str | int:
    if mark["backslash"]:
        return "\\"
    if mark["other"] is not None:
        raise ValueError(f"by: {mark.group()!r} means nothing: \\1, \\g<name>, and \\\\ for a backslash")
    wanted = mark["number"] or mark["name"]
    number = int(wanted) if wanted.isascii() and wanted.isdigit() else names.get(wanted, -1)
    if not 0 <= number <= groups:
        raise ValueError(f"by: {mark.group()!r} names a group that the pattern does not have")
    return number
