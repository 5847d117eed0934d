"""What other daemons write into the same file is learned; what nobody writes costs one question."""

import pytest
from recordings import fingerprint, recording

from proxy_daemon.store.codec import insert, to_row
from proxy_daemon.store.neighbours import OVERLAP, Neighbours
from proxy_daemon.store.opening import connect, prepare


@pytest.fixture
def pair(path):
    """Our connection, and another daemon's."""
    prepare(str(path))
    both = connect(str(path), 1.0), connect(str(path), 1.0)
    yield both
    for each in both:
        each.close()


def write(connection, number, **changes):
    connection.execute(insert(1), to_row(recording(number, **{"fingerprint": fingerprint(number)} | changes)))


def statements(connection):
    seen = []
    connection.set_trace_callback(seen.append)
    return seen


def test_at_first_all_there_is(pair):
    ours, theirs = pair
    write(ours, 1)
    write(theirs, 2)
    assert sorted(Neighbours().learn(ours)) == sorted([fingerprint(1), fingerprint(2)])


def test_then_what_others_have_written(pair):
    ours, theirs = pair
    neighbours = Neighbours()
    neighbours.learn(ours)
    write(theirs, OVERLAP * 9)
    assert neighbours.learn(ours) == [fingerprint(OVERLAP * 9)]
    assert neighbours.learn(ours) == []


@pytest.mark.parametrize("write_ours", [False, True])
def test_a_file_that_nobody_else_writes_costs_one_question(pair, write_ours):
    ours, _ = pair
    neighbours = Neighbours()
    neighbours.learn(ours)
    if write_ours:
        write(ours, 1)
    asked = statements(ours)
    assert neighbours.learn(ours) == []
    assert asked == ["PRAGMA data_version"]


def test_the_old_is_not_read_again(pair):
    ours, theirs = pair
    neighbours = Neighbours()
    write(theirs, OVERLAP)
    write(theirs, OVERLAP * 9)
    neighbours.learn(ours)
    write(theirs, OVERLAP * 9 + 1)
    assert fingerprint(OVERLAP) not in neighbours.learn(ours)


def test_a_late_one_of_the_last_minute_is_learned(pair):
    ours, theirs = pair
    neighbours = Neighbours()
    write(theirs, OVERLAP * 9)
    neighbours.learn(ours)
    write(theirs, OVERLAP * 8 + 1)
    assert fingerprint(OVERLAP * 8 + 1) in neighbours.learn(ours)


@pytest.mark.parametrize("changes", [{"replayable": False}, {"fingerprint": b""}])
def test_what_cannot_be_served_is_not_learned(pair, changes):
    ours, theirs = pair
    write(theirs, 1, **changes)
    assert Neighbours().learn(ours) == []


@pytest.mark.parametrize("value", ["'some text that is long enough'", "5", "1.5"])
def test_an_edited_fingerprint_is_not_learned(pair, value):
    ours, theirs = pair
    write(theirs, 1)
    write(theirs, 2)
    theirs.execute(f"UPDATE exchange SET fingerprint = {value} WHERE id = 1")
    assert Neighbours().learn(ours) == [fingerprint(2)]
