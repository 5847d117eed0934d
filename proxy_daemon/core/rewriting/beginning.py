"""The octets with which the items of one stream begin, and in which nothing that a rule finds is to be seen.

Invariant: nothing that a rule finds begins in it, whatever follows it; so of an item that begins with it, only the
rest is looked at. Servers write the same names, ids and times into each event of an answer. Called by `stream.py`.
"""

from __future__ import annotations

from proxy_daemon.core.rewriting.looking import Looks

LONGEST = 4096  # octets of it
MOST_STEPS = 16  # that it is made shorter by, until what may go on behind it lies behind it as a whole


class Beginning:
    """Of one stream. ``octets``: empty as long as nothing is known."""

    __slots__ = ("_known", "_looks", "octets")

    def __init__(self, looks: Looks) -> None:
        self._looks = looks
        self._known = False
        self.octets = b""

    def learn(self, item: bytes) -> None:
        """A whole item in which nothing is to be seen. With each that begins otherwise, less is known."""
        if self._known and item.startswith(self.octets):
            return
        known = item[:LONGEST] if not self._known else common(self.octets, item)
        self._known, self.octets = True, self._settled(known)

    def _settled(self, known: bytes) -> bytes:
        """As much of it as holds the invariant."""
        for at in range(len(known), max(0, len(known) - MOST_STEPS), -1):
            if not self._looks.may_go_on(known[:at]):
                return known[:at]
        return b""


def common(one: bytes, other: bytes) -> bytes:
    """What both begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return one[:low]
