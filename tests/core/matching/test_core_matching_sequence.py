"""Which of several recordings answers: all policies, sessions, retries, runs that lie behind each other, and limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.matching import sequence
from proxy_daemon.core.matching.sequence import Cursors, Repeat, parse_repeat
from proxy_daemon.core.services import Candidate


def listed(*ids, session="", status=200):
    return [Candidate(each, 1.0, status, session) for each in ids]


def served(cursors, times, candidates, session="s", key=b"k", **more):
    """The ids of so many answers; None for a miss."""
    found = [cursors.choose(session, key, candidates, **more) for _ in range(times)]
    return [each and each.id for each in found]


POLICIES = {
    "sequence": [1, 2, 3, 3, 3, 3, 3],
    "exhaust": [1, 2, 3, None, None, None, None],
    "cycle": [1, 2, 3, 1, 2, 3, 1],
    "first": [1] * 7,
    "last": [3] * 7,
}


@pytest.mark.parametrize(("name", "expected"), POLICIES.items())
def test_a_policy(name, expected):
    assert served(Cursors(parse_repeat(name)), 7, listed(1, 2, 3)) == expected


ONE = {"sequence": [5, 5], "exhaust": [5, None], "cycle": [5, 5], "first": [5, 5], "last": [5, 5], "random:7": [5, 5]}


@pytest.mark.parametrize(("name", "expected"), ONE.items())
def test_what_was_recorded_once(name, expected):
    assert served(Cursors(parse_repeat(name)), 2, listed(5)) == expected


@pytest.mark.parametrize("name", [*POLICIES, "random:1"])
def test_nothing_recorded(name):
    assert served(Cursors(parse_repeat(name)), 2, []) == [None, None]


def test_random_is_the_same_each_time_and_another_by_seed():
    candidates = listed(*range(1, 9))
    one, again, other = (served(Cursors(Repeat("random", seed)), 40, candidates) for seed in (7, 7, 8))
    assert one == again != other
    assert set(one) == set(range(1, 9)), "each has its turn"
    assert one[:4] == [5, 1, 2, 6], "in each version"


@pytest.mark.parametrize(
    "text", ["", "Sequence", "random", "random:", "random:x", "random:-1", "random:" + "9" * 19, "first:1", "random:٣"]
)
def test_what_is_no_policy_is_named(text):
    with pytest.raises(ValueError, match=r"one of sequence, exhaust, cycle, first, last, or random:SEED"):
        parse_repeat(text)


@pytest.mark.parametrize("text", [*POLICIES, "random:0", "random:12"])
def test_a_policy_is_written_as_it_is_read(text):
    assert str(parse_repeat(text)) == text


def test_each_session_and_each_request_has_its_own_place():
    cursors, candidates = Cursors(), listed(1, 2, 3)
    assert served(cursors, 2, candidates, "a") == [1, 2]
    assert served(cursors, 1, candidates, "b") == [1]
    assert served(cursors, 1, candidates, "") == [1], "no session is one, too"
    assert served(cursors, 1, candidates, "a") == [3]
    assert served(cursors, 2, listed(4, 5), "a", b"other") == [4, 5]


# --- sources ---------------------------------------------------------------------------------------------------------


def test_what_was_recorded_in_this_session_counts_alone():
    both = [*listed(1, 2, session="a.yaml"), *listed(3, 4, session="b.yaml")]
    assert served(Cursors(), 3, both, "b.yaml") == [3, 4, 4]
    assert served(Cursors(), 3, both, "a.yaml") == [1, 2, 2]
    assert served(Cursors(), 5, both, "c") == [1, 2, 3, 4, 4], "else all do"
    assert served(Cursors(Repeat("exhaust")), 3, both, "a.yaml") == [1, 2, None]


def test_the_successor_of_what_was_served_last():
    """Three runs behind each other in one file, as traceloop's test_agents: #2, #7 and #12 are one request.

    The follow-ups #4, #9 and #14 have other ids, so each has a key of its own where ids are not renamed.
    """
    cursors, first, second = Cursors(), listed(2, 7, 12), {4: b"4", 9: b"9", 14: b"14"}
    for opening, follow_up in ((2, 4), (7, 9), (12, 14)):
        assert served(cursors, 1, first, key=b"first") == [opening]
        assert served(cursors, 1, listed(follow_up), key=second[follow_up]) == [follow_up]
    assert served(cursors, 1, first, key=b"first") == [12]


def test_a_client_that_begins_in_the_middle_stays_in_that_run():
    cursors = Cursors()
    assert served(cursors, 1, listed(9), key=b"its follow-up") == [9]
    assert served(cursors, 3, listed(2, 7, 12)) == [12, 2, 7]


def test_runs_of_two_files_do_not_mix():
    """Each file has both steps; whoever is in one file goes on there."""
    first = [*listed(1, session="a"), *listed(11, session="b")]
    second = [*listed(2, session="a"), *listed(12, session="b")]
    cursors = Cursors()
    assert [served(cursors, 1, each, "c", key) for _ in "ab" for each, key in ((first, b"1"), (second, b"2"))] == [
        [1],
        [2],
        [11],
        [12],
    ]
    between = [*listed(5, session="x"), *listed(13, session="b")]
    assert served(cursors, 1, between, "c", b"3") == [13], "the same file before an older one"


def test_parallel_equal_requests_get_an_answer_each():
    """ellmer's parallel-tool-uneven: #0 and #2 are one request, sent together, with #1 and #3 between and behind."""
    cursors = Cursors()
    assert served(cursors, 2, listed(1000, 1002)) == [1000, 1002]
    assert served(cursors, 1, listed(1001), key=b"b") + served(cursors, 1, listed(1003), key=b"c") == [1001, 1003]


def test_polling_ends_with_what_came_last():
    status = listed(*range(1, 11))
    assert served(Cursors(), 12, status) == [*range(1, 11), 10, 10]


# --- retries ---------------------------------------------------------------------------------------------------------


def test_a_retry_gets_the_same_answer():
    cursors, candidates = Cursors(), listed(1, 2, 3)
    assert served(cursors, 1, candidates) == [1]
    assert served(cursors, 2, candidates, again=True) == [1, 1]
    assert served(cursors, 1, candidates) == [2]
    assert served(cursors, 1, candidates, "other", again=True) == [1], "another session's is none of this one's"


def test_a_retry_after_an_error_goes_on():
    cursors = Cursors()
    candidates = [*listed(1, status=500), *listed(2), *listed(3)]
    assert served(cursors, 1, candidates) == [1]
    assert served(cursors, 2, candidates, again=True) == [2, 2]


@pytest.mark.parametrize("name", ["exhaust", "cycle", "random:3"])
def test_retries_take_no_place_in_any_policy(name):
    cursors, plain = Cursors(parse_repeat(name)), Cursors(parse_repeat(name))
    candidates = listed(1, 2, 3)
    found = []
    for _ in range(3):
        found += served(cursors, 1, candidates)
        assert served(cursors, 1, candidates, again=True) == found[-1:]
    if name != "random:3":
        assert found == served(plain, 3, candidates)


def test_a_retry_of_what_is_gone_goes_on():
    cursors = Cursors()
    assert served(cursors, 1, listed(1, 2, 3)) == [1]
    assert served(cursors, 1, listed(2, 3), again=True) == [2]


# --- what comes and goes ---------------------------------------------------------------------------------------------


def test_what_is_recorded_meanwhile_is_served_behind():
    cursors = Cursors(Repeat("exhaust"))
    assert served(cursors, 3, listed(1, 2)) == [1, 2, None]
    assert served(cursors, 2, listed(1, 2, 9)) == [9, None]


def test_an_answer_that_came_live_is_served():
    cursors = Cursors(Repeat("exhaust"))
    cursors.live("s", b"k", Candidate(8, 1.0, 0, "s"), [])
    assert served(cursors, 1, listed(8)) == [None]
    assert served(cursors, 1, listed(8), "t") == [8]


def test_another_policy_keeps_the_places():
    cursors = Cursors()
    assert served(cursors, 2, listed(1, 2, 3)) == [1, 2]
    cursors.repeat = Repeat("exhaust")
    assert served(cursors, 2, listed(1, 2, 3)) == [3, None]


def test_marks_of_what_is_gone_are_dropped(monkeypatch):
    monkeypatch.setattr(sequence, "MOST_LIVE", 2)
    cursors = Cursors(Repeat("exhaust"))
    for number in range(1, 100):
        assert served(cursors, 1, listed(number, number + 1)) != [None]
    assert cursors._marks <= 10


@pytest.mark.parametrize("recorded", [0, 3])
def test_marks_of_live_answers_that_never_come_are_dropped(recorded):
    """An upstream that fails again and again; what was served before stays served."""
    cursors, candidates = Cursors(Repeat("exhaust")), listed(*range(1, recorded + 1))
    assert served(cursors, recorded, candidates) == [*range(1, recorded + 1)]
    for number in range(100, 3000):
        cursors.live("s", b"k", Candidate(number, 1.0, 0, "s"), candidates)
        assert cursors._marks <= 2 * (recorded + sequence.MOST_LIVE) + 1
    assert served(cursors, 2, [*candidates, *listed(2990, 2995)]) == [None, None], "the newest may still come"


# --- bounded memory --------------------------------------------------------------------------------------------------


def test_what_was_asked_longest_ago_is_forgotten_and_told(monkeypatch):
    monkeypatch.setattr(sequence, "MOST_MARKS", 10)
    cursors, candidates = Cursors(), listed(1, 2, 3)
    assert served(cursors, 3, candidates, key=b"kept") == [1, 2, 3]
    for key in range(20):
        assert served(cursors, 1, candidates, str(key)) == [1]
        assert served(cursors, 1, candidates, key=b"kept") == [3], "it is asked again and again"
    stats = cursors.stats()
    assert (stats["requests"], stats["forgotten_requests"]) == (4, 17)
    assert served(cursors, 3, candidates, "1") == [2, 3, 1], "it begins again, behind the last answer of its session"


def test_sessions_are_forgotten_and_told(monkeypatch):
    monkeypatch.setattr(sequence, "MOST_SESSIONS", 3)
    cursors = Cursors()
    for number in range(10):
        served(cursors, 1, listed(1), str(number))
    assert (cursors.stats()["sessions"], cursors.stats()["forgotten_sessions"]) == (3, 7)


def test_one_request_of_very_many_answers_is_not_forgotten_while_it_is_asked(monkeypatch):
    monkeypatch.setattr(sequence, "MOST_MARKS", 10)
    assert served(Cursors(), 50, listed(*range(1, 51))) == [*range(1, 51)]


STEPS = st.tuples(
    st.sampled_from("ab"), st.sampled_from([b"k", b"l"]), st.integers(0, 6), st.booleans(), st.sampled_from("axb")
)


@given(st.lists(STEPS, max_size=60), st.sampled_from(["sequence", "exhaust", "cycle", "first", "last", "random:5"]))
def test_whatever_is_asked_the_marks_are_counted_and_the_answer_is_of_those_offered(steps, name):
    cursors = Cursors(parse_repeat(name))
    for session, key, many, again, source in steps:
        candidates = [Candidate(each, 1.0, 500 if each % 3 else 200, source) for each in range(1, many + 1)]
        found = cursors.choose(session, key, candidates, again=again)
        assert found in candidates if found else (not candidates or name == "exhaust")
        assert cursors._marks == sum(1 + len(place.served) for place in cursors._places.values())


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=40, unique=True), st.integers(0, 50))
def test_in_order_each_once_then_the_last(ids, times):
    ids.sort()
    assert served(Cursors(), times, listed(*ids)) == (ids + [ids[-1]] * 50)[:times]
