"""Who may speak: exchanges are told one at a time, and those that wait lose nothing that their buffers can hold.

One exchange has the floor; what the others say is kept. `STEPS` is the whole of it: what is done with the holder of the
floor, by whether it has something to say, whether it has ended, and whether it has been silent for too long while
others wait. Where nobody has the floor, it goes to the one that has waited longest.

Invariant: of each exchange all that was said comes out once, in order; what was too much is counted, and said so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator
from enum import Enum
from typing import Generic, TypeVar

from attrs import define, field, frozen

PATIENCE = 2.0  # seconds of silence, while others wait
MOST_KEPT = 256 * 1024  # characters of one that waits, or speaks faster than is told
MOST_IN_ALL = 4 * 1024 * 1024  # characters of all of them
MOST_WAITING = 2000  # exchanges

Item = TypeVar("Item")


class Mark(Enum):
    """What happens to an exchange, beside what it says."""

    CONTINUES = "continues"  # it was interrupted before; from here on it is told again
    PAUSES = "pauses"  # it has not ended, and another one speaks next
    ENDS = "ends"
    LEFT_OUT = "left out"  # `Told.size` characters of it
    UNHEARD = "unheard"  # `Told.size` exchanges found no place to wait in


@frozen
class Told(Generic[Item]):
    """One thing that is told: an item of the exchange ``key``, or a mark."""

    key: Hashable
    what: Item | Mark
    size: int = 0


PASS_ON, LEAVE, YIELD, STAY = "pass on", "leave", "yield", "stay"
# (has something to say, has ended, is silent for too long): what is done
STEPS = {
    (True, False, False): PASS_ON,
    (True, False, True): PASS_ON,
    (True, True, False): PASS_ON,
    (True, True, True): PASS_ON,
    (False, True, False): LEAVE,
    (False, True, True): LEAVE,
    (False, False, True): YIELD,
    (False, False, False): STAY,
}


@define
class _Speaker(Generic[Item]):
    """One exchange. ``interrupted``: a part of it was told, and then another one spoke."""

    items: deque[tuple[Item, int]] = field(factory=deque)
    size: int = 0
    left_out: int = 0
    ended: bool = False
    interrupted: bool = False

    @property
    def is_ready(self) -> bool:
        return bool(self.items) or self.ended or self.left_out > 0


class Floor(Generic[Item]):
    """``patience``, ``most_kept``, ``most_in_all`` and ``most_waiting``: see the constants."""

    def __init__(
        self,
        patience: float = PATIENCE,
        most_kept: int = MOST_KEPT,
        most_in_all: int = MOST_IN_ALL,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._patience, self._most_waiting = patience, most_waiting
        self._most_kept, self._most_in_all, self._size = most_kept, most_in_all, 0
        self._speakers: dict[Hashable, _Speaker[Item]] = {}  # in the order in which they may speak
        self._holder: Hashable | None = None
        self._heard = 0.0  # when the holder was told last
        self._unheard = 0

    def __len__(self) -> int:
        return len(self._speakers)

    def begin(self, key: Hashable) -> bool:
        """A new exchange. False where too many wait: then it is counted, and nothing of it is told."""
        if len(self._speakers) >= self._most_waiting:
            self._unheard += 1
            return False
        self._speakers[key] = _Speaker()
        return True

    def say(self, key: Hashable, item: Item, size: int, *, important: bool = False) -> None:
        """It says something. ``important``: also where it has said too much, up to as much again."""
        speaker = self._speakers.get(key)
        if speaker is None or speaker.ended:
            return
        share = 2 if important else 1
        of_one, of_all = share * self._most_kept, share * self._most_in_all
        if speaker.size + size > of_one or self._size + size > of_all:
            speaker.left_out += size
            return
        speaker.items.append((item, size))
        speaker.size += size
        self._size += size

    def end(self, key: Hashable) -> None:
        """It says nothing more."""
        if key in self._speakers:
            self._speakers[key].ended = True

    def take(self, limit: int, now: float) -> Iterator[Told[Item]]:
        """What is to be told now, of about ``limit`` characters. ``now``: seconds on a clock that never goes back."""
        if self._unheard:
            yield Told(None, Mark.UNHEARD, self._unheard)
            self._unheard = 0
        while limit > 0 and (key := self._speaks(now)) is not None:
            speaker = self._speakers[key]
            if speaker.interrupted:
                speaker.interrupted = False
                yield Told(key, Mark.CONTINUES)
            step = STEPS[bool(speaker.items) or speaker.left_out > 0, speaker.ended, self._is_late(now)]
            if step is STAY:
                return
            if step is PASS_ON:
                told = _next(key, speaker)
                self._heard, limit = now, limit - told.size - 1
                self._size -= 0 if isinstance(told.what, Mark) else told.size
                yield told
            elif step is LEAVE:
                limit -= 1
                yield self._leave(key)
            else:
                yield self._yield(key, speaker)

    def _speaks(self, now: float) -> Hashable | None:
        """The holder; or the first one that has something to say, which gets the floor."""
        if self._holder is None:
            self._holder = next((key for key, each in self._speakers.items() if each.is_ready), None)
            self._heard = now
        return self._holder

    def _is_late(self, now: float) -> bool:
        if now - self._heard <= self._patience:
            return False
        return any(each.is_ready for key, each in self._speakers.items() if key != self._holder)

    def _leave(self, key: Hashable) -> Told[Item]:
        del self._speakers[key]
        self._holder = None
        return Told(key, Mark.ENDS)

    def _yield(self, key: Hashable, speaker: _Speaker[Item]) -> Told[Item]:
        """To the end of the queue."""
        self._speakers[key] = self._speakers.pop(key)
        speaker.interrupted, self._holder = True, None
        return Told(key, Mark.PAUSES)


def _next(key: Hashable, speaker: _Speaker[Item]) -> Told[Item]:
    """What was left out is said behind what came before it, as soon as that is told."""
    if not speaker.items:
        left_out, speaker.left_out = speaker.left_out, 0
        return Told(key, Mark.LEFT_OUT, left_out)
    item, size = speaker.items.popleft()
    speaker.size -= size
    return Told(key, item, size)
