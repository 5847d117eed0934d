"""The index of near misses: a sketch of each recording, in a file of its own beside the store, and in memory.

It holds nothing that could not be made anew: where it is damaged, of another version or of another store, it is.
A question weighs its small sketch against those of all recordings, which lie in memory (`shortlist.py`), and where none
is very much alike its coarse one; then its fine one against those of the best.
Used by `catching_up.py`, which fills it, and by `nearest.py`, which asks it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import blake2b
from heapq import nlargest

from rapidfuzz.distance import Indel

from proxy_daemon.core.matching.nearness.sketch import COARSE, DEEPEST, FINE, SMALL, Sketch, terms
from proxy_daemon.store.made_anew import code_of, opened_or_made
from proxy_daemon.work.shortlist import Shortlist, keep

VERSION = 2
FINER, FINER_SURE = 384, 64  # recordings whose fine sketches are compared
SMALL_SURE = 0.85  # by the small sketch, for which chance counts
SURE = 0.93  # by the fine sketch: where one is as alike, no others are looked for
MOST_LATER = 64  # of those that are not below an id: so many came in the meantime
MOST_GONE = 1000  # dropped ones whose sketches stay in memory, or as many as a quarter of all
CACHE_KIB = 4 * 1024
BUSY_SECONDS = 0.5
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_SCHEMA}
LAYOUT = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    # place: numbers in the order of taking. Without `fixed`: is not compared. Texts are UTF-16, the fine one last: it
    # is not read at the start.
    (
        "CREATE TABLE taken (place INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE, fixed BLOB, turns INTEGER,"
        " small_level INTEGER, small BLOB, coarse_level INTEGER, coarse BLOB, fine_level INTEGER, fine BLOB)"
    ),
)
INSERT = "INSERT OR IGNORE INTO taken VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
DROP = "DELETE FROM taken WHERE id = ?"
KNOWN = (
    "SELECT id, fixed, turns, small_level, small, coarse_level, coarse FROM taken"
    " WHERE fixed IS NOT NULL ORDER BY place"
)
FINE_ONE = "SELECT fixed, turns, fine_level, fine FROM taken WHERE id = ? AND fixed IS NOT NULL"
CODING = "utf-16-le"
MOST_TURNS = 1_000_000
FIXED_BREAKS = 7


class IndexDamaged(Exception):
    """The index must be made anew."""


class Index:
    """Open it by `opened`. What SQLite says of a damaged file is raised as `IndexDamaged`, all else as it is."""

    def __init__(self, path: str, identity: bytes) -> None:
        self.path = path
        self._connection = _connect(path)
        try:
            with self._guarded():
                self._prepare(identity)
                self.count = self._number("SELECT count(*) FROM taken")
                self._read()
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Let the file go."""
        self._connection.close()

    @property
    def octets(self) -> int:
        """On the disk."""
        files = (self.path, f"{self.path}-wal") if self.path else ()
        return sum(os.stat(file).st_size for file in files if os.path.exists(file))

    # --- filling -----------------------------------------------------------------------------------------------------

    def has(self, exchange_id: int) -> bool:
        """Whether it was taken in."""
        with self._guarded():
            found = self._connection.execute("SELECT 1 FROM taken WHERE id = ?", (exchange_id,)).fetchone()
        return found is not None

    def ids(self) -> set[int]:
        """Of all that was taken in."""
        with self._guarded():
            return {row[0] for row in self._connection.execute("SELECT id FROM taken")}

    def some(self, behind: int, most: int) -> list[tuple[int, int]]:
        """(place, id) of those that stand behind a place."""
        query = "SELECT place, id FROM taken WHERE place > ? ORDER BY place LIMIT ?"
        with self._guarded():
            return self._connection.execute(query, (behind, most)).fetchall()

    def add(self, recordings: Sequence[tuple[int, Sketch | None]]) -> None:
        """Take them in, all or none; None for what is not compared. Those that are there stay as they are."""
        with self._guarded():
            with self._transaction():
                added = [each for each in recordings if self._insert(*each)]
            self.count += len(added)
            for exchange_id, known in added:
                if known is not None:
                    self._gone.discard(exchange_id)
                    self._small.put(exchange_id, known.fixed, known.turns, *known.within(SMALL))
                    self._coarse.put(exchange_id, known.fixed, known.turns, *known.within(COARSE))

    def _insert(self, exchange_id: int, known: Sketch | None) -> bool:
        row: list[object] = [exchange_id, *[None] * 8]
        if known is not None:
            row[1:3] = _octets(known.fixed), known.turns
            for place, most in enumerate((SMALL, COARSE, FINE)):
                level, signs = known.within(most)
                row[3 + 2 * place : 5 + 2 * place] = level, _octets(signs)
        return self._connection.execute(INSERT, row).rowcount > 0

    def drop(self, ids: Iterable[int]) -> None:
        """Forget these."""
        with self._guarded():
            with self._transaction():
                dropped = [each for each in ids if self._connection.execute(DROP, (each,)).rowcount > 0]
            self.count -= len(dropped)
            self._gone.update(dropped)
            if len(self._gone) > max(MOST_GONE, self.count // 4):
                self._read()

    def _read(self) -> None:
        """All sketches into memory."""
        self._small, self._coarse, self._gone = Shortlist(), Shortlist(), set[int]()
        for exchange_id, fixed, turns, small_level, small, coarse_level, coarse in self._connection.execute(KNOWN):
            self._small.put(exchange_id, _fixed(fixed), _turns(turns), _level(small_level), _text(small))
            self._coarse.put(exchange_id, _fixed(fixed), _turns(turns), _level(coarse_level), _text(coarse))

    # --- asking ------------------------------------------------------------------------------------------------------

    def nearest(self, asked: Sketch, most: int, below: int = 0) -> list[int]:
        """Ids of the recordings that are most alike, about; the best first, of equal ones the newest.

        Where some are very much alike, others are not looked for. ``below``: only smaller ids, where it is not 0.
        """
        with self._guarded():
            found = self._best(self._small, asked, FINER_SURE, SMALL_SURE, below)
            # Where there are as many, the small sketches do not tell them apart.
            best = self._finer(asked, found, most) if len(found) < FINER_SURE else []
            if not best or best[0][0] < SURE:
                best = self._finer(asked, self._best(self._coarse, asked, FINER, 0.0, below), most)
            return [exchange_id for _, exchange_id in best]

    def _best(self, known: Shortlist, asked: Sketch, most: int, least: float, below: int) -> list[tuple[float, int]]:
        best = known.best(asked, most + len(self._gone) + (MOST_LATER if below else 0), least)
        return [each for each in best if each[1] not in self._gone and not 0 < below <= each[1]][:most]

    def _finer(self, asked: Sketch, best: list[tuple[float, int]], most: int) -> list[tuple[float, int]]:
        signs: dict[int, str] = {}
        found: list[tuple[float, int]] = []
        for _, exchange_id in best:
            row = self._connection.execute(FINE_ONE, (exchange_id,)).fetchone()
            if row is None:
                continue
            level = _level(row[2])
            if level not in signs:
                signs[level] = asked.at(level)
            made, least = terms(asked, _fixed(row[0]), _turns(row[1])), found[0][0] if len(found) == most else 0.0
            share = Indel.normalized_similarity(signs[level], _text(row[3]), score_cutoff=made.cutoff(least))
            keep(found, (made.score(share), exchange_id), most)
        return nlargest(most, found)

    # --- the file ----------------------------------------------------------------------------------------------------

    def _prepare(self, identity: bytes) -> None:
        """Lay out an empty file. Raises `IndexDamaged` for one that is something else, or another store's."""
        self._connection.execute("PRAGMA journal_mode = WAL")
        version = self._one("PRAGMA user_version")
        if not version and not self._one("SELECT count(*) FROM sqlite_master"):
            with self._transaction():
                for statement in LAYOUT:
                    self._connection.execute(statement)
                self._connection.execute("INSERT INTO meta VALUES ('store', ?)", (identity,))
                self._connection.execute(f"PRAGMA user_version = {VERSION}")
        elif version != VERSION or self._one("SELECT value FROM meta WHERE name = 'store'") != identity:
            raise IndexDamaged("it is of another version, or of another store")

    def _number(self, query: str) -> int:
        found = self._one(query)
        if not isinstance(found, int):
            raise IndexDamaged("it has something else in the place of a number")
        return found

    def _one(self, query: str) -> object:
        row = self._connection.execute(query).fetchone()
        return row[0] if row is not None else None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, TypeError) as error:
            raise IndexDamaged(f"a row has a value of a wrong kind: {error}") from error
        except sqlite3.DatabaseError as error:
            if code_of(error) in DAMAGED or "no such" in str(error):
                raise IndexDamaged(str(error)) from error
            raise


def opened(path: str, key: bytes, rules: int) -> Index:
    """The index in this file, made anew where it cannot be used. ``key``: the store's; ``rules``: of the features.

    Where no file can be made there, or another daemon's child has it, it stands in a temporary one.
    """
    identity = blake2b(key + rules.to_bytes(4, "big"), digest_size=32).digest()
    return opened_or_made(path, lambda place: Index(place, identity), IndexDamaged)


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # one child has it: postings of another would be missed
    connection.execute("PRAGMA synchronous = NORMAL")  # with the journal of `_prepare`: a loss of power damages nothing
    return connection


def _octets(text: str) -> bytes:
    return text.encode(CODING)


def _text(octets: object) -> str:
    if not isinstance(octets, bytes):
        raise TypeError("no octets")
    return octets.decode(CODING)


def _fixed(octets: object) -> str:
    text = _text(octets)
    if text.count("\n") != FIXED_BREAKS:
        raise ValueError("no fixed part")
    return text


def _level(value: object) -> int:
    return _within(value, DEEPEST)


def _turns(value: object) -> int:
    return _within(value, MOST_TURNS)


def _within(value: object, most: int) -> int:
    if not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError("a number that cannot be")
    return value
