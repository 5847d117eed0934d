"""The tallies of a run: what each outcome counts as, what is kept of a miss, and every bound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core import tally as module
from proxy_daemon.core.cache_control import Directives
from proxy_daemon.core.dialects import GENERIC
from proxy_daemon.core.messages import Exchange, Outcome, Request
from proxy_daemon.core.tally import CUT, Tallies
from proxy_daemon.core.upstreams import parse_upstream

UPSTREAM = parse_upstream("demo:")
COUNTS = ("exchanges", "hits", "near", "misses", "refused", "collapsed", "live", "failed")


def exchange(number=1, **fields):
    return Exchange(number, Request(b"POST", b"/v1/x"), UPSTREAM, GENERIC, 0.0, **fields)


def told(tallies, each):
    """As the plugin does it."""
    if tallies.ended(each):
        tallies.report(each, "/v1/x")


def counts(tally):
    return {name: count for name, count in tally.counts.items() if count}


REFUSED = {"outcome": Outcome.REFUSED, "status": 424}
TABLE = {
    "hit": ({"outcome": Outcome.HIT, "served_from": 7}, {"hits": 1}, None),
    "near": ({"outcome": Outcome.HIT, "served_from": 7, "likeness": 0.9}, {"near": 1}, None),
    "miss that was forwarded": ({"outcome": Outcome.MISS}, {"misses": 1, "live": 1}, "miss"),
    "miss that was refused": (REFUSED, {"misses": 1, "refused": 1}, "miss"),
    "refused by rule": ({"outcome": Outcome.REFUSED, "status": 403}, {"refused": 1}, "refused"),
    "an answer that was refused": (REFUSED | {"head_time": 5}, {"refused": 1, "live": 1}, "refused"),
    "a recorded answer that was refused": (
        REFUSED | {"head_time": 5, "served_from": 7},
        {"refused": 1},
        "refused",
    ),
    "collapsed": ({"outcome": Outcome.COLLAPSED}, {"collapsed": 1}, None),
    "live": ({"outcome": Outcome.LIVE}, {"live": 1}, None),
    "failed": ({"outcome": Outcome.FAILED, "status": 502}, {"failed": 1}, "failed"),
}


@pytest.mark.parametrize(("fields", "expected", "what"), TABLE.values(), ids=TABLE)
def test_what_an_outcome_counts_as(fields, expected, what):
    tallies = Tallies(0)
    told(tallies, exchange(**fields))
    assert counts(tallies.of("")) == {"exchanges": 1} | expected
    assert [report.what for report in tallies.of("").reports.values()] == ([what] if what else [])


def test_every_outcome_is_in_the_table():
    assert {fields["outcome"] for fields, _, _ in TABLE.values()} == set(Outcome)


def test_each_session_has_its_own():
    tallies = Tallies(0)
    told(tallies, exchange(outcome=Outcome.HIT, session="a", served_from=5))
    told(tallies, exchange(outcome=Outcome.LIVE, session="b"))
    told(tallies, exchange(outcome=Outcome.LIVE))
    assert {name: counts(tally) for name, tally in tallies.sessions.items()} == {
        "": {"exchanges": 1, "live": 1},
        "a": {"exchanges": 1, "hits": 1},
        "b": {"exchanges": 1, "live": 1},
    }
    assert tallies.served() == {5}
    assert counts(tallies.of("c")) == {}
    assert "c" not in tallies.sessions


# --- why it missed ---------------------------------------------------------------------------------------------------


def text_of(tallies):
    return [report.text for report in tallies.of("").reports.values()]


def test_a_refused_miss_keeps_the_text_that_the_client_got():
    tallies = Tallies(0)
    each = exchange(detail="the whole of it", **REFUSED)
    tallies.explained(each, "a part of it")
    told(tallies, each)
    tallies.explained(each, "once more")
    assert text_of(tallies) == ["the whole of it"]


@pytest.mark.parametrize("late", [False, True])
def test_a_forwarded_miss_is_explained_before_its_end_or_after_it(late):
    tallies, each = Tallies(0), exchange(outcome=Outcome.MISS, detail="of something else")
    if not late:
        tallies.explained(each, "model: a / b")
    told(tallies, each)
    if late:
        tallies.explained(each, "model: a / b")
    assert text_of(tallies) == ["model: a / b"]


def test_prompts_of_a_request_with_no_store_are_not_kept():
    tallies, each = Tallies(0), exchange(outcome=Outcome.MISS, directives=Directives(no_store=True))
    tallies.explained(each, "a prompt")
    told(tallies, each)
    tallies.explained(each, "a prompt")
    assert text_of(tallies) == [""]
    assert each.notes == {}


@given(st.text() | st.just("\ud800 alone"))
def test_what_no_json_can_hold_is_replaced(text):
    tallies = Tallies(0)
    told(tallies, exchange(detail=text, model=text, **REFUSED))
    (report,) = tallies.of("").reports.values()
    (report.text + report.model).encode()  # does not raise
    assert len(report.text) == len(text)


# --- bounds ----------------------------------------------------------------------------------------------------------


def test_a_long_text_is_cut():
    tallies = Tallies(0)
    told(tallies, exchange(detail="x" * 100_000, **REFUSED))
    assert text_of(tallies) == ["x" * module.LONGEST_TEXT + CUT]
    late = exchange(2, outcome=Outcome.MISS, model="m" * 100_000)
    told(tallies, late)
    tallies.explained(late, "y" * 100_000)
    assert text_of(tallies)[1] == "y" * module.LONGEST_TEXT + CUT
    assert len(tallies.of("").reports[2].model) < 1000


def test_what_is_beyond_the_reports_is_counted():
    tallies = Tallies(0)
    for number in range(module.MOST_REPORTS + 3):
        told(tallies, exchange(number, detail=str(number), **REFUSED))
    tally = tallies.of("")
    assert (len(tally.reports), tally.left_off, tally.misses) == (module.MOST_REPORTS, 3, module.MOST_REPORTS + 3)
    assert text_of(tallies)[0] == "0"


def test_all_texts_together_have_a_limit_and_a_reset_gives_room(monkeypatch):
    monkeypatch.setattr(module, "MOST_CHARACTERS", 2000)
    tallies = Tallies(0)
    for number, session in enumerate("aab"):
        told(tallies, exchange(number, detail="x" * 600, session=session, **REFUSED))
    assert [(len(tallies.of(name).reports), tallies.of(name).left_off) for name in "ab"] == [(2, 0), (0, 1)]
    tallies.reset("a", 9)
    told(tallies, exchange(9, detail="x" * 600, session="b", **REFUSED))
    assert len(tallies.of("b").reports) == 1


def test_a_late_text_without_room_is_counted(monkeypatch):
    monkeypatch.setattr(module, "MOST_CHARACTERS", 400)
    tallies, each = Tallies(0), exchange(outcome=Outcome.MISS)
    told(tallies, each)
    tallies.explained(each, "x" * 300)
    assert (text_of(tallies), tallies.of("").left_off) == ([""], 1)


def test_sessions_beyond_the_limit_are_counted_together(monkeypatch):
    monkeypatch.setattr(module, "MOST_SESSIONS", 3)
    tallies = Tallies(0)
    for session in ("a", "b", "c", "d", "a"):
        told(tallies, exchange(session=session, **REFUSED))
    assert set(tallies.sessions) == {"", "a", "b"}
    assert (tallies.beyond.exchanges, tallies.beyond.misses, tallies.of("a").misses) == (2, 2, 2)
    tallies.reset("c", 5)
    assert set(tallies.sessions) == {"", "a", "b"}


def test_ids_beyond_the_limit_are_told_of(monkeypatch):
    monkeypatch.setattr(module, "MOST_SERVED", 2)
    tallies = Tallies(0)
    for number in (1, 2, 2, 1):
        told(tallies, exchange(outcome=Outcome.HIT, served_from=number, session="a"))
    assert (tallies.served(), tallies.served_left_off()) == ({1, 2}, False)
    told(tallies, exchange(outcome=Outcome.HIT, served_from=3))
    assert (tallies.served(), tallies.served_left_off()) == ({1, 2}, True)
    tallies.reset("a", 5)
    told(tallies, exchange(outcome=Outcome.HIT, served_from=3))
    assert tallies.served() == {3}


# --- reset -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("session", ["", "a", "never seen"])
def test_a_reset_forgets_one_session(session):
    tallies = Tallies(0)
    for name in ("", "a"):
        told(tallies, exchange(session=name, outcome=Outcome.HIT, served_from=1))
    tallies.reset(session, 99)
    assert (counts(tallies.of(session)), tallies.of(session).since) == ({}, 99)
    assert all(counts(tallies.of(name)) for name in {"", "a"} - {session})


def test_what_is_dropped_gives_room_to_another(monkeypatch):
    monkeypatch.setattr(module, "MOST_SESSIONS", 2)
    tallies = Tallies(0)
    for name in ("a", "b", "c"):
        told(tallies, exchange(session=name, outcome=Outcome.FAILED, detail="why", served_from=3))
        assert counts(tallies.sessions[name]) == {"exchanges": 1, "failed": 1}
        tallies.drop(name)
        tallies.drop(name)
    tallies.drop("")
    assert (list(tallies.sessions), tallies.beyond.exchanges) == ([""], 0)
    assert (tallies._characters, tallies._served) == (0, 0)


@given(st.lists(st.tuples(st.sampled_from(list(Outcome)), st.sampled_from(["", "a", "b"]), st.booleans()), max_size=60))
def test_nothing_is_lost_and_the_room_is_right(steps):
    tallies, expected = Tallies(0), {}
    for number, (outcome, session, reset) in enumerate(steps, start=1):
        told(tallies, exchange(number, outcome=outcome, session=session, served_from=number % 5, detail="why"))
        expected[session] = expected.get(session, 0) + 1
        if reset:
            tallies.reset(session, number)
            expected[session] = 0
    assert {name: tallies.of(name).exchanges for name in expected} == expected
    everything = tallies.sessions.values()
    assert tallies._characters == sum(report.size for tally in everything for report in tally.reports.values())
    assert tallies._served == sum(len(tally.served) for tally in everything)
