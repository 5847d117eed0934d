"""Takes exchanges out of a store, with all that belongs to them. Called in the writing thread, within a transaction.

Invariant: what an edited exchange had displaced is served again once that is gone, unless a later edit has its place.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

STEP = 500  # ids of one statement
RESTORE = """
UPDATE exchange SET replayable = d.replayable, fingerprint = e.fingerprint
FROM displaced AS d JOIN exchange AS e ON e.id = d.exchange
WHERE exchange.id = d.original AND d.exchange = ? AND d.replayable AND e.replayable
"""  # with its fingerprint: it answers the same request, and other rules of matching may hold since
INHERIT = """
INSERT OR IGNORE INTO displaced
SELECT later.exchange, mine.original, mine.replayable FROM displaced AS mine JOIN displaced AS later
WHERE mine.exchange = ? AND later.original = mine.exchange
"""


def removed(connection: sqlite3.Connection, ids: Sequence[int]) -> list[bytes]:
    """Delete these; the fingerprints whose recordings are others now. Raises sqlite3.Error."""
    fingerprints: list[bytes] = []
    for start in range(0, len(ids), STEP):
        fingerprints += _step(connection, ids[start : start + STEP])
    return fingerprints


def _step(connection: sqlite3.Connection, ids: Sequence[int]) -> list[bytes]:
    marks = ",".join("?" * len(ids))
    query = f"SELECT fingerprint FROM exchange WHERE id IN ({marks}) AND replayable"  # noqa: S608  (marks only)
    fingerprints = [row[0] for row in connection.execute(query, ids) if row[0]]
    edited = f"SELECT DISTINCT exchange FROM displaced WHERE exchange IN ({marks})"  # noqa: S608  (as above)
    for (exchange,) in connection.execute(edited, ids).fetchall():
        _give_back(connection, exchange)
    for table, column in (
        ("displaced", "exchange"),
        ("displaced", "original"),
        ("remark", "exchange"),
        ("body_part", "exchange"),
        ("exchange", "id"),
    ):
        connection.execute(f"DELETE FROM {table} WHERE {column} IN ({marks})", ids)  # noqa: S608  (as above)
    return fingerprints


def _give_back(connection: sqlite3.Connection, exchange: int) -> None:
    """The places that it had taken: to those that it took them from, or to the later edit that has them now."""
    if connection.execute("SELECT 1 FROM displaced WHERE original = ? LIMIT 1", (exchange,)).fetchone() is None:
        connection.execute(RESTORE, (exchange,))
    else:
        connection.execute(INHERIT, (exchange,))
