"""Which elements of two lists belong together: one put in or taken out does not move all that follow.

The same from both sides, and never quadratic: lists that are too long to be aligned are paired by position.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from rapidfuzz.distance import Indel

LONGEST = 4_000  # elements between equal ends that are aligned
WIDEST = 36  # pairs of unequal ones that are weighed against each other

Key = TypeVar("Key", bytes, str)
Pair = tuple[int | None, int | None]
Alike = Callable[[int, int], float]


def aligned(one: Sequence[Key], other: Sequence[Key], alike: Alike | None = None) -> list[Pair]:
    """Pairs of positions, None for what the other list has not. ``alike``: of two positions, 0 to 1."""
    if (len(one), *one) <= (len(other), *other):
        return _aligned(one, other, alike)
    turned = (lambda left, right: alike(right, left)) if alike is not None else None
    return [(left, right) for right, left in _aligned(other, one, turned)]


def _aligned(one: Sequence[Key], other: Sequence[Key], alike: Alike | None) -> list[Pair]:
    """Of several ways that are as good it takes one, so the sides are put in order before."""
    pairs: list[Pair] = []
    left = right = 0
    for start, begin, size in _equal_runs(one, other):
        pairs.extend(_gap(range(left, start), range(right, begin), alike))
        pairs.extend((start + n, begin + n) for n in range(size))
        left, right = start + size, begin + size
    return pairs


def _equal_runs(one: Sequence[Key], other: Sequence[Key]) -> Iterator[tuple[int, int, int]]:
    """(position, position, length) of what is equal, in order; the last one is empty and stands at the ends."""
    room = min(len(one), len(other))
    before = next((n for n in range(room) if one[n] != other[n]), room)
    behind = next((n for n in range(room - before) if one[-1 - n] != other[-1 - n]), room - before)
    old, new = one[before : len(one) - behind], other[before : len(other) - behind]
    yield 0, 0, before
    if old and new and max(len(old), len(new)) <= LONGEST:
        for block in Indel.opcodes(old, new).as_matching_blocks():
            yield before + block.a, before + block.b, block.size
    yield len(one) - behind, len(other) - behind, behind


def _gap(old: range, new: range, alike: Alike | None) -> Iterator[Pair]:
    """Unequal elements: as many on both sides go by position, else the most alike together, where that can be said."""
    if len(old) != len(new) and old and new and alike is not None and len(old) * len(new) <= WIDEST:
        yield from _weighed(old, new, alike)
        return
    both = min(len(old), len(new))
    yield from zip(old[:both], new[:both], strict=True)
    yield from ((position, None) for position in old[both:])
    yield from ((None, position) for position in new[both:])


def _weighed(old: range, new: range, alike: Alike) -> list[Pair]:
    """The pairing in order whose likenesses sum up highest."""
    best: list[list[tuple[float, list[Pair]]]] = [[(0.0, [(None, n) for n in new[:k]]) for k in range(len(new) + 1)]]
    for row, position in enumerate(old):
        above = best[row]
        line = [(0.0, [*above[0][1], (position, None)])]
        for column, beside in enumerate(new):
            line.append(
                max(
                    (above[column][0] + alike(position, beside), [*above[column][1], (position, beside)]),
                    (above[column + 1][0], [*above[column + 1][1], (position, None)]),
                    (line[column][0], [*line[column][1], (None, beside)]),
                    key=_sum,
                )
            )
        best.append(line)
    return best[-1][-1][1]


def _sum(made: tuple[float, Any]) -> float:
    return made[0]
