"""Lets a catalogue follow its store: what is new first, then what was before, the newest of these first.

Invariant: above `floor`, the catalogue has every exchange that the store had when it was last looked at; ranges of ids
below it that are not walked yet are the `gaps`, which stand in the file too, so that nothing is walked twice. What came
late (an id is given when an exchange begins) or went (limits of size and age) is found among the newest at once, and
elsewhere by a slow walk over all ids. Called by `asking.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import orjson
from attrs import define, field

from proxy_daemon.core.messages import Recording
from proxy_daemon.store.catalogue.entry import Entry
from proxy_daemon.store.catalogue.file import Catalogue
from proxy_daemon.store.catalogue.source import Source, Unreadable
from proxy_daemon.store.catalogue.tidying import is_tidy, tidying

WALKED = 256  # ids that are compared at once
BATCH = 16  # exchanges of one transaction
BATCH_TEXT = 64 * 1024  # characters, from which on no more are added to it
RECENT = 256  # of the newest, that are compared whenever something was written
COUNTED = 2000  # ids that are counted in one step
MOST_GAPS = 32
SWEEP_SECONDS = 30.0
TIDY_DUTY = 0.02  # a large index takes seconds to be tidied, and limits of size and age drop something all the time
Range = tuple[int, int]


@define
class Filling:
    """``read``: makes an entry of a recording, and of the one that answered it. ``seconds``: never goes back."""

    store: Source
    catalogue: Catalogue
    seconds: Callable[[], float]
    read: Callable[[Recording, Recording | None], Entry]
    gaps: list[Range] = field(factory=list)  # the highest last; both ends are among them
    broken: int = 0  # exchanges that could not be read
    done: int = 0  # exchanges in the catalogue
    _top: int = -1  # the highest id that was seen
    _seen: int = -1  # the store's version at the last look
    _late: list[int] = field(factory=list)  # the newest last
    _sweep: int = -1  # where the slow walk is; below 0: it does not walk
    _swept: int = -1  # the store's version when it began
    _sweep_at: float = 0.0
    _tidying: Iterator[None] | None = None
    _tidied: float = 0.0  # seconds that this tidying has taken
    _tidy_at: float = 0.0
    _left: int = 0  # exchanges in the gaps, as far as they are counted
    _counted_to: int | None = None  # None: all are counted

    def __attrs_post_init__(self) -> None:
        """Goes on where the file says."""
        self._top, self.gaps = _read_notes(self.catalogue.notes())
        self.done = self.catalogue.count()
        self._counted_to = self.gaps[-1][1] if self.gaps else None

    @property
    def floor(self) -> int:
        """From the newest down to the exchange behind this id nothing is missing; -1: nothing at all."""
        return max(self._late[-1] if self._late else -1, self.gaps[-1][1] if self.gaps else -1)

    @property
    def total(self) -> int:
        """Exchanges in the store, as far as they are counted."""
        return self.done + self._left + len(self._late)

    def step(self, budget: float) -> bool:
        """Take in what there is within so many seconds; whether there is more. Raises what store and file raise."""
        until = self.seconds() + budget
        self.look()
        while self._take(until):
            if self.seconds() >= until:
                return True
        return False

    def idle(self, budget: float) -> bool:
        """The same with what has time: counting, the slow walk over all ids, and tidying."""
        until = self.seconds() + budget
        if self._counted_to is not None:
            self._count()
        more = self.step(max(0.0, until - self.seconds()))
        return more or self._counted_to is not None or self._sweep_some() or self._tidy_some(until)

    def look(self) -> None:
        """What has come since the last look. A small question where nothing was written."""
        version = self.store.version()
        if version == self._seen:
            return
        if (newest := self.store.newest()) > self._top:
            self._add_gap(self._top + 1, newest)
            self._top = newest
        ids = self.store.below(self._top, 0, RECENT)
        missing = self._differences(ids, ids[-1] if len(ids) == RECENT else 0, self._top)
        self._come_late(each for each in missing if not self._in_gap(each))
        self._seen = version

    def _add_gap(self, low: int, high: int) -> None:
        if len(self.gaps) >= MOST_GAPS:  # what lies between the lowest two is walked again
            self.gaps[:2] = [(self.gaps[0][0], self.gaps[1][1])]
        self.gaps.append((low, high))
        new = self.store.below(high, low, COUNTED)
        if len(new) == COUNTED:  # too many to count them at once: all gaps are counted anew, from there down
            self._left, self._counted_to = COUNTED, new[-1] - 1
        else:
            self._left += len(new)

    def _in_gap(self, number: int) -> bool:
        return any(low <= number <= high for low, high in self.gaps)

    def _come_late(self, ids: Iterable[int]) -> None:
        self._late = sorted({*self._late, *ids})

    def _take(self, until: float) -> bool:
        """A batch, or what there is time for; whether there was any."""
        if self._late and (not self.gaps or self._late[-1] > self.gaps[-1][1]):
            ids, self._late = self._late[-BATCH:], self._late[:-BATCH]
            self._add(ids, until)
            return True
        if self.gaps:
            self._walk(*self.gaps[-1], until)
            return True
        return False

    def _walk(self, low: int, high: int, until: float) -> None:
        """Some of a gap, from its upper end down."""
        ids = self.store.below(high, low, WALKED)
        bottom = ids[-1] if len(ids) == WALKED else low
        missing = self._differences(ids, bottom, high)
        some = list(islice(missing, BATCH))
        if len(missing) > len(some):
            bottom = some[-1]
        self.gaps[-1:] = [(low, bottom - 1)] if bottom > low else []
        counted = sum(1 for each in some if self._counted_to is None or each > self._counted_to)
        self._left = max(0, self._left - counted) if self.gaps else 0
        self._add(some, until)

    def _add(self, ids: list[int], until: float) -> None:
        """One at least; those for which there is no time are late."""
        entries: list[Entry] = []
        try:
            left = self._read(sorted(ids, reverse=True), entries, until)
            self.done += self.catalogue.add(entries, self._notes())
        except BaseException:
            self._come_late(ids)  # they are still to be taken in
            raise
        self._come_late(left)

    def _read(self, ids: list[int], entries: list[Entry], until: float) -> list[int]:
        """Their entries; returns those that were not read."""
        text = 0
        for place, each in enumerate(ids):
            if place and (self.seconds() >= until or text >= BATCH_TEXT):
                return ids[place:]
            if (entry := self._entry(each)) is not None:
                entries.append(entry)
                text += sum(map(len, entry.said))
        return []

    def _entry(self, number: int) -> Entry | None:
        """What cannot be read is taken in by its id: it is not looked at again and again."""
        try:
            recording = self.store.get(number)
            return None if recording is None else self.read(recording, self.store.answering(recording))
        except Unreadable:
            self.broken += 1
            return Entry(number, readable=False, whole=False)

    def _differences(self, ids: list[int], low: int, high: int) -> list[int]:
        """Those of these that are missing; those that are gone from this range are dropped."""
        known = self.catalogue.between(low, high)
        gone = {each for each in known.difference(ids) if not self.store.below(each, each, 1)}
        if gone:
            heirs = self.catalogue.drop(gone)
            self._come_late(heirs)
            self.done -= len(gone) + len(heirs)
            known -= heirs
        return [each for each in ids if each not in known]

    def _sweep_some(self) -> bool:
        """A little of the slow walk; whether it goes on."""
        if self._sweep < 0:
            version = self.store.version()
            if version == self._swept or self.seconds() < self._sweep_at:
                return False
            self._sweep, self._swept = self._top, version
        ids = self.store.below(self._sweep, 0, WALKED)
        bottom = ids[-1] if len(ids) == WALKED else 0
        missing = self._differences(ids, bottom, self._sweep)
        self._come_late(missing)
        self._sweep = bottom - 1
        if self._sweep < 0:
            self._rest()
        return True

    def _rest(self) -> None:
        self._sweep_at = self.seconds() + SWEEP_SECONDS
        self.done = self.catalogue.count()

    def _tidy_some(self, until: float) -> bool:
        """A step at least, where there is something to do; whether there is more."""
        began = self.seconds()
        if self._tidying is None:
            if began < self._tidy_at or is_tidy(self.catalogue):
                return False
            self._tidying, self._tidied = tidying(self.catalogue), 0.0
        more = self._tidied_until(self._tidying, until)
        self._tidied += self.seconds() - began
        if not more:
            self._tidying = None
            self._tidy_at = self.seconds() + max(SWEEP_SECONDS, self._tidied / TIDY_DUTY)
        return more

    def _tidied_until(self, steps: Iterator[None], until: float) -> bool:
        try:
            for _ in steps:
                if self.seconds() >= until:
                    return True
        except BaseException:  # another process writes, or the disk is full: it is begun anew
            self._tidying = None
            raise
        return False

    def _count(self) -> None:
        """Some of the exchanges in the gaps."""
        assert self._counted_to is not None
        ids = self.store.below(self._counted_to, 0, COUNTED)
        self._left += sum(1 for each in ids if self._in_gap(each))
        self._counted_to = ids[-1] - 1 if len(ids) == COUNTED else None

    def _notes(self) -> bytes:
        return orjson.dumps([self._top, self.gaps])


def _read_notes(notes: bytes) -> tuple[int, list[Range]]:
    """What is damaged is walked again."""
    try:
        top, gaps = orjson.loads(notes)
        ranges = [(low, high) for low, high in gaps]
        if all(type(each) is int for each in (top, *(end for ends in ranges for end in ends))):
            return top, ranges
    except (ValueError, TypeError):
        pass
    return -1, []
