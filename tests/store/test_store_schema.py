"""The schema files: numbered without gaps, each runs in a transaction, and the look-ups use their indexes."""

import sqlite3

import pytest
from recordings import fingerprint

from proxy_daemon.store.codec import COLUMNS
from proxy_daemon.store.opening import SCHEMA

NAMES = sorted(file.name for file in SCHEMA.iterdir() if file.name.endswith(".sql"))


@pytest.fixture
def connection():
    made = sqlite3.connect(":memory:", isolation_level=None)
    for name in NAMES:
        made.executescript((SCHEMA / name).read_text())
    yield made
    made.close()


def test_numbers_have_no_gap():
    assert [f"{number:04}.sql" for number in range(1, len(NAMES) + 1)] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_file_leaves_transactions_and_versions_to_who_runs_it(name):
    text = (SCHEMA / name).read_text().upper()
    assert not [word for word in ("BEGIN", "COMMIT", "VACUUM", "USER_VERSION", "JOURNAL_MODE") if word in text]


def test_the_columns_are_those_of_the_codec(connection):
    assert [row[1] for row in connection.execute("PRAGMA table_info(exchange)")] == COLUMNS.split(", ")


LOOK_UPS = {
    "candidates": (
        "exchange_by_fingerprint",
        "fingerprint = ? AND replayable ORDER BY id DESC LIMIT 9",
        [fingerprint(1)],
    ),
    "patterns": ("exchange_with_pattern", "replayable = 2 AND id <= ? ORDER BY id LIMIT 9", [9]),
    "similar": ("exchange_by_path", "path = ? AND model = ? AND replayable ORDER BY id DESC LIMIT 5", [b"/", "m"]),
    "get": ("INTEGER PRIMARY KEY", "id = ?", [1]),
    "page": ("INTEGER PRIMARY KEY", "id < ? ORDER BY id DESC LIMIT 5", [9]),
}


@pytest.mark.parametrize(("index", "where", "values"), LOOK_UPS.values(), ids=LOOK_UPS)
def test_a_look_up_uses_its_index_and_sorts_nothing(connection, index, where, values):
    plan = connection.execute(f"EXPLAIN QUERY PLAN SELECT {COLUMNS} FROM exchange WHERE {where}", values).fetchall()
    assert len(plan) == 1
    assert index in plan[0][3]
    assert plan[0][3].startswith("SEARCH")


def test_parts_are_found_by_their_key(connection):
    query = "SELECT data FROM body_part WHERE exchange = 1 AND side = 0 AND start <= 5 ORDER BY start DESC LIMIT 1"
    plan = connection.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
    assert [row[3].split(" (")[0] for row in plan] == ["SEARCH body_part USING PRIMARY KEY"]
