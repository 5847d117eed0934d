"""Which recordings of two files belong together: those that answer the same request, then the nearest.

Invariant: each is in one pair. The k-th answer to a request belongs to the k-th of the other file. Never quadratic: of
large files each is compared with those near its place only.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence

from proxy_daemon.core.comparing.side import Side
from proxy_daemon.core.matching.nearness.similarity import likeness_of

LEAST = 0.5  # alike: what is less so is another request
MOST_PAIRS = 2_500  # of which each is weighed
NEAR = 8  # places to both sides, where there are more
Pair = tuple[Side | None, Side | None]


def paired(old: Sequence[Side], new: Sequence[Side], *, least: float = LEAST) -> list[Pair]:
    """All of both, in the order of ``new``; what only ``old`` has stands behind what stood before it there."""
    partners = _equal(old, new)
    partners |= _nearest(
        [at for at in range(len(old)) if at not in partners.values()],
        [at for at in range(len(new)) if at not in partners],
        old,
        new,
        least,
    )
    return list(_in_order(old, new, partners))


def _equal(old: Sequence[Side], new: Sequence[Side]) -> dict[int, int]:
    """Places of ``old`` by those of ``new``."""
    there: dict[bytes, deque[int]] = defaultdict(deque)
    for at, one in enumerate(old):
        if one.fingerprint:
            there[one.fingerprint].append(at)
    return {at: there[one.fingerprint].popleft() for at, one in enumerate(new) if there.get(one.fingerprint)}


def _nearest(
    left: Sequence[int], right: Sequence[int], old: Sequence[Side], new: Sequence[Side], least: float
) -> dict[int, int]:
    """The most alike first; of those that are as much alike, the first."""
    weighed = [
        (likeness_of(old[a].subject, new[b].subject).score, a, b) for a, b in _to_be_weighed(list(left), list(right))
    ]
    found: dict[int, int] = {}
    taken: set[int] = set()
    for score, a, b in sorted(weighed, key=lambda one: (-one[0], one[1], one[2])):
        if score >= least and a not in taken and b not in found:
            found[b] = a
            taken.add(a)
    return found


def _to_be_weighed(left: Sequence[int], right: Sequence[int]) -> Iterator[tuple[int, int]]:
    if len(left) * len(right) <= MOST_PAIRS:
        yield from ((a, b) for a in left for b in right)
        return
    for at, a in enumerate(left):
        middle = at * len(right) // len(left)
        yield from ((a, b) for b in right[max(0, middle - NEAR) : middle + NEAR])


def _in_order(old: Sequence[Side], new: Sequence[Side], partners: dict[int, int]) -> Iterator[Pair]:
    matched = set(partners.values())
    waiting = deque(at for at in range(len(old)) if at not in matched)
    for at, one in enumerate(new):
        partner = partners.get(at)
        while partner is not None and waiting and waiting[0] < partner:
            yield old[waiting.popleft()], None
        yield (None if partner is None else old[partner]), one
    yield from ((old[at], None) for at in waiting)
