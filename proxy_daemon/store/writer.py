"""The store's one writing thread: takes all that waits into one transaction, and keeps the limits of size and age.

Everything here but `put`, `sweep` and `stop` runs in the thread. It tells the reactor once a batch.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from attrs import define, field, frozen

from proxy_daemon.core.bodies import Body, chunks
from proxy_daemon.core.messages import Recording
from proxy_daemon.store.codec import INLINE, INSERT, to_row
from proxy_daemon.store.opening import connect
from proxy_daemon.store.retention import Retention

PART = 256 * 1024
MAX_BATCH = 500
MAX_WAITING = 64 * 1024 * 1024  # octets of bodies in memory that may wait for the disk
RETRY_SECONDS = 1.0
BUSY_SECONDS = 5.0


@define(eq=False)
class Write:
    """One exchange on its way to the disk."""

    recording: Recording
    replace: bool
    since: float
    size: int


@frozen
class Report:
    """What became of a batch: each write with whether it is on the disk, and what is wrong now ("" for nothing)."""

    written: Sequence[tuple[Write, bool]]
    trouble: str
    dropped: Sequence[bytes] = field(factory=tuple)  # fingerprints whose recordings are not served any more


class Writer:
    """``report`` is called in the thread, once a batch."""

    def __init__(self, path: str, retention: Retention, report: Callable[[Report], None]) -> None:
        self._path = path
        self._retention = retention
        self._report = report
        self._waiting: deque[Write] = deque()
        self._size = 0
        self._wake = threading.Condition()
        self._stopping = False
        self._trouble = ""
        self._next_try = 0.0
        self._connection: sqlite3.Connection | None = None
        self._thread = threading.Thread(target=self._run, name="llmproxy-store", daemon=True)
        self._thread.start()

    # --- on the reactor thread ---------------------------------------------------------------------------------------

    def put(self, write: Write) -> bool:
        """Queue it; False where too much waits already."""
        with self._wake:
            if self._size + write.size > MAX_WAITING or self._stopping:
                return False
            self._size += write.size
            self._waiting.append(write)
            self._wake.notify()
        return True

    def stop(self) -> None:
        """Write what waits, then end."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join(30)

    @property
    def waiting(self) -> int:
        """Exchanges that wait."""
        return len(self._waiting)

    # --- in the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while (batch := self._next_batch()) is not None:
            if batch:
                self._report(self._write(batch))
            elif not self._trouble:
                self._idle()
        if self._connection is not None:
            self._connection.close()

    def _next_batch(self) -> list[Write] | None:
        """What waits, up to a bound; empty after a while without work; None at the end."""
        with self._wake:
            if not self._waiting and not self._stopping:
                self._wake.wait(10.0)
            batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
            self._size -= sum(write.size for write in batch)
            return batch or (None if self._stopping else [])

    def _write(self, batch: list[Write]) -> Report:
        if self._trouble and time.monotonic() < self._next_try:
            return Report([(write, False) for write in batch], self._trouble)
        try:
            self._transaction(batch)
            dropped = self._retention.enforce(self._connected(), len(batch))
        except sqlite3.IntegrityError:
            return self._one_by_one(batch)
        except (sqlite3.Error, OSError) as error:
            return self._one_by_one(batch) if len(batch) > 1 and not _is_disk(error) else self._failed(batch, error)
        self._trouble = ""
        return Report([(write, True) for write in batch], "", dropped)

    def _one_by_one(self, batch: list[Write]) -> Report:
        """One of them cannot be written: find out which, and lose only that one."""
        results = []
        for write in batch:
            try:
                self._transaction([write])
                results.append((write, True))
            except (sqlite3.Error, OSError, ValueError) as error:
                if _is_disk(error):
                    return Report([*results, *self._failed(batch[len(results) :], error).written], self._trouble)
                results.append((write, False))
        return Report(results, self._trouble)

    def _failed(self, batch: list[Write], error: Exception) -> Report:
        self._trouble = f"recording is off: {error}"
        self._next_try = time.monotonic() + RETRY_SECONDS
        return Report([(write, False) for write in batch], self._trouble)

    def _transaction(self, batch: list[Write]) -> None:
        connection = self._connected()
        connection.execute("BEGIN IMMEDIATE")
        try:
            for write in batch:
                self._insert(connection, write)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _insert(self, connection: sqlite3.Connection, write: Write) -> None:
        recording = write.recording
        _insert_parts(connection, recording.id, 0, recording.request.body)
        if recording.response is not None:
            _insert_parts(connection, recording.id, 1, recording.response.body)
        if write.replace:
            connection.execute(
                "UPDATE exchange SET replayable = 0 WHERE fingerprint = ? AND replayable AND NOT pinned",
                (recording.fingerprint,),
            )
        connection.execute(INSERT, to_row(recording))

    def _idle(self) -> None:
        """The limit of age holds without traffic too."""
        try:
            dropped = self._retention.enforce(self._connected(), 0)
        except (sqlite3.Error, OSError):
            return  # the next write says what is wrong
        if dropped:
            self._report(Report((), self._trouble, dropped))

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect(self._path, BUSY_SECONDS)
        return self._connection


def _insert_parts(connection: sqlite3.Connection, exchange_id: int, side: int, body: Body) -> None:
    if body.size <= INLINE:
        return
    start = 0
    for data in chunks(body, PART):
        connection.execute("INSERT INTO body_part VALUES (?, ?, ?, ?)", (exchange_id, side, start, data))
        start += len(data)
    if start != body.size:
        raise OSError(f"{body.size - start} octets of a body are missing")


def _is_disk(error: Exception) -> bool:
    """Whether it is the disk or the file that fails, and not one exchange."""
    words = ("full", "readonly", "read-only", "disk", "locked", "unable to open", "malformed", "not a database")
    return isinstance(error, sqlite3.Error) and any(word in str(error) for word in words)
