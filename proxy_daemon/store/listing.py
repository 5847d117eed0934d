"""Which recordings can be served, slice by slice, out of one index; and what people have noted of some exchanges.

The rows of exchanges are long, and are not touched. Called by `store/database.py`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

Row = tuple[bytes, int, str]

# Recordings of which no fingerprint is known answer by their patterns.
WITHOUT = "SELECT fingerprint, id, session FROM exchange WHERE fingerprint IS NULL AND replayable AND id > ?"
# Blobs only: what somebody has edited to another type sorts before them.
OF_THIS = "SELECT fingerprint, id, session FROM exchange WHERE fingerprint = ? AND replayable AND id > ?"
BEHIND = "SELECT fingerprint, id, session FROM exchange WHERE fingerprint > ? AND replayable"
MOST_ASKED = 500  # ids of one statement
ORDER = " ORDER BY fingerprint, id LIMIT ?"


def replayable(connection: sqlite3.Connection, limit: int, behind: tuple[bytes, int]) -> tuple[Row, ...]:
    """(fingerprint, id, session), in this order. Raises sqlite3.Error."""
    fingerprint, last = behind
    query, values = (OF_THIS, (fingerprint, last)) if fingerprint else (WITHOUT, (last,))
    rows = connection.execute(query + ORDER, (*values, limit)).fetchall()
    if len(rows) < limit:
        rows += connection.execute(BEHIND + ORDER, (fingerprint, limit - len(rows))).fetchall()
    return tuple((row[0] or b"", row[1], row[2] if isinstance(row[2], str) else "") for row in rows)


def remarks(connection: sqlite3.Connection, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """(mark, comment) of those of these that have either. Raises sqlite3.Error."""
    found: dict[int, tuple[str, str]] = {}
    for start in range(0, len(ids), MOST_ASKED):
        some = ids[start : start + MOST_ASKED]
        query = f"SELECT exchange, mark, comment FROM remark WHERE exchange IN ({','.join('?' * len(some))})"  # noqa: S608  (marks only)
        rows = connection.execute(query, some)
        found |= {row[0]: (row[1], row[2]) for row in rows if isinstance(row[1], str) and isinstance(row[2], str)}
    return found
