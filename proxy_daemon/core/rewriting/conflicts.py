"""Rules that fight over one span: what comes out hangs on their order, and their order does not say what was meant.

    the two texts                                     where
    one and the same                                  always: the second rule never sees its text
    the first lies within the second                  always: the same
    the second lies within the first                  never: the longer first is how one says that it counts
    one ends as the other begins                      where the orders give different texts: `ab` and `bc` on `abc`
    what an earlier expression matches in the second  always, as with the first that lies within the second

What one rule gives and the next one takes is no conflict. Two expressions fight where they are one and the same; others
are not compared: no one can say in general.
Called at start, before a set of rules is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from attrs import frozen

from proxy_daemon.core.rewriting.rules import Expression, Pair, Replace, TextRule
from proxy_daemon.core.rewriting.scanner import Said, scanner

_MOST_SPANS = 8  # of two texts that are tried: each is scanned, and a start must not wait


@frozen
class Conflict:
    """``first`` and ``second``: names, as the rules stand. ``span``: a text that both want. ``why``: a sentence."""

    first: str
    second: str
    span: str
    why: str


def conflicts(rules: Sequence[TextRule]) -> list[Conflict]:
    """The pairs of rules that fight, one value each; empty: none. ``rules`` in the order in which they are used."""
    found = (_between(first, second) for first, second in combinations(rules, 2) if _meet(first, second))
    return [conflict for conflict in found if conflict]


def _meet(first: TextRule, second: TextRule) -> bool:
    return not set(first.fields).isdisjoint(second.fields)


def _between(first: TextRule, second: TextRule) -> Conflict | None:
    if isinstance(first, Expression) and isinstance(second, Expression) and first.pattern == second.pattern:
        return _taken(first, second, second.pattern)
    for later in _texts(second):
        if isinstance(first, Expression) and first.compiled.bare.search(later.encode("utf-8", "surrogatepass")):
            return _taken(first, second, later)
        for earlier in _texts(first):
            if earlier in later:
                return _taken(first, second, later)
            for span in (*_spans(earlier, later), *_spans(later, earlier)):
                if later not in earlier and _differ(first, second, span):
                    return _torn(first, second, span)
    return None


def _texts(rule: TextRule) -> tuple[str, ...]:
    if isinstance(rule, Replace):
        return (rule.find,)
    return (rule.open, rule.close) if isinstance(rule, Pair) else ()


def _spans(left: str, right: str) -> list[str]:
    """``left`` that runs into ``right``, for each end of it that ``right`` begins with: the longest first.

    Of very many, which only texts that repeat themselves have, the longest and the shortest.
    """
    shared = [at for at in _places(right, left[-1], len(left) - 1) if left.endswith(right[:at])][::-1]
    if len(shared) > _MOST_SPANS:
        shared = shared[: _MOST_SPANS // 2] + shared[-_MOST_SPANS // 2 :]
    return [left + right[at:] for at in shared]


def _places(text: str, letter: str, most: int) -> Iterator[int]:
    """Behind each ``letter`` in the text but its last, up to ``most``."""
    most = min(most, len(text) - 1)
    at = text.find(letter, 0, most) + 1
    while at:
        yield at
        at = text.find(letter, at, most) + 1


def _differ(first: TextRule, second: TextRule, span: str) -> bool:
    """Whether the order counts for ``span``; the close of a pair does so only behind its open."""
    texts = [span] + [rule.open + span for rule in (first, second) if isinstance(rule, Pair)]
    return any(_said((first, second), text) != _said((second, first), text) for text in texts)


def _said(rules: Sequence[TextRule], text: str) -> tuple[str, str]:
    used = scanner(rules)
    pieces: list[Said] = used.feed(text) + used.end()
    stays, moved = ("".join(piece.text for piece in pieces if piece.moved is kind) for kind in (False, True))
    return stays, moved


def _taken(first: TextRule, second: TextRule, span: str) -> Conflict:
    why = f"rule {first.name!r} comes first and changes {span!r}, so that rule {second.name!r} never finds it"
    return Conflict(first.name, second.name, span, f"{why}: put {second.name!r} before it, or make one rule of both")


def _torn(first: TextRule, second: TextRule, span: str) -> Conflict:
    why = f"rules {first.name!r} and {second.name!r} both want a part of {span!r}, and only one can have it"
    return Conflict(first.name, second.name, span, f"{why}: make the texts that they look for meet nowhere")
