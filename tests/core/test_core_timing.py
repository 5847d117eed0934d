"""When pieces are due: as recorded, faster, by a rate, or at once; never later than the longest gap."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.speed import AT_ONCE, Speed
from proxy_daemon.core.timing import LONGEST_GAP, schedule

SECOND = 1_000_000
HUGE = 2**64 - 1


@pytest.mark.parametrize(
    ("times", "speed", "waits"),
    [
        ([], Speed(1), []),
        ([2 * SECOND], Speed(1), [2.0]),
        ([SECOND, 3 * SECOND, 3 * SECOND], Speed(1), [1.0, 2.0, 0.0]),
        ([SECOND, 3 * SECOND], Speed(2), [0.5, 1.0]),
        ([SECOND, 3 * SECOND], Speed(0.5), [2.0, 4.0]),
        ([0, 1], Speed(1), [0.0, 0.000001]),
        ([SECOND, 3 * SECOND], Speed(0, 20), [0.05, 0.05]),
        ([SECOND, 3 * SECOND], Speed(7, 20), [0.05, 0.05]),
        ([SECOND, 3 * SECOND], AT_ONCE, [0.0, 0.0]),
        # a clock that went back, and what it costs: the piece is due at once, the next by the latest time seen
        ([5 * SECOND, SECOND, 6 * SECOND], Speed(1), [5.0, 0.0, 1.0]),
        # numbers that nobody recorded
        ([HUGE, HUGE], Speed(1), [LONGEST_GAP, 0.0]),
        ([0, 2 * 3600 * SECOND], Speed(1), [0.0, LONGEST_GAP]),
        ([SECOND, 3 * SECOND], Speed(5e-324), [LONGEST_GAP, LONGEST_GAP]),
        ([0, SECOND], Speed(1e308), [0.0, 1e-308]),
        ([0, 0], Speed(0, 1e-9), [LONGEST_GAP, LONGEST_GAP]),
        ([0, 0], Speed(0, 5e-324), [LONGEST_GAP, LONGEST_GAP]),
    ],
)
def test_each_piece_waits_for_its_time(times, speed, waits):
    assert schedule([1] * len(times), times, speed) == pytest.approx(waits)


@pytest.mark.parametrize("speed", [AT_ONCE, Speed(1), Speed(0, 20)], ids=["at once", "as recorded", "by rate"])
@pytest.mark.parametrize("times", [[], [0], [1, 2], [1, 2, 3, 4, 5]], ids=len)
def test_there_is_one_wait_a_piece_however_many_times_are_recorded(times, speed):
    assert len(schedule([10, 20, 30], times, speed)) == 3


def test_pieces_without_a_time_do_not_wait():
    assert schedule([1, 1, 1], [SECOND], Speed(1)) == [1.0, 0.0, 0.0]


def test_arrays_are_taken_as_they_are_stored():
    assert schedule(array("Q", [1, 1]), array("Q", [0, SECOND]), Speed(1)) == [0.0, 1.0]
    assert schedule(array("Q", [1, 1]), array("Q"), Speed(1)) == [0.0, 0.0]


@given(
    st.lists(st.integers(0, HUGE), max_size=8),
    st.lists(st.integers(0, HUGE), max_size=8),
    st.builds(Speed, st.floats(0, allow_infinity=False), st.floats(0, allow_infinity=False)),
)
def test_whatever_stands_in_a_recording_the_waits_are_bounded(sizes, times, speed):
    waits = schedule(sizes, times, speed)
    assert len(waits) == len(sizes)
    assert all(0 <= wait <= LONGEST_GAP for wait in waits)


@given(st.lists(st.integers(0, 10 * SECOND), max_size=8))
def test_as_recorded_the_last_piece_is_due_at_the_latest_time(gaps):
    times = [sum(gaps[: index + 1]) for index in range(len(gaps))]
    assert sum(schedule(gaps, times, Speed(1))) == pytest.approx(sum(gaps) / SECOND)
