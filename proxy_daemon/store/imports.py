"""Writes what `llmproxy import` brings into a store's file, which a daemon may have open meanwhile.

Invariant: nothing that is in the file is changed or dropped, the limits of size and age are the daemon's business; and
no recording comes in twice. Called by `cli/importing.py`, without a reactor: it waits for the writer's thread.
"""

from __future__ import annotations

import queue
import sqlite3
import time
from contextlib import closing

from attrs import evolve

from proxy_daemon.core.bodies import Body, chunks
from proxy_daemon.core.ids import Ids
from proxy_daemon.core.messages import Recording, Response
from proxy_daemon.store.access import BUSY_SECONDS, StoreError, connect
from proxy_daemon.store.codec import COLUMNS, IMPORTED, from_row
from proxy_daemon.store.opening import prepare
from proxy_daemon.store.parts import StoredBody
from proxy_daemon.store.retention import Retention
from proxy_daemon.store.writer import Report, Write, Writer

WAIT_SECONDS = 60.0
_NEVER = Retention(max_bytes=1 << 62, max_age=1e12, wall=time.time)
_Key = tuple[bytes, bytes, int, int, int]


class NotWritten(Exception):
    """One recording could not be written; the next may be. The message says why."""


class _WallClock:
    def seconds(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()


class Imports:
    """An open store that imports go into. Use `close`."""

    def __init__(self, path: str) -> None:
        """Raises `StoreError`, also where the file may only be read."""
        file = prepare(path)
        if file.trouble:
            raise StoreError(file.trouble)
        self._reading = connect(path, BUSY_SECONDS)
        try:
            self._before = self._find()
        except sqlite3.Error as error:
            raise StoreError(f"the store {path} cannot be read: {error}") from error
        self._ids, self._last = Ids(_WallClock()), 0
        self._latest: dict[bytes, tuple[_Key, int]] = {}  # of this import, by fingerprint
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._writer = Writer(path, _NEVER, self._reports.put)

    def close(self) -> None:
        """Let the thread and the file go."""
        self._writer.stop()
        self._reading.close()

    def add(self, recording: Recording) -> bool:
        """Write it; False where an earlier import has brought it.

        Raises `NotWritten`, and `StoreError` where nothing can be written any more.
        """
        key = _key(recording)
        latest = self._latest.get(key[0])
        before = [*self._before.get(key, ()), *([latest[1]] if latest is not None and latest[0] == key else [])]
        if any(self._is_same(exchange_id, recording) for exchange_id in before):
            return False
        self._last = max(self._last + 1, self._ids.next())
        self._write(evolve(recording, id=self._last, imported=time.time()))
        if key[0]:
            # Of answers A, B, A to one request the last is served: only what was written just before is the same.
            self._latest[key[0]] = (key, self._last)
        else:
            self._before.setdefault(key, []).append(self._last)
        return True

    def _write(self, recording: Recording) -> None:
        if not self._writer.put(Write(recording, False, time.monotonic(), _size(recording))):
            raise NotWritten("too large to be written")
        self._writer.wake()
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                report = self._reports.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise StoreError("the disk takes too long") from None
            if report.written:
                break
        if not all(good for _, good in report.written):
            off = report.trouble.startswith("recording is off")
            raise (StoreError if off else NotWritten)(report.trouble)

    # --- what is there -----------------------------------------------------------------------------------------------

    def _find(self) -> dict[_Key, list[int]]:
        """All that was imported into this file before, by what is cheap to compare."""
        query = (
            "SELECT fingerprint, path, status, request_size, response_size, id FROM exchange WHERE instr(facts, ?) > 0"
        )
        found: dict[_Key, list[int]] = {}
        for row in self._reading.execute(query, (b'"%b":' % IMPORTED.encode(),)):
            found.setdefault((row[0] or b"", *row[1:5]), []).append(row[5])
        return found

    def _is_same(self, exchange_id: int, recording: Recording) -> bool:
        query = f"SELECT {COLUMNS} FROM exchange WHERE id = ?"  # noqa: S608  (constants)
        with closing(self._reading.execute(query, (exchange_id,))) as cursor:
            row = cursor.fetchone()
        if row is None:  # dropped since by a daemon
            return False
        try:
            return _same(from_row(row, self._body), recording)
        except (ValueError, OSError):
            return False  # somebody has changed it

    def _body(self, exchange_id: int, side: int, size: int) -> StoredBody:
        return StoredBody(self._reading, exchange_id, side, size)


def _key(recording: Recording) -> _Key:
    response = recording.response
    size = response.body.size if response is not None else 0
    return recording.fingerprint, recording.request.path, recording.status, recording.request.body.size, size


def _same(stored: Recording, new: Recording) -> bool:
    """But for the id and the time of the import."""
    one, other = stored.request, new.request
    if (one.method, one.target, one.headers) != (other.method, other.target, other.headers):
        return False
    if (stored.started, stored.replayable, stored.unknown) != (new.started, new.replayable, new.unknown):
        return False
    return _octets(one.body) == _octets(other.body) and _told(stored.response) == _told(new.response)


def _told(response: Response | None) -> object:
    if response is None:
        return None
    return response.head.status, response.head.headers, response.trailers, _octets(response.body)


def _octets(body: Body) -> bytes:
    return b"".join(chunks(body))


def _size(recording: Recording) -> int:
    response = recording.response
    return recording.request.body.size + (response.body.size if response is not None else 0)
