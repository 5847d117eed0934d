"""Files beside the store that can be made anew from it: indexes, in SQLite. Called by those who open one.

Invariant: only their owner may read them: they tell which words stand in which prompts.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
TEMPORARY = ""  # a name by which SQLite makes a file that is gone when it is closed
Opened = TypeVar("Opened")


def opened_or_made(path: str, opened: Callable[[str], Opened], damaged: type[Exception]) -> Opened:
    """What ``opened`` makes of the file, which is made anew where that raises ``damaged``.

    Where no file can be made there, or another process has it, ``opened`` gets `TEMPORARY`.
    """
    unusable = (damaged, sqlite3.Error, OSError)
    try:
        return opened(_private(path))
    except unusable as error:
        if code_of(error) in BUSY:
            return opened(TEMPORARY)
    try:
        remove(path)
        return opened(_private(path))
    except unusable:
        return opened(TEMPORARY)


def _private(path: str) -> str:
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    os.chmod(path, 0o600)
    return path


def remove(path: str) -> None:
    """The file and what SQLite keeps beside it."""
    for end in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            os.remove(path + end)


def code_of(error: Exception) -> int:
    """SQLite's code, without what it adds to it; 0 for other errors."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
