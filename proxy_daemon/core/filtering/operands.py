"""What stands behind a term's name, from its text: a pattern, a comparison, a text.

Invariant: a pattern never backtracks (RE2, https://github.com/google/re2/wiki/Syntax), and what it may take is bounded:
`_MEMORY` octets to look with, `LARGEST` instructions for all patterns of a filter. RE2 cannot be interrupted. It goes
through a text at a gigabyte a second while its automaton fits into that memory; that of words does, and that of a small
pattern. Of others, each octet of a hostile text costs some nanoseconds for each instruction: they look at fewer octets
the more of them there are. So one text takes less than a second, whatever the filter. Called by `parsing.py`.
"""

from __future__ import annotations

import re
from typing import Any

import re2
from attrs import evolve

from proxy_daemon.core.filtering.scanning import Scanner, Span
from proxy_daemon.core.filtering.terms import OUTCOMES, Spec, Wants
from proxy_daemon.core.filtering.tree import (
    FARTHEST,
    And,
    Comparison,
    Filter,
    FilterError,
    Not,
    Operand,
    Or,
    Pattern,
    Term,
)

LARGEST = 1500  # instructions
SMALL = 16  # instructions whose automaton is always small
STEPS = 32_000_000  # octets times instructions
_MEMORY = 2 << 20
_NUMBER = re.compile(r"(<=|>=|<|>|=)?\s*([0-9]{1,15}(?:\.[0-9]{1,6})?)(?![^\s()~'\"&|!])")
_BEGINS_NUMBER = re.compile(r"[<>=0-9.-]")
_LOOKS_AROUND = re.compile(r"\(\?<?[=!]")
_WORDS = re.compile(r"[^\\.*+?()\[\]{}^$]*")  # or some of them, with | between
_REFERS_BACK = re.compile(r"\(\?P=|\\[1-9k]")


class Operands:
    """Reads the operands of one filter; ``size``: of the patterns so far; ``large``: of those that reach less far."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner, self.size, self.large = scanner, 0, 0

    def reaching(self, tree: Filter) -> Filter:
        """The filter, when it was read: how far its patterns may look is known now."""
        match tree:
            case Term(kind, Pattern() as operand) if _is_large(operand):
                return Term(kind, evolve(operand, reach=min(FARTHEST, STEPS // self.large)))
            case Not(part):
                return Not(self.reaching(part))
            case And(parts) | Or(parts):
                return type(tree)(tuple(map(self.reaching, parts)))
        return tree

    def operand(self, spec: Spec, name: Span) -> Operand:
        """The operand that stands at the scanner's place, behind ``name``. Raises `FilterError`."""
        if spec.wants is Wants.NOTHING:
            return None
        if spec.wants in (Wants.CODE, Wants.AMOUNT):
            return self._comparison(spec, name)
        span = self._scanner.string()
        if span is None:
            raise _wants(spec, name, "; one with ( ) stands in quotes" if self._scanner.next() == "(" else "")
        if spec.wants is Wants.PATTERN:
            return self.pattern(span)
        return span.text if spec.wants is Wants.TEXT else _outcome(spec, span)

    def word(self, span: Span) -> Pattern:
        """Of a bare word. Words first: where it is no regular expression, the URL is looked through for it as text."""
        try:
            return self.pattern(span)
        except FilterError:
            if _LOOKS_AROUND.search(span.text) or _REFERS_BACK.search(span.text):
                raise
        return self._fitting(Pattern(span.text, _compiled(re2.escape(span.text))), span)

    def pattern(self, span: Span) -> Pattern:
        """Raises `FilterError` where RE2 does not read it, or it is too large."""
        try:
            made = Pattern(span.text, _compiled(span.text))
        except re2.error as error:
            raise FilterError(_reason(span.text, error), span.at, span.length) from None
        return self._fitting(made, span)

    def _fitting(self, made: Pattern, span: Span) -> Pattern:
        self.size += made.compiled.programsize
        self.large += made.compiled.programsize if _is_large(made) else 0
        if self.size > LARGEST:
            raise FilterError(
                "the regular expressions are too large together: make the counts in {} smaller (* needs none), or look "
                "for a text by ~said",
                span.at,
                span.length,
            )
        return made

    def _comparison(self, spec: Spec, name: Span) -> Comparison:
        found = self._scanner.take(_NUMBER)
        if found is not None:
            implied = "=" if spec.wants is Wants.CODE else ">"
            return Comparison(found[1] or implied, float(found[2]) if "." in found[2] else int(found[2]))
        if spec.default is None or self._scanner.sees(_BEGINS_NUMBER):
            raise _wants(spec, self._scanner.rest_of_word() or name)
        return spec.default


def _is_large(pattern: Pattern) -> bool:
    """Whether a text can make its automaton outgrow the memory."""
    return pattern.compiled.programsize > SMALL and _WORDS.fullmatch(pattern.source) is None


def _wants(spec: Spec, span: Span, more: str = "") -> FilterError:
    return FilterError(f"~{spec.kind} wants {spec.wants}, as in {spec.example}{more}", span.at, span.length)


def _outcome(spec: Spec, span: Span) -> str:
    if span.text.lower() not in OUTCOMES:
        raise FilterError(f"~{spec.kind} wants one of {', '.join(OUTCOMES)}", span.at, span.length)
    return span.text.lower()


def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors, options.max_mem = False, _MEMORY
    options.case_sensitive, options.dot_nl, options.never_capture = False, True, True
    return re2.compile(pattern.encode(), options=options)


def _reason(pattern: str, error: re2.error) -> str:
    """What to do about a pattern that RE2 does not read."""
    if _LOOKS_AROUND.search(pattern):
        return "there is no look-around, as it can take forever: say it by two terms, joined by & and !"
    if _REFERS_BACK.search(pattern):
        return "there are no back-references, as they can take forever: write out what is repeated"
    said = error.args[0] if error.args else b""
    reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return f"this is no regular expression that RE2 reads: {reason}; a \\ before a sign takes it as it is"
