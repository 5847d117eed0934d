"""New fingerprints for a store that was written under other rules of matching: by another version or other settings.

Invariant: `meta` names the rules that all fingerprints of the file follow: none from the first change on, the new ones
when the last fingerprint follows them. Each batch is a transaction, and a recording that has its new fingerprint gets
the same one again: after a crash it is simply done anew, by whatever rules the next daemon has. Called when a store is
opened, before anybody asks it (`store/database.py`, `store/imports.py`).
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import orjson
from attrs import define, evolve

from proxy_daemon.core.bodies import Bytes, chunks
from proxy_daemon.core.messages import Recording
from proxy_daemon.store.access import BUSY_SECONDS, connect
from proxy_daemon.store.codec import COLUMNS, SCOPE, Row, from_row
from proxy_daemon.store.parts import StoredBody

MIXED = b""  # two daemons with different rules have written, or a job was broken off: no rules hold for all of it
BATCH = 500
IN_MEMORY = 1024 * 1024  # octets: live requests beyond that lie in files, and have no canonical form
# Nothing behind the request's body is needed: what an answer takes on the disk is not read.
_NEEDED = COLUMNS.partition("response_head")[0] + "NULL, 0, x'', x'', ''"
_HAS_SCOPE = b'"%b":' % SCOPE.encode()  # within texts, quotes have backslashes before them
# What answers by its pattern alone has no fingerprint.
_LEFT = "id > ? AND replayable AND fingerprint IS NOT NULL"
_SELECT = f"SELECT {_NEEDED} FROM exchange WHERE {_LEFT} ORDER BY id LIMIT ?"  # noqa: S608  (constants)
_ANY = f"SELECT 1 FROM exchange WHERE {_LEFT} LIMIT 1"  # noqa: S608  (constants)
_UPDATE = "UPDATE exchange SET fingerprint = ?, facts = ? WHERE id = ?"
_RETIRE = "UPDATE exchange SET replayable = 0 WHERE id = ?"

# What makes the fingerprint of a recording; empty where it must not be served any more. The second argument: whether
# it is known what scoped it (version 1 did not write that down).
Fingerprint = Callable[[Recording, bool], bytes]


@define
class Rules:
    """The rules of who opens a store. ``digest`` names them; ``tell`` gets lines for people."""

    digest: bytes
    fingerprint: Fingerprint
    tell: Callable[[str], None] = lambda line: None


def follows(connection: sqlite3.Connection, digest: bytes) -> bool:
    """Whether all that can be served follows these rules."""
    return rules_of(connection) == digest or not _is_any(connection)


def rules_of(connection: sqlite3.Connection) -> bytes | None:
    """The rules of the file; None where version 1 wrote it."""
    row = connection.execute("SELECT value FROM meta WHERE name = 'matching'").fetchone()
    return row[0] if row is not None and isinstance(row[0], bytes) else None


def mix(connection: sqlite3.Connection, digest: bytes) -> None:
    """Others write under other rules than these: the next one who opens the file makes all of it anew."""
    connection.execute("UPDATE meta SET value = ? WHERE name = 'matching' AND value <> ?", (MIXED, digest))


def bring_up(path: str, rules: Rules) -> None:
    """All fingerprints of the file by these rules. Raises sqlite3.Error."""
    with closing(connect(path, BUSY_SECONDS)) as connection:
        if rules_of(connection) == rules.digest:
            return
        began, job = time.monotonic(), _Job(connection, rules)
        if _is_any(connection):
            rules.tell(f"the store {path} follows other rules of matching: its recordings get new fingerprints")
        job.run()
        if job.done or job.lost:
            rules.tell(job.told(time.monotonic() - began))


def _is_any(connection: sqlite3.Connection) -> bool:
    return connection.execute(_ANY, (-1,)).fetchone() is not None


@define
class _Job:
    connection: sqlite3.Connection
    rules: Rules
    done: int = 0
    lost: int = 0

    def run(self) -> None:
        """Batch by batch, up to where nobody has written more."""
        last: int | None = -1
        while last is not None:
            last = self._batch(last)

    def told(self, seconds: float) -> str:
        lost = f"; {self.lost} could not, and are not served again" if self.lost else ""
        return f"{self.done} recordings have new fingerprints, in {seconds:.1f} s{lost}"

    def _batch(self, last: int) -> int | None:
        """The id of its last recording; None where there is none behind ``last``: the file is done."""
        rows = self.connection.execute(_SELECT, (last, BATCH)).fetchall()
        changes = [self._change(row) for row in rows]
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            done = not rows and self._is_end(last)
            self.connection.execute(
                "INSERT OR REPLACE INTO meta VALUES ('matching', ?)", (self.rules.digest if done else MIXED,)
            )
            for query, values in changes:
                self.connection.execute(query, values)
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:  # a full disk has ended it
                self.connection.execute("ROLLBACK")
            raise
        if done:
            return None
        return int(rows[-1][0]) if rows else last

    def _is_end(self, last: int) -> bool:
        """Nobody may write now: what came in the last moment is seen."""
        return self.connection.execute(_ANY, (last,)).fetchone() is None

    def _change(self, row: Row) -> tuple[str, tuple[Any, ...]]:
        """The statement for one recording."""
        fingerprint, facts = self._found(row)
        if fingerprint:
            self.done += 1
            return _UPDATE, (fingerprint, facts, row[0])
        self.lost += 1
        return _RETIRE, (row[0],)

    def _found(self, row: Row) -> tuple[bytes, bytes]:
        """Fingerprint and facts. What cannot be read, or makes a plugin's dialect fail, has none."""
        try:
            recording = self._in_memory(from_row(row, self._body))
            known = _HAS_SCOPE in row[8]
            fingerprint = self.rules.fingerprint(recording, known)
            return fingerprint, row[8] if known else orjson.dumps(orjson.loads(row[8]) | {SCOPE: ""})
        except Exception:  # noqa: BLE001  (somebody has edited the row, or a plugin's dialect raises anything)
            return b"", b""

    def _in_memory(self, recording: Recording) -> Recording:
        body = recording.request.body
        if body.whole() is not None or body.size > IN_MEMORY:
            return recording
        return evolve(recording, request=evolve(recording.request, body=Bytes(b"".join(chunks(body)))))

    def _body(self, exchange_id: int, side: int, size: int) -> StoredBody:
        return StoredBody(self.connection, exchange_id, side, size)
