"""The limits of size and age: the oldest exchanges go first, pinned ones never. Runs in the writing thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from attrs import define

from proxy_daemon.store.removing import removed

STEP = 200  # exchanges deleted in one transaction: the queue must not wait for long
FREED_PAGES = 256  # pages given back to the file system at a time
SLACK = 0.95  # of the size: deleting goes on to here, so that it is not needed again at once
HEAD = 1000  # octets that an exchange takes besides its bodies, about
# The oldest, up to the one with which the octets before it are enough.
OLDEST = """
SELECT id FROM (
    SELECT id, total(max(0, request_size + response_size) + ?)
        OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
    FROM (SELECT id, request_size, response_size FROM exchange WHERE NOT pinned ORDER BY id LIMIT ?)
) WHERE before < ?
"""


@define
class Retention:
    """``max_bytes`` and ``max_age`` (seconds); ``wall`` gives seconds since 1970."""

    max_bytes: int
    max_age: float
    wall: Callable[[], float]

    def enforce(self, connection: sqlite3.Connection) -> list[bytes]:
        """Delete what is over the limits, a step at a time; returns the fingerprints of what was deleted."""
        dropped = self._too_old(connection)
        if self._size(connection) > self.max_bytes:
            dropped += self._too_much(connection)
        # It frees a page at each step of the statement; `execute` would take only the first.
        connection.executescript(f"PRAGMA incremental_vacuum({FREED_PAGES})")
        return dropped

    def _too_much(self, connection: sqlite3.Connection) -> list[bytes]:
        """As many of the oldest as it takes: a step may hold more than the store's limit, so their sizes count."""
        dropped: list[bytes] = []
        while (excess := self._size(connection) - int(self.max_bytes * SLACK)) > 0:
            deleted = self._delete(connection, OLDEST, (HEAD, STEP, excess))
            if deleted is None:
                break
            dropped += deleted
        return dropped

    def _too_old(self, connection: sqlite3.Connection) -> list[bytes]:
        """Ids grow with time, so the oldest stand first."""
        before = int(max(0.0, self.wall() - self.max_age) * 1_000_000)
        dropped: list[bytes] = []
        query = (
            "SELECT id FROM (SELECT id, started FROM exchange WHERE NOT pinned ORDER BY id LIMIT ?) WHERE started < ?"
        )
        while (deleted := self._delete(connection, query, (STEP, before))) is not None:
            dropped += deleted
        return dropped

    def _delete(self, connection: sqlite3.Connection, query: str, values: tuple[int, ...]) -> list[bytes] | None:
        """Delete the exchanges of a query; their fingerprints, or None where there were none."""
        ids = [row[0] for row in connection.execute(query, values)]
        if not ids:
            return None
        connection.execute("BEGIN IMMEDIATE")
        try:
            fingerprints = removed(connection, ids)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return fingerprints

    def _size(self, connection: sqlite3.Connection) -> int:
        """Octets of the pages in use."""
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)
