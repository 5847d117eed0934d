"""Other daemons that write into the same file: what they have recorded is learned within a second.

Runs in the writing thread. SQLite counts the changes that other connections have made (`PRAGMA data_version`), so a
file that nobody else writes costs one small question.
"""

from __future__ import annotations

import sqlite3

from proxy_daemon.store.refingerprint import rules_of

OVERLAP = 60_000 << 22  # ids are milliseconds above 22 bits: clocks and slow writers may lag by this minute


class Neighbours:
    """Remembers up to where the file is known. ``rules``: of our own fingerprints; empty: nobody asks."""

    def __init__(self, rules: bytes = b"") -> None:
        self.foreign = False  # the file is written under other rules than ours
        self._rules = rules
        self._version = -1
        self._newest = 0

    def learn(self, connection: sqlite3.Connection) -> list[bytes]:
        """Fingerprints of what others have written since the last call; at the first call, of all there is."""
        version = connection.execute("PRAGMA data_version").fetchone()[0]
        if version == self._version:
            return []
        self._version = version
        self.foreign = bool(self._rules) and rules_of(connection) != self._rules
        query = "SELECT fingerprint FROM exchange WHERE replayable AND id > ?"
        found = [row[0] for row in connection.execute(query, (self._newest - OVERLAP,)) if isinstance(row[0], bytes)]
        newest = connection.execute("SELECT max(id) FROM exchange").fetchone()[0]
        self._newest = max(self._newest, newest or 0)
        return found
