"""A body that stands in parts in the store: written part by part, read as far as it is asked for, never whole."""

from __future__ import annotations

import sqlite3

from proxy_daemon.core.bodies import Body, chunks
from proxy_daemon.core.messages import Recording
from proxy_daemon.store.codec import INLINE

PART = 256 * 1024


class StoredBody:
    """A body (`core.bodies.Body`) of an exchange. Raises OSError where the store cannot be read."""

    def __init__(self, connection: sqlite3.Connection, exchange_id: int, side: int, size: int) -> None:
        self.size = size
        self._connection = connection
        self._exchange = exchange_id
        self._side = side

    def whole(self) -> bytes | None:
        """Never: it is large."""
        return None

    def read(self, offset: int, size: int) -> bytes:
        """At most ``size`` octets from ``offset`` on; fewer at the end of a part.

        An empty answer is the end: octets that are missing before it are an error.
        """
        size = min(size, self.size - offset)
        if size <= 0:
            return b""
        query = (
            "SELECT start, data FROM body_part WHERE exchange = ? AND side = ? AND start <= ?"
            " ORDER BY start DESC LIMIT 1"
        )
        try:
            row = self._connection.execute(query, (self._exchange, self._side, offset)).fetchone()
        except sqlite3.Error as error:
            raise OSError(f"the store cannot be read: {error}") from error
        start, data = row or (0, b"")
        part: bytes = data[offset - start : offset - start + size] if isinstance(data, bytes) else b""
        if not part:
            raise OSError(f"the store has lost octets of a body at {offset}")
        return part


def insert_parts(connection: sqlite3.Connection, recording: Recording) -> None:
    """All bodies of a recording that its row has no place for. Raises sqlite3.Error and OSError."""
    for side, message in enumerate((recording.request, recording.response)):
        if message is not None and message.body.size > INLINE:
            _insert_body(connection, recording.id, side, message.body)
    insert_delivered(connection, recording)


def insert_delivered(connection: sqlite3.Connection, recording: Recording) -> None:
    """What the client got; also where it is small: a row has no column for it."""
    if recording.delivered is not None and recording.delivered.body is not None:
        _insert_body(connection, recording.id, 2, recording.delivered.body)


def _insert_body(connection: sqlite3.Connection, exchange_id: int, side: int, body: Body) -> None:
    start = 0
    for data in chunks(body, PART):
        connection.execute("INSERT INTO body_part VALUES (?, ?, ?, ?)", (exchange_id, side, start, data))
        start += len(data)
    if start != body.size:
        raise OSError(f"{body.size - start} octets of a body are missing")
