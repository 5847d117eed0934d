"""Takes the last traces of what was dropped out of a catalogue's file, in small steps.

FTS5 only notes that a text is gone; its trigrams stay until all that is indexed was merged
(https://www.sqlite.org/fts5.html, 6.9), and what SQLite overwrites stays in its -wal until that is emptied.

Invariant: a catalogue counts as tidy only where all steps were done, and nothing was dropped since the first one: who
is ended in between leaves that to the next. Called by `filling.py`, when there is nothing else to do.
"""

from __future__ import annotations

from collections.abc import Iterator

from proxy_daemon.store.catalogue.file import Catalogue
from proxy_daemon.store.catalogue.layout import COLUMNS

PAGES = 64  # of the index, that are merged in one step
FREED = 500  # pages that are given back to the disk in one step
NO_CHANGE = 2  # fewer than so many changed rows: nothing was merged
DONE = "INSERT OR REPLACE INTO meta SELECT 'tidied', value FROM meta WHERE name = 'dropped' AND value = ?"


def is_tidy(catalogue: Catalogue) -> bool:
    """Whether there is no trace of what was dropped."""
    numbers = dict(catalogue.rows("SELECT name, value FROM meta WHERE name IN ('dropped', 'tidied')"))
    return numbers.get("dropped") == numbers.get("tidied")


def tidying(catalogue: Catalogue) -> Iterator[None]:
    """All that there is to do: a step, then the next. Raises what the file raises."""
    dropped = catalogue.rows("SELECT value FROM meta WHERE name = 'dropped'")
    for column in COLUMNS.items():
        _drop_words(catalogue, *column)
        yield
    for all_of_it in (False, True):  # what was begun before is ended first: it would keep out what came since
        more = _merged(catalogue, all_of_it=all_of_it)
        while more:
            yield
            more = _merged(catalogue)
    while _freed(catalogue):
        yield
    with catalogue.guarded():
        busy = catalogue.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if dropped and not busy:  # where somebody reads meanwhile, it is all done once more
            catalogue.connection.execute(DONE, dropped[0])


def _drop_words(catalogue: Catalogue, kind: int, column: str) -> None:
    """The shared texts that no exchange has any more."""
    unused = f"DELETE FROM word WHERE kind = ? AND id NOT IN (SELECT {column} FROM exchange)"  # noqa: S608  (constants)
    with catalogue.guarded():
        catalogue.connection.execute(unused, (int(kind),))


def _merged(catalogue: Catalogue, *, all_of_it: bool = False) -> bool:
    """Some pages of what is to be merged; whether there were any. ``all_of_it``: from now on that is all there is."""
    connection = catalogue.connection
    before = connection.total_changes
    with catalogue.guarded():
        pages = -PAGES if all_of_it else PAGES
        connection.execute("INSERT INTO words (words, rank) VALUES ('merge', ?)", (pages,))
    return connection.total_changes - before >= NO_CHANGE


def _freed(catalogue: Catalogue) -> bool:
    """Some room; whether there is more."""
    catalogue.rows(f"PRAGMA incremental_vacuum({FREED})")
    return bool(catalogue.rows("PRAGMA freelist_count")[0][0])
