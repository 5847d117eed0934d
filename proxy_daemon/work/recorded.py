"""The daemon's store as the child process reads it: ids, and the recordings that can be served, without their answers.

Invariant: the file is opened to be read only. Every fault is a `StoreError` of one line.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from attrs import evolve

from proxy_daemon.core.bodies import Bytes, chunks
from proxy_daemon.core.messages import JSON_LIMIT, Recording
from proxy_daemon.store.access import BUSY_SECONDS, StoreError, connect
from proxy_daemon.store.codec import COLUMNS, from_row
from proxy_daemon.store.opening import look
from proxy_daemon.store.parts import StoredBody

# Answers are not compared: they stay on the disk.
QUESTIONS = COLUMNS.replace("response_body", "x''").replace("pieces", "x''")


class Recorded:
    """An open store."""

    def __init__(self, path: str) -> None:
        """Raises `StoreError`."""
        self._path = path
        self._connection = connect(path, BUSY_SECONDS, look(path))
        found = self._rows("SELECT value FROM meta WHERE name = 'key'", ())
        self.key: bytes = found[0][0] if found else b""

    def close(self) -> None:
        """Let the file go."""
        self._connection.close()

    def version(self) -> int:
        """Another number whenever somebody has written."""
        return int(self._rows("PRAGMA data_version", ())[0][0])

    def after(self, exchange_id: int, most: int) -> list[int]:
        """Ids of recordings above this one, in order."""
        query = "SELECT id FROM exchange WHERE id > ? AND replayable ORDER BY id LIMIT ?"
        return [row[0] for row in self._rows(query, (exchange_id, most))]

    def newest(self) -> int:
        """The highest id of all exchanges; -1 where there is none."""
        return int(self._rows("SELECT coalesce(max(id), -1) FROM exchange", ())[0][0])

    def holds(self, exchange_id: int) -> bool:
        """Whether the recording is there."""
        return bool(self._rows("SELECT 1 FROM exchange WHERE id = ? AND replayable", (exchange_id,)))

    def all(self) -> list[int]:
        """Ids of all recordings, in no order. Some 50 ms for each 100,000."""
        return [row[0] for row in self._rows("SELECT id FROM exchange WHERE replayable", ())]

    def get(self, exchange_id: int) -> Recording | None:
        """The recording with its question in memory; None where it is gone, or no row that can be read."""
        rows = self._rows(f"SELECT {QUESTIONS} FROM exchange WHERE id = ? AND replayable", (exchange_id,))  # noqa: S608  (constants)
        try:
            return self._in_memory(from_row(rows[0], self._body)) if rows else None
        except OSError as error:
            raise StoreError(f"the store {self._path} cannot be read: {error}") from error
        except ValueError:  # somebody has edited it; the daemon says so when it reads it
            return None

    def _in_memory(self, recording: Recording) -> Recording:
        """What is too large to be parsed stays where it is: it is compared by its size."""
        request = recording.request
        if request.body.whole() is not None or request.body.size > JSON_LIMIT:
            return recording
        return evolve(recording, request=evolve(request, body=Bytes(b"".join(chunks(request.body)))))

    def _body(self, exchange_id: int, side: int, size: int) -> StoredBody:
        return StoredBody(self._connection, exchange_id, side, size)

    def _rows(self, query: str, values: tuple[Any, ...]) -> list[Any]:
        try:
            return self._connection.execute(query, values).fetchall()
        except (sqlite3.Error, OverflowError) as error:
            raise StoreError(f"the store {self._path} cannot be read: {error}") from error
