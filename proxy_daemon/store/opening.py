"""Opens a store's file: makes it, checks it, upgrades its schema by the numbered files in `schema/`.

A file that is damaged, or not ours, is refused with one line and stays untouched.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

PAGE = 16 * 1024
SCHEMA = files("proxy_daemon.store") / "schema"
CACHE_KIB = 8 * 1024


class StoreError(Exception):
    """One line: which file, what is wrong, what to do."""


def prepare(path: str, schema: Traversable = SCHEMA) -> bytes:
    """Make or check the file and bring it up to date; returns the store's key. Raises `StoreError`."""
    try:
        made = _make_file(path)
        connection = connect(path, 5.0)
        try:
            if made or os.stat(path).st_size == 0:
                _lay_out(connection)
            else:
                _check(connection, path)
            _upgrade(connection, path, schema)
            return _key(connection)
        finally:
            connection.close()
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"the store {path} cannot be used: {_plain(error)}; name another with --store") from error


def connect(path: str, busy_seconds: float) -> sqlite3.Connection:
    """A connection in autocommit mode; bodies never enter SQLite's own cache for long."""
    connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    return connection


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


def _check(connection: sqlite3.Connection, path: str) -> None:
    """Not cut, and ours; reads only. A damaged page deep inside shows when it is read."""
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    size = connection.execute("PRAGMA page_size").fetchone()[0]
    if not os.path.exists(path + "-wal") and os.stat(path).st_size < pages * size:
        raise sqlite3.DatabaseError("the file is cut short")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if (version < 1 and tables) or (version >= 1 and not {"meta", "exchange"} <= tables):
        raise sqlite3.DatabaseError("it is a SQLite file of something else")
    if version >= 1:
        connection.execute("SELECT * FROM exchange ORDER BY id DESC LIMIT 1").fetchall()
        connection.execute("SELECT * FROM exchange ORDER BY id LIMIT 1").fetchall()


def _upgrade(connection: sqlite3.Connection, path: str, schema: Traversable) -> None:
    """Run the files whose numbers are above the file's version, each in one transaction with its number."""
    scripts = {int(file.name[:4]): file for file in schema.iterdir() if file.name.endswith(".sql")}
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > max(scripts):
        raise StoreError(
            f"the store {path} was written by a newer llmproxy (schema {version}); upgrade, or name another"
        )
    for number in sorted(scripts):
        if number > version:
            connection.executescript(
                f"BEGIN IMMEDIATE; {scripts[number].read_text()}; PRAGMA user_version = {number}; COMMIT"
            )


def _key(connection: sqlite3.Connection) -> bytes:
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('key', ?)", (secrets.token_bytes(32),))
    found: bytes = connection.execute("SELECT value FROM meta WHERE name = 'key'").fetchone()[0]
    return found


def _plain(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if "not a database" in str(error):
        return "it is damaged, or no SQLite file"
    return f"it is damaged ({error})" if "malformed" in str(error) or "cut" in str(error) else str(error)
