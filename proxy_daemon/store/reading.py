"""Reads single exchanges of a store's file, without a daemon and beside one. Called by `llmproxy show`.

Invariant: no file is made, and nothing is written: the file is not upgraded either.
"""

from __future__ import annotations

import os
import sqlite3

from attrs import evolve

from proxy_daemon.core.bodies import Bytes, chunks
from proxy_daemon.core.messages import JSON_LIMIT, Recording
from proxy_daemon.store.access import BUSY_SECONDS, StoreError, connect
from proxy_daemon.store.codec import COLUMNS, from_row
from proxy_daemon.store.opening import look
from proxy_daemon.store.parts import StoredBody


class Reading:
    """An open store. Use `close`: until then the bodies of what was read can be read."""

    def __init__(self, path: str) -> None:
        """Raises `StoreError`."""
        if not os.path.isfile(path):
            raise StoreError(f"there is no store {path}; name another with --store")
        if not os.path.getsize(path):
            raise StoreError(f"the store {path} is empty; name another with --store")
        self._path = path
        self._connection = connect(path, BUSY_SECONDS, look(path))

    def close(self) -> None:
        """Let the file go."""
        self._connection.close()

    def get(self, exchange_id: int) -> Recording | None:
        """One exchange, whole; None where there is none. Raises `StoreError`."""
        query = f"SELECT {COLUMNS} FROM exchange WHERE id = ?"  # noqa: S608  (constants)
        try:
            row = self._connection.execute(query, (exchange_id,)).fetchone()
            return None if row is None else self._in_memory(from_row(row, self._body))
        except (sqlite3.Error, OSError, ValueError) as error:
            raise StoreError(f"the store {self._path} cannot be read: {error}") from error

    def _in_memory(self, recording: Recording) -> Recording:
        """What is said in a request is read from a body in memory; answers are read in parts."""
        request = recording.request
        if request.body.whole() is not None or request.body.size > JSON_LIMIT:
            return recording
        return evolve(recording, request=evolve(request, body=Bytes(b"".join(chunks(request.body)))))

    def _body(self, exchange_id: int, side: int, size: int) -> StoredBody:
        return StoredBody(self._connection, exchange_id, side, size)
