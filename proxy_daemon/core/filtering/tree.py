"""A filter as a tree of values: terms, and what joins them.

Invariant: a tree that was parsed is not deep (`parsing.DEEPEST`) and its operands are ready: patterns compiled, numbers
read. So walking it by recursion is safe, and asking it cannot fail. Made by `parsing.py`; walked by `asking.py`,
`explaining.py` and by who compiles it to SQL.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from attrs import field, frozen

FARTHEST = 8 * 1024 * 1024  # octets of a text


class FilterError(ValueError):
    """A text that is no filter. ``message`` says what to do; ``at`` and ``length``: the characters that it is about."""

    def __init__(self, message: str, at: int, length: int) -> None:
        super().__init__(message)
        self.message, self.at, self.length = message, at, length


class Kind(StrEnum):
    """What a term asks. The value is its name behind the `~`; `terms.TERMS` says what each looks at."""

    WORD = ""  # no name: a bare word
    ALL = "all"
    URL = "u"
    METHOD = "m"
    CODE = "c"
    DOMAIN = "d"
    NO_RESPONSE = "q"
    RESPONSE = "s"
    ERROR = "e"
    BODY = "b"
    REQUEST_BODY = "bq"
    RESPONSE_BODY = "bs"
    HEADER = "h"
    REQUEST_HEADER = "hq"
    RESPONSE_HEADER = "hs"
    TYPE = "t"
    REQUEST_TYPE = "tq"
    RESPONSE_TYPE = "ts"
    MARKED = "marked"
    MARKER = "marker"
    COMMENT = "comment"
    PINNED = "pinned"
    EDITED = "edited"
    MODEL = "model"
    DIALECT = "dialect"
    OUTCOME = "outcome"
    TOOL = "tool"
    TOKENS = "tokens"
    SLOW = "slow"
    SESSION = "session"
    CASSETTE = "cassette"
    SAID = "said"


@frozen
class Pattern:
    """A regular expression of RE2. ``source``: as it was written; two are equal where their sources are.

    ``reach``: so many octets of a text are looked at (`operands.py`).
    """

    source: str
    compiled: Any = field(eq=False, repr=False)
    reach: int = field(default=FARTHEST, eq=False, repr=False)

    def found_in(self, text: str | bytes) -> bool:
        """Whether it stands anywhere in ``text``, as far as that is looked at."""
        octets = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
        return self.compiled.search(octets, 0, self.reach) is not None


@frozen
class Comparison:
    """``operator``: one of < <= = >= >; they are those of SQL too."""

    operator: str
    number: float

    def holds(self, value: float | None) -> bool:
        """Whether ``value`` compares so. What is not known does not."""
        if value is None:
            return False
        below, equal = value < self.number, value == self.number
        return (equal and "=" in self.operator) or (below and "<" in self.operator) or self._above(below, equal)

    def _above(self, below: bool, equal: bool) -> bool:
        return ">" in self.operator and not below and not equal


# Of a bare word: the pattern for the URL, whose source is the text to be found in what is said. Of `~said` and
# `~outcome`: the text.
Operand = Pattern | Comparison | str | None


@frozen
class Term:
    """One question. ``operand``: None where the kind takes none."""

    kind: Kind
    operand: Operand = None


@frozen
class Not:
    """Holds where ``part`` does not."""

    part: Filter


@frozen
class And:
    """Holds where all of two or more parts do."""

    parts: tuple[Filter, ...]


@frozen
class Or:
    """Holds where one of two or more parts does."""

    parts: tuple[Filter, ...]


Filter = Term | Not | And | Or
