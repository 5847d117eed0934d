"""What `--match-on` says: which parts of a request count, where that is not the dialect's business alone.

A value of the setting is a list with commas: `model,messages` narrows to these members of the body, `-temperature` or
`-messages.*.name` leaves members out, `+header:x-team` lets a header field count. Read by the settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from proxy_daemon.core.matching.counting.addresses import path_form
from proxy_daemon.core.secret_names import is_secret_field

CHOICES = "write a member's name (model), a path to leave out (-messages.*.name) or a header field (+header:x-team)"
_HEADER = "+header:"
_FIELD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_PATH = re.compile(r"[^-.,\s][^.,\s]*(?:\.[^.,\s]+)*")
_TARGET = re.compile(r"/[!-\"$->@-~]*")  # printable octets, without query and fragment
_DEEPEST = 32  # names of a path


@frozen
class MatchOn:
    """``only``: members that count; None: all. ``dropped``: paths that do not. ``fields``: header fields that do."""

    only: frozenset[str] | None = None
    dropped: tuple[str, ...] = ()
    fields: tuple[bytes, ...] = ()

    def plus(self, other: MatchOn) -> MatchOn:
        """Both together."""
        only = self.only if other.only is None else other.only | (self.only or frozenset())
        return MatchOn(only, self.dropped + other.dropped, self.fields + other.fields)


@frozen
class PathMatch:
    """What counts for requests of one path. ``path``: as clients send it; with `*` at its end, all that begin so."""

    path: str
    on: MatchOn

    def covers(self, path: bytes) -> bool:
        """Whether it rules for this path."""
        mine, form = path_form(self.path.removesuffix("*").encode()), path_form(path)
        return form.startswith(mine) if self.path.endswith("*") else form == mine


def parse_match_on(text: str) -> MatchOn:
    """Raises ValueError with a sentence that names the choices."""
    found = MatchOn()
    for item in text.split(","):
        found = found.plus(_item(item.strip()))
    return found


def together(given: Iterable[MatchOn]) -> MatchOn:
    """All of them as one."""
    found = MatchOn()
    for each in given:
        found = found.plus(each)
    return found


def _item(item: str) -> MatchOn:
    if item.startswith(_HEADER):
        name = item.removeprefix(_HEADER)
        if not _FIELD.fullmatch(name):
            raise ValueError(f"{item!r}: {name!r} is not the name of a header field")
        if is_secret_field(name.encode()):
            raise ValueError(f"{item!r} is a credential: none is in a fingerprint; --replay-scope key tells them apart")
        return MatchOn(fields=(name.lower().encode(),))
    if item.startswith("+"):
        raise ValueError(f"{item!r} adds nothing that is known: {CHOICES}")
    path = item.removeprefix("-")
    if not _PATH.fullmatch(path) or path.count(".") >= _DEEPEST:
        raise ValueError(f"{item!r} is no part of a request: {CHOICES}")
    if item.startswith("-"):
        return MatchOn(dropped=(member_path(path),))
    if "." in path or path == "*":
        raise ValueError(f"{item!r}: only members of the body itself can be named; to leave one out, write -{path}")
    return MatchOn(only=frozenset((path,)))


def member_path(path: str) -> str:
    """The path of what is left out. Raises ValueError where it names elements of a list: these have no names."""
    if path == "*":
        raise ValueError("'-*': only a member can be left out, such as -messages")
    if path.endswith(".*"):
        raise ValueError(f"'-{path}': write -{path.removesuffix('.*')}: a list goes as a whole")
    return path


def parse_tables(tables: Any) -> tuple[PathMatch, ...]:
    """The `[[match]]` tables of a file. Raises ValueError with a sentence that says which is wrong."""
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise ValueError("must be tables: [[match]]")
    return tuple(_table(each, f"[[match]] {number}") for number, each in enumerate(tables, 1))


def _table(table: Mapping[str, Any], place: str) -> PathMatch:
    if unknown := sorted(table.keys() - {"path", "on"}):
        raise ValueError(f"{place}: unknown key {unknown[0]!r}: path and on")
    path, on = table.get("path"), table.get("on")
    if not isinstance(path, str) or not _TARGET.fullmatch(path) or "*" in path[:-1]:
        raise ValueError(f'{place}: path must be a path such as "/v1/embeddings", or with * at its end; no query')
    items: Sequence[Any] = [on] if isinstance(on, str) else on if isinstance(on, list) else []
    if not items or not all(isinstance(item, str) for item in items):
        raise ValueError(f'{place}: on must be a list such as ["model", "-user", "+header:x-team"]')
    try:
        return PathMatch(path, together(map(parse_match_on, items)))
    except ValueError as error:
        raise ValueError(f"{place}: on: {error}") from None
