"""Writes what `llmproxy import` brings into a store's file, which a daemon may have open meanwhile.

Invariant: nothing that is in the file is changed or dropped but fingerprints of other rules, the limits of size and age
are the daemon's business; the order is that of the files; and no file comes in twice, though one may hold the same
answer several times: how often is what a client sees that asks again and again. Called by `cli/importing.py`, without
a reactor: it waits for the writer's thread.
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
from proxy_daemon.store.opening import fingerprint_anew, prepare
from proxy_daemon.store.parts import StoredBody
from proxy_daemon.store.refingerprint import Rules
from proxy_daemon.store.retention import Retention
from proxy_daemon.store.writer import OFF, Report, Write, Writer

WAIT_SECONDS = 60.0
_NEVER = Retention(max_bytes=1 << 62, max_age=1e12, wall=time.time)
_Key = tuple[str, bytes, bytes, int, int, int]


class NotWritten(Exception):
    """One recording could not be written; the next may be. The message says why."""


class _WallClock:
    def seconds(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()


class Imports:
    """An open store that imports go into. Use `close`."""

    def __init__(self, path: str, rules: Rules | None = None) -> None:
        """Raises `StoreError`, also where the file may only be read. ``rules``: as for `SQLiteStore.open`."""
        file = prepare(path)
        if file.trouble:
            raise StoreError(f"the store {path} may only be read, and imports are written; name another with --store")
        if rules is not None:
            fingerprint_anew(path, rules)
        self._path = path
        self._reading = connect(path, BUSY_SECONDS)
        try:
            self._before = self._find()
        except sqlite3.Error as error:
            raise self._error("cannot be read", error) from error
        self._ids, self._last = Ids(_WallClock()), 0
        self._met: set[int] = set()  # of those before, what this file holds too
        self._new: list[tuple[_Key, int]] = []  # what this file has brought
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._writer = Writer(path, _NEVER, self._reports.put)

    def close(self) -> None:
        """Let the thread and the file go."""
        self._writer.stop()
        self._reading.close()

    def add(self, recording: Recording) -> bool:
        """Write it; False where another file, or an earlier import of this one, has brought it.

        Raises `NotWritten`, and `StoreError` where nothing can be written any more.
        """
        key = _key(recording)
        left = (each for each in self._before.get(key, ()) if each not in self._met)
        known = next((each for each in left if self._is_same(each, recording)), None)
        if known is not None:
            self._met.add(known)
            return False
        self._last = max(self._last + 1, self._ids.next())
        self._write(evolve(recording, id=self._last, imported=time.time()))
        self._new.append((key, self._last))
        return True

    def end_file(self) -> None:
        """What comes now is of another file: it may hold what this one has brought."""
        self._met.clear()
        for key, exchange_id in self._new:
            self._before.setdefault(key, []).append(exchange_id)
        self._new.clear()

    def _write(self, recording: Recording) -> None:
        if not self._writer.put(Write(recording, False, time.monotonic(), _size(recording))):
            raise NotWritten("too large to be written")
        self._writer.wake()
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                report = self._reports.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise self._error("takes nothing", "the disk takes too long") from None
            if report.written:
                break
        if not all(good for _, good in report.written):
            why = report.trouble.removeprefix(OFF)
            raise self._error("takes nothing", why) if why != report.trouble else NotWritten(why)

    def _error(self, what: str, why: object) -> StoreError:
        locked = "; wait until nobody else writes to it, then import again" if "locked" in str(why) else ""
        return StoreError(f"the store {self._path} {what}: {why}{locked}")

    # --- what is there -----------------------------------------------------------------------------------------------

    def _find(self) -> dict[_Key, list[int]]:
        """All that was imported into this file before, by what is cheap to compare."""
        query = (
            "SELECT session, fingerprint, path, status, request_size, response_size, id"
            " FROM exchange WHERE instr(facts, ?) > 0"
        )
        found: dict[_Key, list[int]] = {}
        for row in self._reading.execute(query, (b'"%b":' % IMPORTED.encode(),)):
            found.setdefault((row[0], row[1] or b"", *row[2:6]), []).append(row[6])
        return found

    def _is_same(self, exchange_id: int, recording: Recording) -> bool:
        query = f"SELECT {COLUMNS} FROM exchange WHERE id = ?"  # noqa: S608  (constants)
        try:
            with closing(self._reading.execute(query, (exchange_id,))) as cursor:
                row = cursor.fetchone()
        except sqlite3.Error as error:
            raise self._error("cannot be read", error) from error
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
    request = recording.request
    return recording.session, recording.fingerprint, request.path, recording.status, request.body.size, size


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
