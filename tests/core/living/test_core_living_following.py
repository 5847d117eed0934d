"""Followers of the ring: each at its own pace, none with memory of its own."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from listening import Page

from proxy_daemon.core.living.following import BEAT, Follower
from proxy_daemon.core.living.ring import Ring
from proxy_daemon.core.living.sse import HEARTBEAT, event, opening


def add(ring, *numbers):
    for number in numbers:
        ring.add(event("mode", {"mode": number}, ring.next_place()))


def ring_of(*numbers, most_events=10):
    ring = Ring("ab", most_events)
    add(ring, *numbers)
    return ring


def modes(page):
    return [value.get("mode", kind) for kind, value, _ in page.events]


def test_a_new_page_gets_what_comes_from_now_on():
    ring, page = ring_of(1, 2), Page()
    follower = Follower(page, ring, "", 0)
    assert page.data == opening("ab-2")
    add(ring, 3)
    follower.pump(0)
    follower.pump(0)
    assert [(value["mode"], at) for _, value, at in page.events] == [(3, "ab-3")]


@pytest.mark.parametrize(
    ("place", "got"),
    [
        ("ab-3", []),
        ("ab-2", [3]),
        ("ab-1", [2, 3]),
        ("ab-0", ["reset"]),  # too old
        ("ab-9", ["reset"]),
        ("cd-2", ["reset"]),
        ("rubbish", ["reset"]),
    ],
)
def test_a_page_that_comes_back(place, got):
    page = Page()
    follower = Follower(page, ring := ring_of(1, 2, 3, most_events=2), place, 0)
    assert modes(page) == got
    add(ring, 4)
    follower.pump(0)
    assert modes(page) == [*got, 4]
    assert page.events[-1][2] == "ab-4"


def test_a_reset_tells_the_place_from_which_the_page_may_go_on():
    page = Page()
    Follower(page, ring_of(1, 2, 3), "cd-1", 0)
    assert [(kind, at) for kind, _, at in page.events] == [("reset", "ab-3")]


def test_nothing_is_written_to_a_page_that_does_not_read():
    ring, page = ring_of(), Page(room=1)
    follower = Follower(page, ring, "", 0)
    before = page.data
    add(ring, 1, 2)
    follower.pump(0)
    follower.beat(1000)
    assert page.data == before
    page.data, page.room = b"", None
    follower.pump(0)
    assert modes(page) == [1, 2]


@pytest.mark.parametrize("before", [(), (1,), (1, 2)])
def test_a_page_that_reads_too_slowly_is_told_to_load_anew(before):
    ring, page = ring_of(*before, most_events=3), Page(room=1)
    follower = Follower(page, ring, "", 0)
    add(ring, *range(10))
    page.room = None
    follower.pump(0)
    assert modes(page) == ["reset"]
    add(ring, 10)
    follower.pump(0)
    assert modes(page) == ["reset", 10]


@pytest.mark.parametrize(("now", "beats"), [(BEAT - 1, 0), (BEAT, 1)])
def test_a_heartbeat_comes_into_silence(now, beats):
    page = Page()
    follower = Follower(page, ring_of(), "", 0)
    follower.beat(now)
    follower.beat(now)
    assert page.data.count(HEARTBEAT) == beats


def test_an_event_is_a_sign_of_life_too():
    ring, page = ring_of(), Page()
    follower = Follower(page, ring, "", 0)
    add(ring, 1)
    follower.pump(BEAT - 1)
    follower.beat(BEAT + 1)
    assert modes(page) == [1]


@given(
    steps=st.lists(st.sampled_from(["add", "read", "back"]), max_size=60),
    most_events=st.integers(1, 5),
    room=st.integers(1, 120),
)
def test_no_event_is_missed_without_a_reset_and_none_comes_twice(steps, most_events, room):
    ring, page, seen, number = Ring("ab", most_events), Page(room), [], 0
    follower = Follower(page, ring, "", 0)
    last = ""
    for step in [*steps, "read", "read"]:
        if step == "add":
            number += 1
            add(ring, number)
        elif step == "back":  # the connection was lost, with all that was read from it
            page.data = b""
            follower = Follower(page, ring, last, 0) if last else follower
        else:
            seen += page.events
            last, page.data = (seen[-1][2] if seen else last), b""
        follower.pump(0)
    page.room = None
    follower.pump(0)
    seen += page.events
    places = [(int(at.removeprefix("ab-")), kind) for kind, _, at in seen]
    assert not number or not places or places[-1][0] == number
    for (before, _), (after, kind) in pairwise(places):
        assert kind == "reset" or after == before + 1
