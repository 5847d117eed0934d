"""One file for each exchange, as `asgi-replay record FILE --increment` makes them: for `log.json` `log-0.json`, ...

Invariant: each file is a whole old one or a whole new one; a new one takes the first number behind all that are there,
and never the place of a file that somebody else made meanwhile. Called by `foreign_writer.py`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress

from attrs import define, evolve, field

from proxy_daemon.core.cassettes import Unreadable
from proxy_daemon.store.cassette.disk import check_size, read_from, whole_file
from proxy_daemon.store.cassette.foreign import LeftOut
from proxy_daemon.store.cassette.foreign_file import ForeignFile
from proxy_daemon.store.cassette.locking import shared
from proxy_daemon.store.cassette.scanning import Slot
from proxy_daemon.store.cassette.values import Held

_DIGITS = 18


@define(kw_only=True)
class NumberedFiles(ForeignFile):
    """``path``: that of the file that gets the numbers. A file that holds no single answer stays as it is."""

    _numbers: list[int] = field(factory=list, init=False)  # of the slots
    _seen: dict[int, tuple[int, ...]] = field(factory=dict, init=False)  # each file as it was read

    def read(self) -> None:
        """At the start."""
        self.refresh(-1, repair=False)

    def held(self) -> AbstractContextManager[int]:
        """There is no file that stands for all: a number is taken in one step, so nobody is kept out."""
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        return nullcontext(-1)

    def refresh(self, descriptor: int, *, repair: bool) -> None:
        """Read what others have written."""
        there = self._there()
        if there == self._seen:
            return
        before = dict(zip(self._numbers, self.slots, strict=True))
        numbers, slots = list(there), []
        for number in numbers:
            known = before.get(number) if self._seen.get(number) == there[number] else None
            slots.append(known or self._read_one(number))
        self._numbers, self._seen = numbers, there
        self._replace(slots)

    def rewrite(self, descriptor: int, slots: Sequence[Slot]) -> None:
        """Write what is another one than before; what is new gets new numbers."""
        made: list[int] = []
        try:
            for slot in slots[len(self.slots) :]:
                made.append(self._make(slot, made))
            for number, old, new in zip(self._numbers, self.slots, slots, strict=False):
                self._change(number, old, new)
        except OSError:
            for number in made:  # they are tried again
                os.unlink(self._path(number))
            raise
        self._numbers = [*self._numbers, *made]
        self._replace(slots)
        self._seen = {number: seen for number, seen in self._there().items() if number in self._numbers}

    def _change(self, number: int, old: Slot, new: Slot) -> None:
        if new is old:
            return
        if new.was is not None:
            with suppress(FileNotFoundError):
                os.unlink(self._path(number))
            return
        os.close(whole_file(self._path(number), new.text or b""))

    def _make(self, slot: Slot, made: Sequence[int]) -> int:
        """A file with the first free number: a link fails where there is one."""
        data = self.form.whole([slot.text or b""])
        check_size(self.path, len(data))
        part = self._part()
        os.close(whole_file(part, data))
        try:
            number = max([-1, *self._there(), *self._numbers, *made]) + 1
            while not _linked(part, self._path(number)):
                number += 1
        finally:
            os.unlink(part)
        return number

    def _read_one(self, number: int) -> Slot:
        text, found = b"", list[Held | LeftOut]()
        with suppress(OSError, Unreadable), shared(self._path(number)) as descriptor:
            text = read_from(descriptor, self.path)
            found = list(self._entries(text))
        one = found[0] if len(found) == 1 else LeftOut(number, "no file with one answer")
        if isinstance(one, LeftOut):
            self.left_out = [*self.left_out, evolve(one, entry=number)]
        return self._slot(text, one, {})

    # --- names -------------------------------------------------------------------------------------------------------

    def _path(self, number: int) -> str:
        base, suffix = os.path.splitext(self.path)
        return f"{base}-{number}{suffix}"

    def _part(self) -> str:
        directory, name = os.path.split(self.path)
        return os.path.join(directory, f".{name}.{os.getpid()}.part")

    def _there(self) -> dict[int, tuple[int, ...]]:
        """The files by their numbers, in order."""
        directory, name = os.path.split(self.path)
        base, suffix = os.path.splitext(name)
        form = re.compile(rf"{re.escape(base)}-(0|[1-9][0-9]{{0,{_DIGITS - 1}}}){re.escape(suffix)}\Z", re.ASCII)
        try:
            found = [(int(match[1]), entry) for entry in os.scandir(directory) if (match := form.match(entry.name))]
        except FileNotFoundError:
            return {}
        return {number: _stat(entry) for number, entry in sorted(found, key=lambda pair: pair[0])}


def _stat(entry: os.DirEntry[str]) -> tuple[int, ...]:
    found = entry.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _linked(part: str, path: str) -> bool:
    try:
        os.link(part, path)
    except FileExistsError:
        return False
    return True
