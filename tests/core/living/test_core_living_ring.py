"""The ring of events: bounds, places, and that nobody who comes back misses an event unnoticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.living.ring import MOST_EVENTS, MOST_OCTETS, Ring


def filled(count, most_events=MOST_EVENTS, most_octets=MOST_OCTETS):
    ring = Ring("ab", most_events, most_octets)
    for number in range(1, count + 1):
        ring.add(b"%d" % number)
    return ring


def behind(ring, number):
    return [ring.event(each) for each in range(number + 1, ring.newest + 1)]


def test_events_have_numbers_in_their_order():
    ring = filled(3)
    assert (ring.newest, ring.place(3), ring.next_place()) == (3, "ab-3", "ab-4")
    assert behind(ring, 1) == [b"2", b"3"]


@pytest.mark.parametrize(
    ("place", "number"),
    [
        ("ab-3", 3),
        ("ab-2", 2),
        ("ab-1", 1),
        ("ab-0", -1),  # event 1 is gone
        ("ab-4", -1),  # not yet
        ("ac-3", -1),  # another run of the daemon
        ("ab", -1),
        ("ab-", -1),
        ("-3", -1),
        ("ab--3", -1),
        ("ab-+3", -1),
        ("ab- 3", -1),
        ("ab-3\n", -1),
        ("AB-3", -1),
        ("ab-٣", -1),
        ("ab-" + "9" * 5000, -1),
        ("ab-3-3", -1),
        ("x" * 10_000, -1),
    ],
)
def test_places(place, number):
    assert filled(3, most_events=2).number(place) == number


def test_the_oldest_go_by_count():
    ring = filled(5, most_events=2)
    assert [ring.reaches(number) for number in range(7)] == [False, False, False, True, True, True, False]
    with pytest.raises(KeyError):
        ring.event(3)


def test_the_oldest_go_by_octets():
    ring = Ring("ab", 10, 10)
    for size in (4, 4, 4):
        ring.add(b"x" * size)
    assert not ring.reaches(0)
    assert ring.reaches(1)


def test_an_event_larger_than_the_ring_is_missed_and_breaks_nothing():
    ring = Ring("ab", 10, 10)
    ring.add(b"x" * 4)
    ring.add(b"x" * 11)
    assert (ring.newest, ring.number("ab-1"), ring.number("ab-2")) == (2, -1, 2)
    ring.add(b"y")
    assert behind(ring, 2) == [b"y"]


def test_what_is_forgotten_was_missed_by_all():
    ring = filled(2)
    ring.forget()
    assert [ring.number(f"ab-{number}") for number in range(4)] == [-1, -1, -1, 3]
    ring.add(b"new")
    assert behind(ring, 3) == [b"new"]


def test_an_empty_ring_reaches_its_beginning():
    assert Ring("ab").number("ab-0") == 0


@given(
    sizes=st.lists(st.integers(0, 12), max_size=40),
    most_events=st.integers(1, 8),
    most_octets=st.integers(1, 30),
    place=st.integers(0, 45),
)
def test_whoever_is_told_that_it_reaches_gets_every_event(sizes, most_events, most_octets, place):
    ring, added = Ring("ab", most_events, most_octets), []
    for number, size in enumerate(sizes):
        added.append(bytes([number]) * size)
        ring.add(added[-1])
        kept = [at for at in range(len(added) + 1) if ring.reaches(at)]
        assert kept == list(range(kept[0], len(added) + 1))
        held = behind(ring, kept[0])
        assert len(held) <= most_events
        assert sum(map(len, held)) <= most_octets
    number = ring.number(f"ab-{place}")
    if number >= 0:
        assert behind(ring, number) == added[place:]
