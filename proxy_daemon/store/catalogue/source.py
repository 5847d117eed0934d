"""The store as a catalogue follows it: ids, single exchanges, and rows for the list.

Invariant: the file is opened to be read only. What cannot be read is a `StoreError` of one line, but a row that
somebody has changed, or that stands on a damaged page: it is `Unreadable`, or left out of a list. Called by the files
here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from proxy_daemon.core.inspecting.answered import is_told_by_another
from proxy_daemon.core.messages import Recording
from proxy_daemon.store.access import BUSY_SECONDS, StoreError, connect
from proxy_daemon.store.codec import COLUMNS, from_row
from proxy_daemon.store.opening import look
from proxy_daemon.store.parts import StoredBody

# What the list shows; bodies stay on the disk, and are known by their sizes.
_ANSWER = "iif(response_head IS NULL, x'', NULL)"
SHOWN = COLUMNS.replace("request_body", "NULL").replace("response_body", _ANSWER).replace("pieces", "x''")
LARGEST = 2**63 - 1
_PAGE = f"SELECT {SHOWN} FROM exchange WHERE id < ? AND id > ? ORDER BY id DESC LIMIT ?"  # noqa: S608  (constants)


class Unreadable(Exception):
    """One row cannot be read; the others can."""


class Source:
    """An open store."""

    def __init__(self, path: str) -> None:
        """Raises `StoreError`."""
        self.path = path
        self._connection = connect(path, BUSY_SECONDS, look(path))
        found = self._rows("SELECT value FROM meta WHERE name = 'key'")
        self.key: bytes = found[0][0] if found else b""

    def close(self) -> None:
        """Let the file go."""
        self._connection.close()

    def version(self) -> int:
        """Another number whenever somebody else has written."""
        return int(self._rows("PRAGMA data_version")[0][0])

    def newest(self) -> int:
        """The highest id; -1 where there is none."""
        return int(self._rows("SELECT coalesce(max(id), -1) FROM exchange")[0][0])

    def below(self, high: int, low: int, most: int) -> list[int]:
        """Ids from ``high`` down to ``low``, both among them, at most so many."""
        query = "SELECT id FROM exchange WHERE id <= ? AND id >= ? ORDER BY id DESC LIMIT ?"
        return [row[0] for row in self._rows(query, (high, low, most))]

    def get(self, exchange_id: int) -> Recording | None:
        """One exchange, whole; None where it is gone. Raises `Unreadable`."""
        query = f"SELECT {COLUMNS} FROM exchange WHERE id = ?"  # noqa: S608  (constants)
        try:
            row = self._connection.execute(query, (exchange_id,)).fetchone()
            return None if row is None else from_row(row, self._body)
        except (ValueError, OSError) as error:
            raise Unreadable(str(error)) from error
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CORRUPT:
                raise Unreadable(str(error)) from error
            raise self._error(error) from error

    def answering(self, recording: Recording) -> Recording | None:
        """The one that answered it, where it has no answer of its own and that one is there."""
        if not is_told_by_another(recording):
            return None
        try:
            return self.get(recording.served_from)
        except Unreadable:
            return None

    def page(self, limit: int, before: int, after: int) -> list[Recording]:
        """Exchanges without their bodies, newest first, between two ids that are not among them."""
        return self._shown(self._rows(_PAGE, (before, after, limit)))

    def shown(self, ids: Iterable[int]) -> list[Recording]:
        """These exchanges without their bodies, in the order given; those that are gone are left out."""
        query = f"SELECT {SHOWN} FROM exchange WHERE id = ?"  # noqa: S608  (constants)
        return self._shown(row for each in ids for row in self._rows(query, (each,)))

    def remarks(self) -> dict[int, tuple[str, str]]:
        """(mark, comment) of all exchanges that have either: people write them by hand."""
        rows = self._rows("SELECT exchange, mark, comment FROM remark")
        return {number: (str(mark), str(comment)) for number, mark, comment in rows}

    def remarks_of(self, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
        """The same of some."""
        marks = ", ".join("?" * len(ids))
        rows = self._rows(f"SELECT exchange, mark, comment FROM remark WHERE exchange IN ({marks})", ids)  # noqa: S608  (marks only)
        return {number: (str(mark), str(comment)) for number, mark, comment in rows}

    def pinned(self) -> list[int]:
        """Ids of those that limits pass by."""
        return [row[0] for row in self._rows("SELECT id FROM exchange WHERE pinned")]

    def _shown(self, rows: Iterable[Any]) -> list[Recording]:
        found = []
        for row in rows:
            try:
                found.append(from_row(row, self._body))
            except ValueError:  # somebody has changed it; the daemon says so when it reads it
                continue
        return found

    def _body(self, exchange_id: int, side: int, size: int) -> StoredBody:
        return StoredBody(self._connection, exchange_id, side, size)

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        try:
            return self._connection.execute(query, values).fetchall()
        except (sqlite3.Error, OverflowError) as error:
            raise self._error(error) from error

    def _error(self, error: Exception) -> StoreError:
        return StoreError(f"the store {self.path} cannot be read: {error}")
