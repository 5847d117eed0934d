"""Opens a store's file: makes it, checks it, upgrades its schema by the numbered files in `schema/`.

A file that is damaged, or not ours, is refused with one line and stays untouched. One that may only be read is used
as it is: nothing is made beside it.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from attrs import frozen

from proxy_daemon.store.access import (
    BUSY_SECONDS,
    READ,
    WRITE,
    StoreError,
    can_write,
    connect,
    is_waiting,
    way_to_look,
    way_to_read,
)
from proxy_daemon.store.refingerprint import Rules, bring_up

__all__ = ["Prepared", "StoreError", "connect", "fingerprint_anew", "look", "prepare"]

PAGE = 8 * 1024  # each new exchange changes a page of the index of fingerprints, which is written whole
SCHEMA = files("proxy_daemon.store") / "schema"
KEY = 32  # octets
HEADER = 100


@frozen
class Prepared:
    """A store that can be used: its key, and how it is to be opened (`WRITE`, `READ` or `IMMUTABLE`)."""

    path: str
    key: bytes
    access: str = WRITE

    @property
    def trouble(self) -> str:
        """Why nothing is recorded; empty where it can be written."""
        return "" if self.access == WRITE else f"recording is off: the store {self.path} may only be read"


def prepare(path: str, schema: Traversable = SCHEMA) -> Prepared:
    """Make or check the file, and bring it up to date where it can be written. Raises `StoreError`."""
    try:
        empty = _make_file(path) or os.stat(path).st_size == 0
        access = WRITE if empty else _inspect(path, schema)
        if access == READ and can_write(path):
            access = WRITE
        with closing(connect(path, BUSY_SECONDS, access)) as connection:
            if empty:
                _lay_out(connection)
            if access == WRITE:
                _upgrade(connection, schema)
            _check_version(path, connection, schema)
            return Prepared(path, _key(connection), access)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"the store {path} cannot be used: {_plain(error)}; name another with --store") from error


def look(path: str, schema: Traversable = SCHEMA) -> str:
    """How a store that is there can be read: nothing in it changes, and no file is made. Raises `StoreError`."""
    try:
        access = _inspect(path, schema, way_to_look)
        with closing(connect(path, BUSY_SECONDS, access)) as connection:
            _check_version(path, connection, schema)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"the store {path} cannot be used: {_plain(error)}; name another with --store") from error
    return access


def fingerprint_anew(path: str, rules: Rules) -> None:
    """The fingerprints of a store that can be written follow these rules afterwards. Raises `StoreError`."""
    try:
        bring_up(path, rules)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"the store {path} cannot be used: {_plain(error)}; name another with --store") from error


def _make_file(path: str) -> bool:
    """Whether the file is new. Only its owner may read it: prompts are private."""
    place = Path(path)
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return False
    return True


def _lay_out(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA page_size = {PAGE}")
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")


def _inspect(path: str, schema: Traversable, way: Callable[[str], str] = way_to_read) -> str:
    """Refuse what we cannot use; returns how it can be read.

    Only a connection that cannot write leaves the file as it is, also at its closing.
    """
    _check_length(path)
    access = way(path)
    with closing(connect(path, BUSY_SECONDS, access)) as connection:
        version = _version(connection)
        if version > max(_scripts(schema)):
            raise StoreError(
                f"the store {path} was written by a newer llmproxy (schema {version}); "
                "upgrade, or name another with --store"
            )
        _check(connection, version)
    return access


def _check_length(path: str) -> None:
    """As long as its header says (SQLite's file format, section 1.3), unless a daemon runs or was killed.

    SQLite itself takes the length that it finds, and a file of a few octets for an empty one.
    """
    with open(path, "rb") as file:
        head = file.read(HEADER)
    if len(head) < HEADER or not head.startswith(b"SQLite format 3\0"):
        raise sqlite3.DatabaseError("file is not a database")
    page, pages = int.from_bytes(head[16:18], "big"), int.from_bytes(head[28:32], "big")
    if not is_waiting(path) and os.stat(path).st_size < page * pages:
        raise sqlite3.DatabaseError("the file is cut short")


def _check(connection: sqlite3.Connection, version: int) -> None:
    """Ours, and readable. A damaged page deep inside shows when it is read."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if (version < 1 and tables) or (version >= 1 and not {"meta", "exchange"} <= tables):
        raise sqlite3.DatabaseError("it is a SQLite file of something else")
    if version >= 1:
        connection.execute("SELECT * FROM exchange ORDER BY id DESC LIMIT 1").fetchall()
        connection.execute("SELECT * FROM exchange ORDER BY id LIMIT 1").fetchall()
        _read_key(connection)


def _scripts(schema: Traversable) -> dict[int, Traversable]:
    return {int(file.name[:4]): file for file in schema.iterdir() if file.name.endswith(".sql")}


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _check_version(path: str, connection: sqlite3.Connection, schema: Traversable) -> None:
    """After the upgrade, so it fails only where none can be, or none is made."""
    version = _version(connection)
    if version < max(_scripts(schema)):
        raise StoreError(
            f"the store {path} was written by an older llmproxy (schema {version}) and is only read; "
            "start llmproxy on it once where it can be written, or name another with --store"
        )


def _upgrade(connection: sqlite3.Connection, schema: Traversable) -> None:
    """Run the files whose numbers are above the file's version."""
    for number, script in sorted(_scripts(schema).items()):
        if number > _version(connection):
            _run(connection, number, script.read_text())


def _run(connection: sqlite3.Connection, number: int, script: str) -> None:
    """One file and its number in one transaction, unless another daemon has run it since we looked.

    A statement ends at the end of a line: `executescript` would end the transaction before it begins.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        statement = ""
        for line in script.splitlines(keepends=True) if number > _version(connection) else ():
            statement += line
            if sqlite3.complete_statement(statement):
                connection.execute(statement)
                statement = ""
        connection.execute(f"PRAGMA user_version = {max(number, _version(connection))}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has ended it
            connection.execute("ROLLBACK")
        raise


def _key(connection: sqlite3.Connection) -> bytes:
    """The store's key; made where there is none. A file that may only be read has one."""
    found = _read_key(connection)
    if found is None:
        connection.execute("INSERT OR IGNORE INTO meta VALUES ('key', ?)", (secrets.token_bytes(KEY),))
        found = _read_key(connection)
    assert found is not None
    return found


def _read_key(connection: sqlite3.Connection) -> bytes | None:
    row = connection.execute("SELECT value FROM meta WHERE name = 'key'").fetchone()
    if row is not None and (not isinstance(row[0], bytes) or len(row[0]) != KEY):
        raise sqlite3.DatabaseError("its key was changed")
    return row[0] if row is not None else None


def _plain(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if "not a database" in str(error):
        return "it is damaged, or no SQLite file"
    return f"it is damaged ({error})" if "malformed" in str(error) or "cut" in str(error) else str(error)
