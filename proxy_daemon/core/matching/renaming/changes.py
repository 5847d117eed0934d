"""Changes of a body at known places, and what becomes of its pieces by them.

Invariant: what stands between two changes stays, octet for octet, and stays in its piece. Used by `renaming.py`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise

from attrs import frozen

from proxy_daemon.core.messages import Pieces


@frozen
class Change:
    """``text`` comes in the place of the octets from ``start`` to ``end``."""

    start: int
    end: int
    text: bytes

    def behind(self, offset: int) -> Change:
        """The same change in a text before which ``offset`` octets stand."""
        return Change(self.start + offset, self.end + offset, self.text)


def applied(data: bytes, changes: Sequence[Change]) -> bytes:
    """``data`` with all of them, which stand in order and do not meet."""
    parts, at = [], 0
    for change in changes:
        assert change.start >= at, "changes meet"
        parts += [data[at : change.start], change.text]
        at = change.end
    return b"".join([*parts, data[at:]])


def moved(pieces: Pieces, changes: Sequence[Change]) -> Pieces:
    """The pieces of the changed body: each time stays with its octets; a piece that has none left goes."""
    starts = [change.start for change in changes]
    shifts = [0, *accumulate(len(change.text) - (change.end - change.start) for change in changes)]
    cuts = [0]
    for offset in accumulate(pieces.sizes):
        before = bisect_left(starts, offset)
        cuts.append(max(cuts[-1], _moved_cut(offset, changes[before - 1] if before else None, shifts, before)))
    return with_sizes(pieces, [cut - previous for previous, cut in pairwise(cuts)])


def _moved_cut(offset: int, change: Change | None, shifts: Sequence[int], before: int) -> int:
    """Where a cut comes to stand. ``change``: the last that begins before it. Within that, the cut is as far in."""
    if change is None or offset >= change.end:
        return offset + shifts[before]
    return change.start + shifts[before - 1] + min(offset - change.start, len(change.text))


def with_sizes(pieces: Pieces, sizes: Iterable[int]) -> Pieces:
    """The same pieces with other sizes, without those of size 0. Times that are not known stay unknown."""
    sizes = list(sizes)
    times = [time for time, size in zip(pieces.times, sizes, strict=False) if size]
    return Pieces(array("Q", [size for size in sizes if size]), array("Q", times))
