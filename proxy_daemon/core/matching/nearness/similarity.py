"""How alike two requests are: a score of 0 to 1, and of which parts it is made. The same from both sides.

The score is the mean of the parts by `WEIGHTS`; a part that neither request has does not count. It is 1 only where all
parts are equal. Called by the search for near misses, for a few candidates each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from attrs import frozen
from rapidfuzz.distance import Indel

from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.matching.nearness.alignment import aligned
from proxy_daemon.core.matching.nearness.subject import Item, Subject, subject, words_of
from proxy_daemon.core.matching.nearness.text_likeness import text_likeness
from proxy_daemon.core.messages import Request

WEIGHTS = {"path": 2, "model": 2, "parameters": 2, "system": 3, "tools": 2, "messages": 8, "media": 1}
MOST_COMPARED = 64  # unequal messages, and tools, whose words are compared; what is beyond counts as unlike
_NEARLY = 0.9999  # not all is equal


@frozen
class Likeness:
    """``score``: 0 to 1; ``parts``: the same of each part that a request has; ``cut``: not all could be compared."""

    score: float
    parts: tuple[tuple[str, float], ...]
    cut: bool = False


def likeness(recorded: Request, incoming: Request, dialect: Dialect) -> Likeness:
    """How alike two requests are. Members that the dialect calls volatile do not count."""
    return likeness_of(subject(recorded, dialect), subject(incoming, dialect))


def likeness_of(one: Subject, other: Subject) -> Likeness:
    """The same of requests whose parts are known: for who compares one with many."""
    words = _Words()
    parts = {
        "path": Indel.normalized_similarity(one.address, other.address),
        "model": float(one.model == other.model) if one.model or other.model else None,
        "parameters": _parameters(one.parameters, other.parameters),
        "system": words.items(one.system, other.system),
        "tools": words.items(one.tools, other.tools),
        "messages": words.items(one.messages, other.messages),
        "media": _shared(one.media, other.media),
    }
    found = tuple((name, share) for name, share in parts.items() if share is not None)
    return Likeness(_mean(found), found, one.cut or other.cut or words.cut)


def _mean(parts: Sequence[tuple[str, float]]) -> float:
    if all(share == 1 for _, share in parts):
        return 1.0
    total = sum(WEIGHTS[name] for name, _ in parts)
    return min(sum(WEIGHTS[name] * share for name, share in parts) / total, _NEARLY)


def _parameters(one: Mapping[str, bytes], other: Mapping[str, bytes]) -> float | None:
    if not one and not other:
        return None
    equal = sum(other.get(name) == value for name, value in one.items())
    return equal / len(one.keys() | other.keys())


def _shared(one: Sequence[bytes], other: Sequence[bytes]) -> float | None:
    if not one and not other:
        return None
    old, new = Counter(one), Counter(other)
    return sum((old & new).values()) / sum((old | new).values())


class _Words:
    """Compares messages and tools by their words, as far as its budget goes."""

    def __init__(self) -> None:
        self.cut = False
        self._left = MOST_COMPARED

    def items(self, one: Sequence[Item], other: Sequence[Item]) -> float | None:
        """The mean of the pairs; what has no partner is unlike. None where there is nothing on both sides."""
        if not one and not other:
            return None
        old, new = [item.octets for item in one], [item.octets for item in other]
        if old == new:
            return 1.0
        self._left = MOST_COMPARED
        pairs = aligned(old, new, lambda left, right: self._pair(one[left], other[right]))
        shares = (self._pair(one[a], other[b]) if a is not None and b is not None else 0.0 for a, b in pairs)
        return sum(shares) / len(pairs)

    def _pair(self, one: Item, other: Item) -> float:
        if one.octets == other.octets:
            return 1.0
        if not self._left:
            self.cut = True
            return 0.0
        self._left -= 1
        return min(text_likeness(_text(one), _text(other)), _NEARLY)


def _text(item: Item) -> str:
    return "\n".join(f"{name} {text}" for name, text in words_of(item.value))
