"""A store under other rules of matching: new fingerprints at its opening, safe from crashes, and told."""

import sqlite3
from contextlib import closing

import orjson
import pytest
from recordings import fingerprint, plain, recording, request, rows

from proxy_daemon.core.messages import Unknown
from proxy_daemon.store import database, refingerprint
from proxy_daemon.store import writer as writing
from proxy_daemon.store.access import READ, StoreError
from proxy_daemon.store.codec import INLINE, SCOPE
from proxy_daemon.store.imports import Imports
from proxy_daemon.store.refingerprint import MIXED, Rules

PRESENT, LATER = b"rules 1", b"rules 2"


def rules(digest=PRESENT, told=None, seen=None):
    """Fingerprints made of the rules and the recording's number."""

    def make(each, known):
        if seen is not None:
            seen.append((each, known))
        return fingerprint((digest, each.id))

    return Rules(digest, make, (lambda line: None) if told is None else told.append)


def digest_of(path):
    return rows(path, "SELECT value FROM meta WHERE name = 'matching'")


def fingerprints(path):
    return [row[0] for row in rows(path, "SELECT fingerprint FROM exchange ORDER BY id")]


def expected(digest, *numbers):
    return [fingerprint((digest, number)) for number in numbers]


@pytest.fixture
def filled(opened):
    """Three that can be served, and one that cannot, under the first rules."""
    each = opened(rules=rules())
    each.put(*[recording(number, session="s", scope=b"\1\2") for number in (1, 2, 3)], recording(4, replayable=False))
    each.store.close()


def as_version_one(path):
    """Neither rules nor scopes were written down."""
    rows(path, "DELETE FROM meta WHERE name = 'matching'")
    rows(path, "UPDATE exchange SET facts = CAST(json_remove(CAST(facts AS TEXT), '$.scope') AS BLOB)")


def test_a_new_store_has_the_rules_of_its_daemon(opened, path):
    told = []
    opened(rules=rules(told=told))
    assert (digest_of(path), told) == ([(PRESENT,)], [])


@pytest.mark.parametrize("digest", [PRESENT, None])
def test_under_the_same_rules_or_none_nothing_happens(opened, path, filled, digest):
    told = []
    before = fingerprints(path)
    opened(rules=rules(told=told) if digest else None)
    assert (fingerprints(path), told) == (before, [])


def test_under_others_all_that_can_be_served_gets_new_ones(opened, path, filled):
    told, seen = [], []
    each = opened(rules=rules(LATER, told, seen))
    assert fingerprints(path) == [*expected(LATER, 1, 2, 3), fingerprint(4)]
    assert digest_of(path) == [(LATER,)]
    assert [(one.id, one.scope, known) for one, known in seen] == [(n, b"\1\2", True) for n in (1, 2, 3)]
    assert [one.id for one in each.store.candidates(fingerprint((LATER, 2)))] == [2]
    assert each.store.get(2).session == "s"
    assert "follows other rules of matching" in told[0]
    assert told[1].startswith("3 recordings have new fingerprints, in ")


def test_of_version_one_it_is_not_known_what_scoped_them(opened, path, filled):
    as_version_one(path)
    seen = []
    opened(rules=rules(seen=seen))
    assert [known for _, known in seen] == [False, False, False]
    facts = [orjson.loads(row[0]) for row in rows(path, "SELECT facts FROM exchange WHERE id < 4")]
    assert [each[SCOPE] for each in facts] == ["", "", ""], "from now on it is"


def test_what_gets_none_is_not_served_any_more(opened, path, filled):
    def make(each, known):
        if each.id == 2:
            raise RuntimeError("a plugin's dialect")
        return b"" if each.id == 1 else fingerprint("new")

    told = []
    each = opened(rules=Rules(LATER, make, told.append))
    assert rows(path, "SELECT id, replayable FROM exchange") == [(1, 0), (2, 0), (3, 1), (4, 0)]
    assert each.store.get(1).fingerprint, "but what was recorded is there"
    assert told[-1].endswith("; 2 could not, and are not served again")


def test_what_answers_by_its_pattern_alone_stays(opened, path, filled):
    rows(path, "UPDATE exchange SET fingerprint = NULL, replayable = 2 WHERE id = 2")
    opened(rules=rules(LATER))
    assert rows(path, "SELECT replayable FROM exchange WHERE id = 2") == [(2,)]


def test_requests_are_whole_as_live_ones_are(opened, path):
    each, seen = opened(rules=rules()), []
    large = recording(1, request=request(b"q" * (INLINE + 1)))
    huge = recording(2, request=request(b"q" * (refingerprint.IN_MEMORY + 1)), unknown=frozenset({Unknown.TIME}))
    each.put(large, huge)
    each.store.close()
    opened(rules=rules(LATER, seen=seen))
    assert [one.request.body.whole() for one, _ in seen] == [b"q" * (INLINE + 1), None]
    assert [one.request.body.size for one, _ in seen][1] == refingerprint.IN_MEMORY + 1


@pytest.mark.parametrize("next_rules", [LATER, PRESENT, b"rules 3"])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_after_a_crash_it_is_done_anew(opened, path, filled, monkeypatch, at, next_rules):
    """Also where somebody has gone back to the rules of before: a part of the file follows the others by then."""
    monkeypatch.setattr(refingerprint, "BATCH", 1)

    def crash(each, known):
        if each.id == at:
            raise KeyboardInterrupt
        return fingerprint((LATER, each.id))

    with pytest.raises(KeyboardInterrupt):
        opened(rules=Rules(LATER, crash))
    opened(rules=rules(next_rules))
    assert digest_of(path) == [(next_rules,)]
    untouched = at == 1 and next_rules == PRESENT
    before = [fingerprint(each) for each in (1, 2, 3)]
    assert fingerprints(path)[:3] == (before if untouched else expected(next_rules, 1, 2, 3))


def test_what_another_writes_meanwhile_is_done_too(opened, path, filled, monkeypatch):
    monkeypatch.setattr(refingerprint, "BATCH", 1)
    one, wrote = opened(rules=None), []

    def make(each, known):
        if each.id == 3 and not wrote:
            wrote.extend(one.put(recording(9)))
        return fingerprint((LATER, each.id))

    opened(rules=Rules(LATER, make))
    assert fingerprints(path) == [*expected(LATER, 1, 2, 3), fingerprint(4), *expected(LATER, 9)]


def test_a_store_that_fails_is_named(opened, path, filled, monkeypatch):
    def fail(path, rules):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("proxy_daemon.store.opening.bring_up", fail)
    with pytest.raises(StoreError, match=r"llmproxy\.db cannot be used: disk I/O error"):
        opened(rules=rules(LATER))


# --- what may only be read -------------------------------------------------------------------------------------------


@pytest.fixture
def read_only(monkeypatch):
    """As on a file that may only be read."""
    real = database.prepare

    def prepare(path):
        return type(real(path))(path, real(path).key, READ)

    monkeypatch.setattr(database, "prepare", prepare)


def test_a_store_that_may_only_be_read_is_served_by_nothing_and_says_so(opened, path, filled, read_only):
    each = opened(rules=rules(LATER))
    assert "may only be read; nothing is served from it: it was written under other rules" in each.store.trouble
    assert (each.store.candidates(fingerprint(1)), each.store.patterns()) == ((), ())
    assert plain(each.store.get(1))[0][0] == 1
    assert fingerprints(path)[0] == fingerprint(1)


def test_under_the_same_rules_it_is_served(opened, path, filled, read_only):
    each = opened(rules=rules())
    assert [one.id for one in each.store.candidates(fingerprint(1))] == [1]
    assert "other rules" not in each.store.trouble


def test_one_that_is_brought_up_meanwhile_is_served(opened, path, filled, read_only, monkeypatch):
    each = opened(rules=rules(LATER))
    refingerprint.bring_up(str(path), rules(LATER))
    each.store.sweep()
    assert [one.id for one in each.store.candidates(fingerprint((LATER, 1)))] == [1]
    assert "other rules" not in each.store.trouble


# --- two with other rules on one file --------------------------------------------------------------------------------


def test_two_daemons_with_other_rules_say_so_and_the_next_start_mends_it(opened, path, filled, monkeypatch):
    monkeypatch.setattr(writing, "LOOK_SECONDS", 0.0)
    one = opened(rules=rules())
    one.put(recording(7))
    other = opened(rules=rules(LATER))
    one.turn.run_until(lambda: one.store.trouble)
    other.turn.run_until(lambda: other.store.trouble)
    assert "another llmproxy with other rules of matching" in one.store.trouble
    assert digest_of(path) == [(MIXED,)]
    assert one.put(recording(8)) == [True], "what it records is kept"
    assert "another llmproxy" in one.store.trouble
    for each in (one, other):
        each.store.close()
    again = opened(rules=rules(LATER))
    assert fingerprints(path) == [*expected(LATER, 1, 2, 3), fingerprint(4), *expected(LATER, 7, 8)]
    assert again.store.trouble == ""


def test_imports_bring_it_up_too(path, filled):
    with closing(Imports(str(path), rules(LATER))) as store:
        assert store.add(recording())
    assert fingerprints(path)[:3] == expected(LATER, 1, 2, 3)
