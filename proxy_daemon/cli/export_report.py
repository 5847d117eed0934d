"""What an export says at its end: how many there are, what was left out and why, what the format cannot say.

Invariant: its memory does not grow with the exchanges. Called by `exporting.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from attrs import define, field

SHOWN = 5  # places of one reason
MOST = 200  # reasons: those of plugins may be of any number
OTHERS = "for other reasons"


@define
class Reason:
    """Those of one reason."""

    places: list[str] = field(factory=list)
    count: int = 0


@define
class Reasons:
    """Places by why they are told."""

    _found: dict[str, Reason] = field(factory=dict)

    def add(self, place: str, why: str) -> None:
        """One more."""
        why = why if why in self._found or len(self._found) < MOST else OTHERS
        reason = self._found.setdefault(why, Reason())
        reason.count += 1
        if len(reason.places) < SHOWN:
            reason.places.append(place)

    @property
    def count(self) -> int:
        """Of all."""
        return sum(each.count for each in self._found.values())

    def lines(self) -> Iterator[str]:
        """For people."""
        for why, reason in self._found.items():
            yield from (f"  {place}: {why}" for place in reason.places)
            if reason.count > len(reason.places):
                yield f"  and {reason.count - len(reason.places)} more: {why}"


@define
class Report:
    """Of one export. ``written``: how many exchanges are in it; ``suspect``: of them, what looks like a secret."""

    form: str
    written: int = 0
    left: Reasons = field(factory=Reasons)
    suspect: Reasons = field(factory=Reasons)
    losses: Counter[str] = field(factory=Counter)

    def lose(self, what: str) -> None:
        """The format cannot say this of one exchange."""
        self.losses[what if what in self.losses or len(self.losses) < MOST else "other things"] += 1

    def lines(self, into: str, *, dry: bool) -> Iterator[str]:
        """For people."""
        done = "would be written" if dry else "written"
        count = f"{self.written} exchange{'' if self.written == 1 else 's'}"
        left = f", {self.left.count} left out" if self.left.count else ""
        yield f"{count} {done} as {self.form} to {into}{left}"
        yield from _told("left out:", self.left.lines())
        yield from _told("it looks like a secret, and is in the export:", self.suspect.lines())
        yield from _told(f"cannot be said in {self.form}:", _counted(self.losses))


def _told(head: str, lines: Iterator[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        if not number:
            yield head
        yield line


def _counted(losses: Mapping[str, int]) -> Iterator[str]:
    for what, count in sorted(losses.items(), key=lambda each: (-each[1], each[0])):
        yield f"  {what}: {count} of them"
