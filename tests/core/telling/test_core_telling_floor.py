"""Who may speak: one at a time, all of it, in order; a silent one makes room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.telling.floor import LEAVE, PASS_ON, STAY, STEPS, YIELD, Floor, Mark, Told

ALL = 10**9


def said(floor, now=0.0, limit=ALL):
    """What is told: (key, item), or (key, mark)."""
    return [(told.key, told.what) for told in floor.take(limit, now)]


def two():
    """A has the floor, B waits with something to say."""
    floor = Floor()
    for key in "AB":
        assert floor.begin(key)
        floor.say(key, f"{key}1", 2)
    assert said(floor) == [("A", "A1")]
    return floor


def test_every_case_of_the_table_is_there():
    assert len(STEPS) == 8
    assert {STEPS[True, ended, late] for ended in (True, False) for late in (True, False)} == {PASS_ON}
    assert (STEPS[False, True, False], STEPS[False, True, True]) == (LEAVE, LEAVE)
    assert (STEPS[False, False, True], STEPS[False, False, False]) == (YIELD, STAY)


def test_nobody_has_nothing_to_say():
    floor = Floor()
    assert said(floor) == []
    floor.begin("A")
    assert said(floor) == []
    assert len(floor) == 1


def test_who_waits_is_told_when_the_other_has_ended():
    floor = two()
    floor.say("A", "A2", 2)
    floor.say("B", "B2", 2)
    assert said(floor) == [("A", "A2")]
    floor.end("A")
    assert said(floor) == [("A", Mark.ENDS), ("B", "B1"), ("B", "B2")]


def test_the_one_that_has_waited_longest_is_next():
    floor = Floor()
    for key in "ABC":
        floor.begin(key)
        floor.say(key, key, 1)
        floor.end(key)
    assert [key for key, what in said(floor) if what is Mark.ENDS] == ["A", "B", "C"]
    assert len(floor) == 0


@pytest.mark.parametrize(("seconds", "marks"), [(2.0, []), (2.1, [("A", Mark.PAUSES), ("B", "B1")])])
def test_silence_makes_room_after_two_seconds(seconds, marks):
    assert said(two(), seconds) == marks


def test_silence_is_no_matter_while_nobody_has_anything_to_say():
    floor = Floor()
    for key in "AB":
        floor.begin(key)
    floor.say("A", "A1", 2)
    assert said(floor) == [("A", "A1")]
    assert said(floor, 100.0) == []
    floor.say("A", "A2", 2)
    assert said(floor, 100.0) == [("A", "A2")]


def test_who_goes_on_is_named_again():
    floor = two()
    assert said(floor, 3.0)[0] == ("A", Mark.PAUSES)
    floor.say("A", "A2", 2)
    assert said(floor, 3.0) == []
    floor.end("B")
    assert said(floor, 3.1) == [("B", Mark.ENDS), ("A", Mark.CONTINUES), ("A", "A2")]


def test_who_paused_waits_behind_all_others():
    floor = two()
    floor.begin("C")
    floor.say("C", "C1", 2)
    assert said(floor, 3.0) == [("A", Mark.PAUSES), ("B", "B1")]
    floor.say("A", "A2", 2)
    floor.end("B")
    floor.end("C")
    assert [key for key, _ in said(floor, 3.0)] == ["B", "C", "C", "A", "A"]


def test_a_limit_leaves_the_rest_for_the_next_time():
    floor = Floor()
    floor.begin("A")
    for number in range(5):
        floor.say("A", number, 9)
    assert said(floor, limit=20) == [("A", 0), ("A", 1)]
    assert said(floor, limit=1) == [("A", 2)]
    assert said(floor) == [("A", 3), ("A", 4)]


def test_what_is_too_much_is_counted_and_what_is_important_is_kept():
    floor = Floor(most_kept=10)
    floor.begin("A")
    floor.say("A", "ten", 10)
    floor.say("A", "more", 7)
    floor.say("A", "foot", 5, important=True)
    floor.end("A")
    assert list(floor.take(ALL, 0.0)) == [
        Told("A", "ten", 10),
        Told("A", "foot", 5),
        Told("A", Mark.LEFT_OUT, 7),
        Told("A", Mark.ENDS),
    ]


def test_of_what_is_important_there_is_an_end_too():
    floor = Floor(most_kept=10)
    floor.begin("A")
    for number in range(100):
        floor.say("A", number, 5, important=True)
    floor.end("A")
    assert said(floor) == [*(("A", number) for number in range(4)), ("A", Mark.LEFT_OUT), ("A", Mark.ENDS)]


def test_what_is_too_much_for_all_together_is_counted_too():
    floor = Floor(most_in_all=10)
    for key in "AB":
        floor.begin(key)
        floor.say(key, "six", 6)
        floor.end(key)
    assert said(floor) == [("A", "six"), ("A", Mark.ENDS), ("B", Mark.LEFT_OUT), ("B", Mark.ENDS)]
    floor.begin("C")
    floor.say("C", "ten", 10)
    assert said(floor) == [("C", "ten")]


def test_what_finds_no_place_to_wait_is_counted():
    floor = Floor(most_waiting=1)
    assert floor.begin("A")
    assert not floor.begin("B")
    floor.say("B", "unheard", 7)
    floor.end("B")
    assert list(floor.take(ALL, 0.0)) == [Told(None, Mark.UNHEARD, 1)]
    assert list(floor.take(ALL, 0.0)) == []


def test_behind_its_end_nothing_is_said():
    floor = two()
    floor.end("A")
    floor.say("A", "late", 4)
    assert ("A", "late") not in said(floor)


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("begin"), st.integers(0, 5)),
        st.tuples(st.just("say"), st.integers(0, 5)),
        st.tuples(st.just("end"), st.integers(0, 5)),
        st.tuples(st.just("take"), st.integers(0, 40)),
        st.tuples(st.just("wait"), st.integers(0, 3)),
    ),
    max_size=80,
)


@given(ACTIONS)
def test_each_is_told_whole_in_order_and_never_amid_another(actions):
    floor, now, told, expected, ended = Floor(), 0.0, [], {}, set()
    for number, (action, value) in enumerate(actions):
        if action == "begin" and value not in expected:
            floor.begin(value)
            expected[value] = []
        elif action == "say" and value in expected and value not in ended:
            floor.say(value, number, 10)
            expected[value].append(number)
        elif action == "end" and value in expected:
            floor.end(value)
            ended.add(value)
        elif action == "take":
            told += said(floor, now, value)
        elif action == "wait":
            now += value
    for key in expected:
        floor.end(key)
    told += said(floor, now)
    assert len(floor) == 0
    for key, items in expected.items():
        assert [what for who, what in told if who == key and not isinstance(what, Mark)] == items
    assert_in_turn(told)


def assert_in_turn(told):
    """Between two exchanges the first one ends or pauses; one that paused is named before it goes on."""
    speaks, paused = None, set()
    for key, what in told:
        if speaks is None:
            assert (what is Mark.CONTINUES) == (key in paused)
            paused.discard(key)
        else:
            assert key == speaks
            assert what is not Mark.CONTINUES
        speaks = None if what in (Mark.ENDS, Mark.PAUSES) else key
        if what is Mark.PAUSES:
            paused.add(key)
