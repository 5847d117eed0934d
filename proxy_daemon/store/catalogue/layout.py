"""The tables of a catalogue, and the kinds of texts in it.

Invariant: a catalogue of another `VERSION` is not read, but made anew. Called by `file.py`.
"""

from __future__ import annotations

from enum import IntEnum

VERSION = 1


class Kind(IntEnum):
    """Texts that many exchanges share: each stands once in `word`, and exchanges have its number."""

    URL = 1
    METHOD = 2
    HOST = 3
    ASK_TYPE = 4  # content types
    ANSWER_TYPE = 5
    MODEL = 6
    DIALECT = 7
    OUTCOME = 8
    SESSION = 9
    TOOLS = 10  # names of those that were called, a line each
    CASSETTE = 11


COLUMNS: dict[Kind, str] = {kind: kind.name.lower() for kind in Kind}
_WORDS = ", ".join(f"{name} INTEGER NOT NULL" for name in COLUMNS.values())
TABLES = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE word (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, print BLOB NOT NULL UNIQUE, text TEXT NOT NULL)",
    "CREATE INDEX word_by_kind ON word (kind)",
    # See `entry.py`. chain: of its messages (`chain.py`); total: tokens; seconds: how long it took. NULL: not known.
    (
        "CREATE TABLE exchange (id INTEGER PRIMARY KEY, readable INTEGER NOT NULL, whole INTEGER NOT NULL,"
        " status INTEGER NOT NULL, has_response INTEGER NOT NULL, failed INTEGER NOT NULL, edited INTEGER NOT NULL,"
        f" total INTEGER, seconds REAL, chain INTEGER, source INTEGER NOT NULL, {_WORDS})"
    ),
    "CREATE INDEX exchange_not_whole ON exchange (id) WHERE NOT whole",
    "CREATE INDEX exchange_by_url ON exchange (url, id)",
    "CREATE INDEX exchange_by_chain ON exchange (chain, id) WHERE chain IS NOT NULL",
    "CREATE INDEX exchange_by_source ON exchange (source) WHERE source",
    "CREATE TABLE told (id INTEGER PRIMARY KEY, told BLOB NOT NULL)",
    # text: folded, as it is looked for.
    "CREATE TABLE message (id INTEGER PRIMARY KEY, print BLOB NOT NULL UNIQUE, text TEXT NOT NULL)",
    (
        "CREATE TABLE said (exchange INTEGER NOT NULL, message INTEGER NOT NULL, PRIMARY KEY (exchange, message))"
        " WITHOUT ROWID"
    ),
    "CREATE INDEX said_by_message ON said (message, exchange)",
    # No places within a text: they would take most of the room, and what is found is looked at anyway.
    (
        "CREATE VIRTUAL TABLE words USING fts5"
        " (text, content = 'message', content_rowid = 'id', tokenize = 'trigram', detail = 'none')"
    ),
)
