"""Changes of a body and of its pieces."""

from array import array
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.matching.renaming.changes import Change, applied, moved, with_sizes
from proxy_daemon.core.messages import Pieces

DATA = b"0123456789"
MIDDLE = [Change(3, 6, b"abcdef")]


@pytest.mark.parametrize(
    ("changes", "sizes", "text", "new_sizes"),
    [
        ([], [4, 6], DATA, [4, 6]),
        (MIDDLE, [10], b"012abcdef6789", [13]),
        (MIDDLE, [3, 7], b"012abcdef6789", [3, 10]),
        (MIDDLE, [4, 6], b"012abcdef6789", [4, 9]),  # a cut within: as far from the start
        (MIDDLE, [6, 4], b"012abcdef6789", [9, 4]),
        ([Change(3, 6, b"a")], [3, 1, 1, 1, 4], b"012a6789", [3, 1, 4]),
        ([Change(0, 10, b"")], [5, 5], b"", []),
        ([Change(0, 2, b"x"), Change(8, 10, b"yyyy")], [2, 6, 2], b"x234567yyyy", [1, 6, 4]),
        ([Change(0, 5, b"ab"), Change(5, 10, b"cd")], [5, 5], b"abcd", [2, 2]),
    ],
)
def test_octets_and_pieces(changes, sizes, text, new_sizes):
    pieces = moved(Pieces(array("Q", sizes), array("Q", range(len(sizes)))), changes)
    assert applied(DATA, changes) == text
    assert list(pieces.sizes) == new_sizes


def test_a_time_stays_with_its_octets():
    pieces = moved(Pieces(array("Q", [3, 1, 1, 1, 4]), array("Q", [10, 20, 30, 40, 50])), [Change(3, 6, b"a")])
    assert list(pieces.times) == [10, 20, 50]


def test_unknown_times_stay_unknown():
    assert list(with_sizes(Pieces(array("Q", [1, 2])), [4, 0]).times) == []


def test_behind():
    assert Change(1, 2, b"x").behind(10) == Change(11, 12, b"x")


@st.composite
def changed(draw):
    """Changes of a body of 60 octets, and the sizes of its pieces."""
    marks = sorted(draw(st.sets(st.integers(0, 60), max_size=12)))
    spans = list(zip(marks[::2], marks[1::2], strict=False))
    changes = [Change(start, end, draw(st.binary(max_size=9))) for start, end in spans]
    cuts = [0, *sorted(draw(st.lists(st.integers(0, 60), max_size=20))), 60]
    return changes, [end - start for start, end in pairwise(cuts) if end > start]


@given(changed())
def test_the_pieces_make_up_the_new_body(case):
    changes, sizes = case
    data = bytes(range(60))
    pieces = moved(Pieces(array("Q", sizes), array("Q", range(len(sizes)))), changes)
    assert sum(pieces.sizes) == len(applied(data, changes))
    assert 0 not in pieces.sizes
    assert list(pieces.times) == sorted(pieces.times)
    assert len(pieces.times) == len(pieces.sizes)


@given(changed())
def test_what_is_not_changed_keeps_its_time(case):
    changes, sizes = case
    kept = [octet for octet in range(60) if not any(one.start <= octet < one.end for one in changes)]
    marked = [Change(one.start, one.end, b"\xff" * len(one.text)) for one in changes]
    pieces = moved(Pieces(array("Q", sizes), array("Q", range(len(sizes)))), marked)
    assert [pair for pair in _timed(applied(bytes(range(60)), marked), pieces) if pair[0] != 0xFF] == [
        (octet, time) for octet, time in _timed(bytes(range(60)), Pieces(array("Q", sizes), range(len(sizes))))
        if octet in kept
    ]  # fmt: skip


def _timed(data, pieces):
    times = [time for size, time in zip(pieces.sizes, pieces.times, strict=True) for _ in range(size)]
    return list(zip(data, times, strict=True))
