"""A body that stands in parts in the store: read as far as it is asked for, never whole."""

from __future__ import annotations

import sqlite3


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
