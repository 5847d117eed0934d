"""A body in parts reads like one in memory, and says so when it cannot."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import content

from proxy_daemon.core.bodies import chunks
from proxy_daemon.store.opening import SCHEMA
from proxy_daemon.store.parts import StoredBody


def table(parts=(), exchange=1, side=0):
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript((SCHEMA / "0001.sql").read_text())
    start = 0
    for data in parts:
        connection.execute("INSERT INTO body_part VALUES (?, ?, ?, ?)", (exchange, side, start, data))
        start += len(data)
    return connection


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=6), st.integers(0, 130), st.integers(1, 40))
def test_reads_as_one_in_memory(parts, offset, size):
    connection, whole = table(parts), b"".join(parts)
    body = StoredBody(connection, 1, 0, len(whole))
    found = body.read(offset, size)
    assert whole[offset : offset + size].startswith(found)
    assert bool(found) == (offset < len(whole))
    assert b"".join(chunks(body, size)) == whole
    connection.close()


def test_is_never_whole_in_memory():
    connection = table([b"abc"])
    assert StoredBody(connection, 1, 0, 3).whole() is None
    connection.close()


@pytest.mark.parametrize(("exchange", "side"), [(1, 1), (2, 0)])
def test_reads_its_own_parts_only(exchange, side):
    connection = table([b"abc"])
    connection.execute("INSERT INTO body_part VALUES (?, ?, 0, 'its own')", (exchange, side))
    assert content(StoredBody(connection, 1, 0, 3)) == b"abc"
    connection.close()


def broken(change):
    connection = table([b"abc", b"def", b"ghi"])
    connection.executescript(change)
    return connection


BROKEN = {
    "deleted meanwhile": "DELETE FROM body_part",
    "a gap at the start": "DELETE FROM body_part WHERE start = 0",
    "a gap in the middle": "DELETE FROM body_part WHERE start = 3",
    "the end is missing": "DELETE FROM body_part WHERE start = 6",
    "text": "UPDATE body_part SET data = 'def' WHERE start = 3",
    "a number": "UPDATE body_part SET data = 5 WHERE start = 3",
    "the start is text": "UPDATE body_part SET start = 'x' WHERE start = 3",
    "no table": "DROP TABLE body_part",
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_lost_octets_are_an_error_and_no_end(change):
    connection = broken(change)
    with pytest.raises(OSError, match="store"):
        content(StoredBody(connection, 1, 0, 9))
    connection.close()


def test_a_closed_store_is_an_error():
    connection = table([b"abc"])
    connection.close()
    with pytest.raises(OSError, match="the store cannot be read"):
        StoredBody(connection, 1, 0, 3).read(0, 3)


def test_more_than_it_says_is_not_read():
    connection = table([b"abc", b"def"])
    assert content(StoredBody(connection, 1, 0, 4)) == b"abcd"
    connection.close()
