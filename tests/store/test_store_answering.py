"""Which recordings may answer: all of a fingerprint in order, those with patterns; bounded, hot, and never stale."""

import pytest
from recordings import fingerprint, recording, rows

from proxy_daemon.core.pattern import Pattern
from proxy_daemon.core.services import Candidate
from proxy_daemon.store import answering, hot
from proxy_daemon.store import writer as writing
from proxy_daemon.store.hot import Hot

SAME = {"fingerprint": fingerprint("same")}


def ids(found):
    return [each.id for each in found]


def listed(each):
    return ids(each.store.candidates(fingerprint("same")))


def test_candidates_are_told_in_order(opened):
    each = opened()
    each.put(
        recording(5, status=500, session="b", **SAME),
        recording(2, session="a", **SAME),
        recording(9, imported=1_800_000_900.0, started=1.5, **SAME),
        recording(7, replayable=False, **SAME),
        recording(8),
    )
    assert each.store.candidates(fingerprint("same")) == (
        Candidate(2, 1_800_000_000.0, 200, "a"),
        Candidate(5, 1_800_000_000.0, 500, "b"),
        Candidate(9, 1.5, 200, ""),
    )


def test_of_very_many_the_newest(opened, monkeypatch):
    monkeypatch.setattr(answering, "MOST_CANDIDATES", 3)
    each = opened()
    each.put(*[recording(number, **SAME) for number in range(9)])
    assert listed(each) == [6, 7, 8]


@pytest.mark.parametrize(
    "changed", ["started = 'x'", "status = 'x'", "facts = x'00' || facts || x'22696d706f72746564223a'", "facts = 5"]
)
def test_an_edited_one_is_left_out_and_told(opened, path, changed):
    each = opened()
    each.put(*[recording(number, **SAME) for number in (1, 2, 3)])
    rows(path, f"UPDATE exchange SET {changed} WHERE id = 2")
    assert listed(each) in ([1, 3], [1, 2, 3])
    assert each.store.get(2) is None
    assert "0000000000000002" in each.store.trouble


def test_what_is_written_is_seen_at_once(opened, monkeypatch):
    monkeypatch.setattr(hot, "HOT_SECONDS", 1e9)
    each = opened()
    for number in (1, 2, 3):
        each.put(recording(number, **SAME))
        assert listed(each) == [*range(1, number + 1)]
    each.put(recording(4, **SAME), replace=True)
    assert listed(each) == [4]
    assert each.store.candidates(fingerprint("same")) is each.store.candidates(fingerprint("same")), "from memory"


def test_what_is_dropped_is_not_listed(opened, monkeypatch):
    monkeypatch.setattr(hot, "HOT_SECONDS", 1e9)
    monkeypatch.setattr(writing, "LOOK_SECONDS", 0.0)
    now = [1_800_000_000.0]
    each = opened(max_age=100, wall=lambda: now[0])
    each.put(recording(1, **SAME), recording(2, started=1_800_000_090.0, **SAME))
    assert listed(each) == [1, 2]
    assert each.store.get(1).id == 1
    now[0] += 101
    each.turn.run_until(lambda: listed(each) == [2])
    assert each.store.get(1) is None, "nor remembered"


# --- patterns --------------------------------------------------------------------------------------------------------


ANY = Pattern(method="POST", path="/a/*", query=(("q", "*"),), body=b'{"a": "**X**"}', wild=("**X**",), whole=True)


def test_those_with_patterns_and_written_ones(opened, monkeypatch):
    monkeypatch.setattr(answering, "HOT_SECONDS", 1e9)
    each = opened()
    assert each.store.patterns() == ()
    each.put(
        recording(3, pattern=ANY),
        recording(1, written=True, fingerprint=b""),
        recording(2),
        recording(4, pattern=ANY, replayable=False),
    )
    found = each.store.patterns()
    assert ids(found) == [1, 3]
    assert (found[1].pattern, found[0].written, found[0].response.body.size) == (ANY, True, 0)
    assert each.store.patterns() is found
    assert each.store.get(3).response.body.whole() == b"answer"
    each.put(recording(5, pattern=Pattern()))
    assert ids(each.store.patterns()) == [1, 3, 5]


def test_others_patterns_are_seen_and_what_is_the_same_stays_so(opened, path, monkeypatch):
    monkeypatch.setattr(answering, "HOT_SECONDS", 0.0)
    one, two = opened(), opened()
    one.put(recording(1, pattern=ANY))
    found = two.store.patterns()
    assert ids(found) == [1]
    one.put(recording(2))
    assert two.store.patterns() is found
    rows(path, "DELETE FROM exchange WHERE id = 1")
    assert two.store.patterns() == ()


def test_too_many_patterns_are_told(opened, monkeypatch):
    monkeypatch.setattr(answering, "MOST_PATTERNS", 3)
    each = opened()
    each.put(*[recording(number, pattern=ANY) for number in (1, 2, 3)])
    assert ids(each.store.patterns()) == [1, 2, 3]
    assert each.store.trouble == ""
    each.put(recording(4, pattern=ANY))
    assert ids(each.store.patterns()) == [1, 2, 3]
    assert "have patterns: those behind them do not answer" in each.store.trouble
    each.put(recording(5))
    assert "have patterns" in each.store.trouble, "it stays so"


def test_a_lost_table_is_told(opened, path):
    each = opened()
    each.put(recording(1, **SAME))
    rows(path, "DROP TABLE exchange")
    assert (each.store.candidates(fingerprint("same")), each.store.patterns()) == ((), ())
    assert "no such table" in each.store.trouble


# --- memory ----------------------------------------------------------------------------------------------------------


def test_memory_is_bounded_and_the_unused_go_first():
    held = Hot(800)
    for number in range(10):
        held.warm(number, 100, str(number))
        assert held.get(0) == "0"
    assert held.size == 800
    assert [number for number in range(10) if held.get(number)] == [0, 3, 4, 5, 6, 7, 8, 9]


def test_what_is_too_large_or_old_is_not_kept(monkeypatch):
    held = Hot(800)
    held.warm("large", 101, "x")
    assert (held.get("large"), held.size) == (None, 0)
    held.warm("a", 50, "first")
    held.warm("a", 70, "second")
    assert (held.get("a"), held.size) == ("second", 70)
    monkeypatch.setattr(hot, "HOT_SECONDS", 0.0)
    assert held.get("a") is None
    assert (held.cool("a"), held.cool("a"), held.size) == ("second", None, 0)
