"""A cassette file as the thread that writes knows it: what stands where, kept up with what others write.

Invariant: each use is under the file's lock and begins with `refresh`; what is appended is in the hands of the
operating system when `append` returns. Raises OSError, and `Unreadable` where the file is none of ours any more.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence

from attrs import define, evolve, field, frozen

from proxy_daemon.core.cassettes.llmproxy import HEADER, Damaged
from proxy_daemon.store.cassette.disk import Stat, check_size, read_from, set_aside, stat_of, whole_file, write_at
from proxy_daemon.store.cassette.scanning import Scanner, Slot, beginning, digest_of
from proxy_daemon.store.cassette.values import Changes, Held

TAIL = 512  # octets by which it is seen that a file that has grown is still the same
SAMPLES = 8  # documents, likewise: a look at all of them would cost more with each


@frozen
class Reached:
    """How far the file is known."""

    stat: Stat = (0, 0, 0, 0)
    size: int = 0
    lines: int = 0
    tail: bytes = b""


@define
class CassetteFile:
    """``path``: without links in it. ``run``: the number of this run."""

    path: str
    scanner: Scanner
    run: int = 0
    slots: list[Slot] = field(factory=list, init=False)
    by_fingerprint: dict[bytes, list[Held]] = field(factory=dict, init=False)
    preamble: bytes = field(default=b"", init=False)
    damaged: list[Damaged] = field(factory=list, init=False)  # documents that are not served
    notice: str = field(default="", init=False)
    _reached: Reached = field(factory=Reached, init=False)
    _certain: bool = field(default=True, init=False)  # no document has changed under our hands
    _anew_of: set[bytes] = field(factory=set, init=False)
    _added: list[Held] = field(factory=list, init=False)

    @property
    def size(self) -> int:
        """Octets of the file."""
        return self._reached.size

    @property
    def stat(self) -> Stat:
        """Of the file as it is known; another thread may ask."""
        return self._reached.stat

    def is_other(self) -> bool:
        """Whether it is to be read again. One that is gone is about to come back, or is made with the next recording.

        For the reactor thread, once a second.
        """
        try:
            found = os.stat(self.path)
        except OSError:
            return False
        return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns) != self.stat

    # --- reading -----------------------------------------------------------------------------------------------------

    def refresh(self, descriptor: int, *, repair: bool) -> None:
        """Read what others have written. ``repair``: what a crash left at the end is moved into `FILE.damaged`."""
        if stat_of(descriptor) == self.stat:
            return
        if not (self._has_grown(descriptor) and self._more(descriptor)):
            self._anew(descriptor)
        if repair:
            self._repair(descriptor)

    def ascertain(self, descriptor: int) -> None:
        """Every document stands where it is thought to stand: an editor may have changed some that no sample showed.

        After `refresh`, before documents are moved.
        """
        if not self._certain and not self._are_there(descriptor, self.slots):
            self._anew(descriptor)
        self._certain = True

    def _has_grown(self, descriptor: int) -> bool:
        """Whether it is the file of before, and more behind it."""
        stat, reached = stat_of(descriptor), self._reached
        if not reached.size or stat[:2] != reached.stat[:2] or stat[2] <= reached.size:
            return False
        tail = os.pread(descriptor, len(reached.tail), reached.size - len(reached.tail))
        # A document whose end was not there, or has no line end, goes on.
        goes_on = not tail.endswith(b"\n") or any(slot.cut for slot in self.slots[-1:])
        step = 1 + len(self.slots) // SAMPLES
        return tail == reached.tail and not goes_on and self._are_there(descriptor, self.slots[::step])

    def _are_there(self, descriptor: int, slots: Sequence[Slot]) -> bool:
        """Whether these documents stand where they are thought to stand."""
        there = [slot for slot in slots if slot.was is None]
        return all(digest_of(os.pread(descriptor, slot.end - slot.start, slot.start)) == slot.digest for slot in there)

    def _more(self, descriptor: int) -> bool:
        data = read_from(descriptor, self.path, self._reached.size)
        if beginning(data):  # comments behind the last document belong to it
            return False
        found = list(self.scanner.slots(data, self._reached.size, self._reached.lines + 1, {}, self.run))
        self._add(found)
        self._certain = False
        self._reach(descriptor, self._reached.tail + data, len(data), data.count(b"\n"))
        return True

    def _anew(self, descriptor: int) -> None:
        """All of it; recordings whose documents are still there stay what they were."""
        data = read_from(descriptor, self.path)
        if HEADER.startswith(data) and data != HEADER:  # empty, or a crash while it was made: no recording is in it
            data, stray = b"", []
        else:
            stray = self.scanner.check(data[: beginning(data)])
        start = beginning(data)
        known: dict[bytes, deque[Held]] = {}
        for slot in self.slots:
            if slot.held is not None:
                known.setdefault(slot.digest, deque()).append(slot.held)
        line = data.count(b"\n", 0, start) + 1
        slots = list(self.scanner.slots(data[start:], start, line, known, self.run))
        self.preamble, self.damaged = data[:start], stray
        self._replace(slots)
        self._certain = True
        self._reached = Reached()
        self._reach(descriptor, data, len(data), data.count(b"\n"))

    def _repair(self, descriptor: int) -> None:
        """Take away what a crash left: an incomplete last document, or half a first line."""
        size = os.fstat(descriptor).st_size
        if self.slots and self.slots[-1].cut:
            slot = self.slots[-1]
            set_aside(descriptor, self.path, slot.start)
            self.slots.pop()
            self.damaged.pop()
            lost = "the last recording of {} was not whole (a crash while it was written): it is in {}.damaged now"
            self.notice = lost.format(self.path, self.path)
            self._reached = Reached()
            data = os.pread(descriptor, slot.start, 0)
            self._reach(descriptor, data, len(data), data.count(b"\n"))
        elif size > self._reached.size:
            os.ftruncate(descriptor, 0)
            self._reached = evolve(self._reached, stat=stat_of(descriptor))

    # --- writing -----------------------------------------------------------------------------------------------------

    def append(self, descriptor: int, new: Sequence[Slot]) -> None:
        """Write the texts of these behind all others; costs the same however many there are."""
        lead = b"" if self._reached.size else HEADER
        if self._reached.size and not self._reached.tail.endswith(b"\n"):
            lead = b"\n"
        place = self._reached.size + len(lead)
        placed, texts = [], [lead]
        for slot in new:
            text = slot.text or b""
            placed.append(evolve(slot, start=place, end=place + len(text), text=None))
            texts.append(text)
            place += len(text)
        data = b"".join(texts)
        check_size(self.path, place)
        write_at(descriptor, data, self._reached.size)
        self.preamble = self.preamble or lead
        self._add(placed)
        self._reach(descriptor, self._reached.tail + data, len(data), data.count(b"\n"))

    def rewrite(self, descriptor: int, slots: Sequence[Slot]) -> None:
        """Write the file anew beside itself, with these documents in this order, and put it in its own place."""
        old = read_from(descriptor, self.path)
        texts, placed = [self.preamble or HEADER], []
        place = len(texts[0])
        for slot in slots:
            if slot.was is not None:
                placed.append(evolve(slot, start=place, end=place))
                continue
            text = _ended(old[slot.start : slot.end] if slot.text is None else slot.text)
            placed.append(evolve(slot, start=place, end=place + len(text), text=None))
            texts.append(text)
            place += len(text)
        data = b"".join(texts)
        check_size(self.path, place)
        new = whole_file(self.path, data, os.fstat(descriptor).st_mode)
        try:
            self._reached = Reached()
            self.preamble, self.damaged = texts[0], [one for one in self.damaged if one.start < len(texts[0])]
            self._replace(placed)
            self._reach(new, data, len(data), data.count(b"\n"))
        finally:
            os.close(new)

    def text_of(self, descriptor: int, slot: Slot) -> bytes:
        """The document that stands there."""
        return os.pread(descriptor, slot.end - slot.start, slot.start) if slot.text is None else slot.text

    # --- what is known -----------------------------------------------------------------------------------------------

    def changes(self) -> Changes:
        """What has come and gone since the last call."""
        anew = {key: tuple(self.by_fingerprint.get(key, ())) for key in self._anew_of}
        added = [held for held in self._added if held.recording.fingerprint not in anew]
        self._anew_of, self._added = set(), []
        return Changes(anew, added)

    def _add(self, slots: Sequence[Slot]) -> None:
        for slot in slots:
            self.slots.append(slot)
            if slot.damaged is not None:
                self.damaged.append(slot.damaged)
            if slot.held is not None:
                self.by_fingerprint.setdefault(slot.held.recording.fingerprint, []).append(slot.held)
                self._added.append(slot.held)

    def _replace(self, slots: Sequence[Slot]) -> None:
        before, found = self.by_fingerprint, dict[bytes, list[Held]]()
        for slot in slots:
            if slot.held is not None:
                found.setdefault(slot.held.recording.fingerprint, []).append(slot.held)
        self.slots, self.by_fingerprint = list(slots), found
        self.damaged += [slot.damaged for slot in slots if slot.damaged is not None]
        self._anew_of |= {key for key in before.keys() | found.keys() if before.get(key) != found.get(key)}

    def _reach(self, descriptor: int, end: bytes, octets: int, lines: int) -> None:
        """``end``: the last octets of what is known now."""
        before = self._reached
        self._reached = Reached(stat_of(descriptor), before.size + octets, before.lines + lines, end[-TAIL:])


def _ended(text: bytes) -> bytes:
    return text if text.endswith(b"\n") else text + b"\n"
