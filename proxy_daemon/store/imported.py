"""What imports have brought into a store before: nothing comes in twice.

Invariant: a recording that is there is met once by each file, so one that holds it twice brings the second. Called by
`imports.py`; `DryRun` by `cli/import_into.py`.
"""

from __future__ import annotations

import os
import sqlite3
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing

from proxy_daemon.core.bodies import Body, chunks
from proxy_daemon.core.messages import Recording, Response
from proxy_daemon.store.access import BUSY_SECONDS, StoreError, connect
from proxy_daemon.store.codec import COLUMNS, IMPORTED, from_row
from proxy_daemon.store.opening import look
from proxy_daemon.store.parts import StoredBody

_Key = tuple[str, bytes, bytes, int, int, int]
_COMPARED = ("started", "replayable", "unknown", "pattern", "pace")


class Imported:
    """All of it, by what is cheap to compare. ``connection``: reads the store, and stays the caller's."""

    def __init__(self, path: str, connection: sqlite3.Connection) -> None:
        """Raises `StoreError`."""
        self._path, self._reading = path, connection
        try:
            self._before = self._find()
        except sqlite3.Error as error:
            raise self._error(error) from error
        self._met: list[tuple[_Key, int]] = []  # of those before, what this file holds too: not in `_before` meanwhile
        self._new: list[tuple[_Key, int]] = []  # what this file has brought

    def knows(self, recording: Recording) -> bool:
        """Whether another file, or an earlier import of this one, has brought it. Raises `StoreError`."""
        key = _key(recording)
        left = self._before.get(key, deque())
        at = next((at for at, each in enumerate(left) if self._is_same(each, recording)), None)
        if at is None:
            return False
        self._met.append((key, left[at]))
        del left[at]
        return True

    def brought(self, recording: Recording) -> None:
        """It came in with this file, under its id."""
        self._new.append((_key(recording), recording.id))

    def end_file(self) -> None:
        """What comes now is of another file: it may hold what this one has brought."""
        for key, exchange_id in reversed(self._met):
            self._before[key].appendleft(exchange_id)
        for key, exchange_id in self._new:
            self._before.setdefault(key, deque()).append(exchange_id)
        self._met.clear()
        self._new.clear()

    def _find(self) -> dict[_Key, deque[int]]:
        query = (
            "SELECT session, fingerprint, path, status, request_size, response_size, id"
            " FROM exchange WHERE instr(facts, ?) > 0"
        )
        found: dict[_Key, deque[int]] = {}
        for row in self._reading.execute(query, (b'"%b":' % IMPORTED.encode(),)):
            found.setdefault((row[0], row[1] or b"", *row[2:6]), deque()).append(row[6])
        return found

    def _is_same(self, exchange_id: int, recording: Recording) -> bool:
        query = f"SELECT {COLUMNS} FROM exchange WHERE id = ?"  # noqa: S608  (constants)
        try:
            with closing(self._reading.execute(query, (exchange_id,))) as cursor:
                row = cursor.fetchone()
        except sqlite3.Error as error:
            raise self._error(error) from error
        if row is None:  # dropped since by a daemon
            return False
        try:
            return _same(from_row(row, self._body), recording)
        except (ValueError, OSError):
            return False  # somebody has changed it

    def _body(self, exchange_id: int, side: int, size: int) -> StoredBody:
        return StoredBody(self._reading, exchange_id, side, size)

    def _error(self, why: sqlite3.Error) -> StoreError:
        locked = "; wait until nobody else writes to it, then import again" if "locked" in str(why) else ""
        return StoreError(f"the store {self._path} cannot be read: {why}{locked}")


class DryRun:
    """In the place of `Imports`: tells what would come in, reads the file only, and needs none. Use `close`."""

    def __init__(self, path: str) -> None:
        """Raises `StoreError`."""
        self._connection = connect(path, BUSY_SECONDS, look(path)) if _holds_something(path) else None
        self._imported = None if self._connection is None else Imported(path, self._connection)

    def close(self) -> None:
        """Let the file go."""
        if self._connection is not None:
            self._connection.close()

    def add_all(self, recordings: Sequence[Recording]) -> Iterator[bool]:
        """Of each whether it would be new. Raises `StoreError`."""
        for recording in recordings:
            yield self._imported is None or not self._imported.knows(recording)

    def end_file(self) -> None:
        """What comes now is of another file."""
        if self._imported is not None:
            self._imported.end_file()


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
    if any(getattr(stored, name) != getattr(new, name) for name in _COMPARED):
        return False
    return _octets(one.body) == _octets(other.body) and _told(stored.response) == _told(new.response)


def _told(response: Response | None) -> object:
    if response is None:
        return None
    return response.head.status, response.head.headers, response.trailers, _octets(response.body)


def _octets(body: Body) -> bytes:
    return b"".join(chunks(body))


def _holds_something(path: str) -> bool:
    try:
        return os.path.getsize(path) > 0
    except OSError:
        return False
