"""Takes recordings into the index: the new ones first, then those of before, the newest of these first.

Bounded duty: while the daemon is busy, a two-hundredth of a core; else most of one. Ids are given when an exchange
begins, and recordings come when it has ended: what comes late is found a little below the highest id, is named by the
daemon, or is found by comparing all ids, now and then.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable

from attrs import define, field

from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.matching.nearness.sketch import Sketch, kind_of, sketch
from proxy_daemon.core.matching.nearness.subject import subject
from proxy_daemon.core.messages import Recording
from proxy_daemon.work.index import Index
from proxy_daemon.work.recorded import Recorded

BATCH, BUSY_BATCH = 8, 2  # recordings of one transaction
STEP_SECONDS, BUSY_STEP_SECONDS = 0.01, 0.003
OVERLAP = 2000 << 22  # ids are milliseconds above 22 bits: what began in the last two seconds may come yet
MOST_LATE = 1000
BUSY_RATE = 30  # new recordings between two looks from which on the daemon is busy
# Of a core. What is new is taken in when somebody asks: of thousands of misses a second, this would be a part.
BUSY_DUTY, IDLE_DUTY = 0.005, 0.8
LOOK_SECONDS = 1.0
SWEEP_SECONDS, SWEEP_DUTY = 30.0, 0.01
MOST_CHECKED = 200  # that are looked for in the store in one step


@define
class CatchingUp:
    """What is still to be taken in. ``seconds``: a clock that never goes back."""

    store: Recorded
    index: Index
    seconds: Callable[[], float]
    left: array[int] = field(factory=lambda: array("q"))  # ids of before, the newest last
    busy: bool = False
    broken: int = 0  # recordings that could not be looked into
    _top: int = -1  # the highest id that was seen; what is above it is new
    _read: int = -1  # the store's version when nothing new was left
    _swept: int = -1  # its version at the last sweep
    _checked: int = -1  # its version when it was begun to look for all that was taken in
    _place: int = 0  # up to where it was
    _sweep_at: float = 0.0
    _looked: float = 0.0
    _newest: int = -1  # at the last look

    def step(self) -> float:
        """Do a little; the seconds to rest before the next step."""
        began = self.seconds()
        if not self.busy or began - self._looked >= LOOK_SECONDS:
            self._look(began)
        more = self.take(BUSY_STEP_SECONDS if self.busy else STEP_SECONDS)
        if not more and not self.busy:
            self._drop_some()
        worked = self.seconds() - began
        rest = worked / (BUSY_DUTY if self.busy else IDLE_DUTY) - worked
        return rest if more else max(LOOK_SECONDS, rest)

    def take(self, budget: float) -> bool:
        """Take in what there is within so many seconds; whether there is more."""
        until = self.seconds() + budget
        if self._swept == -1:  # the first time: what is there already
            self._sweep()
        while batch := self._next():
            self.add(batch)
            if self.seconds() >= until:
                return True
        return False

    def add(self, ids: Iterable[int]) -> None:
        """Take these in, those of them that are not there yet."""
        self.index.add([(each, self._sketch(each)) for each in ids if not self.index.has(each)])

    def _sketch(self, exchange_id: int) -> Sketch | None:
        """None for what is not compared: it is taken in all the same, and not looked at again."""
        recording = self.store.get(exchange_id)
        if recording is None or not is_open(recording):
            return None
        try:
            dialect = recognise(recording.request, BUILT_IN)
            return sketch(subject(recording.request, dialect), kind_of(recording.request, dialect))
        except Exception:  # noqa: BLE001  (a recording that breaks us must not keep the others out)
            self.broken += 1
            return None

    def _next(self) -> list[int]:
        """The next ids to take in."""
        most = BUSY_BATCH if self.busy else BATCH
        version = self.store.version()
        if version != self._read:
            if new := self._new(most):
                return new
            self._read = version
        return [self.left.pop() for _ in range(min(most, len(self.left)))]

    def _new(self, most: int) -> list[int]:
        """Above the highest; where there are none, what has come late."""
        if new := self.store.after(self._top, most):
            self._top = new[-1]
            return new
        late = self.store.after(self._top - OVERLAP, MOST_LATE)
        return [each for each in late if not self.index.has(each)][:most]

    def _look(self, now: float) -> None:
        """Whether the daemon is busy; and compare all ids where it is not, and something was written.

        Busy it is as soon as so many have come, and until fewer come within `LOOK_SECONDS`.
        """
        came = self.store.after(self._newest, BUSY_RATE) if self._newest >= 0 else []
        busy = len(came) >= BUSY_RATE
        if not busy and now - self._looked < LOOK_SECONDS:
            return
        self.busy, self._looked, self._newest = busy, now, self.store.newest()
        if not busy and now >= self._sweep_at and self.store.version() != self._swept:
            self._sweep()

    def _sweep(self) -> None:
        """Compare all ids with the index."""
        began = self.seconds()
        self._swept = self._read = self.store.version()
        known, ids = self.index.ids(), self.store.all()
        self.left = array("q", sorted(each for each in ids if each not in known))
        self._top = max(self._top, max(ids, default=-1))
        self._sweep_at = self.seconds() + max(SWEEP_SECONDS, (self.seconds() - began) / SWEEP_DUTY)

    def _drop_some(self) -> None:
        """Look for some of those that were taken in, in turns: limits of size and age take rows from the store."""
        if not self._place:
            version = self.store.version()
            if version == self._checked:
                return
            self._checked = version
        some = self.index.some(self._place, MOST_CHECKED)
        self._place = some[-1][0] if len(some) == MOST_CHECKED else 0
        gone = [each for _, each in some if not self.store.holds(each)]
        if gone:
            self.index.drop(gone)


def is_open(recording: Recording) -> bool:
    """Whether it may be shown to all: it has an answer, and is nobody's own (`--replay-scope key`)."""
    return recording.response is not None and not recording.scope
