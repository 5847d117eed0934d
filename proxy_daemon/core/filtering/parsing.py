"""From text to tree. Grammar and precedence are mitmproxy's (`mitmproxy/flowfilter.py`).

    filter  = either {either}           all of them: what only stands side by side binds loosest
    either  = both {"|" both}
    both    = negated {"&" negated}
    negated = {"!"} ( "(" filter ")" | "~" name [operand] | word )

Invariant: a tree, or a `FilterError` whose place lies within the text; time is linear in the text. Called by
`filtering/__init__.py`'s users.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

from proxy_daemon.core.filtering.operands import Operands
from proxy_daemon.core.filtering.scanning import Scanner, Span
from proxy_daemon.core.filtering.terms import TERMS
from proxy_daemon.core.filtering.tree import And, Filter, FilterError, Kind, Not, Or, Term

LONGEST = 4096
DEEPEST = 50  # parentheses and ! within each other
MOST_TERMS = 100


def parse(text: str) -> Filter:
    """The filter that ``text`` says; an empty one selects all. Raises `FilterError`."""
    if len(text) > LONGEST:
        raise FilterError(f"a filter has at most {LONGEST} characters", LONGEST, len(text) - LONGEST)
    surrogate = next((at for at, character in enumerate(text) if "\ud800" <= character <= "\udfff"), None)
    if surrogate is not None:
        raise FilterError("half a surrogate pair is no character", surrogate, 1)
    return _Parser(text).whole()


class _Parser:
    """Reads one filter."""

    def __init__(self, text: str) -> None:
        self._scanner = Scanner(text)
        self._operands = Operands(self._scanner)
        self._terms = self._depth = 0

    def whole(self) -> Filter:
        if not self._scanner.next():
            return Term(Kind.ALL)
        tree = self._filter()
        closing = self._scanner.take_sign(")")
        if closing is not None:
            raise FilterError("no ( stands before this )", closing.at, 1)
        return self._operands.reaching(tree)

    def _filter(self) -> Filter:
        parts = [self._either()]
        while self._scanner.next() not in ("", ")"):
            parts.append(self._either())
        return _joined(And, parts)

    def _either(self) -> Filter:
        return self._chain("|", self._both, Or)

    def _both(self) -> Filter:
        return self._chain("&", self._negated, And)

    def _chain(self, sign: str, part: Callable[[], Filter], join: type[And | Or]) -> Filter:
        parts = [part()]
        while self._scanner.take_sign(sign):
            parts.append(part())
        return _joined(join, parts)

    def _negated(self) -> Filter:
        sign = self._scanner.take_sign("!")
        if sign is None:
            return self._atom()
        with_sign = self._deeper(sign, self._negated)
        return Not(with_sign)

    def _atom(self) -> Filter:
        opening = self._scanner.take_sign("(")
        if opening is None:
            return self._term()
        tree = self._deeper(opening, self._filter)
        if self._scanner.take_sign(")") is None:
            raise FilterError("this ( is not closed", opening.at, 1)
        return tree

    def _deeper(self, sign: Span, part: Callable[[], Filter]) -> Filter:
        if self._depth == DEEPEST:
            raise FilterError(f"at most {DEEPEST} ( and ! stand within each other", sign.at, sign.length)
        self._depth += 1
        tree = part()
        self._depth -= 1
        return tree

    def _term(self) -> Filter:
        name = self._scanner.name()
        return self._bare() if name is None else self._named(name)

    def _named(self, name: Span) -> Filter:
        if not name.text or name.text not in TERMS:
            raise FilterError(_unknown(name.text), name.at, name.length)
        self._count(name)
        spec = TERMS[Kind(name.text)]
        return Term(spec.kind, self._operands.operand(spec, name))

    def _bare(self) -> Filter:
        sign = self._scanner.next()
        if sign in ("", ")", "&", "|"):
            raise FilterError(_missing(sign), self._scanner.at, len(sign))
        span = self._scanner.string()
        assert span is not None  # whatever else comes next begins a word
        self._count(span)
        return Term(Kind.WORD, self._operands.word(span))

    def _count(self, span: Span) -> None:
        self._terms += 1
        if self._terms > MOST_TERMS:
            raise FilterError(
                f"a filter has at most {MOST_TERMS} terms: put quotes around a text", span.at, span.length
            )


def _joined(join: type[And | Or], parts: list[Filter]) -> Filter:
    """One part is itself; parts of the same kind are taken apart: how they were grouped does not matter."""
    flat = [each for part in parts for each in (part.parts if isinstance(part, join) else (part,))]
    return flat[0] if len(flat) == 1 else join(tuple(flat))


def _missing(sign: str) -> str:
    if sign in ("&", "|"):
        return f"{sign} stands between two terms, as in ~e {sign} ~c 200; in quotes it is a text"
    return "here a term is missing, as in (~e | ~c 200)" if sign else "here a term is missing"


def _unknown(name: str) -> str:
    if not name:
        return "~ stands before a term's name, as in ~c 200; in quotes it is a text"
    near = get_close_matches(name.lower(), [*filter(None, TERMS)], n=1, cutoff=0.5)
    known = f"did you mean ~{near[0]}?" if near else "there are " + " ".join(f"~{each}" for each in TERMS if each)
    return f"there is no ~{name}: {known}"
