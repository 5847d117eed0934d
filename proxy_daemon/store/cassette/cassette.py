"""A cassette as the daemon's store (`core.services.Store`): answers from memory, writes through a thread.

Invariant: nothing that it was not asked to replace is changed or lost, whoever else writes the file; what this run has
recorded is not served to it. No read and no write raises or blocks: what goes wrong stands in `trouble`. Opened in
`tap.py`.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from twisted.internet.defer import Deferred, succeed

from proxy_daemon.core.cassettes.llmproxy import Damaged, checked, same_answer
from proxy_daemon.core.messages import Recording
from proxy_daemon.core.services import Candidate
from proxy_daemon.store.cassette.index import Index
from proxy_daemon.store.cassette.opening import Opened, Reading, opened
from proxy_daemon.store.cassette.values import CassetteError, Report, Write
from proxy_daemon.store.cassette.writer import Writer

__all__ = ["Cassette", "CassetteError", "Reading"]

RELEASE_SECONDS = 2.0  # how long a client's last bytes wait for a slow disk
FULL = "recording is off: the disk is too slow for the cassette {}, or the daemon stops"


class Cassette:
    """Use `open`.

    ``empty_at_start``: nothing could be served then. ``records``: whether `put` writes; in mode `once` only where the
    file had no recording. ``damaged``, ``left_out`` (of another tool's file): what is not served, and why.
    """

    def __init__(self, found: Opened, reading: Reading, call: Callable[..., None]) -> None:
        self.trouble = ""
        self.on_trouble: Callable[[str], None] = lambda trouble: None
        self.on_notice: Callable[[str], None] = lambda notice: None
        self.path = found.file.path
        self.records = found.records
        self.foreign = found.foreign
        self.left_out = found.left_out
        self.notice = found.notice  # of the opening; those that come later go to `on_notice`
        self.damaged: Sequence[Damaged] = found.damaged
        self._tolerated = len(found.damaged)
        self._dialects = reading.recognised.dialects
        self._index = Index()
        self._index.change(found.found)
        self.empty_at_start = not len(self._index)
        self._checked: set[int] = set()
        self._standing: dict[str, str] = {}
        self._pending: OrderedDict[int, tuple[Write, Deferred[bool]]] = OrderedDict()
        self._counts = {"written": 0, "failed": 0, "late": 0, "left_out": 0, "waiting": 0}
        self._file = found.file
        self._writer = _writer_of(found)(
            found.file,
            lambda report: call(self._settle, report),
            lambda old, new: same_answer(old, new, self._dialects),
            found.records,
            reading.force,
        )

    @classmethod
    def open(cls, path: str, reading: Reading, *, call_in_reactor: Callable[..., None]) -> Cassette:
        """The cassette in this file; it is made with its first recording. Raises `CassetteError`.

        ``call_in_reactor(f, *args)`` runs f on the reactor thread. Blocks while it reads; may run in any thread.
        """
        return cls(opened(path, reading), reading, call_in_reactor)

    def close(self) -> None:
        """Write what waits."""
        self._writer.stop()

    def begin_run(self) -> None:
        """From here on what was recorded so far counts as recorded before: it is served, and may be replaced."""
        self._index.begin_run()
        self._file.run = self._index.run

    # --- reading -----------------------------------------------------------------------------------------------------

    def candidates(self, fingerprint: bytes) -> Sequence[Candidate]:
        """What was recorded before this run with this fingerprint, in the file's order."""
        return self._index.candidates(fingerprint)

    def get(self, exchange_id: int) -> Recording | None:
        """One recording, whole; None too where its decoded answer is not what was recorded."""
        held = self._index.get(exchange_id)
        if held is None:
            return None
        if held.entry.sealed and exchange_id not in self._checked:
            fault = checked(held.entry, self._dialects)
            if fault:
                self._stand("answer", f"{self.path}:{held.entry.line}: {fault}")
                return None
            self._checked.add(exchange_id)
        return held.recording

    def patterns(self) -> Sequence[Recording]:
        """Those with a pattern, or that a person wrote, oldest first, without their answers' bodies."""
        return self._index.patterns()

    def similar(self, path: bytes, model: str, limit: int) -> Sequence[Recording]:
        """Recordings of this path, those of this model first, newest first."""
        return self._index.similar(path, model, limit)

    def page(self, limit: int, before: int = 0) -> Sequence[Recording]:
        """Recordings without their bodies, newest first."""
        return self._index.page(limit, before)

    def replayable(self, limit: int, behind: tuple[bytes, int] = (b"", 0)) -> Sequence[tuple[bytes, int, str]]:
        """(fingerprint, id, session) of what is served, in this order, behind a place."""
        return self._index.replayable(limit, behind)

    def places(self, ids: Collection[int]) -> Mapping[int, str]:
        """Where these stand: `FILE#n`, n from 0, as `llmproxy show` takes it. One pass over all that is in the file."""
        name = os.path.relpath(self.path)
        name = self.path if name.startswith("..") else name
        return {number: f"{name}#{at}" for at, number in self._numbered() if number in ids}

    def _numbered(self) -> Iterator[tuple[int, int]]:
        """(Entry, id); entries of which nothing is served count too."""
        if self.foreign:
            left_out = {each.entry for each in self.left_out}
            entries = (at for at in count() if at not in left_out)
            return zip(entries, self._index.ids(), strict=False)
        slots = [slot for slot in tuple(self._file.slots) if slot.was is None]
        return ((at, slot.held.recording.id) for at, slot in enumerate(slots) if slot.held is not None)

    # --- writing -----------------------------------------------------------------------------------------------------

    def put(self, recording: Recording, *, replace: bool = False, run: int = 0) -> Deferred[bool]:
        """Write; fires with whether it is in the file, or False when that takes too long: then it is written later.

        Only what can be served is written. ``replace``: older answers to it go. ``run``: not 0: of these only what was
        there before this run; its k-th answer takes the place of the k-th old one. A file has no sessions.
        Its bodies must stay readable for as long as the recording is referred to.
        """
        write = self._queued(recording, replace, bool(run))
        if write is None:
            return succeed(False)
        done: Deferred[bool] = Deferred()
        self._pending[id(write)] = (write, done)
        return done

    def note(self, recording: Recording) -> None:
        """What nobody waits for is no recording that can be served: a cassette does not hold it."""
        self._counts["left_out"] += 1

    def amend(self, recording: Recording) -> None:
        """A cassette holds what upstream sent: what rules made of it is no part of that."""

    def _queued(self, recording: Recording, replace: bool, all_before: bool) -> Write | None:
        if not self.records or not recording.replayable or recording.response is None:
            self._counts["left_out"] += 1
            return None
        size = recording.request.body.size + recording.response.body.size + 2000
        write = Write(recording, replace, all_before, self._index.run, time.monotonic(), size)
        if self._writer.put(write):
            self._counts["waiting"] += 1
            return write
        self._counts["failed"] += 1
        self._stand("full", FULL.format(self.path))
        return None

    def sweep(self) -> None:
        """Call it every second: lets go of those who have waited too long, and sees whether the file is another one."""
        now = time.monotonic()
        while self._pending:
            write, _ = next(iter(self._pending.values()))
            if now - write.since < RELEASE_SECONDS:
                break
            self._counts["late"] += 1
            self._release(write, good=False)
        if self._is_other():
            self._writer.look()

    def _is_other(self) -> bool:
        return self._file.is_other()

    def _settle(self, report: Report) -> None:
        """On the reactor thread: a batch is in the file, or others have written, or it has failed."""
        self._index.change(report.changes)
        self.left_out = getattr(self._file, "left_out", ())
        for write, good in report.settled:
            self._counts["written" if good else "failed"] += 1
            self._counts["waiting"] -= 1
            self._release(write, good=good)
        for write in report.released:
            self._release(write, good=False)
        if report.damaged is not None:
            self._tell_damaged(report.damaged)
        if any(good for _, good in report.settled):
            self._standing.pop("full", None)
        self._stand("file", report.trouble)
        if report.notice:
            self.on_notice(report.notice)

    def _release(self, write: Write, *, good: bool) -> None:
        waiting = self._pending.pop(id(write), None)
        if waiting is not None:
            waiting[1].callback(good)

    def _tell_damaged(self, damaged: Sequence[Damaged]) -> None:
        """What was tolerated at the start is known; what has become damaged since is trouble."""
        self.damaged = damaged
        text = f"{self.path}:{damaged[-1].line}: {damaged[-1].reason}" if len(damaged) > self._tolerated else ""
        self._stand("damaged", text)

    def _stand(self, name: str, trouble: str) -> None:
        """Trouble that stays beside others until it is taken back with an empty text."""
        self._standing[name] = trouble
        whole = "; ".join(filter(None, self._standing.values()))
        if whole != self.trouble:
            self.trouble = whole
            self.on_trouble(whole)

    def stats(self) -> dict[str, Any]:
        """Numbers since the start, and the file's size."""
        return self._counts | {
            "file": self.path,
            "octets": self._file.size,
            "recordings": len(self._index),
            "kept": self._writer.kept,
            "damaged": len(self.damaged),
            "records": self.records,
            "trouble": self.trouble,
        }


def _writer_of(found: Opened) -> type[Writer]:
    """Of another tool's file nothing is written: its thread reads it again."""
    if not found.foreign:
        return Writer
    from proxy_daemon.store.cassette.read_again import ReadAgain  # noqa: PLC0415  (few need it: a quick start)

    return ReadAgain
