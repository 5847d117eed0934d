"""What can be served, slice by slice: all of it once, in order, out of the index alone."""

import sqlite3
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import fingerprint, recording, rows

from proxy_daemon.store import listing
from proxy_daemon.store.listing import replayable
from proxy_daemon.testing import MemoryStore


@pytest.fixture
def connection():
    """An empty store."""
    with sqlite3.connect(":memory:") as made:
        for script in sorted(each.name for each in (files("proxy_daemon.store") / "schema").iterdir()):
            if script.endswith(".sql"):
                made.executescript((files("proxy_daemon.store") / "schema" / script).read_text())
        yield made
    made.close()


def add(connection, number, print_, session="", replayable=1):
    connection.execute(
        "INSERT INTO exchange (id, started, fingerprint, replayable, pinned, path, model, status, facts, request_head,"
        " request_size, response_size, session) VALUES (?, 0, ?, ?, 0, x'', '', 200, x'', x'', 0, 0, ?)",
        (number, print_, replayable, session),
    )


def slices(read, limit):
    behind = (b"", 0)
    while rows := read(limit, behind):
        assert len(rows) <= limit
        yield from rows
        behind = rows[-1][:2]


MANY = st.lists(
    st.tuples(st.sampled_from([None, b"a", b"b", b"c" * 32]), st.sampled_from(["", "s"]), st.sampled_from([0, 1, 2]))
)


@given(MANY, st.integers(1, 7))
def test_each_is_read_once_and_in_order(given_rows, limit):
    with sqlite3.connect(":memory:") as made:
        for script in ("0001.sql", "0002.sql"):
            made.executescript((files("proxy_daemon.store") / "schema" / script).read_text())
        for number, (print_, session, kind) in enumerate(given_rows, start=1):
            add(made, number, print_, session, kind)
        found = list(slices(lambda *place: replayable(made, *place), limit))
    made.close()
    expected = [
        (print_ or b"", number, session) for number, (print_, session, kind) in enumerate(given_rows, 1) if kind
    ]
    assert found == sorted(expected)


@pytest.mark.parametrize("query", [listing.WITHOUT, listing.OF_THIS, listing.BEHIND])
def test_rows_are_not_touched_and_nothing_is_sorted(connection, query):
    values = [1] * query.count("?")
    plan = connection.execute(f"EXPLAIN QUERY PLAN {query}{listing.ORDER}", (*values, 5)).fetchall()
    assert [row[3].split(" (")[0] for row in plan] == [
        "SEARCH exchange USING COVERING INDEX exchange_by_fingerprint",
    ]


def test_what_somebody_has_edited_does_no_harm(connection):
    add(connection, 1, "text", "s")
    add(connection, 2, b"f", b"\xff")
    assert list(slices(lambda *place: replayable(connection, *place), 1)) == [(b"f", 2, "")]


def test_the_stores_agree(opened):
    each, memory = opened(), MemoryStore()
    made = [recording(number, session="s" if number == 2 else "", replayable=number < 4) for number in (3, 1, 2, 4)]
    assert each.put(*made) == [True] * 4
    for one in made:
        memory.note(one)
    found = list(slices(each.store.replayable, 2))
    assert found == list(slices(memory.replayable, 2))
    assert sorted(found) == sorted((fingerprint(number), number, "s" if number == 2 else "") for number in (1, 2, 3))


def test_a_store_that_cannot_be_read_says_so(opened):
    each = opened()
    each.put(recording(1))
    rows(each.path, "DROP TABLE exchange")
    assert each.store.replayable(5) == ()
    assert "cannot be read" in each.store.trouble
