r"""JSON fields set, removed, renamed and given a default, by path, in octets: what is not named stays octet for octet.

A path is names with dots between them, numbers for elements of a list, `*` for each of them; a dot in a name is written
`\.`. Invariant: what a path does not lead to is left alone, never made up in a value of another kind. Used by
`requests.py` and `responses.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import frozen

from proxy_daemon.core import splice
from proxy_daemon.core.splice import Add, Edit, Remove, Replace
from proxy_daemon.core.splice.edits import octets_of
from proxy_daemon.core.wire import json_text

MOST_PLACES = 10_000  # that one path may lead to in one body, where each is looked at
DEEPEST = 32  # steps of a path
EACH = "*"
Steps = tuple[str | int, ...]
_STEP = re.compile(r"(?:[^.\\]|\\.)+")


class TooMany(ValueError):
    """A path leads to more places than are edited."""


def steps_of(text: str) -> Steps:
    """A path as it is written, read. Raises ValueError with a sentence."""
    steps = _STEP.findall(text)
    if not steps or ".".join(steps) != text:
        raise ValueError(f"{text!r} is no path: names with dots between them, such as messages.*.name")
    if len(steps) > DEEPEST:
        raise ValueError(f"{text[:40]!r} is a path of {len(steps)} steps; {DEEPEST} are the most")
    return tuple(int(step) if _is_index(step) else re.sub(r"\\(.)", r"\1", step) for step in steps)


def _is_index(step: str) -> bool:
    return step.isascii() and step.isdigit() and len(step) < 10  # noqa: PLR2004  (no list is longer)


@frozen
class FieldEdits:
    """What happens to fields, in this order: ``remove``, ``rename``, ``set``, ``default``.

    ``rename``: (path, the new name in the same object). ``set``: a value in the place of what is there, or new;
    ``default``: only where nothing is. Objects on the way to a new value are made. Values are octets of JSON.
    """

    remove: tuple[Steps, ...] = ()
    rename: tuple[tuple[Steps, str], ...] = ()
    set: tuple[tuple[Steps, bytes], ...] = ()
    default: tuple[tuple[Steps, bytes], ...] = ()

    def edited(self, octets: bytes) -> bytes:
        """The document, changed; the same object where nothing is to change. Raises `NotJSON` and `TooMany`."""
        octets = _without(octets, self.remove)
        for path, name in self.rename:
            octets = _made(octets, _renames(octets, path, name))
        for path, value in self.set:
            octets = _made(octets, _sets(octets, path, value))
        for path, value in self.default:
            octets = _made(octets, _defaults(octets, path, value))
        return octets

    def edited_item(self, octets: bytes) -> bytes:
        """One item of a stream: as `edited`, but nothing is added where it is not: items differ in what they say."""
        octets = _without(octets, [path for path in self.remove if _may_hold(octets, path)])
        for path, name in self.rename:
            if _may_hold(octets, path):
                octets = _made(octets, _renames(octets, path, name))
        for path, value in self.set:
            if _may_hold(octets, path):
                octets = _replaced(octets, path, value)
        return octets

    @property
    def touches_items(self) -> bool:
        """Whether `edited_item` may do anything."""
        return bool(self.remove or self.rename or self.set)

    @property
    def paths(self) -> frozenset[Steps]:
        """All that they change."""
        pairs = (*self.rename, *self.set, *self.default)
        return frozenset((*self.remove, *(path for path, _ in pairs)))


def _without(octets: bytes, paths: Iterable[Steps]) -> bytes:
    for path in paths:
        octets = splice.removed(octets, path) or octets
    return octets


def _may_hold(octets: bytes, path: Steps) -> bool:
    """Whether the names of a path stand in the text at all: a quick look, as a stream has thousands of items."""
    if b"\\" in octets:
        return True
    return all(isinstance(step, int) or step == EACH or b'"%b"' % step.encode() in octets for step in path)


def _replaced(octets: bytes, path: Steps, value: bytes) -> bytes:
    found = splice.edited(octets, [Replace(path, value)])
    return octets if found is None or found == octets else found


def _made(octets: bytes, edits: Sequence[Edit]) -> bytes:
    return (splice.edited(octets, edits) or octets) if edits else octets


def _renames(octets: bytes, path: Steps, name: str) -> list[Edit]:
    there, _ = places(octets, path)
    if not there:
        return []
    spans = splice.find_all(octets, path)
    if len(spans) != len(there):
        raise json_text.NotJSON(f"{dotted(path)} is there more than once")
    edits: list[Edit] = []
    for at, span in zip(there, spans, strict=True):
        edits += [Remove(at), Add((*at[:-1], name), span.of(octets))]
    return edits


def _sets(octets: bytes, path: Steps, value: bytes) -> list[Edit]:
    there, missing = places(octets, path)
    changed = [] if there and _is_everywhere(octets, path, value) else there
    return [*(Replace(at, value) for at in changed), *_new(missing, value)]


def _is_everywhere(octets: bytes, path: Steps, value: bytes) -> bool:
    return all(span.of(octets) == value for span in splice.find_all(octets, path))


def _defaults(octets: bytes, path: Steps, value: bytes) -> list[Edit]:
    return _new(places(octets, path)[1], value)


def _new(missing: Iterable[tuple[Steps, Steps]], value: bytes) -> list[Edit]:
    return [Add((*at, rest[0]), _nested(rest[1:], value)) for at, rest in missing]


def _nested(steps: Steps, value: bytes) -> bytes:
    for step in reversed(steps):
        value = b"{%b:%b}" % (octets_of(step), value)
    return value


def places(octets: bytes, path: Steps) -> tuple[list[Steps], list[tuple[Steps, Steps]]]:
    """(What there is at ``path``, and where an object lacks the rest of it: its path and that rest).

    Raises `NotJSON` and `TooMany`.
    """
    reached: list[tuple[Steps, Any]] = [((), json_text.parse(octets))]
    missing: list[tuple[Steps, Steps]] = []
    for depth, step in enumerate(path):
        below: list[tuple[Steps, Any]] = []
        for at, node in reached:
            if isinstance(node, dict) and step not in node:
                missing += _lacking(at, path[depth:])
            else:
                below += [((*at, key), child) for key, child in _children(node, step)]
        reached = below
        if len(reached) + len(missing) > MOST_PLACES:
            raise TooMany(f"{dotted(path)} leads to more than {MOST_PLACES} places")
    return [at for at, _ in reached], missing


def _lacking(at: Steps, rest: Steps) -> list[tuple[Steps, Steps]]:
    """What an object lacks can be made where only objects lie on the way."""
    return [(at, rest)] if all(isinstance(step, str) and step != EACH for step in rest) else []


def _children(node: Any, step: str | int) -> list[tuple[str | int, Any]]:
    if isinstance(node, dict):
        return [(step, node[step])]
    if isinstance(node, list) and step == EACH:
        return list(enumerate(node[: MOST_PLACES + 1]))
    if isinstance(node, list) and isinstance(step, int) and step < len(node):
        return [(step, node[step])]
    return []


def dotted(path: Steps) -> str:
    """A path as it is written."""
    return ".".join(str(step).replace("\\", "\\\\").replace(".", "\\.") for step in path)
