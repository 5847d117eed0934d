"""Terms of the filter language as conditions of SQL on the catalogue's row e.

Invariant: `may` holds for each exchange that the filter selects, and `must` for none that it does not; where they are
the same, SQL alone decides. `ids`: those that may be selected, where they are few; None: not known. So bodies and
header fields are looked at only where they decide, whatever stands around them. Called by `searching.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from typing import Any

from attrs import define, evolve, field, frozen

from proxy_daemon.core.filtering import And, Comparison, Filter, Not, Or, Pattern, Term
from proxy_daemon.core.filtering import Kind as Asked
from proxy_daemon.core.filtering.tree import FARTHEST
from proxy_daemon.store.catalogue.file import Catalogue
from proxy_daemon.store.catalogue.layout import COLUMNS, Kind
from proxy_daemon.store.catalogue.source import Source
from proxy_daemon.store.catalogue.texts import MOST_FOUND, SPOKEN, saying, wanted

MOST_WORDS = 20_000  # texts of a kind that a pattern is held against; where there are more, it is asked of each row
MOST_WRITTEN = 100  # numbers in the text of a question
EVERY, NONE = "1", "0"
_WORDS: dict[Asked, tuple[Kind, ...]] = {
    Asked.URL: (Kind.URL,),
    Asked.METHOD: (Kind.METHOD,),
    Asked.DOMAIN: (Kind.HOST,),
    Asked.MODEL: (Kind.MODEL,),
    Asked.DIALECT: (Kind.DIALECT,),
    Asked.OUTCOME: (Kind.OUTCOME,),
    Asked.TOOL: (Kind.TOOLS,),
    Asked.SESSION: (Kind.SESSION,),
    Asked.CASSETTE: (Kind.CASSETTE,),
    Asked.TYPE: (Kind.ASK_TYPE, Kind.ANSWER_TYPE),
    Asked.REQUEST_TYPE: (Kind.ASK_TYPE,),
    Asked.RESPONSE_TYPE: (Kind.ANSWER_TYPE,),
}
_LINES = {Kind.TOOLS, Kind.ASK_TYPE, Kind.ANSWER_TYPE}  # several, a line each; empty: none
_FLAGS = {
    Asked.ALL: EVERY,
    Asked.ERROR: "e.failed",
    Asked.RESPONSE: "e.has_response",
    Asked.NO_RESPONSE: "NOT e.has_response",
    Asked.EDITED: "e.edited",
}


@frozen
class Condition:
    """See above. ``slow``: it reads texts for each row."""

    may: str
    must: str
    ids: frozenset[int] | None = None
    slow: bool = False


@define
class Compiler:
    """Makes the condition of one filter, and the values of its parameters."""

    catalogue: Catalogue
    store: Source
    values: dict[str, Any] = field(factory=dict)
    _remarks: dict[int, tuple[str, str]] | None = None

    def condition(self, tree: Filter) -> Condition:
        """Of a tree. It is no deeper than its parser allows."""
        match tree:
            case Term():
                return self._term(tree)
            case Not(part):
                inner = self.condition(part)
                return Condition(f"(NOT {inner.must})", f"(NOT {inner.may})", slow=inner.slow)
            case And(parts):
                return _joined(" AND ", [self.condition(part) for part in parts], _intersection)
            case Or(parts):
                return _joined(" OR ", [self.condition(part) for part in parts], _union)

    def _term(self, term: Term) -> Condition:
        kind, operand = term.kind, term.operand
        if kind in _FLAGS:
            return _sure(f"({_FLAGS[kind]})")
        if isinstance(operand, Comparison):
            return _sure(_compared(kind, operand))
        if kind in _WORDS:
            found = [self._shared(each, operand) for each in _WORDS[kind]]
            return found[0] if len(found) == 1 else _joined(" OR ", found, _union)
        if kind is Asked.SAID:
            return self._said(str(operand))
        if kind is Asked.WORD and isinstance(operand, Pattern):
            parts = [self._shared(Kind.URL, operand), self._said(operand.source)]
            return _joined(" OR ", parts, _union)
        noted = self._noted(kind, operand)
        return Condition(EVERY, NONE) if noted is None else self._listed("e.id", noted, frozenset(noted))

    def _shared(self, kind: Kind, operand: object) -> Condition:
        """By the texts that exchanges share: each is looked at once, where they are no more than one text may be."""
        looks, reach = _looks(kind, operand), operand.reach if isinstance(operand, Pattern) else FARTHEST
        words = self.catalogue.words(kind, MOST_WORDS, reach)
        if words is None:
            return self._each(kind, looks)
        numbers = [number for number, text in words if looks(text)]
        if kind is Kind.URL:
            return self._listed("e.url", numbers, self._with_urls(numbers))
        return self._listed(f"e.{COLUMNS[kind]}", numbers, None if numbers else frozenset())

    def _each(self, kind: Kind, looks: Callable[[str], bool]) -> Condition:
        """By a function, which SQLite calls for each row."""
        name = f"looks_{len(self.values)}"
        self.values[name] = 0
        self.catalogue.connection.create_function(name, 1, lambda text: int(looks(str(text))))
        sql = f"{name}((SELECT text FROM word WHERE id = e.{COLUMNS[kind]}))"  # noqa: S608  (constants)
        return evolve(_sure(sql), slow=True)

    def _with_urls(self, numbers: list[int]) -> frozenset[int] | None:
        """Exchanges with one of these URLs, where they are few."""
        query = f"SELECT id FROM exchange WHERE url IN ({_texts(numbers)}) LIMIT {MOST_FOUND + 1}"  # noqa: S608  (numbers)
        rows = self.catalogue.rows(query) if numbers else []
        return None if len(rows) > MOST_FOUND else frozenset(row[0] for row in rows)

    def _said(self, text: str) -> Condition:
        text = wanted(text)
        found = saying(self.catalogue, text)
        if found is not None:
            return self._listed("e.id", found, frozenset(found))
        name = f"text_{len(self.values)}"
        self.values[name] = text
        return evolve(_sure(SPOKEN.format(name=name)), slow=True)

    def _listed(self, column: str, numbers: Collection[int], ids: frozenset[int] | None) -> Condition:
        """One of these. Many would make the question too long for SQLite, with other terms that have as many."""
        if len(numbers) <= MOST_WRITTEN:
            return evolve(_sure(f"{column} IN ({_texts(numbers)})"), ids=ids)
        name = f"list_{len(self.values)}"
        self.values[name] = f"[{_texts(numbers)}]"
        return evolve(_sure(f"{column} IN (SELECT value FROM json_each(:{name}))"), ids=ids)  # noqa: S608  (names only)

    def _noted(self, kind: Asked, operand: object) -> list[int] | None:
        """Exchanges of which people have noted this; None: the term asks for something else."""
        if kind is Asked.PINNED:
            return self.store.pinned()
        if self._remarks is None:
            self._remarks = self.store.remarks()
        if kind is Asked.MARKED:
            return [number for number, (mark, _) in self._remarks.items() if mark]
        if kind in (Asked.MARKER, Asked.COMMENT) and isinstance(operand, Pattern):
            place = int(kind is Asked.COMMENT)
            # Where nothing is noted, the text is empty: what finds something there finds it in all others.
            if operand.found_in(""):
                return None
            return [number for number, noted in self._remarks.items() if operand.found_in(noted[place])]
        return None


def _looks(kind: Kind, operand: object) -> Callable[[str], bool]:
    """Whether the text of a word is meant."""
    if isinstance(operand, Pattern):
        pattern = operand
        if kind in _LINES:
            return lambda text: any(map(pattern.found_in, text.split("\n") if text else ()))
        return pattern.found_in
    return lambda text: text == operand


def _sure(sql: str) -> Condition:
    return Condition(sql, sql)


def _texts(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))


def _compared(kind: Asked, comparison: Comparison) -> str:
    """What is not known does not compare; NULL is neither true nor false, and must not come out."""
    column = {Asked.CODE: "nullif(e.status, 0)", Asked.TOKENS: "e.total", Asked.SLOW: "e.seconds"}[kind]
    number = comparison.number
    text = repr(number) if math.isfinite(number) else ("9e999" if number > 0 else "-9e999")
    return f"coalesce({column} {comparison.operator} {text}, 0)"


def _joined(
    word: str,
    parts: list[Condition],
    both: Callable[[list[frozenset[int] | None]], frozenset[int] | None],
) -> Condition:
    may, must = (f"({word.join(each)})" for each in ([part.may for part in parts], [part.must for part in parts]))
    return Condition(may, must, both([part.ids for part in parts]), any(part.slow for part in parts))


def _intersection(parts: list[frozenset[int] | None]) -> frozenset[int] | None:
    known = [part for part in parts if part is not None]
    return frozenset.intersection(*known) if known else None


def _union(parts: list[frozenset[int] | None]) -> frozenset[int] | None:
    known = [part for part in parts if part is not None]
    together = frozenset[int]().union(*known)
    return together if len(known) == len(parts) and len(together) <= MOST_FOUND else None
