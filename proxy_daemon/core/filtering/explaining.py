"""A filter as plain text again, and all terms for people.

Invariant: what `explain` gives is read as the same tree; its quotes and signs mean the same to mitmproxy (which wants a
space between `~q` and a parenthesis). Called by the command line, the docs and whoever shows a filter.
"""

from __future__ import annotations

import re

from proxy_daemon.core.filtering.scanning import SPACES
from proxy_daemon.core.filtering.terms import TERMS, Spec, Wants
from proxy_daemon.core.filtering.tree import And, Comparison, Filter, Kind, Not, Or, Pattern, Term

SIGNS = (
    ("!", "not: what comes next does not hold"),
    ("&", "and; binds closer than |"),
    ("|", "or"),
    ("a b", "side by side: both; binds loosest"),
    ("( )", "together"),
)
_PLAIN = re.compile(r"[^\s()~'\"]+")
_LETTERS = {space: f"\\{letter}" for letter, space in SPACES.items()}


def explain(tree: Filter) -> str:
    """The filter in its plain form: joined by & and |, quotes where they are needed."""
    match tree:
        case Term():
            return _term(tree)
        case Not(part):
            return f"!{_grouped(part)}"
        case And(parts):
            return " & ".join(map(_grouped, parts))
        case Or(parts):
            return " | ".join(map(explain, parts))


def help_text() -> str:
    """All terms and signs with a line of help each, for a terminal."""
    rows = [(written(spec), spec.help) for spec in TERMS.values()] + list(SIGNS)
    width = max(len(row[0]) for row in rows)
    return "\n".join(f"{each:{width}}  {words}" for each, words in rows)


def written(spec: Spec) -> str:
    """A term with its operand, as the help shows it: `~c N`."""
    return " ".join(filter(None, (f"~{spec.kind}" if spec.kind else "", spec.shown)))


def _grouped(tree: Filter) -> str:
    return f"({explain(tree)})" if isinstance(tree, (And, Or)) else explain(tree)


def _term(term: Term) -> str:
    match term.operand:
        case Pattern(source):
            operand = _quoted(source, bare=term.kind is Kind.WORD)
        case Comparison():
            operand = _comparison(term.operand, TERMS[term.kind].wants)
        case str():
            operand = _quoted(term.operand, bare=False)
        case None:
            operand = ""
    return " ".join(filter(None, (f"~{term.kind}" if term.kind else "", operand)))


def _comparison(comparison: Comparison, wants: Wants) -> str:
    operator = "" if wants is Wants.CODE and comparison.operator == "=" else comparison.operator
    number = f"{comparison.number:f}".rstrip("0").rstrip(".") if comparison.number % 1 else f"{comparison.number:.0f}"
    return operator + number


def _quoted(text: str, bare: bool) -> str:
    if _PLAIN.fullmatch(text) and not (bare and text[0] in "!&|"):
        return text
    quote = "'" if '"' in text and "'" not in text else '"'
    signs = {"\\": "\\\\", quote: f"\\{quote}"} | _LETTERS
    return quote + "".join(signs.get(each, each) for each in text) + quote
