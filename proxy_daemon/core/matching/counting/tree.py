"""What of a request body does not count, as a tree that is walked along with the body: compiled once per dialect.

Invariant: a rule says what happens to one member of the body; the same paths give the same tree, whatever their order.
Called by `canonical.py` and `ids.py` beside this.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from attrs import field, frozen

ANY = "*"  # each element of a list; in paths of people's own also each member of an object


class Kind(Enum):
    """What happens to a member."""

    KEPT = 0
    DROPPED = 1  # it does not count
    RENAMED = 2  # an id: its number by first appearance counts, not what it is
    OWN_ID = 3  # dropped where its object says more than this id
    TEXT = 4  # one block of text counts as the text itself
    OPAQUE = 5  # dropped where what it hides is said beside it, or is a thought


@frozen(eq=False)
class Rule:
    """``kind``: of the value itself. ``members``: of an object, by name, sorted. ``each``: of a list's elements."""

    kind: Kind = Kind.KEPT
    members: tuple[tuple[str, Rule], ...] = ()
    each: Rule | None = None
    by_name: dict[str, Rule] = field(init=False, repr=False)
    touches_text: bool = field(init=False, repr=False)
    touched: frozenset[str] = field(init=False, repr=False)  # names of members whose texts it touches

    @by_name.default
    def _by_name(self) -> dict[str, Rule]:
        return dict(self.members)

    @touches_text.default
    def _touches_text(self) -> bool:
        return self.kind in (Kind.DROPPED, Kind.RENAMED, Kind.OWN_ID, Kind.OPAQUE)

    @touched.default
    def _touched(self) -> frozenset[str]:
        return frozenset([name for name, rule in self.members if rule.touches_text])


def compiled(paths: Iterable[tuple[str, Kind]]) -> Rule:
    """The tree of paths: names with dots between them, `*` for each element of a list.

    Where two paths are one, the first says what happens.
    """
    found: dict[tuple[str, ...], Kind] = {}
    for path, kind in paths:
        found.setdefault(tuple(path.split(".")), kind)
    return _tree(found, Kind.KEPT)


def _tree(paths: dict[tuple[str, ...], Kind], kind: Kind) -> Rule:
    below: dict[str, dict[tuple[str, ...], Kind]] = {}
    kinds: dict[str, Kind] = {}
    for (name, *rest), what in paths.items():
        if rest:
            below.setdefault(name, {})[tuple(rest)] = what
        else:
            kinds[name] = what
    rules = {name: _tree(below.get(name, {}), kinds.get(name, Kind.KEPT)) for name in {*below, *kinds}}
    each = rules.pop(ANY, None)
    return Rule(kind, tuple(sorted(rules.items())), each)
