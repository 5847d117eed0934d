"""Which recordings may answer: those of a fingerprint, and those that answer more requests than their own.

Reads of one connection; raises sqlite3.Error. Called by `store/database.py`.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from proxy_daemon.core.messages import Recording
from proxy_daemon.core.services import MOST_CANDIDATES, MOST_PATTERNS, Candidate
from proxy_daemon.store.codec import COLUMNS, EDITS, IMPORTED, Row
from proxy_daemon.store.hot import HOT_SECONDS

# Nothing here reads so far into a row as its bodies.
CANDIDATES = (
    "SELECT id, started, status, session, facts FROM exchange WHERE fingerprint = ? AND replayable"
    " ORDER BY id DESC LIMIT ?"
)
PATTERNS = "SELECT id FROM exchange WHERE replayable = 2 ORDER BY id LIMIT ?"
UNANSWERED = COLUMNS.replace("response_body", "x''").replace("pieces", "x''")
_TYPES = (int, int, int, str, bytes)
_IMPORTED, _EDITS = (b'"%b":' % name.encode() for name in (IMPORTED, EDITS))


def candidates(
    connection: sqlite3.Connection, fingerprint: bytes, edited: Callable[[int], None]
) -> tuple[Candidate, ...]:
    """Oldest first. One that somebody has edited is left out, and ``edited`` gets its id."""
    rows = connection.execute(CANDIDATES, (fingerprint, MOST_CANDIDATES)).fetchall()
    found = []
    for row in reversed(rows):
        candidate = _candidate(row)
        if candidate is None:
            edited(row[0])
        else:
            found.append(candidate)
    return tuple(sorted(found, key=_place) if any(each.edits for each in found) else found)


def _place(candidate: Candidate) -> int:
    return candidate.place


def _candidate(row: Row) -> Candidate | None:
    """Of an import, when it was recorded and not when it came."""
    if tuple(map(type, row)) != _TYPES:
        return None
    if _IMPORTED not in row[4] and _EDITS not in row[4]:
        return Candidate(row[0], row[1] / 1_000_000, row[2], row[3])
    try:
        facts = orjson.loads(row[4])
        started = float(facts[IMPORTED]["started"]) if IMPORTED in facts else row[1] / 1_000_000
        return Candidate(row[0], started, row[2], row[3], int(facts.get(EDITS, 0)))
    except (ValueError, TypeError, KeyError):
        return None


class Patterns:
    """Recordings that answer more than their own request; read again where there are others.

    ``found``: without their answers' bodies, oldest first; the same object while they are the same. It is good up to
    the moment ``until`` (`time.monotonic`); then `look`.
    """

    def __init__(self, read: Callable[[str, tuple[Any, ...]], list[Recording]]) -> None:
        self.until = 0.0
        self.found: Sequence[Recording] = ()
        self.left_out = False  # there are more than `MOST_PATTERNS`
        self._read = read
        self._ids: list[int] = []

    def changed(self) -> None:
        """Some have come or gone."""
        self.until = 0.0

    def look(self, connection: sqlite3.Connection) -> None:
        """Whether there are others now: one small question where there are not."""
        ids = [row[0] for row in connection.execute(PATTERNS, (MOST_PATTERNS + 1,))]
        self.left_out = len(ids) > MOST_PATTERNS
        if ids != self._ids:
            self._ids, self.found = ids, self._load(ids[:MOST_PATTERNS])
        self.until = time.monotonic() + HOT_SECONDS

    def _load(self, ids: list[int]) -> Sequence[Recording]:
        if not ids:
            return ()
        query = f"SELECT {UNANSWERED} FROM exchange WHERE replayable = 2 AND id <= ? ORDER BY id LIMIT ?"  # noqa: S608  (constants)
        return tuple(self._read(query, (ids[-1], MOST_PATTERNS)))
