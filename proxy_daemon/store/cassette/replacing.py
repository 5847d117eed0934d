"""What a batch does to the file: what is written behind, and what is put into the place of older recordings.

Invariant: the k-th new answer to a request takes the place of the k-th old one, and the old ones are gone with the
first. An old one that says the same stays as it is; so does one that a person has edited or pinned, unless forced, and
then its new one is not written. Nothing has happened before `commit`. Called under the file's lock (`writer.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from attrs import define, evolve, field, frozen

from proxy_daemon.core.cassettes.llmproxy import Entry
from proxy_daemon.core.messages import Recording
from proxy_daemon.store.cassette.file import CassetteFile
from proxy_daemon.store.cassette.scanning import Slot, digest_of
from proxy_daemon.store.cassette.values import Held, Write

SameAnswer = Callable[[Entry, Recording], bool]
Key = tuple[int, bytes]  # the run, and the fingerprint


@frozen(eq=False)
class Document:
    """A recording as it is written."""

    write: Write
    recording: Recording  # with its id and fingerprint, bodies as they are served
    text: bytes
    beside: Mapping[str, bytes]

    def slot(self) -> Slot:
        """A place for it."""
        digest = digest_of(self.text)
        entry = Entry(self.recording, edited=False, start=0, end=0, line=0, sealed=True)
        return Slot(0, 0, digest, Held(entry, digest, self.write.run, own=True), text=self.text)


@frozen
class Turn:
    """Of one request in one run: the recordings that were there before it, and how many of them had their new one."""

    old: Sequence[Held]
    done: int = 0


@define
class Plan:
    """``turns``: of the file's life so far; `commit` brings them up to date."""

    file: CassetteFile
    descriptor: int
    turns: dict[Key, Turn]
    same_answer: SameAnswer
    force: bool = False
    kept: int = 0  # old ones that stay in the place of a new one
    _added: list[Slot] = field(factory=list, init=False)
    _changes: dict[int, Slot] = field(factory=dict, init=False)
    _turned: dict[Key, Turn] = field(factory=dict, init=False)

    def add(self, document: Document) -> None:
        """Write it; into the place of an older one where it says so."""
        write, fingerprint = document.write, document.recording.fingerprint
        if not write.replace or not fingerprint:
            self._added.append(document.slot())
            return
        turn = self._turn(write, fingerprint)
        if not turn.done:
            self._clear(turn.old)
        if turn.done < len(turn.old):
            self._take_place(turn.old[turn.done], document)
        else:
            self._added.append(document.slot())
        if write.all_before:
            self._turned[write.run, fingerprint] = evolve(turn, done=turn.done + 1)

    def commit(self) -> None:
        """Do it. Raises OSError: then nothing was done."""
        if self._changes:
            slots = [self._changes.get(place, slot) for place, slot in enumerate(self.file.slots)]
            self.file.rewrite(self.descriptor, slots + self._added)
        elif self._added:
            self.file.append(self.descriptor, self._added)
        self.turns.update(self._turned)

    # --- what is replaced --------------------------------------------------------------------------------------------

    def _turn(self, write: Write, fingerprint: bytes) -> Turn:
        key = (write.run, fingerprint)
        found = (self._turned.get(key) or self.turns.get(key)) if write.all_before else None
        return found or Turn(
            [held for held in self._there(fingerprint) if held.run < write.run or not write.all_before]
        )

    def _there(self, fingerprint: bytes) -> list[Held]:
        """All that answers it in the file as planned so far, in its order."""
        if not self._changes and not self._added:
            return list(self.file.by_fingerprint.get(fingerprint, ()))
        slots = [self._changes.get(place, slot) for place, slot in enumerate(self.file.slots)] + self._added
        found = (slot.held for slot in slots if slot.held is not None)
        return [held for held in found if held.recording.fingerprint == fingerprint]

    def _clear(self, old: Sequence[Held]) -> None:
        """The first one's place is taken at once; those behind it are gone until an answer says the same again."""
        for held in old[1:]:
            if not self._stays(held):
                self._empty(held)

    def _empty(self, held: Held) -> None:
        place = self._place(held)
        if place is None:
            self._added = [slot for slot in self._added if slot.held is not held]
            return
        slot = self._slot(place)
        text = self.file.text_of(self.descriptor, slot)
        self._changes[place] = evolve(slot, held=None, was=held, text=text)

    def _stays(self, held: Held) -> bool:
        return not self.force and (held.entry.edited or held.recording.pinned)

    def _take_place(self, old: Held, document: Document) -> None:
        place = self._place(old)
        if place is not None and self._stays(old):
            self.kept += 1
        elif place is not None and self._is_same(old, document):
            self.kept += 1
            slot = self._slot(place)
            if slot.was is not None:
                self._changes[place] = evolve(slot, held=old, was=None)
        elif place is not None:
            self._changes[place] = document.slot()
        else:
            self._added = [slot for slot in self._added if slot.held is not old]
            self._added.append(document.slot())

    def _is_same(self, old: Held, document: Document) -> bool:
        try:
            return self.same_answer(old.entry, document.write.recording)
        except Exception:  # noqa: BLE001  (a plugin's dialect raises anything: then the new one is written)
            return False

    def _place(self, held: Held) -> int | None:
        """Where it stands, or has stood, in the file as it is on the disk."""
        for place, slot in enumerate(self.file.slots):
            now = self._changes.get(place, slot)
            if now.held is held or now.was is held:
                return place
        return None

    def _slot(self, place: int) -> Slot:
        return self._changes.get(place, self.file.slots[place])
