"""An array or object in which something is wanted: it gathers the cuts while `walk.py` goes from item to item.

It knows what else an edit touches: commas, a name that is there twice, items that are added.
"""

from __future__ import annotations

import itertools
import json

from attrs import define, field, frozen

from proxy_daemon.core.splice.wanted import Leaf, Wanted

NO_EDIT = -1  # of a cut that several edits share


@frozen
class Cut:
    """``text`` comes in the place of the octets from ``start`` to ``end``. ``edit``: the number of the edit."""

    start: int
    end: int
    text: bytes
    edit: int


@define
class Container:
    """An array or object that the walk is in."""

    closer: str
    opened: int  # where its first item would begin
    wanted: Wanted  # of what is in it
    count: int = 0  # items behind us
    kept: int = 0  # those of them that stay
    end: int = 0  # of the item before
    item: int = 0  # where the item at hand begins
    name: bytes = b""  # its name
    inner: Wanted | None = None  # what is wanted of it
    gone: int | None = None  # where the items begin that go, up to the item before
    cuts: list[Cut] = field(factory=list)
    members: dict[bytes, list[Cut]] = field(factory=dict)  # by name: the last of that name rules

    def take(self, end: int, cuts: list[Cut]) -> None:
        """An item has come to its end."""
        leaf = self.inner.leaf if self.inner else None
        if leaf and leaf.text is None:
            self._take_gone(leaf)
        else:
            self._keep(cuts)
        self.count += 1
        self.end = end

    def _take_gone(self, leaf: Leaf) -> None:
        if self.gone is None:
            self.gone = self.end if self.count else self.item
        self.cuts.append(Cut(self.item, self.item, b"", leaf.edit))  # says that it was there

    def _keep(self, cuts: list[Cut]) -> None:
        if self.gone is not None:
            self._cut_gone(self.end if self.kept else self.item)
        self.kept += 1
        if self.closer == "]":
            self.cuts += self._before() + cuts
        elif self.inner:
            self.members[self.name] = cuts

    def _before(self) -> list[Cut]:
        leaf = self.wanted.before.get(self.count)
        return [Cut(self.item, self.item, value_of(leaf) + b",", leaf.edit)] if leaf else []

    def _cut_gone(self, end: int) -> None:
        assert self.gone is not None
        self.cuts.append(Cut(self.gone, end, b"", NO_EDIT))
        self.gone = None

    def ended(self) -> list[Cut]:
        """All cuts in it."""
        if self.gone is not None:
            self._cut_gone(self.end)
        for cuts in self.members.values():
            self.cuts += cuts
        return self.cuts + self._added()

    def _added(self) -> list[Cut]:
        """What comes behind the last item."""
        place = self.end if self.count else self.opened
        commas = itertools.chain([b"," if self.kept else b""], itertools.repeat(b","))
        return [Cut(place, place, comma + text, edit) for comma, (text, edit) in zip(commas, self._new(), strict=False)]

    def _new(self) -> list[tuple[bytes, int]]:
        if self.closer == "}":
            added = [(name, leaf) for name, leaf in self.wanted.added.items() if name not in self.members]
            return [(named(name) + b":" + value_of(leaf), leaf.edit) for name, leaf in added]
        free = self.wanted.before.get(self.count)
        return [(value_of(leaf), leaf.edit) for leaf in ([free] if free else []) + self.wanted.last]


def value_of(leaf: Leaf) -> bytes:
    """What comes; nothing where the value goes."""
    return leaf.text or b""


def named(name: bytes) -> bytes:
    """A name as JSON."""
    text = name.decode("utf-8", "surrogatepass")
    plainly = name.decode("utf-8", "ignore") == text  # else half of a surrogate pair, which JSON has as an escape only
    return json.dumps(text, ensure_ascii=not plainly).encode()
