"""The rules for text, as values: plain text, expressions, and pairs of an open and a close.

Invariant: a rule that exists can be carried out: what cannot raises `BadRule` when the value is made. A rule works on
decoded text of a field, never on JSON. Made by the rule file's reader and `ready.py`; carried out by `scanner.py`.
"""

from __future__ import annotations

from typing import TypeAlias

from attrs import field, frozen

from proxy_daemon.core.rewriting.expressions import Compiled, check_steps, compiled

FIELDS = ("content", "reasoning", "arguments")
LONGEST = 4096  # characters that a match may have: as much is held back at most


class BadRule(ValueError):
    """A rule that cannot be carried out; the sentence names the rule, what is wrong and what is right."""


@frozen
class Replace:
    """``by`` in place of each ``find``, leftmost first, as `str.replace` does. Raises `BadRule`."""

    name: str
    find: str
    by: str
    fields: tuple[str, ...] = ("content",)

    def __attrs_post_init__(self) -> None:
        _check(self.name, self.fields)
        _check_literal(self.name, "find", self.find)


@frozen
class Expression:
    r"""``by`` in place of what ``pattern`` matches, leftmost first.

    ``pattern``: in RE2's syntax (https://github.com/google/re2/wiki/Syntax); it sees the whole text of its field: `^`
    is the start of it and `$` the end. ``by``: ``\1`` to ``\9``, ``\g<name>``: what the group matched; ``\\``: ``\``.
    ``longest``: characters that a match may have; a longer one is cut to it where the pattern allows that, else it is
    no match. Raises `BadRule`.
    """

    name: str
    pattern: str
    by: str
    longest: int
    fields: tuple[str, ...] = ("content",)
    compiled: Compiled = field(init=False, eq=False, repr=False)

    @compiled.default
    def _compile(self) -> Compiled:
        _check(self.name, self.fields)
        if not isinstance(self.longest, int) or not 1 <= self.longest <= LONGEST:
            raise BadRule(f"rule {self.name!r}: longest must say how many characters a match may have: 1 to {LONGEST}")
        try:
            check_steps(self.pattern, self.longest)
            return compiled(self.pattern, self.by)
        except ValueError as error:
            raise BadRule(f"rule {self.name!r}: {error}") from None


@frozen
class Pair:
    """``open_by`` in place of ``open``, then ``close_by`` in place of the next ``close``, and so on.

    While none is open a close is text, while one is open an open is. One that is never closed stays replaced.
    ``moves``: the text between goes into the field for reasoning, and open and close vanish. Raises `BadRule`.
    """

    name: str
    open: str
    close: str
    open_by: str = ""
    close_by: str = ""
    moves: bool = False
    fields: tuple[str, ...] = ("content",)

    def __attrs_post_init__(self) -> None:
        _check(self.name, self.fields)
        _check_literal(self.name, "open", self.open)
        _check_literal(self.name, "close", self.close)
        if self.moves and (self.open_by or self.close_by):
            raise BadRule(f"rule {self.name!r}: moves makes open and close vanish: leave out open_by and close_by")
        if self.moves and self.fields != ("content",):
            raise BadRule(f"rule {self.name!r}: moves takes text out of content alone: fields must be just content")


TextRule: TypeAlias = Replace | Expression | Pair


def _check(name: str, fields: tuple[str, ...]) -> None:
    if not name:
        raise BadRule("a rule needs a name")
    if not fields or len(set(fields)) < len(fields):
        raise BadRule(f"rule {name!r}: fields must name fields, each once: {', '.join(FIELDS)}")
    for each in fields:
        if each not in FIELDS:
            raise BadRule(f"rule {name!r}: field {each!r} is unknown: {', '.join(FIELDS)}")


def _check_literal(name: str, which: str, text: str) -> None:
    if not text:
        raise BadRule(f"rule {name!r}: {which} is empty: it would stand everywhere")
    if len(text) > LONGEST:
        raise BadRule(f"rule {name!r}: {which} has {len(text)} characters; {LONGEST} are the most")
