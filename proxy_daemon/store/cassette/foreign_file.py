"""A cassette in another tool's format, as the thread that writes knows it: written whole beside and put in its place.

Invariant: what stands in the file is a whole old one or a whole new one; entries that are not served, or are not
understood, stay in it. Such files are one document and small: an append costs what the file costs. Raises OSError, and
`Unreadable` where the file is none of this format. Called under the file's lock by `foreign_writer.py`.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from hashlib import sha256

from attrs import define, evolve, field

from proxy_daemon.core.cassettes import Unreadable
from proxy_daemon.core.cassettes.foreign_text import ForeignText
from proxy_daemon.core.cassettes.formats import chosen
from proxy_daemon.core.messages import Unknown
from proxy_daemon.store.cassette.disk import check_size, read_from, stat_of, whole_file
from proxy_daemon.store.cassette.file import CassetteFile, Reached
from proxy_daemon.store.cassette.foreign import Foreign, LeftOut
from proxy_daemon.store.cassette.locking import locked, shared
from proxy_daemon.store.cassette.replacing import Document
from proxy_daemon.store.cassette.scanning import Slot, digest_of
from proxy_daemon.store.cassette.values import Held, Write

# Under this key stand answers to any request: in mode `all`, the new ones take the places of the old ones.
ANY = sha256(b"any request").digest()


class NotSaid(ValueError):
    """Why a recording cannot be in the file."""


@define(kw_only=True)
class ForeignFile(CassetteFile):
    """``form``: how it is written; ``reader``: how it is read.

    Each slot has its ``text``. ``left_out``: entries that are not served. ``losses``: how often something of a
    recording could not be said, by what it is.
    """

    form: ForeignText
    reader: Foreign
    left_out: Sequence[LeftOut] = field(default=(), init=False)
    losses: Counter[str] = field(factory=Counter, init=False)

    def read(self) -> None:
        """At the start; it need not be there. Raises OSError, `Unreadable`."""
        with suppress(FileNotFoundError), shared(self.path) as descriptor:
            self.refresh(descriptor, repair=False)

    def refresh(self, descriptor: int, *, repair: bool) -> None:
        """Read what others have written. There is nothing to repair."""
        if stat_of(descriptor) != self.stat:
            self._anew(descriptor)

    def append(self, descriptor: int, new: Sequence[Slot]) -> None:
        """Write these behind all others."""
        self.rewrite(descriptor, [*self.slots, *new])

    def rewrite(self, descriptor: int, slots: Sequence[Slot]) -> None:
        """Write the file anew, with these entries in this order."""
        data = self.form.whole(slot.text or b"" for slot in slots if slot.was is None)
        check_size(self.path, len(data))
        new = whole_file(self.path, data, os.fstat(descriptor).st_mode)
        try:
            self._reached = Reached()
            self._replace(slots)
            self._reach(new, data, len(data), data.count(b"\n"))
        finally:
            os.close(new)

    def held(self) -> AbstractContextManager[int]:
        """The file, which nobody else writes until the end. Raises OSError."""
        return locked(self.path)

    def document(self, write: Write) -> Document:
        """The recording as the file will say it, read back. Raises `NotSaid`, OSError."""
        made = self.form.entry(write.recording)
        if made.left_out:
            raise NotSaid(f"{self.form.name} cannot say it: {made.left_out}")
        found = next(self._entries(self.form.whole([made.text])))
        if isinstance(found, LeftOut):
            raise NotSaid(f"as {self.form.name} says it, it is not served: {found.reason}")
        self._note(made.losses)
        recording = evolve(_findable(found).recording, id=write.recording.id, started=write.recording.started)
        return Document(write, recording, made.text, {})

    def _note(self, losses: Sequence[str]) -> None:
        """What of a recording is not in the file; the first of its kind is worth a line in the log."""
        new = [what for what in losses if what not in self.losses]
        self.losses.update(losses)
        if new:
            self.notice = f"{self.path}: {self.form.name} does not tell: {'; '.join(new)}"

    def _anew(self, descriptor: int) -> None:
        """All of it; recordings whose entries are still there stay what they were."""
        data = read_from(descriptor, self.path)
        slots, left_out, form = list[Slot](), list[LeftOut](), self.form
        if data.strip():
            form = self.form.like(self.path, data)
            slots, left_out = self._read(form, data)
        self.form, self.left_out, self._reached = form, left_out, Reached()
        self._replace(slots)
        self._reach(descriptor, data, len(data), data.count(b"\n"))

    def _read(self, form: ForeignText, data: bytes) -> tuple[list[Slot], list[LeftOut]]:
        texts = form.entries(self.path, data)
        found = list(self._entries(data)) if texts else []
        if len(found) != len(texts):
            raise Unreadable(self.path, "its entries cannot be told apart: record into another file")
        known: dict[bytes, deque[Held]] = {}
        for slot in self.slots:
            if slot.held is not None:
                known.setdefault(slot.digest, deque()).append(slot.held)
        slots = [self._slot(text, one, known) for text, one in zip(texts, found, strict=True)]
        return slots, [one for one in found if isinstance(one, LeftOut)]

    def _entries(self, data: bytes) -> Iterator[Held | LeftOut]:
        name = chosen(self.path, data, self.reader.formats).name
        if name != self.form.name:
            raise Unreadable(self.path, f"a recording in the format {name}, not {self.form.name}")
        return self.reader.entries(self.path, data)

    def _slot(self, text: bytes, one: Held | LeftOut, known: dict[bytes, deque[Held]]) -> Slot:
        digest = digest_of(text)
        if known.get(digest):
            return Slot(0, 0, digest, known[digest].popleft(), text=text)
        held = None if isinstance(one, LeftOut) else Held(_findable(one).entry, digest, self.run)
        return Slot(0, 0, digest, held, text=text)


def _findable(held: Held) -> Held:
    """Answers to any request have one key together."""
    if Unknown.REQUEST not in held.recording.unknown:
        return held
    entry = evolve(held.entry, recording=evolve(held.recording, fingerprint=ANY))
    return Held(entry, held.digest, held.run)
