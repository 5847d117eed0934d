"""What is served out of memory: limits, order, and what goes again."""

import hypothesis.strategies as st
import pytest
from cassettes import recorded
from hypothesis import given

from proxy_daemon.core.cassettes.llmproxy import Entry
from proxy_daemon.core.pattern import Pattern, Said
from proxy_daemon.store.cassette import index
from proxy_daemon.store.cassette.index import Index
from proxy_daemon.store.cassette.values import Changes, Held


def held(number, key=b"k", *, run=0, own=False, **changes):
    recording = recorded("a", id=number, fingerprint=key, **changes)
    return Held(Entry(recording, False, 0, 0, 1), b"", run, own)


def ids(candidates):
    return [each.id for each in candidates]


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("MOST_CANDIDATES", lambda found: ids(found.candidates(b"k"))),
        ("MOST_PATTERNS", lambda found: ids(found.patterns())),
    ],
)
def test_limits(monkeypatch, name, asked):
    monkeypatch.setattr(index, name, 3)
    found = Index()
    found.change(Changes({b"k": [held(number, pattern=Pattern()) for number in range(1, 6)]}))
    assert asked(found) == ([3, 4, 5] if name == "MOST_CANDIDATES" else [1, 2, 3])


def test_talks_are_as_many_as_there_are(monkeypatch):
    monkeypatch.setattr(index, "MOST_PATTERNS", 1)
    found = Index()
    patterns = [Pattern(), Pattern(said=Said(anything=True)), Pattern(said=Said(tail=True)), Pattern("GET")]
    found.change(Changes({b"": [held(at, b"", pattern=pattern) for at, pattern in enumerate(patterns, 1)]}))
    assert ids(found.patterns()) == [1, 2, 3]


def test_what_has_no_fingerprint_answers_by_its_pattern_only():
    found = Index()
    found.change(Changes({b"": [held(1, b"", pattern=Pattern()), held(2, b"", replayable=False)]}))
    assert (found.candidates(b""), ids(found.patterns())) == ((), [1])
    assert [row[1] for row in found.replayable(9, (b"", 0))] == [1]
    assert found.get(2).recording.id == 2


def test_what_goes_is_nowhere_any_more():
    found = Index()
    found.change(Changes({b"k": [held(1), held(2, pattern=Pattern())]}))
    assert ids(found.patterns()) == [2]
    found.change(Changes({b"k": []}))
    assert (found.candidates(b"k"), found.get(1), found.page(9, 0), len(found)) == ((), None, [], 0)
    assert (found.patterns(), found.similar(b"/v1/chat/completions", "", 9), found.replayable(9, (b"", 0))) == (
        (),
        [],
        [],
    )


RECORDINGS = st.lists(
    st.tuples(st.sampled_from([b"a", b"b"]), st.sampled_from(["start", "other", "own", "run", "all gone"])), max_size=25
)


@given(RECORDINGS)
def test_whatever_comes_the_answers_are_those_of_an_index_made_at_once(steps):
    """One by one, or the whole list of a fingerprint anew: it is the same in the end."""
    one, there = Index(), {b"a": [], b"b": []}
    for number, (key, what) in enumerate(steps, 1):
        if what == "run":
            one.begin_run()
        elif what == "all gone":
            there[key] = []
            one.change(Changes({key: []}))
        else:
            new = held(number, key, run=0 if what == "start" else one.run, own=what == "own")
            there[key].append(new)
            one.change(Changes(added=[new]) if number % 2 else Changes({key: tuple(there[key])}))
    other = Index()
    other.run = one.run
    other.change(Changes(there))
    listed = other.replayable(99, (b"", 0))
    for key, held_of_it in there.items():
        own = any(each.own and each.run == one.run for each in held_of_it)
        served = [each for each in held_of_it if each.run < one.run or not own]
        gone = not any(each.own for each in held_of_it)
        if not gone or (key, "own") not in steps:  # whose own recording was taken out: it has recorded it still
            assert ids(one.candidates(key)) == ids(other.candidates(key)) == [each.recording.id for each in served]
            assert [row for row in one.replayable(99, (b"", 0)) if row[0] == key] == [r for r in listed if r[0] == key]
    assert ids(one.page(99, 0)) == ids(other.page(99, 0))


def test_a_request_that_was_recorded_and_taken_out_by_hand_is_still_recorded_again():
    found = Index()
    found.change(Changes(added=[held(1, run=1, own=True)]))
    found.change(Changes({b"k": [held(2, run=1)]}))
    assert found.candidates(b"k") == ()
    found.begin_run()
    assert ids(found.candidates(b"k")) == [2]
