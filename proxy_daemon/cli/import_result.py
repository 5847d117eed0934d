"""What became of one file that `llmproxy import` has read, and of all, in words.

Invariant: what is left out stands there with its reason; what is told takes bounded memory. Called by `importing.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from attrs import define, field

from proxy_daemon.core.messages import Recording
from proxy_daemon.store.access import StoreError

EMPTY_NAME = "''"
MOST_NOTES = 10_000  # entries of a file that are named; of more, each reason is counted
_MOST_REASONS = 100
_OTHERS = "for other reasons"


@define
class Result:
    """Counts and reasons. ``dry``: nothing is written, so nothing was imported."""

    dry: bool = False
    read: int = 0
    imported: int = 0
    served: int = 0  # of those imported
    known: int = 0
    skipped: int = 0
    refused: str = ""
    stopped: StoreError | None = None
    interrupted: bool = False
    notes: list[str] = field(factory=list)
    more: Counter[str] = field(factory=Counter)  # what is not among the notes, by what is said of it

    def skip(self, place: str, reason: str) -> None:
        """An entry is left out."""
        self.skipped += 1
        self.note(place, f"skipped: {reason}")

    def note(self, place: str, what: str) -> None:
        """Something is said of an entry."""
        if len(self.notes) < MOST_NOTES:
            self.notes.append(f"  {place}: {what}")
        else:
            self.more[what if what in self.more or len(self.more) < _MOST_REASONS else _OTHERS] += 1

    def add(self, recording: Recording, new: bool) -> None:
        """An entry is in the store; ``new``: since now."""
        self.known += not new
        self.imported += new
        self.served += new and recording.replayable

    @property
    def whole(self) -> bool:
        """Whether nothing was left out."""
        return not self.skipped and not self.refused and self.stopped is None

    def lines(self, name: str) -> Iterator[str]:
        """For people."""
        refused = f"; refused: {self.refused}" if self.refused else ""
        stopped = f"; stopped at #{self.read - 1}" if self.stopped else ""
        interrupted = f"; interrupted: all before #{self.read} is in" if self.interrupted else ""
        yield f"{name or EMPTY_NAME}: {self.counted()}{refused}{stopped}{interrupted}"
        yield from self.notes
        yield from (f"  {count} more: {what}" for what, count in self.more.items())

    def counted(self) -> str:
        """What was read, and what became of it."""
        counts = [f"read {self.read}", f"{'would import' if self.dry else 'imported'} {self.imported}"]
        for count, what in (
            (self.imported - self.served, "of them not to be served"),
            (self.known, "imported before"),
            (self.skipped, "skipped"),
        ):
            counts += [f"{count} {what}"] if count else []
        return ", ".join(counts)


def in_all(results: Iterable[Result]) -> str:
    """One line over several files."""
    total, files, refused = Result(), 0, 0
    for each in results:
        files += 1
        refused += bool(each.refused)
        total.dry = each.dry
        for name in ("read", "imported", "served", "known", "skipped"):
            setattr(total, name, getattr(total, name) + getattr(each, name))
    return f"{files} files: {total.counted()}{f', {refused} files refused' if refused else ''}"
