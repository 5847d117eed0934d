"""Which recordings can be served, slice by slice, out of one index: rows are long, and are not touched.

Called by `store/database.py`, for the verdict.
"""

from __future__ import annotations

import sqlite3

Row = tuple[bytes, int, str]

# Recordings of which no fingerprint is known answer by their patterns.
WITHOUT = "SELECT fingerprint, id, session FROM exchange WHERE fingerprint IS NULL AND replayable AND id > ?"
# Blobs only: what somebody has edited to another type sorts before them.
OF_THIS = "SELECT fingerprint, id, session FROM exchange WHERE fingerprint = ? AND replayable AND id > ?"
BEHIND = "SELECT fingerprint, id, session FROM exchange WHERE fingerprint > ? AND replayable"
ORDER = " ORDER BY fingerprint, id LIMIT ?"


def replayable(connection: sqlite3.Connection, limit: int, behind: tuple[bytes, int]) -> tuple[Row, ...]:
    """(fingerprint, id, session), in this order. Raises sqlite3.Error."""
    fingerprint, last = behind
    query, values = (OF_THIS, (fingerprint, last)) if fingerprint else (WITHOUT, (last,))
    rows = connection.execute(query + ORDER, (*values, limit)).fetchall()
    if len(rows) < limit:
        rows += connection.execute(BEHIND + ORDER, (fingerprint, limit - len(rows))).fetchall()
    return tuple((row[0] or b"", row[1], row[2] if isinstance(row[2], str) else "") for row in rows)
