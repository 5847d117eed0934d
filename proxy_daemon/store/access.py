"""How a store's file can be used on this machine: written, or only read. Found out by trying.

What may only be read stays as it is, and nothing is made beside it that would stay there.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing
from urllib.parse import quote

CACHE_KIB = 8 * 1024
CHECKPOINT_PAGES = 4096  # the pages of an index are written back once in so many, and synced
BUSY_SECONDS = 5.0
WRITE, READ = "mode=rwc", "mode=ro"
IMMUTABLE = "immutable=1"  # SQLite makes no files beside it, sees no -wal, and takes it that nobody writes
BARRED = {errno.EACCES, errno.EPERM, errno.EROFS}


class StoreError(Exception):
    """One line: which file, what is wrong, what to do."""


def connect(path: str, busy_seconds: float, access: str = WRITE) -> sqlite3.Connection:
    """A connection in autocommit mode; bodies never enter SQLite's own cache for long."""
    url = f"file:{quote(os.fsencode(path))}?{access}"
    connection = sqlite3.connect(url, timeout=busy_seconds, isolation_level=None, check_same_thread=False, uri=True)
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    return connection


def way_to_read(path: str) -> str:
    """`READ` where others may write meanwhile; it needs files beside the store.

    `IMMUTABLE` where these cannot be made, or would stay behind for a file that we may not write.
    """
    if _opens_to_write(path) or any(map(os.path.exists, _beside(path))):
        try:
            with closing(connect(path, BUSY_SECONDS, READ)) as connection:
                connection.execute("PRAGMA user_version")
        except sqlite3.OperationalError as error:
            if not _is_barred(error):
                raise
        else:
            return READ
    if is_waiting(path):
        raise StoreError(
            f"the store {path} may only be read, and its newest part is still in {_beside(path)[0]}; "
            "start llmproxy on it once where both can be written, or name another with --store"
        )
    return IMMUTABLE


def way_to_look(path: str) -> str:
    """As `way_to_read`, for a short while and without a file that would stay behind.

    A connection that cannot write makes SQLite's files beside a store, and does not take them away.
    """
    return way_to_read(path) if any(map(os.path.exists, _beside(path))) else IMMUTABLE


def can_write(path: str) -> bool:
    """By a write that is taken back: SQLite begins transactions on a file that may only be read, too."""
    if not _opens_to_write(path):
        return False
    try:
        with closing(connect(path, BUSY_SECONDS)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            connection.execute(f"PRAGMA user_version = {version}")
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        return not _is_barred(error)
    return True


def _opens_to_write(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDWR))
    except OSError as error:
        return error.errno not in BARRED
    return True


def _is_barred(error: sqlite3.Error) -> bool:
    """Whether something may not be written or made. The first octet of SQLite's code names the kind."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)


def is_waiting(path: str) -> bool:
    """Whether a daemon runs or was killed: what it wrote is not in the file yet."""
    try:
        return os.stat(_beside(path)[0]).st_size > 0
    except FileNotFoundError:
        return False


def _beside(path: str) -> tuple[str, str]:
    """SQLite's own two files; they stand where a link leads to."""
    place = os.path.realpath(path)
    return f"{place}-wal", f"{place}-shm"
