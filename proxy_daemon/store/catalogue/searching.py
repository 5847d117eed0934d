"""Finds the newest exchanges that a filter selects, going down through the catalogue slice by slice.

Invariant: never more than `limit` at once, and never one that the filter does not select: what SQL cannot decide is
looked up in the store. Each call gets on, however little time it has, and says from where to go on. Called by
`asking.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from attrs import define, field, frozen

from proxy_daemon.core.filtering import Filter, holds
from proxy_daemon.core.filtering.recorded import Recorded
from proxy_daemon.core.secret_rules import NO_RULES, Rules
from proxy_daemon.store.catalogue.file import Catalogue
from proxy_daemon.store.catalogue.source import Source, Unreadable
from proxy_daemon.store.catalogue.terms import Compiler, Condition
from proxy_daemon.store.catalogue.texts import MOST_FOUND

SLICE, SLOW_SLICE, LARGEST_SLICE = 4096, 16, 32_768  # rows that are looked at in one question
QUICK, TICK = 0.015, 0.0001  # seconds that a slice should take, and that a clock can tell apart
CHUNK = 500  # of a list of ids
_BOTTOM = "SELECT id FROM exchange WHERE id < ? AND id > ? ORDER BY id DESC LIMIT 1 OFFSET ?"
Row = tuple[int, int]  # an id, and whether it is surely selected


@frozen
class Page:
    """``before``: go on from there; None: there is no more. ``partial``: time has run out before."""

    ids: list[int]
    before: int | None = None
    partial: bool = False


@frozen
class Bounds:
    """``limit``: most that are found; ids lie between ``after`` and ``before``; ``until``: a moment of the clock."""

    limit: int
    before: int
    after: int
    until: float


@define
class Search:
    """One search. ``seconds``: a clock that never goes back; ``rules``: for secrets, besides the built-in ones."""

    catalogue: Catalogue
    store: Source
    seconds: Callable[[], float]
    tree: Filter
    bounds: Bounds
    rules: Rules = NO_RULES
    _found: list[int] = field(factory=list)

    def page(self) -> Page:
        """The newest ones. Raises what catalogue and store raise."""
        compiler = Compiler(self.catalogue, self.store)
        condition = compiler.condition(self.tree)
        for row, at in self._rows(condition, compiler.values):
            if row is not None and self._is_selected(row):
                if len(self._found) == self.bounds.limit:
                    return Page(self._found, self._found[-1])
                self._found.append(row[0])
            if at > self.bounds.after + 1 and self.seconds() >= self.bounds.until:
                return Page(self._found, at, partial=True)
        return Page(self._found)

    def _rows(self, condition: Condition, values: dict[str, Any]) -> Iterator[tuple[Row | None, int]]:
        """Those that may be selected, each with the id down to which all are looked at now; None: only that."""
        select = (
            f"SELECT e.id, ({condition.must} AND e.whole) FROM exchange AS e"  # noqa: S608  (see `terms.py`)
            f" WHERE e.readable AND ({condition.may} OR NOT e.whole) AND e.id {{}} ORDER BY e.id DESC"
        )
        few = self._few(condition)
        parts = self._by_slices(select, condition.slow) if few is None else self._by_ids(select, few)
        for question, bottom in parts:
            for row in self.catalogue.rows(question, values):
                yield row, row[0]
            yield None, bottom

    def _few(self, condition: Condition) -> list[int] | None:
        """Ids of all that may be selected, where they are few, the newest first."""
        if condition.ids is None:
            return None
        rows = self.catalogue.rows("SELECT id FROM exchange WHERE NOT whole LIMIT ?", (MOST_FOUND + 1,))
        if len(rows) > MOST_FOUND:
            return None
        ids = condition.ids.union(row[0] for row in rows)
        return sorted((each for each in ids if self.bounds.after < each < self.bounds.before), reverse=True)

    def _by_ids(self, select: str, ids: list[int]) -> Iterator[tuple[str, int]]:
        for start in range(0, len(ids), CHUNK):
            some = ids[start : start + CHUNK]
            yield select.format(f"IN ({', '.join(map(str, some))})"), some[-1]

    def _by_slices(self, select: str, slow: bool) -> Iterator[tuple[str, int]]:
        """Slices grow while they are quick, and get smaller where they are not."""
        high, size = self.bounds.before, SLOW_SLICE if slow else SLICE
        while high > self.bounds.after + 1:
            rows = self.catalogue.rows(_BOTTOM, (high, self.bounds.after, size - 1))
            low = rows[0][0] if rows else self.bounds.after + 1
            began = self.seconds()
            yield select.format(f"BETWEEN {low} AND {high - 1}"), low
            size = max(1, min(LARGEST_SLICE, size * 2, int(size * QUICK / max(self.seconds() - began, TICK))))
            high = low

    def _is_selected(self, row: Row) -> bool:
        number, sure = row
        if sure:
            return True
        try:
            recording = self.store.get(number)
        except Unreadable:
            return False
        if recording is None:
            return False
        mark, comment = self.store.remarks_of([number]).get(number, ("", ""))
        answering = self.store.answering(recording)
        seen = Recorded(recording, answering=answering, mark=mark, comment=comment, rules=self.rules)
        return holds(self.tree, seen)
