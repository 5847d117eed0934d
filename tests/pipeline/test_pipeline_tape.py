"""One answer's record: what is kept, where it is cut, and that what is kept stays as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.net.bodies import Spool
from proxy_daemon.pipeline import tape as module
from proxy_daemon.pipeline.tape import Tape


class FullDisk(Spool):
    """A spool that takes so many writes."""

    def __init__(self, writes):
        super().__init__()
        self.writes = writes

    def write(self, data):
        if not self.writes:
            raise OSError(28, "No space left on device")
        self.writes -= 1
        super().write(data)


def tape(limit=100, memory=1024):
    return Tape(Spool(memory), limit)


def content(tape):
    return tape.body.read(0, tape.body.size), list(tape.pieces.sizes), list(tape.pieces.times)


def test_it_begins_empty():
    made = tape()
    assert content(made) == (b"", [], [])
    assert not made.cut
    assert made.tail(10) == b""


def test_pieces_keep_their_sizes_and_times():
    made = tape()
    made.add(b"one", 5)
    made.add(b"three", 70)
    assert content(made) == (b"onethree", [3, 5], [5, 70])
    assert not made.cut


@pytest.mark.parametrize(
    ("limit", "sizes", "kept"),
    [
        (10, [10], [10]),
        (10, [4, 6], [4, 6]),
        (10, [11], []),
        (10, [4, 7], [4]),
        (10, [4, 7, 1], [4]),  # nothing follows a gap
        (0, [1], []),
        (0, [], []),
    ],
)
def test_beyond_the_limit_it_is_cut_at_a_piece(limit, sizes, kept):
    made = tape(limit)
    for size in sizes:
        made.add(b"x" * size, 0)
    assert content(made) == (b"x" * sum(kept), kept, [0] * len(kept))
    assert made.cut is (kept != sizes)


def test_an_answer_of_very_many_pieces_is_cut(monkeypatch):
    monkeypatch.setattr(module, "MAX_PIECES", 3)
    made = tape()
    for number in range(4):
        made.add(b"x", number)
    assert content(made) == (b"xxx", [1, 1, 1], [0, 1, 2])
    assert made.cut


@pytest.mark.parametrize("writes", [0, 1])
def test_a_full_disk_cuts_it(writes):
    made = Tape(FullDisk(writes), 100)
    for number in range(3):
        made.add(b"ab", number)
    assert content(made) == (b"ab" * writes, [2] * writes, list(range(writes)))
    assert made.cut


@pytest.mark.parametrize(("size", "tail"), [(0, b""), (3, b"789"), (10, b"0123456789"), (99, b"0123456789")])
@pytest.mark.parametrize("memory", [1024, 4])
def test_the_tail(memory, size, tail):
    made = tape(memory=memory)
    made.add(b"0123", 0)
    made.add(b"456789", 0)
    assert made.tail(size) == tail


@given(st.lists(st.binary(max_size=20), max_size=12), st.integers(0, 120), st.integers(0, 40))
def test_what_is_kept_is_a_beginning_of_what_came(pieces, limit, memory):
    made = tape(limit, memory)
    for number, piece in enumerate(pieces):
        made.add(piece, number)
    body, sizes, times = content(made)
    assert b"".join(pieces).startswith(body)
    assert sizes == [len(piece) for piece in pieces][: len(sizes)]
    assert times == list(range(len(sizes)))
    assert len(body) == sum(sizes) <= limit
    assert made.cut is (len(sizes) < len(pieces))
