"""A cassette's thread: writes what waits under the file's lock, and reads what others have written into the file.

Invariant: what it reports as settled is in the hands of the operating system. While the file cannot be written, what
was recorded waits here, in bounded memory. It lives while there is something to do, so many cassettes may be open.
Everything but `put`, `look` and `stop` runs in the thread.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from attrs import define, field

from proxy_daemon.core.cassettes.llmproxy import written
from proxy_daemon.store.cassette.file import CassetteFile
from proxy_daemon.store.cassette.locking import locked, shared
from proxy_daemon.store.cassette.replacing import Document, Key, Plan, SameAnswer, Turn
from proxy_daemon.store.cassette.values import Report, Write

MAX_WAITING = 64 * 1024 * 1024  # octets of bodies that may wait for the disk
MAX_BATCH = 1000
IDLE_SECONDS = 1.0  # until the thread ends; and between two tries where the file cannot be written
OFF = "recording is off: "


@define(eq=False)
class Writer:
    """``report`` is called in the thread. ``writes``: whether the file may be written, or is only read."""

    file: CassetteFile
    report: Callable[[Report], None]
    same_answer: SameAnswer
    writes: bool = True
    force: bool = False
    kept: int = field(default=0, init=False)  # old recordings that stayed since they say the same
    _queue: queue.SimpleQueue[Write | None] = field(factory=queue.SimpleQueue, init=False)
    _waiting: list[Document] = field(factory=list, init=False)
    _turns: dict[Key, Turn] = field(factory=dict, init=False)
    _put_size: int = field(default=0, init=False)  # written by the reactor thread only
    _taken_size: int = field(default=0, init=False)  # written by the writing thread only
    _trouble: str = field(default="", init=False)
    _next_try: float = field(default=0.0, init=False)
    _stopping: bool = field(default=False, init=False)
    _rested: bool = field(default=False, init=False)  # a wait has brought nothing
    _thread: threading.Thread | None = field(default=None, init=False)
    _life: threading.Lock = field(factory=threading.Lock, init=False)  # whether there is a thread

    # --- on the reactor thread ---------------------------------------------------------------------------------------

    def put(self, write: Write) -> bool:
        """Queue it; False where too much waits already."""
        if self._put_size - self._taken_size + write.size > MAX_WAITING or self._stopping:
            return False
        self._put_size += write.size
        self._send(write)
        return True

    def look(self) -> None:
        """Somebody else has written the file."""
        if not self._stopping:
            self._send(None)

    def stop(self) -> None:
        """Write what waits, then end."""
        with self._life:
            self._stopping = True
            thread = self._thread
        if thread is not None:
            self._queue.put(None)
            thread.join(30)

    def _send(self, order: Write | None) -> None:
        with self._life:
            self._queue.put(order)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="llmproxy-cassette", daemon=True)
                self._thread.start()

    # --- in the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        self._rested = False
        while not self._is_done():
            batch, looks = self._next_batch()
            self._encode(batch)
            if self._trouble and time.monotonic() < self._next_try and not self._stopping:
                self._tell(Report(released=batch, trouble=self._trouble))
            elif self._waiting:
                self._try(batch)
            elif looks:
                self._look()
        self._give_up()

    def _is_done(self) -> bool:
        """Nothing is left to do. From here on the next order starts another thread."""
        with self._life:
            done = self._queue.empty() and (self._stopping or not self._waiting) and (self._stopping or self._rested)
            if done:
                self._thread = None
            return done

    def _next_batch(self) -> tuple[list[Write], bool]:
        """What waits, and whether to look at the file; nothing after a while."""
        batch, looks = list[Write](), False
        self._rested = True
        with suppress(queue.Empty):
            one = self._queue.get(timeout=0 if self._stopping else IDLE_SECONDS)
            self._rested = False
            while True:
                batch += [] if one is None else [one]
                looks = looks or one is None
                if len(batch) == MAX_BATCH:
                    break
                one = self._queue.get_nowait()
        return batch, looks

    def _encode(self, batch: Sequence[Write]) -> None:
        """As documents. One that cannot be written as such is lost alone."""
        for write in batch:
            try:
                self._waiting.append(self._document(write))
            except Exception as error:  # noqa: BLE001  (what plugins put into a recording may raise anything)
                self._taken_size += write.size
                self._tell(Report(((write, False),), trouble=f"an exchange was not recorded: {error}"))

    def _document(self, write: Write) -> Document:
        scanner = self.file.scanner
        recording = scanner.recognised(write.recording, write.recording.id)
        made = written(recording, scanner.recognised.dialects)
        return Document(write, scanner.beside.swapped(recording, made.beside), made.text, made.beside)

    def _try(self, batch: Sequence[Write]) -> None:
        """All that waits, in one go."""
        try:
            self._write()
        except Exception as error:  # noqa: BLE001  (whatever it is, the thread goes on: others wait behind it)
            self._trouble = f"{OFF}{_told(error, self.file.path)}"
            self._next_try = time.monotonic() + IDLE_SECONDS
            self._tell(self._report(released=batch))
            return
        self._trouble = ""
        done, self._waiting = [document.write for document in self._waiting], []
        self._taken_size += sum(write.size for write in done)
        self._tell(self._report([(write, True) for write in done]))

    def _write(self) -> None:
        with locked(self.file.path) as descriptor:
            self.file.refresh(descriptor, repair=True)
            if any(document.write.replace for document in self._waiting):
                self.file.ascertain(descriptor)
            plan = Plan(self.file, descriptor, self._turns, self.same_answer, self.force)
            for document in self._waiting:
                self.file.scanner.beside.write(document.beside)
                plan.add(document)
            plan.commit()
        self.kept += plan.kept

    def _look(self) -> None:
        """A file that is not there is about to be replaced, or was never made."""
        try:
            with locked(self.file.path, make=False) if self.writes else shared(self.file.path) as descriptor:
                self.file.refresh(descriptor, repair=self.writes)
        except FileNotFoundError:
            return
        except Exception as error:  # noqa: BLE001  (as above)
            self._trouble = f"the cassette cannot be read again: {_told(error, self.file.path)}"
        else:
            self._trouble = ""
        self._tell(self._report())

    def _report(self, settled: Sequence[tuple[Write, bool]] = (), released: Sequence[Write] = ()) -> Report:
        notice, self.file.notice = self.file.notice, ""
        damaged = tuple(self.file.damaged)
        return Report(settled, released, self.file.changes(), damaged, self._trouble, notice)

    def _give_up(self) -> None:
        """What could not be written up to the end is lost."""
        lost = [(document.write, False) for document in self._waiting]
        if lost:
            self._tell(Report(lost, trouble=f"{len(lost)} recordings are lost: {self._trouble}"))

    def _tell(self, report: Report) -> None:
        """Whatever becomes of a report, the thread goes on: behind it others wait."""
        with suppress(Exception):
            self.report(report)


def _told(error: Exception, path: str) -> str:
    """Always with the file."""
    text = str(error)
    return text if path in text else f"{path}: {text}"
