"""The sketches of all recordings in memory, some 0.6 KB each, and which of them are most like another.

Recordings that differ in their messages only are a group: what is fixed is weighed once for all of them. Groups are so
many at most; what comes then goes to those of its path and model, or to the rest. Used by `index.py`.
"""

from __future__ import annotations

from array import array
from heapq import heappush, heapreplace, nlargest

from attrs import define, field
from rapidfuzz import process
from rapidfuzz.distance import Indel

from proxy_daemon.core.matching.nearness.sketch import Sketch, Terms, kind, terms

MOST_GROUPS, MOST_LOOSE = 256, 512  # whose fixed parts are all equal; and of the same path and model
MOST_EXACT = 64  # messages; more are counted by powers of two
Key = tuple[int, int]  # level; how many messages


@define
class Bucket:
    """Of one group, one level and about so many messages. ``turns``: of the last one that came."""

    turns: int = 0
    ids: array[int] = field(factory=lambda: array("q"))
    signs: list[str] = field(factory=list)


@define
class Group:
    """``fixed``: of its first recording."""

    fixed: str
    buckets: dict[Key, Bucket] = field(factory=dict)


class Shortlist:
    """`put` what is known, then `best`."""

    def __init__(self) -> None:
        self._groups: dict[str, Group] = {}

    def put(self, exchange_id: int, fixed: str, turns: int, level: int, signs: str) -> None:
        """A recording by its sketch, cut to `COARSE`."""
        bucket = self._group(fixed).buckets.setdefault((level, _about(turns)), Bucket())
        bucket.turns = turns
        bucket.ids.append(exchange_id)
        bucket.signs.append(signs)

    def _group(self, fixed: str) -> Group:
        name = fixed
        if name not in self._groups and len(self._groups) >= MOST_GROUPS:
            name = "\n".join(fixed.split("\n")[:3])
            if name not in self._groups and len(self._groups) >= MOST_LOOSE:
                name = kind(fixed)
        return self._groups.setdefault(name, Group(fixed))

    def best(self, asked: Sketch, most: int, least: float = 0.0) -> list[tuple[float, int]]:
        """(about how alike, id) of so many, as alike as ``least``; the best first, of equal ones the newest."""
        found: list[tuple[float, int]] = []
        signs: dict[int, str] = {}
        for highest, made, level, bucket in self._ordered(asked):
            least = found[0][0] if len(found) == most else least
            if highest < least:
                break
            if level not in signs:
                signs[level] = asked.at(level)
            newest_first = bucket.signs[::-1]  # of equal ones the first are given
            for _, share, place in process.extract(
                signs[level],
                newest_first,
                scorer=Indel.normalized_similarity,
                limit=most,
                score_cutoff=made.cutoff(least),
            ):
                keep(found, (made.score(share), bucket.ids[-1 - place]), most)
        return nlargest(most, found)

    def _ordered(self, asked: Sketch) -> list[tuple[float, Terms, int, Bucket]]:
        """(the highest likeness, of what it is made, level, bucket) of those of its kind, the best first."""
        made = []
        for group in self._groups.values():
            if kind(group.fixed) == kind(asked.fixed):
                for (level, _), bucket in group.buckets.items():
                    each = terms(asked, group.fixed, bucket.turns)
                    made.append((each.score(1.0), each, level, bucket))
        return sorted(made, key=lambda each: each[0], reverse=True)


def _about(turns: int) -> int:
    return turns if turns <= MOST_EXACT else MOST_EXACT + turns.bit_length()


def keep(found: list[tuple[float, int]], one: tuple[float, int], most: int) -> None:
    """In a heap of so many, where it is one of the best."""
    if len(found) < most:
        heappush(found, one)
    elif one > found[0]:
        heapreplace(found, one)
