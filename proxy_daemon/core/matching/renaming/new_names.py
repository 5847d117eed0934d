"""Which id becomes which, and the places in one JSON text where that is to be done.

Invariants: no two ids become one, and all are renamed at once, so that the way back restores every octet (of ids that
need no escapes). What a vendor signed or encrypted is never touched. Used by `renaming.py` and `renamed_body.py`.

An id that is minted by a counter can be as short as "1": it is renamed in members that are called an id, never in
words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from attrs import evolve, frozen

from proxy_daemon.core.matching.renaming.changes import Change
from proxy_daemon.core.splice.edits import LONGEST, Path, Replace, tree
from proxy_daemon.core.splice.walk import hits
from proxy_daemon.core.wire.json_text import NotJSON, parse

LONGEST_ID = 1024  # octets; what is longer is no id but something encrypted
TELLING = 8  # characters from which on an id is nothing else, wherever it stands
MOST_SEARCHED = 256  # ids that are searched for one by one; where there are more, each value is looked up
MOST_PLACES = 10_000  # places that are changed in one body: a bound on the time
OPAQUE = frozenset(
    {
        "signature",
        "thoughtSignature",
        "thought_signature",
        "encrypted_content",
        "redactedContent",
    }
)
# Objects of these types have what is opaque in their member `data` (Anthropic, OpenRouter).
_OPAQUE_DATA = frozenset({"redacted_thinking", "reasoning.encrypted"})
_CALLED_ID = re.compile(r"(?:.*_)?[iI][dD][sS]?|.*I[dD]s?")
_PLAIN = re.compile(r"[A-Za-z0-9_.:-]+")  # no writer of JSON has an escape for these


class NotRenamed(ValueError):
    """The text has ids in places that cannot be edited, or too many of them; the message says which."""


@frozen
class NewNames:
    """The new name of each id, a permutation (see `paired`). ``telling``: those that are ids wherever they stand.

    ``searched``: those that a text may hold, as octets; None: any, as they are too many or may be written with escapes.
    """

    of: dict[str, str]
    telling: frozenset[str]
    searched: tuple[bytes, ...] | None

    def may_be_in(self, octets: bytes) -> bool:
        """A quick look: False where no value of a JSON text is one of the ids."""
        return self.searched is None or any(name in octets for name in self.searched)

    def within(self, octets: bytes) -> NewNames:
        """The same for parts of ``octets``, with less to search for."""
        if not self.searched:
            return self
        shared = _shared(min(self.searched), max(self.searched))  # as those of all between them
        if shared not in octets:
            return evolve(self, searched=())
        return evolve(self, searched=tuple(name for name in self.searched if name in octets))


def paired(old: Sequence[str], new: Sequence[str]) -> NewNames:
    """Each of ``old`` becomes that of ``new`` at its place; both without repeats and of one length.

    What the live conversation calls by a new name already must not be met by the answer's own ids: such an id takes the
    name that has become free. That makes the names a permutation.
    """
    pairs = zip(old, new, strict=True)
    names = {one: other for one, other in pairs if one != other and _fits(one) and _fits(other)}
    back = {other: one for one, other in names.items()}
    for last in [other for other in back if other not in names]:
        first = last
        while first in back:
            first = back[first]
        names[last] = first
    return NewNames(names, frozenset(_telling(names)), _searched(names))


def _searched(names: dict[str, str]) -> tuple[bytes, ...] | None:
    if len(names) > MOST_SEARCHED or not all(map(_PLAIN.fullmatch, names)):
        return None
    return tuple(name.encode() for name in names)


def _telling(names: dict[str, str]) -> Iterator[str]:
    """Those that are long, and become none that is not, on the way there and back."""
    left = set(names)
    while left:
        first = name = left.pop()
        cycle = [first]
        while (name := names[name]) != first:
            cycle.append(name)
        left.difference_update(cycle)
        if min(map(len, cycle)) >= TELLING:
            yield from cycle


def _shared(one: bytes, other: bytes) -> bytes:
    """What both begin with, such as "call_"."""
    same = next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one))
    return one[:same]


def _fits(name: str) -> bool:
    return 0 < len(name) <= LONGEST_ID


def changes_in(octets: bytes, names: NewNames) -> list[Change]:
    """Where whole string values of a JSON text are ids, in order. Raises `NotJSON` and `NotRenamed`."""
    edits = [Replace(path, names.of[value]) for path, value in _places(parse(octets), names)]
    if not edits:
        return []
    try:
        cuts = hits(octets, tree(edits))
    except NotJSON as error:
        raise NotRenamed(f"one reader takes it for JSON, another does not: {error}") from error
    if len(cuts) != len(edits):  # a name before it has half of a surrogate pair
        raise NotRenamed("an id stands where it cannot be edited")
    return [Change(cut.start, cut.end, cut.text) for cut in cuts]


def _places(document: Any, names: NewNames) -> list[tuple[Path, str]]:
    """(path, value) of each id. Raises `NotRenamed`."""
    found: list[tuple[Path, str]] = []
    for path, value in _strings(document):
        if value not in names.of or not (value in names.telling or _is_called_id(path)):
            continue
        if len(path) > LONGEST or len(found) >= MOST_PLACES:
            raise NotRenamed("ids stand too deep, or in too many places")
        found.append((path, value))
    return found


def _is_called_id(path: Path) -> bool:
    """By the last name: elements of a list have that of the list."""
    member = next((step for step in reversed(path) if isinstance(step, str)), "")
    return _CALLED_ID.fullmatch(member) is not None


def _strings(document: Any) -> Iterator[tuple[Path, str]]:
    """(path, value) of all strings that are not opaque. Paths of what is too deep are cut at one step too many."""
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), document)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, dict):
            waiting += [(_below(path, name), each) for name, each in value.items() if not _is_opaque(value, name)]
        elif isinstance(value, list):
            waiting += [(_below(path, index), each) for index, each in enumerate(value)]


def _below(path: tuple[str | int, ...], step: str | int) -> tuple[str | int, ...]:
    return (*path, step) if len(path) <= LONGEST else path


def _is_opaque(value: dict[str, Any], name: str) -> bool:
    return name in OPAQUE or (name == "data" and _type_of(value) in _OPAQUE_DATA)


def _type_of(value: dict[str, Any]) -> str:
    kind = value.get("type")
    return kind if isinstance(kind, str) else ""
