"""Looks for texts in what is said: which exchanges say one, or that these are too many to be listed.

Invariant: what is found is exact for what is indexed; a common text costs no more than a rare one, for its exchanges
are not gathered: they are looked at in turn (`SPOKEN`), and the newest few are soon found. Called by `terms.py`.
"""

from __future__ import annotations

from proxy_daemon.core.filtering.said import folded
from proxy_daemon.store.catalogue.file import Catalogue, stored

MOST_FOUND = 4000  # messages, or exchanges, that are gathered
GRAM = 3  # characters: shorter texts are in no index
MOST_GRAMS = 12  # of one text: what they find is looked at anyway
CHUNK = 500
# Of the exchange e: whether it says the text of this parameter.
SPOKEN = (
    "EXISTS (SELECT 1 FROM said JOIN message ON message.id = said.message"
    " WHERE said.exchange = e.id AND instr(message.text, :{name}) > 0)"
)
MATCHING = "SELECT rowid FROM words WHERE words MATCH ? LIMIT ?"


def wanted(text: str) -> str:
    """A text as it stands in the catalogue."""
    return stored(folded(text))


def saying(catalogue: Catalogue, text: str) -> list[int] | None:
    """Ids of the exchanges that say ``text`` (as `wanted` gives it), in no order; None: of too many, or not known."""
    if len(text) < GRAM:
        return None
    rows = catalogue.rows(MATCHING, (_match(text), MOST_FOUND + 1))
    if len(rows) > MOST_FOUND:
        return None
    found: set[int] = set()
    for start in range(0, len(rows), CHUNK):
        found.update(_of_some(catalogue, text, [row[0] for row in rows[start : start + CHUNK]]))
        if len(found) > MOST_FOUND:
            return None
    return list(found)


def _of_some(catalogue: Catalogue, text: str, messages: list[int]) -> set[int]:
    """Exchanges that say one of these messages, where it holds the text."""
    numbers = ", ".join(map(str, messages))
    holding = f"SELECT id FROM message WHERE id IN ({numbers}) AND instr(text, ?) > 0"  # noqa: S608  (numbers)
    query = f"SELECT DISTINCT exchange FROM said WHERE message IN ({holding}) LIMIT ?"  # noqa: S608  (the same)
    return {row[0] for row in catalogue.rows(query, (text, MOST_FOUND + 1))}


def _match(text: str) -> str:
    """A question for FTS5 (https://www.sqlite.org/fts5.html, 4.3.5): all of these pieces, anywhere."""
    places = len(text) - GRAM + 1
    step = max(1, -(-places // MOST_GRAMS))
    grams = {text[at : at + GRAM] for at in (*range(0, places, step), places - 1)}
    return " AND ".join('"{}"'.format(gram.replace('"', '""')) for gram in sorted(grams))
