"""A catalogue's file: opened, made anew where it cannot be used, written and read in rows.

Invariant: what an exchange says is written and dropped whole, in one transaction; several processes may do so at once.
What SQLite says of a damaged file is raised as `CatalogueDamaged`, all else as it is. Called by `filling.py`,
`searching.py` and `asking.py`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import blake2b
from typing import Any

from proxy_daemon.store.catalogue.entry import LONGEST_TEXT, LONGEST_WORD, Entry
from proxy_daemon.store.catalogue.layout import COLUMNS, TABLES, VERSION, Kind
from proxy_daemon.store.made_anew import code_of, opened_or_made

CACHE_KIB = 8 * 1024
BUSY_SECONDS = 0.2  # another process that fills it takes as long for a step
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_SCHEMA, sqlite3.SQLITE_MISMATCH}
MARK = 16  # octets of a print
_FIELDS = (
    "id",
    "readable",
    "whole",
    "status",
    "has_response",
    "failed",
    "edited",
    "total",
    "seconds",
    "chain",
    "source",
)
INSERT = (
    f"INSERT OR IGNORE INTO exchange ({', '.join((*_FIELDS, *COLUMNS.values()))})"  # noqa: S608  (constants)
    f" VALUES ({', '.join('?' * (len(_FIELDS) + len(COLUMNS)))})"
)
OF_MESSAGES = "SELECT id, text FROM message WHERE id = ? AND NOT EXISTS (SELECT 1 FROM said WHERE message = message.id)"
HEIRS = "SELECT id FROM exchange WHERE source = ? AND source"
# How often something was dropped: `tidying.py` has to take its traces away.
DROPPED = "INSERT INTO meta VALUES ('dropped', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1"


class CatalogueDamaged(Exception):
    """The catalogue must be made anew."""


class Catalogue:
    """Open it by `opened`. Its numbers are those of the file when they were last looked at."""

    def __init__(self, path: str, identity: bytes) -> None:
        self.path = path
        self.connection = _connect(path)
        try:
            with self.guarded():
                self._prepare(identity)
        except BaseException:
            self.connection.close()
            raise

    def close(self) -> None:
        """Let the file go."""
        self.connection.close()

    # --- filling -----------------------------------------------------------------------------------------------------

    def add(self, entries: Sequence[Entry], notes: bytes) -> int:
        """Take them in, all or none, with the notes of who fills it. Those that are there stay as they are.

        Returns how many were new.
        """
        with self.guarded(), self.transaction():
            added = sum(self._insert(entry) for entry in entries)
            self._note(notes)
        return added

    def drop(self, ids: Iterable[int]) -> set[int]:
        """Forget these, and the words that nobody else has said: one by one, since each may take long.

        Returns the ids of those that were dropped with them, for they had their words of one of these.
        """
        wanted, heirs = set(ids), set[int]()
        for each in wanted:
            with self.guarded(), self.transaction():
                own = {row[0] for row in self.connection.execute(HEIRS, (each,))}
                for number in (each, *own):
                    self._drop(number)
                self.connection.execute(DROPPED)
            heirs |= own
        return heirs - wanted

    def notes(self) -> bytes:
        """What was noted last; empty where nothing was."""
        found = self._one("SELECT value FROM meta WHERE name = 'notes'")
        return found if isinstance(found, bytes) else b""

    def _insert(self, entry: Entry) -> bool:
        words = [self._word(kind, entry.words.get(kind, "")) for kind in COLUMNS]
        values = [int(each) if isinstance(each, bool) else each for each in (getattr(entry, name) for name in _FIELDS)]
        if not self.connection.execute(INSERT, [*values, *words]).rowcount:
            return False
        if entry.told:
            self.connection.execute("INSERT OR REPLACE INTO told VALUES (?, ?)", (entry.id, entry.told))
        for text in entry.said:
            said = (entry.id, self._message(text[:LONGEST_TEXT]))
            self.connection.execute("INSERT OR IGNORE INTO said VALUES (?, ?)", said)
        return True

    def _word(self, kind: Kind, text: str) -> int:
        text = stored(text[:LONGEST_WORD])
        mark = printed(kind.name, text)
        query = "SELECT id FROM word WHERE print = ?"
        row = self.connection.execute(query, (mark,)).fetchone()
        if row is None:
            insert = "INSERT INTO word (kind, print, text) VALUES (?, ?, ?) RETURNING id"
            row = self.connection.execute(insert, (kind, mark, text)).fetchone()
        return int(row[0])

    def _message(self, text: str) -> int:
        text = stored(text)
        mark = printed("", text)
        row = self.connection.execute("SELECT id FROM message WHERE print = ?", (mark,)).fetchone()
        if row is None:
            insert = "INSERT INTO message (print, text) VALUES (?, ?) RETURNING id"
            row = self.connection.execute(insert, (mark, text)).fetchone()
            self.connection.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (row[0], text))
        return int(row[0])

    def _drop(self, exchange: int) -> None:
        rows = self.connection.execute("SELECT message FROM said WHERE exchange = ?", (exchange,)).fetchall()
        for query in (
            "DELETE FROM said WHERE exchange = ?",
            "DELETE FROM told WHERE id = ?",
            "DELETE FROM exchange WHERE id = ?",
        ):
            self.connection.execute(query, (exchange,))
        for (message,) in rows:
            for number, text in self.connection.execute(OF_MESSAGES, (message,)).fetchall():
                self._forget(number, text)

    def _forget(self, message: int, text: str) -> None:
        delete = "INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)"
        self.connection.execute(delete, (message, text))
        self.connection.execute("DELETE FROM message WHERE id = ?", (message,))

    def _note(self, notes: bytes) -> None:
        self.connection.execute("INSERT OR REPLACE INTO meta VALUES ('notes', ?)", (notes,))

    # --- reading -----------------------------------------------------------------------------------------------------

    def rows(self, query: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        """Of a question."""
        with self.guarded():
            return self.connection.execute(query, values).fetchall()

    def count(self) -> int:
        """Exchanges in it."""
        found = self._one("SELECT count(*) FROM exchange")
        return found if isinstance(found, int) else 0

    def between(self, low: int, high: int) -> set[int]:
        """Ids from ``low`` to ``high``, both among them."""
        return {row[0] for row in self.rows("SELECT id FROM exchange WHERE id BETWEEN ? AND ?", (low, high))}

    def told(self, ids: Sequence[int]) -> dict[int, bytes]:
        """TOLD as JSON, of those of these that are there."""
        marks = ", ".join("?" * len(ids))
        found = self.rows(f"SELECT id, told FROM told WHERE id IN ({marks})", ids)  # noqa: S608  (marks only)
        return {number: told for number, told in found if isinstance(told, bytes)}

    def words(self, kind: Kind, most: int, octets: int) -> list[tuple[int, str]] | None:
        """(number, text) of all texts of a kind; None where these are more, or longer together."""
        found: list[tuple[int, str]] = []
        with self.guarded():
            for row in self.connection.execute("SELECT id, text FROM word WHERE kind = ?", (kind,)):
                found.append(row)
                octets -= len(row[1].encode())
                if octets < 0 or len(found) > most:
                    return None
        return found

    def _one(self, query: str) -> object:
        found = self.rows(query)
        return found[0][0] if found else None

    # --- the file ----------------------------------------------------------------------------------------------------

    def _prepare(self, identity: bytes) -> None:
        """Lay out an empty file. Raises `CatalogueDamaged` for one that is something else, or another store's."""
        version = self._one("PRAGMA user_version")
        if not version and not self._one("SELECT count(*) FROM sqlite_master"):
            self.connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            self.connection.execute("PRAGMA journal_mode = WAL")
            with self.transaction():
                if not self._one("SELECT count(*) FROM sqlite_master"):  # another process was quicker
                    self._lay_out(identity)
        elif version != VERSION:
            raise CatalogueDamaged("it is of another version")
        if self._one("SELECT value FROM meta WHERE name = 'store'") != identity:
            raise CatalogueDamaged("it is of another store")

    def _lay_out(self, identity: bytes) -> None:
        for statement in TABLES:
            self.connection.execute(statement)
        self.connection.execute("INSERT INTO meta VALUES ('store', ?)", (identity,))
        self.connection.execute(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self.connection.execute("ROLLBACK")
            raise

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Raises `CatalogueDamaged` for what damage looks like."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            if code_of(error) in DAMAGED or "no such" in str(error) or "vtable constructor" in str(error):
                raise CatalogueDamaged(str(error)) from error
            raise


def opened(path: str, key: bytes) -> Catalogue:
    """The catalogue in this file, made anew where it cannot be used. ``key``: the store's.

    Where no file can be made there, it stands in a temporary one.
    """
    identity = blake2b(key, digest_size=32, person=b"catalogue").digest()
    return opened_or_made(path, lambda place: Catalogue(place, identity), CatalogueDamaged)


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA secure_delete = ON")  # words of what is deleted do not stay on the disk
    connection.execute("PRAGMA journal_size_limit = 16777216")
    return connection


def stored(text: str) -> str:
    """As SQLite can hold and search it: NUL ends a text for it, and a lone surrogate has no UTF-8."""
    return text.encode("utf-8", "replace").decode().replace("\0", " ")


def printed(name: str, text: str) -> bytes:
    """A hash by which a text is found again."""
    return blake2b(b"%b\0%b" % (name.encode("utf-8", "replace"), text.encode()), digest_size=MARK).digest()
