"""Asks a filter of one exchange.

Invariant: never raises where the subject keeps its word (`subject.py`); what is light is asked first, so that bodies
are decoded only where they decide. Called by who lists, watches or searches exchanges.
"""

from __future__ import annotations

from collections.abc import Iterable

from proxy_daemon.core.filtering.subject import Subject
from proxy_daemon.core.filtering.terms import TERMS
from proxy_daemon.core.filtering.tree import And, Filter, Not, Or, Term


def holds(tree: Filter, subject: Subject) -> bool:
    """Whether the exchange is one of those that the filter selects."""
    match tree:
        case Term(kind, operand):
            return TERMS[kind].looks(subject, operand)
        case Not(part):
            return not holds(part, subject)
        case And(parts):
            return all(holds(part, subject) for part in _light_first(parts))
        case Or(parts):
            return any(holds(part, subject) for part in _light_first(parts))


def is_light(tree: Filter) -> bool:
    """Whether no term of it looks at bodies or header fields."""
    match tree:
        case Term(kind):
            return not TERMS[kind].heavy
        case Not(part):
            return is_light(part)
        case And(parts) | Or(parts):
            return all(is_light(part) for part in parts)


def _light_first(parts: tuple[Filter, ...]) -> Iterable[Filter]:
    return sorted(parts, key=_is_heavy)


def _is_heavy(tree: Filter) -> bool:
    return not is_light(tree)
