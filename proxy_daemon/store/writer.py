"""The store's one writing thread: takes all that waits into one transaction, and keeps the limits of size and age.

Everything here but `put`, `sweep` and `stop` runs in the thread. It tells the reactor once a batch.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import chain

from attrs import define, frozen

from proxy_daemon.core.messages import Recording
from proxy_daemon.store.changing import Change, Effect, changed
from proxy_daemon.store.codec import INLINE, Row, insert, to_facts, to_row
from proxy_daemon.store.neighbours import Neighbours
from proxy_daemon.store.opening import connect
from proxy_daemon.store.parts import insert_delivered, insert_parts
from proxy_daemon.store.refingerprint import mix
from proxy_daemon.store.retention import Retention

MAX_BATCH = 1000
# While several come at a time, this long is waited for more of it: a commit costs as much for twenty as for one,
# and each wake-up of the thread takes the interpreter from the reactor. The first one after a rest waits for nothing.
GATHER_SECONDS = 0.004
REST_SECONDS = 0.05  # notes that nobody waits for may lie this long
ROWS = 64  # rows of one statement: as many sizes are kept compiled
MAX_WAITING = 64 * 1024 * 1024  # octets of bodies in memory that may wait for the disk
RETRY_SECONDS = 1.0
LOOK_SECONDS = 1.0  # between two looks at what needs no traffic
BUSY_SECONDS = 5.0
OFF = "recording is off: "
LARGEST = 2**63 - 1  # SQLite has no larger number
REPLACED = "UPDATE exchange SET replayable = 0 WHERE fingerprint = ? AND replayable AND id < ? AND NOT pinned"


@define(eq=False)
class Write:
    """One exchange on its way to the disk."""

    recording: Recording
    replace: bool
    since: float
    size: int
    run: int = 0  # what it replaces was recorded before this id, in its session; 0: whatever answers its request
    amends: bool = False  # its row is there: what follows from its client's end is new (`core.services.Store.amend`)


@frozen
class Report:
    """What became of a batch: each write with whether it is on the disk, and what is wrong now ("" for nothing)."""

    written: Sequence[tuple[Write, bool]]
    trouble: str
    dropped: Sequence[bytes] = ()  # fingerprints whose recordings are not served any more
    learned: Sequence[bytes] = ()  # fingerprints that another daemon has written
    foreign: bool = False  # another daemon writes under other rules of matching
    changed: Sequence[tuple[Change, Effect]] = ()


class Writer:
    """``report`` is called in the thread, once a batch. ``rules``: the digest of those of our fingerprints."""

    def __init__(self, path: str, retention: Retention, report: Callable[[Report], None], rules: bytes = b"") -> None:
        self._path = path
        self._rules = rules
        self._retention = retention
        self._report = report
        self._waiting: deque[Write] = deque()
        self._changes: deque[Change] = deque()
        self._put_size = 0  # written by the reactor thread only
        self._taken_size = 0  # written by the writing thread only
        self._wake = threading.Event()
        self._resting = False
        self._crowded = False
        self._stopping = False
        self._trouble = ""
        self._overdue = ""  # why the limits are not kept: recording goes on
        self._next_try = 0.0
        self._next_look = 0.0
        self._neighbours = Neighbours(rules)
        self._connection: sqlite3.Connection | None = None
        self._thread = threading.Thread(target=self._run, name="llmproxy-store", daemon=True)
        self._thread.start()

    # --- on the reactor thread ---------------------------------------------------------------------------------------

    def put(self, write: Write) -> bool:
        """Queue it; False where too much waits already. It is written when the thread looks, or is woken."""
        if self._put_size - self._taken_size + write.size > MAX_WAITING or self._stopping:
            return False
        self._put_size += write.size
        self._waiting.append(write)
        return True

    def change(self, change: Change) -> bool:
        """Queue what is to be done to exchanges that are there; False where it holds too much, or the end has come."""
        if self._put_size - self._taken_size + change.size > MAX_WAITING or self._stopping:
            return False
        self._put_size += change.size
        self._changes.append(change)
        return True

    def wake(self) -> None:
        """Somebody waits for what is queued."""
        if self._resting:
            self._resting = False
            self._wake.set()

    def stop(self) -> None:
        """Write what waits, then end."""
        self._stopping = True
        self._wake.set()
        self._thread.join(30)

    @property
    def waiting(self) -> int:
        """Exchanges that wait."""
        return len(self._waiting)

    # --- in the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while (batch := self._next_batch()) is not None:
            if batch:
                self._tell(self._write(batch))
            while self._changes:
                self._tell(self._changed(self._changes.popleft()))
            if not self._trouble and time.monotonic() > self._next_look:
                self._next_look = time.monotonic() + LOOK_SECONDS
                self._look()
        if self._connection is not None:
            self._connection.close()

    def _tell(self, report: Report) -> None:
        """Whatever becomes of a report, the thread goes on: behind it others wait."""
        with suppress(Exception):
            self._report(report)

    def _next_batch(self) -> list[Write] | None:
        """What waits, up to a bound; empty where nothing does; None at the end."""
        if self._crowded and not self._stopping:
            time.sleep(GATHER_SECONDS)
        if not self._busy and not self._stopping:
            self._wake.clear()
            self._resting = True
            if not self._busy:  # looked at again: who came before the line above has woken nobody
                self._wake.wait(REST_SECONDS)
            self._resting = False
        batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
        self._taken_size += sum(write.size for write in batch)
        self._crowded = len(batch) > 1
        return batch or (None if self._stopping and not self._changes else [])

    @property
    def _busy(self) -> bool:
        return bool(self._waiting or self._changes)

    def _write(self, batch: list[Write]) -> Report:
        if self._trouble and time.monotonic() < self._next_try:
            return Report([(write, False) for write in batch], self._trouble)
        try:
            self._transaction(batch)
        except Exception as error:  # noqa: BLE001  (what plugins put into a recording may raise anything)
            return self._failed(batch, error) if _is_disk(error) else self._one_by_one(batch)
        self._trouble = ""
        return Report([(write, True) for write in batch], self._overdue)

    def _one_by_one(self, batch: list[Write]) -> Report:
        """One of them cannot be written: find out which, and lose only that one."""
        self._trouble, lost, results = "", "", []
        for write in batch:
            try:
                self._transaction([write])
                results.append((write, True))
            except Exception as error:  # noqa: BLE001  (as above)
                if _is_disk(error):
                    return Report([*results, *self._failed(batch[len(results) :], error).written], self._trouble)
                lost = f"an exchange was not recorded: {error}"
                results.append((write, False))
        return Report(results, lost or self._overdue)

    def _failed(self, batch: list[Write], error: Exception) -> Report:
        self._trouble = f"{OFF}{error}"
        self._next_try = time.monotonic() + RETRY_SECONDS
        return Report([(write, False) for write in batch], self._trouble)

    def _changed(self, change: Change) -> Report:
        """Done, or not at all. What fails is tried by nobody again: who has asked for it is told."""
        self._taken_size += change.size
        try:
            effect = changed(self._connected(), change)
        except Exception as error:  # noqa: BLE001  (as above)
            return Report((), self._trouble or f"a change was not written: {error}", changed=[(change, Effect(False))])
        return Report((), self._trouble or self._overdue, changed=[(change, effect)])

    def _transaction(self, batch: list[Write]) -> None:
        """All of it or nothing. Small exchanges alone are one statement, which is a transaction by itself."""
        connection = self._connected()
        # sqlite3 takes bytearrays as they are. For bytes it looks for an adapter each time, in vain, which costs more
        # than the copy (Python's Modules/_sqlite/cursor.c, `need_adapt`).
        rows = [() if write.amends else to_row(write.recording, bytearray) for write in batch]
        if len(rows) <= ROWS and not any(_is_special(write) for write in batch):
            _insert_rows(connection, rows)
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._insert_all(connection, batch, rows)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _insert_all(self, connection: sqlite3.Connection, batch: list[Write], rows: list[Row]) -> None:
        """In order: what one replaces may stand before it in the batch."""
        start = 0
        for number, write in enumerate(batch):
            if number > start and (write.replace or write.amends or number == start + ROWS):
                _insert_rows(connection, rows[start:number])
                start = number
            if write.amends:
                _amend(connection, write.recording)
                start = number + 1
            elif _is_special(write):
                self._prepare(connection, write)
        if start < len(rows):
            _insert_rows(connection, rows[start:])

    def _prepare(self, connection: sqlite3.Connection, write: Write) -> None:
        """What a few exchanges need besides their row."""
        recording = write.recording
        insert_parts(connection, recording)
        if write.replace and recording.fingerprint:
            before, sessions = (write.run, (recording.session,)) if write.run else (LARGEST, ())
            connection.execute(
                REPLACED + (" AND session = ?" if sessions else ""), (recording.fingerprint, before, *sessions)
            )

    def _look(self) -> None:
        """The limit of age holds without traffic too; and other daemons may write into the same file."""
        try:
            dropped = self._retention.enforce(self._connected())
            learned = self._neighbours.learn(self._connected())
            if self._neighbours.foreign:
                mix(self._connected(), self._rules)
            self._overdue = ""
        except Exception as error:  # noqa: BLE001  (the next look may go well)
            dropped, learned, self._overdue = [], [], f"the limits of the store are not kept: {error}"
        foreign = self._neighbours.foreign
        if dropped or learned or self._overdue or foreign:
            self._tell(Report((), self._overdue, dropped, learned, foreign))

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect(self._path, BUSY_SECONDS)
        return self._connection


def _insert_rows(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """One statement: at each the module gives the interpreter away, and must get it back from the reactor."""
    connection.execute(insert(len(rows)), list(chain.from_iterable(rows)))


def _amend(connection: sqlite3.Connection, recording: Recording) -> None:
    """What is not there, as after a failed write or a limit, gets nothing."""
    changed = connection.execute("UPDATE exchange SET facts = ? WHERE id = ?", (to_facts(recording), recording.id))
    if changed.rowcount:
        insert_delivered(connection, recording)


def _is_special(write: Write) -> bool:
    """Whether it needs more than that its row is inserted."""
    recording = write.recording
    return write.replace or write.amends or recording.delivered is not None or _is_large(recording)


def _is_large(recording: Recording) -> bool:
    response = recording.response
    return recording.request.body.size > INLINE or (response is not None and response.body.size > INLINE)


def _is_disk(error: Exception) -> bool:
    """Whether it is the disk or the file that fails, and not one exchange."""
    words = ("full", "readonly", "read-only", "disk", "locked", "unable to open", "malformed", "not a database")
    return isinstance(error, sqlite3.Error) and any(word in str(error) for word in words)
