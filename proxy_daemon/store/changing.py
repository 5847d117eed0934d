"""What people do to exchanges that are in the store already: each change is one transaction of the writing thread.

Invariant: all of a change is done, or nothing; one whose exchange is gone does nothing and says so. Put together by
`store/database.py`, done by `store/writer.py`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from attrs import frozen

from proxy_daemon.core.messages import Recording
from proxy_daemon.store.access import BUSY_SECONDS
from proxy_daemon.store.codec import insert, to_row
from proxy_daemon.store.parts import insert_parts
from proxy_daemon.store.removing import removed

REMARK = """
INSERT INTO remark SELECT id, coalesce(?, ''), coalesce(?, '') FROM exchange WHERE id = ?
ON CONFLICT (exchange) DO UPDATE SET mark = coalesce(?, mark), comment = coalesce(?, comment)
"""
LATER = "SELECT max(exchange) FROM displaced WHERE original = ? AND exchange > original"
# Where an exchange that is not served is edited, what is served in its place gives way to the edited one.
SERVED = "SELECT id, replayable FROM exchange WHERE fingerprint = ? AND session = ? AND replayable"
READERS_MS = 200  # that readers may take
DISPLACED = "INSERT OR IGNORE INTO displaced VALUES (?, ?, ?)"


@frozen
class Effect:
    """``done``: whether the exchange was there. ``touched``: fingerprints that other recordings answer now."""

    done: bool
    touched: Sequence[bytes] = ()


class Change(Protocol):
    """One of those below."""

    @property
    def ids(self) -> Sequence[int]:
        """Of the exchanges that may be others now."""

    @property
    def size(self) -> int:
        """Octets of memory that it holds, about."""

    def apply(self, connection: sqlite3.Connection) -> Effect:
        """Do it, within a transaction. Raises sqlite3.Error, and OSError where a body cannot be read."""


def changed(connection: sqlite3.Connection, change: Change) -> Effect:
    """Do it in a transaction of its own. Raises sqlite3.Error and OSError: then nothing was done."""
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("BEGIN IMMEDIATE")
    try:
        effect = change.apply(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has ended it
            connection.execute("ROLLBACK")
        raise
    finally:
        connection.execute("PRAGMA secure_delete = OFF")
    if isinstance(change, Removing):
        _empty_log(connection)
    return effect


def _empty_log(connection: sqlite3.Connection) -> None:
    """What was deleted stands in SQLite's -wal too. Where somebody reads meanwhile, it goes with a later one."""
    with suppress(sqlite3.Error):
        connection.execute(f"PRAGMA busy_timeout = {READERS_MS}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with suppress(sqlite3.Error):
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")


@frozen
class Remarking:
    """What people note of one; None leaves it as it is."""

    exchange: int
    mark: str | None = None
    comment: str | None = None
    pinned: bool | None = None

    @property
    def ids(self) -> Sequence[int]:
        """See `Change`."""
        return (self.exchange,)

    @property
    def size(self) -> int:
        """See `Change`."""
        return 4 * (len(self.mark or "") + len(self.comment or ""))

    def apply(self, connection: sqlite3.Connection) -> Effect:
        """See `Change`."""
        if self.pinned is not None:
            connection.execute("UPDATE exchange SET pinned = ? WHERE id = ?", (int(self.pinned), self.exchange))
        if self.mark is not None or self.comment is not None:
            noted = (self.mark, self.comment)
            connection.execute(REMARK, (*noted, self.exchange, *noted))
            empty = "DELETE FROM remark WHERE exchange = ? AND mark = '' AND comment = ''"
            connection.execute(empty, (self.exchange,))
        found = connection.execute("SELECT fingerprint FROM exchange WHERE id = ?", (self.exchange,)).fetchone()
        return Effect(found is not None)


@frozen
class Removing:
    """Some go, with all that they hold."""

    ids: Sequence[int]
    size: int = 0

    def apply(self, connection: sqlite3.Connection) -> Effect:
        """See `Change`. The octets are overwritten in the file: what was deleted cannot be read in it any more."""
        before = connection.total_changes
        touched = removed(connection, self.ids)
        return Effect(connection.total_changes > before, touched)


@frozen
class Superseding:
    """``recording`` is new and takes the place of the exchange ``original``, or of who has that by now."""

    original: int
    recording: Recording
    size: int

    @property
    def ids(self) -> Sequence[int]:
        """See `Change`."""
        return (self.original, self.recording.id)

    def apply(self, connection: sqlite3.Connection) -> Effect:
        """See `Change`."""
        current = _holder(connection, self.original)
        query = "SELECT replayable, fingerprint, session FROM exchange WHERE id = ?"
        row = connection.execute(query, (current,)).fetchone()
        if row is None:
            return Effect(False)
        displaced = [(current, row[0])]
        if not row[0] and row[1]:
            displaced += connection.execute(SERVED, (row[1], row[2])).fetchall()
        connection.execute(insert(1), to_row(self.recording))
        insert_parts(connection, self.recording)
        for original, replayable in displaced:
            connection.execute(DISPLACED, (self.recording.id, original, replayable))
            connection.execute("UPDATE exchange SET replayable = 0 WHERE id = ?", (original,))
        return Effect(True, [each for each in {self.recording.fingerprint, row[1]} if each])


def _holder(connection: sqlite3.Connection, original: int) -> int:
    """The last of the edits that followed each other in the place of one; itself where there is none."""
    while (later := connection.execute(LATER, (original,)).fetchone()[0]) is not None:
        original = later
    return original
