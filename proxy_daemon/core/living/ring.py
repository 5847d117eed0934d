"""The last events, so that a page that was away for a moment misses none: bounded in their count and their octets.

An event's place is `<start of the daemon in hex>-<number>`: numbers of another run are not taken for ours. Held by
`living/live.py`, read by each follower at its own pace (`living/following.py`).
"""

from __future__ import annotations

import re

MOST_EVENTS = 2000
MOST_OCTETS = 4 * 1024 * 1024
_PLACE = re.compile(r"([0-9a-f]{1,16})-([0-9]{1,15})")


class Ring:
    """``start``: of the daemon, in hexadecimal. ``newest``: the number of the last event; 0 before the first."""

    def __init__(self, start: str = "0", most_events: int = MOST_EVENTS, most_octets: int = MOST_OCTETS) -> None:
        self.start = start
        self.newest = 0
        self._most_events, self._most_octets = most_events, most_octets
        self._events: dict[int, bytes] = {}  # by their numbers, which are without gaps
        self._size = 0

    def next_place(self) -> str:
        """The place of the event that is added next."""
        return self.place(self.newest + 1)

    def place(self, number: int) -> str:
        """As it stands in an event's id."""
        return f"{self.start}-{number}"

    def add(self, event: bytes) -> None:
        """One more. The oldest go, and the new one too where it is larger than all may be together."""
        self.newest += 1
        self._events[self.newest] = event
        self._size += len(event)
        while len(self._events) > self._most_events or self._size > self._most_octets:
            self._size -= len(self._events.pop(next(iter(self._events))))

    def number(self, place: str) -> int:
        """The number of a place from which all events are there; -1 where some are not, or it is none of ours."""
        found = _PLACE.fullmatch(place)
        if found is None or found[1] != self.start:
            return -1
        return int(found[2]) if self.reaches(int(found[2])) else -1

    def reaches(self, number: int) -> bool:
        """Whether all events behind this one are there."""
        return self.newest - len(self._events) <= number <= self.newest

    def event(self, number: int) -> bytes:
        """The one of this number. Raises KeyError where it is not there any more, or not yet."""
        return self._events[number]

    def forget(self) -> None:
        """All of them: whoever comes back with an old place, also with the last one, has missed something."""
        self._events.clear()
        self._size = 0
        self.newest += 1
