"""What is to be changed where: edits of JSON values by path, and the tree that many of them make together.

A path is a sequence of names and indices; "*" stands for each element of a list (and is a name in an object). All
paths speak of the text as it came: no edit sees what another did. Edits that meet in one value are refused.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence

from attrs import field, frozen

from proxy_daemon.core.splice.grammar import BOM, NotJSON
from proxy_daemon.core.splice.walk import hits
from proxy_daemon.core.splice.wanted import Leaf, Wanted, encoded, merged

Path = Sequence[str | int]
EACH = "*"
END = "-"  # RFC 6901 section 4: behind the last element
LONGEST = 256  # steps of a path


def octets_of(value: object) -> bytes:
    """A value as JSON in UTF-8: ``bytes`` are JSON already, all else is written.

    Raises ValueError for what is no JSON, TypeError for what cannot be.
    """
    if isinstance(value, bytes):
        return _checked(value.strip(b" \t\r\n"))
    try:
        return _written(value, ascii_only=False)
    except UnicodeEncodeError:  # half of a surrogate pair stands in JSON as an escape only
        return _written(value, ascii_only=True)


def _checked(data: bytes) -> bytes:
    try:
        hits(data, Wanted())
    except NotJSON as error:
        raise ValueError(f"the new value is {error}") from None
    if data.startswith(BOM):
        raise ValueError("the new value has a byte order mark")
    return data


def _written(value: object, *, ascii_only: bool) -> bytes:
    text = json.dumps(value, ensure_ascii=ascii_only, allow_nan=False, separators=(",", ":"))
    return text.encode()


def path_of(path: Iterable[str | int]) -> tuple[str | int, ...]:
    """A path as a value. Raises TypeError for one bare name, ValueError for an index below 0 and too many steps."""
    if isinstance(path, str | bytes):
        raise TypeError(f"a path is a sequence of names and indices, not {path!r}")
    steps = tuple(path)
    if any(isinstance(step, int) and step < 0 for step in steps):
        raise ValueError(f"an index below 0 in {steps!r}")
    if len(steps) > LONGEST:
        raise ValueError(f"a path of {len(steps)} steps; {LONGEST} are allowed")
    return steps


@frozen
class Replace:
    """Puts ``value`` (see `octets_of`) in the place of the value at ``path``."""

    path: Path = field(converter=path_of)
    value: bytes = field(converter=octets_of)


@frozen
class Remove:
    """Takes the member or element at ``path`` away with its comma; of a name that is there twice, both."""

    path: Path = field(converter=path_of)

    def __attrs_post_init__(self) -> None:
        if not self.path:
            raise ValueError("the whole text cannot be removed")


@frozen
class Add:
    """As RFC 6902 section 4.1: a member at the end of its object, or its new value where the name is there already.

    In a list, an element before the one of that index; at the end by the index that is free, or by "-".
    """

    path: Path = field(converter=path_of)
    value: bytes = field(converter=octets_of)


Edit = Replace | Remove | Add


def tree(edits: Sequence[Edit]) -> Wanted:
    """All of them. Raises `Meeting`."""
    trees = [_single(number, edit) for number, edit in enumerate(edits)] or [Wanted()]
    while len(trees) > 1:  # in pairs: one after the other would copy what there is again and again
        trees = [merged(*pair) for pair in itertools.zip_longest(trees[::2], trees[1::2], fillvalue=Wanted())]
    return trees[0]


def wanted_at(path: Path) -> Wanted:
    """The values at ``path``, with nothing in their place."""
    return _below_all(path_of(path), Wanted(Leaf(0, b"")))


def _single(number: int, edit: Edit) -> Wanted:
    leaf = Leaf(number, None if isinstance(edit, Remove) else edit.value)
    if isinstance(edit, Add) and edit.path:
        path, here = edit.path[:-1], _adding(edit.path[-1], leaf)
    else:
        path, here = edit.path, Wanted(leaf)
    return _below_all(path, here)


def _below_all(path: Sequence[str | int], here: Wanted) -> Wanted:
    for step in reversed(path):
        here = _below(step, here)
    return here


def _adding(step: str | int, leaf: Leaf) -> Wanted:
    if isinstance(step, int):
        return Wanted(before={step: leaf})
    name = encoded(step)
    return Wanted(names={name: Wanted(leaf)}, added={name: leaf}, last=[leaf] if step == END else [])


def _below(step: str | int, inner: Wanted) -> Wanted:
    if isinstance(step, int):
        return Wanted(elements={step: inner})
    return Wanted(names={encoded(step): inner}, each=inner if step == EACH else None)
