"""The index of near misses: which recordings share a feature, in a file of its own beside the store.

It holds nothing that could not be made anew: where it is damaged, of another version or of another store, it is.
Features (`core/matching/features.py`) are cut to 32 bits: two that meet by chance cost a comparison, no more.

Postings are gathered in memory and written many at once, each 4,096 recordings into a part of the tree of their own
(a generation): written as they come, all over one large tree, they would take most of the time. What was not written
yet is found again in `taken`. Used by `catching_up.py`, which fills it, and by `nearest.py`, which asks it.
"""

from __future__ import annotations

import os
import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import blake2b
from heapq import nlargest
from math import log

from attrs import frozen

VERSION = 1
POSTED = 96  # features of a recording by which it is found, the most telling; all are compared
FEW, MANY = 32, 512  # postings of one feature that are read, the newest: to know how rare it is, and of rare ones
MOST_READ = 4000  # postings of rare ones that are read for one question
SCORED = 128  # recordings whose features are all compared
WRITTEN = 256  # recordings whose postings are written at once
BITS = 12  # of a place within its generation
CACHE_KIB = 16 * 1024
BUSY_SECONDS = 0.5
TEMPORARY = ""  # SQLite's name for a file that is gone when it is closed
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_SCHEMA}
BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
# Without the types, SQLite would not use the key to find them.
_POSTING = (
    "CREATE TABLE posting (generation INTEGER, feature INTEGER, low INTEGER,"
    " PRIMARY KEY (generation, feature, low)) WITHOUT ROWID"
)
LAYOUT = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    # place: numbers in the order of taking
    "CREATE TABLE taken (place INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE, features BLOB NOT NULL)",
    "CREATE TABLE generation (number INTEGER PRIMARY KEY)",
    _POSTING,
    "INSERT INTO meta VALUES ('posted', 0)",
)
PLACES = (
    "SELECT p.generation << 12 | p.low FROM generation g CROSS JOIN posting p ON p.generation = g.number"
    " WHERE p.feature = ? ORDER BY g.number DESC, p.low DESC LIMIT ?"
)
Features = Sequence[int]
_LOW = (1 << BITS) - 1


class IndexDamaged(Exception):
    """The index must be made anew."""


@frozen
class Rarity:
    """A feature of a request: who has it, and what that weighs."""

    feature: int
    places: list[int]
    weight: float


class Index:
    """Open it by `opened`. What SQLite says of a damaged file is raised as `IndexDamaged`, all else as it is."""

    def __init__(self, path: str, identity: bytes) -> None:
        self.path = path
        self._connection = _connect(path)
        try:
            with self._guarded():
                self._prepare(identity)
                self.count = self._number("SELECT count(*) FROM taken")
                self._last = self._number("SELECT coalesce(max(place), 0) FROM taken")
                self._posted = self._number("SELECT value FROM meta WHERE name = 'posted'")
                self._fresh = self._unwritten()
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Write what waits and let the file go."""
        with suppress(sqlite3.Error, IndexDamaged):
            self.write()
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

    def add(self, recordings: Sequence[tuple[int, Features]]) -> None:
        """Take them in, all or none: (id, features), the most telling first. Those that are there stay as they are."""
        known = [(exchange_id, _short(features)) for exchange_id, features in recordings]
        rows = [(place, each[0], each[1].tobytes()) for place, each in enumerate(known, self._last + 1)]
        with self._guarded():
            with self._transaction():
                done = self._connection.executemany("INSERT OR IGNORE INTO taken VALUES (?, ?, ?)", rows)
            self.count += max(0, done.rowcount)
            for place, _, features in rows:
                self._post(place, _read(features))
            self._last += len(rows)
            if self._last - self._posted >= WRITTEN:
                self.write()

    def write(self) -> None:
        """The postings that wait."""
        rows = sorted(
            (place >> BITS, feature, place & _LOW) for feature, places in self._fresh.items() for place in places
        )
        generations = sorted({(row[0],) for row in rows})
        with self._guarded(), self._transaction():
            self._connection.executemany("INSERT OR IGNORE INTO generation VALUES (?)", generations)
            self._connection.executemany("INSERT OR IGNORE INTO posting VALUES (?, ?, ?)", rows)
            self._connection.execute("UPDATE meta SET value = ? WHERE name = 'posted'", (self._last,))
        self._posted, self._fresh = self._last, {}

    def drop(self, ids: Iterable[int]) -> None:
        """Forget these. Postings that were not written yet lead nowhere, which does no harm."""
        with self._guarded(), self._transaction():
            for exchange_id in ids:
                row = self._connection.execute(
                    "DELETE FROM taken WHERE id = ? RETURNING place, features", (exchange_id,)
                ).fetchone()
                if row is not None:
                    self.count -= 1
                    keys = [(row[0] >> BITS, feature, row[0] & _LOW) for feature in _read(row[1])[:POSTED]]
                    self._connection.executemany(
                        "DELETE FROM posting WHERE generation = ? AND feature = ? AND low = ?", keys
                    )

    def _post(self, place: int, features: array[int]) -> None:
        for feature in features[:POSTED]:
            self._fresh.setdefault(feature, []).append(place)

    def _unwritten(self) -> dict[int, list[int]]:
        """What was gathered when the file was left."""
        self._fresh = {}
        query = "SELECT place, features FROM taken WHERE place > ? ORDER BY place"
        for place, features in self._connection.execute(query, (self._posted,)).fetchall():
            self._post(place, _read(features))
        return self._fresh

    # --- asking ------------------------------------------------------------------------------------------------------

    def nearest(self, features: Features, most: int) -> list[int]:
        """Ids of the recordings that share most with these features, rare ones counted more; the best first."""
        with self._guarded():
            rarities = sorted((self._rarity(each) for each in _short(features)[:POSTED]), key=lambda each: -each.weight)
            sums: dict[int, float] = {}
            left = MOST_READ
            for rarity in rarities:
                places = self._all_places(rarity) if left > 0 else rarity.places
                left -= len(places)
                for place in places:
                    sums[place] = sums.get(place, 0.0) + rarity.weight
            best = nlargest(SCORED, sums, key=lambda place: (sums[place], place))
            return self._scored(best, self._weights(features, rarities))[:most]

    def _rarity(self, feature: int) -> Rarity:
        """Of a feature with many postings the newest are read; how many there are follows from how far these reach."""
        places = self._places(feature, FEW)
        frequency = float(len(places)) or 1.0
        if len(places) == FEW:
            frequency *= max(1.0, self._last / (self._last - places[-1] + 1))
        return Rarity(feature, places, log(1.0 + self._last / frequency))

    def _all_places(self, rarity: Rarity) -> list[int]:
        return rarity.places if len(rarity.places) < FEW else self._places(rarity.feature, MANY)

    def _places(self, feature: int, most: int) -> list[int]:
        fresh = self._fresh.get(feature, ())[: -most - 1 : -1]
        return [*fresh, *(row[0] for row in self._connection.execute(PLACES, (feature, most - len(fresh))))]

    @staticmethod
    def _weights(features: Features, rarities: list[Rarity]) -> dict[int, float]:
        """Of the features that were not looked for the average."""
        average = sum(each.weight for each in rarities) / (len(rarities) or 1)
        return dict.fromkeys(_short(features), average) | {each.feature: each.weight for each in rarities}

    def _scored(self, places: list[int], weights: dict[int, float]) -> list[int]:
        """By the share of weight that both have; what only the recording has counts as much as the average."""
        asked, average = sum(weights.values()), sum(weights.values()) / (len(weights) or 1)
        found = []
        for place in places:
            row = self._connection.execute("SELECT id, features FROM taken WHERE place = ?", (place,)).fetchone()
            if row is not None:
                has = _read(row[1])
                both = weights.keys() & set(has)
                share = sum(map(weights.__getitem__, both)) / (asked + average * (len(has) - len(both)) or 1.0)
                found.append((share, row[0]))
        return [exchange_id for _, exchange_id in sorted(found, reverse=True)]

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
            if _code(error) in DAMAGED or "no such" in str(error):
                raise IndexDamaged(str(error)) from error
            raise


def opened(path: str, key: bytes, rules: int) -> Index:
    """The index in this file, made anew where it cannot be used. ``key``: the store's; ``rules``: of the features.

    Where no file can be made there, or another daemon's child has it, it stands in a temporary one.
    """
    identity = blake2b(key + rules.to_bytes(4, "big"), digest_size=32).digest()
    try:
        return _made(path, identity)
    except (IndexDamaged, sqlite3.Error, OSError) as error:
        if _code(error) in BUSY:
            return Index(TEMPORARY, identity)
    try:
        remove(path)
        return _made(path, identity)
    except (IndexDamaged, sqlite3.Error, OSError):
        return Index(TEMPORARY, identity)


def _made(path: str, identity: bytes) -> Index:
    """Only its owner may read the file: it tells which words stand in which prompts."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    os.chmod(path, 0o600)
    return Index(path, identity)


def remove(path: str) -> None:
    """The file and what SQLite keeps beside it."""
    for end in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            os.remove(path + end)


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # one child has it: postings of another would be missed
    connection.execute("PRAGMA synchronous = NORMAL")  # with the journal of `_prepare`: a loss of power damages nothing
    return connection


def _code(error: Exception) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _short(features: Features) -> array[int]:
    return array("i", dict.fromkeys((feature & 0xFFFFFFFF) - 0x80000000 for feature in features))


def _read(features: object) -> array[int]:
    short = array("i")
    short.frombytes(features if isinstance(features, bytes) else b"?")  # one octet is none: a ValueError
    return short
