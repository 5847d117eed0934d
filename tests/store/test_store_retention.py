"""The limits of size and age: the oldest go first, no more than needed, pinned ones never."""

import sqlite3

import pytest
from recordings import fingerprint

from proxy_daemon.store.opening import connect, prepare
from proxy_daemon.store.retention import SLACK, STEP, Retention

NOW = 1_800_000_000.0
SIZE = 100_000  # octets of an exchange here
INSERT = "INSERT INTO exchange VALUES (?, ?, ?, ?, ?, x'', '', 0, x'', x'', 0, x'', NULL, ?, NULL, NULL, '')"


@pytest.fixture
def connection(path):
    prepare(str(path))
    made = connect(str(path), 1.0)
    yield made
    made.close()


def add(connection, *numbers, age=0.0, size=0, pinned=False, replayable=True):
    for number in numbers:
        values = (number, int((NOW - age) * 1_000_000), fingerprint(number), replayable, pinned, size)
        connection.execute(INSERT, values)
        if size:
            connection.execute("INSERT INTO body_part VALUES (?, 1, 0, zeroblob(?))", (number, size))


def left(connection):
    return [row[0] for row in connection.execute("SELECT id FROM exchange ORDER BY id")]


def parts_left(connection):
    return [row[0] for row in connection.execute("SELECT DISTINCT exchange FROM body_part ORDER BY exchange")]


def limits(max_bytes=2**40, max_age=1e9):
    return Retention(max_bytes, max_age, lambda: NOW)


def test_what_is_too_old_goes(connection):
    add(connection, 1, 2, age=101, size=10)
    add(connection, 3, 4, age=99, size=10)
    assert limits(max_age=100).enforce(connection) == [fingerprint(1), fingerprint(2)]
    assert (left(connection), parts_left(connection)) == ([3, 4], [3, 4])


def test_more_than_one_step_of_old_ones_goes_at_once(connection):
    add(connection, *range(STEP * 2 + 10), age=101)
    add(connection, 9999)
    assert len(limits(max_age=100).enforce(connection)) == STEP * 2 + 10
    assert left(connection) == [9999]


@pytest.mark.parametrize("pinned", [1, STEP + 1], ids=["one", "more than a step"])
def test_pinned_ones_stay_however_old(connection, pinned):
    add(connection, *range(pinned), age=9999, pinned=True)
    add(connection, 5000, age=9999)
    limits(max_bytes=0, max_age=100).enforce(connection)
    assert left(connection) == list(range(pinned))


def test_the_oldest_go_when_it_is_too_large(connection):
    add(connection, *range(10), size=SIZE)
    retention = limits(max_bytes=6 * SIZE)
    dropped = retention.enforce(connection)
    kept = left(connection)
    assert kept == list(range(10 - len(kept), 10)), "the newest stay"
    assert dropped == [fingerprint(number) for number in range(10 - len(kept))]
    assert 3 <= len(kept) <= 6, "no more than needed goes"
    assert parts_left(connection) == kept
    assert retention._size(connection) <= 6 * SIZE


def test_many_small_ones_go_until_it_is_small_enough(connection):
    add(connection, *range(STEP * 4), size=4000)
    retention = limits(max_bytes=retention_size(connection) // 2)
    retention.enforce(connection)
    assert retention.max_bytes * 0.6 < retention._size(connection) <= retention.max_bytes * SLACK
    assert left(connection)[-1] == STEP * 4 - 1


def retention_size(connection):
    return limits()._size(connection)


def test_it_stops_where_nothing_may_go(connection):
    add(connection, 1, 2, size=SIZE, pinned=True)
    assert limits(max_bytes=1).enforce(connection) == []
    assert left(connection) == [1, 2]


def test_within_the_limits_nothing_goes(connection):
    add(connection, 1, 2, size=SIZE)
    assert limits().enforce(connection) == []
    assert left(connection) == [1, 2]


def test_only_what_could_be_served_is_told(connection):
    add(connection, 1, age=200, replayable=False)
    add(connection, 2, age=200)
    connection.execute(INSERT, (3, 0, None, 1, 0, 0))
    assert limits(max_age=100).enforce(connection) == [fingerprint(2)]
    assert left(connection) == []


@pytest.mark.parametrize("max_age", [0.0, 1e30, float("inf")])
def test_any_age_is_a_limit(connection, max_age):
    add(connection, 1, age=1)
    limits(max_age=max_age).enforce(connection)
    assert left(connection) == ([] if max_age == 0 else [1])


def test_freed_pages_go_back_to_the_file_system(connection, path):
    add(connection, *range(20), size=SIZE)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    before = path.stat().st_size
    limits(max_bytes=5 * SIZE).enforce(connection)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert path.stat().st_size < before / 2


@pytest.mark.parametrize("size", ["'x'", "NULL + 0", "9223372036854775807", "-9223372036854775807", "1e300", "x'00'"])
def test_edited_sizes_stop_nothing(connection, size):
    add(connection, *range(10), size=SIZE)
    connection.execute(f"UPDATE OR IGNORE exchange SET response_size = ifnull({size}, 'none') WHERE id < 8")
    retention = limits(max_bytes=6 * SIZE)
    retention.enforce(connection)
    assert retention._size(connection) <= 6 * SIZE


def test_a_delete_that_fails_is_undone(connection):
    add(connection, 1, age=200, size=10)
    connection.execute("CREATE TRIGGER t BEFORE DELETE ON exchange BEGIN SELECT raise(ABORT, 'no'); END")
    with pytest.raises(sqlite3.IntegrityError, match="no"):
        limits(max_age=100).enforce(connection)
    assert not connection.in_transaction
    assert (left(connection), parts_left(connection)) == ([1], [1])
