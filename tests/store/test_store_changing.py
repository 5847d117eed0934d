"""What people change in a store: remarks, deletions, and answers that take the place of others, all or nothing."""

import sqlite3
from contextlib import closing

import pytest
from recordings import Bad, Opened, find, fingerprint, octets, plain, recording, request, response, rows

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.messages import Delivered, ResponseHead
from proxy_daemon.core.services import Curated
from proxy_daemon.store import changing
from proxy_daemon.store.codec import INLINE, from_row, to_row
from proxy_daemon.store.nothing import NoStore
from proxy_daemon.store.refingerprint import Rules

SAME = {"fingerprint": fingerprint("same")}
LARGE = b"words of a large body " * 20_000


def change(each, name, *arguments, **more):
    """What the Deferred of a change fires with."""
    return each.result(getattr(each.store, name)(*arguments, **more))


def edit(each, number, original, **changes):
    """An edited answer with this id, in the place of another."""
    changes = SAME | {"written": True, "pinned": True, "edits": original} | changes
    return change(each, "supersede", recording(number, **changes), original)


def order(each, name="same"):
    """Ids of those that answer, in their order."""
    return [one.id for one in each.store.candidates(fingerprint(name))]


def test_which_stores_are_curated(opened):
    assert isinstance(opened().store, Curated)
    assert not isinstance(NoStore(), Curated)


# --- remarks ---------------------------------------------------------------------------------------------------------


def test_remarks_are_kept_apart_and_taken_away(opened, path):
    each = opened()
    each.put(recording(1), recording(2))
    assert each.store.remarks([1, 2]) == {}
    assert change(each, "remark", 1, mark="odd")
    assert change(each, "remark", 1, comment="why?\nno")
    assert change(each, "remark", 2, pinned=True)
    assert each.store.remarks([1, 2, 3]) == {1: ("odd", "why?\nno")}
    assert (each.store.get(1).pinned, each.store.get(2).pinned) == (False, True)
    assert opened().store.remarks([1]) == {1: ("odd", "why?\nno")}, "in the file"
    assert change(each, "remark", 1, mark="")
    assert each.store.remarks([1]) == {1: ("", "why?\nno")}
    assert change(each, "remark", 1, comment="", pinned=False)
    assert rows(path, "SELECT * FROM remark") == []


def test_what_was_asked_for_lately_is_not_shown_as_it_was(opened):
    each = opened()
    each.put(recording(1), recording(2))
    assert [each.store.get(number).pinned for number in (1, 2)] == [False, False]
    change(each, "remark", 1, pinned=True)
    change(each, "remove", [2])
    assert each.store.get(1).pinned
    assert each.store.get(2) is None


def test_a_remark_of_none_changes_nothing_and_says_so(opened, path):
    each = opened()
    assert not change(each, "remark", 1, mark="odd", pinned=True)
    assert not change(each, "remark", -1, mark="odd")
    assert not change(each, "remark", 2**63, mark="odd")
    assert rows(path, "SELECT * FROM remark") == []
    assert each.store.trouble == ""


def test_remarks_of_many(opened):
    each = opened()
    each.put(*map(recording, range(1, 1203)))
    for number in (1, 600, 1202):
        change(each, "remark", number, mark=str(number))
    asked = [-5, 2**70, *range(2000)]
    assert each.store.remarks(asked) == {number: (str(number), "") for number in (1, 600, 1202)}


def test_remarks_that_somebody_has_changed_are_left_out(opened, path):
    each = opened()
    each.put(recording(1), recording(2))
    change(each, "remark", 1, mark="odd")
    change(each, "remark", 2, mark="fine")
    rows(path, "UPDATE remark SET mark = x'00' WHERE exchange = 1")
    assert each.store.remarks([1, 2]) == {2: ("fine", "")}


# --- deleting --------------------------------------------------------------------------------------------------------


def test_what_is_deleted_is_gone_at_once(opened, path):
    each = opened()
    large = response(LARGE)
    each.put(recording(1, response=large, delivered=Delivered(ResponseHead(200), Bytes(LARGE)), **SAME), recording(2))
    change(each, "remark", 1, mark="odd")
    assert find(each.store, SAME["fingerprint"]).id == 1
    assert change(each, "remove", [1])
    assert (order(each), each.store.get(1), each.store.remarks([1])) == ([], None, {})
    assert [one.id for one in each.store.page(10)] == [2]
    for table in ("body_part", "remark", "displaced"):
        assert rows(path, f"SELECT count(*) FROM {table}") == [(0,)]
    assert not change(each, "remove", [1]), "it is gone already"
    assert not change(each, "remove", [])


def test_the_words_of_what_is_deleted_are_gone_from_the_file(opened, path):
    each, secret = opened(), b"Nobody must ever read this sentence."
    for number in range(1, 40):
        body = secret * (4000 if number == 7 else 1)
        each.put(recording(number, request=request(body), response=response(body)))
    change(each, "remark", 7, comment=secret.decode())
    assert any(secret in data for data in octets(path).values())
    assert change(each, "remove", range(1, 40))
    assert not any(secret in data for data in octets(path).values()), "also while the store is open"


def test_what_is_deleted_while_somebody_reads_is_deleted_all_the_same(opened, path, monkeypatch):
    monkeypatch.setattr(changing, "READERS_MS", 1)
    each = opened()
    each.put(recording(1), recording(2))
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM exchange").fetchone() == (2,)
        assert change(each, "remove", [1])
        assert reader.execute("SELECT count(*) FROM exchange").fetchone() == (2,)
    assert each.put(recording(3)) == [True]
    assert rows(path, "SELECT id FROM exchange") == [(2,), (3,)]


# --- edited answers --------------------------------------------------------------------------------------------------


def test_an_edited_answer_has_the_place_of_its_original(opened):
    each = opened()
    each.put(*(recording(number, **SAME) for number in (1, 2, 3)))
    assert order(each) == [1, 2, 3]
    assert edit(each, 10, 2)
    assert order(each) == [1, 10, 3], "in the order too"
    assert [one.id for one in each.store.patterns()] == [10], "it answers in either form"
    assert (each.store.get(2).replayable, each.store.get(10).edits) == (False, 2)
    assert plain(each.store.get(10)) == plain(opened().store.get(10))


@pytest.mark.parametrize("size", [0, INLINE, INLINE + 1, 300_000])
def test_an_edited_answer_of_any_size(opened, size):
    each = opened()
    each.put(recording(1, **SAME))
    assert edit(each, 2, 1, request=request(b"q" * size), response=response(b"a" * size))
    found = opened().store.get(2)
    assert found.response.body.read(0, 10) == b"a" * min(size, 10)
    assert (found.request.body.size, found.response.body.size) == (size, size)


def test_the_original_answers_again_when_the_edited_one_is_deleted(opened):
    each = opened()
    each.put(recording(1, **SAME), recording(2, **SAME))
    edit(each, 10, 1)
    assert change(each, "remove", [10])
    assert order(each) == [1, 2]
    assert each.store.patterns() == ()


def test_the_edited_one_stays_when_the_original_is_deleted(opened, path):
    each = opened()
    each.put(recording(1, **SAME))
    edit(each, 10, 1)
    assert change(each, "remove", [1])
    assert order(each) == [10]
    assert change(each, "remove", [10])
    assert order(each) == []
    assert rows(path, "SELECT * FROM displaced") == []


def test_edits_of_one_original_follow_each_other(opened):
    each = opened()
    each.put(recording(1, **SAME))
    for number in (10, 11, 12):
        assert edit(each, number, 1)
        assert order(each) == [number]
    change(each, "remove", [11])
    assert order(each) == [12]
    change(each, "remove", [12])
    assert order(each) == [10], "what 11 had taken from it"
    change(each, "remove", [10])
    assert order(each) == [1]


def test_two_edits_at_once_are_done_one_after_the_other(opened):
    each = opened()
    each.put(recording(1, **SAME))
    fields = SAME | {"written": True, "pinned": True, "edits": 1}
    both = [each.store.supersede(recording(number, **fields), 1) for number in (10, 11)]
    assert [each.result(one) for one in both] == [True, True]
    assert order(each) == [11]


def test_what_was_not_served_is_served_when_it_is_edited(opened):
    each = opened()
    each.put(recording(1, replayable=False, **SAME))
    assert order(each) == []
    edit(each, 10, 1)
    assert order(each) == [10], "in the same run"
    change(each, "remove", [10])
    assert order(each) == []


def test_a_second_edit_takes_the_place_of_the_first_alone(opened):
    each = opened()
    each.put(recording(1, **SAME), recording(2, **SAME))
    edit(each, 10, 1)
    edit(each, 11, 1)
    assert order(each) == [11, 2]


@pytest.mark.parametrize("gone", [[10, 1], [1, 10], [10, 11], [1, 10, 11]])
def test_several_are_deleted_in_any_order(opened, path, gone):
    each = opened()
    each.put(recording(1, **SAME))
    edit(each, 10, 1)
    edit(each, 11, 10)
    change(each, "remove", gone)
    left = [number for number in (1, 10, 11) if number not in gone]
    assert order(each) == left[-1:]
    assert rows(path, "SELECT count(*) FROM displaced WHERE exchange NOT IN (SELECT id FROM exchange)") == [(0,)]


def test_an_edit_of_a_replaced_answer_takes_the_place_of_what_is_served_now(opened):
    each = opened()
    each.put(recording(1, **SAME), recording(5, session="other", **SAME))
    each.put(recording(2, **SAME), replace=True)
    each.put(recording(6, session="other", **SAME))
    assert order(each) == [2, 6]
    edit(each, 10, 1)
    assert order(each) == [10, 6], "not of another session"
    change(each, "remove", [10])
    assert order(each) == [2, 6]


def test_a_later_answer_does_not_replace_an_edited_one(opened):
    each = opened()
    each.put(recording(1, **SAME))
    edit(each, 10, 1)
    each.put(recording(20, **SAME), replace=True)
    assert order(each) == [10, 20]


def test_one_that_is_gone_is_not_edited(opened, path):
    each = opened()
    assert not edit(each, 10, 1)
    assert rows(path, "SELECT count(*) FROM exchange") == [(0,)]


def test_what_fails_half_way_has_changed_nothing(opened, path, monkeypatch):
    each = opened()
    each.put(recording(1, **SAME))
    lost = response()
    object.__setattr__(lost, "body", Bad(OSError("the disk is gone"), size=INLINE + 5))
    assert not edit(each, 10, 1, response=lost)
    assert "the disk is gone" in each.store.trouble
    monkeypatch.setattr(changing, "DISPLACED", "INSERT INTO nowhere VALUES (?, ?, ?)")
    assert not edit(each, 11, 1)
    assert "nowhere" in each.store.trouble
    assert rows(path, "SELECT id, replayable FROM exchange") == [(1, 1)]
    assert rows(path, "SELECT count(*) FROM body_part") == [(0,)]
    assert change(each, "remark", 1, mark="odd")
    assert each.store.trouble == "", "it works again"


def test_a_full_disk_is_told_and_has_changed_nothing(opened, path):
    each = opened()
    each.put(recording(1, **SAME))
    each.store._writer._connection.execute("PRAGMA max_page_count = 1")
    assert not edit(each, 10, 1, response=response(b"a" * 5_000_000))
    assert "full" in each.store.trouble
    assert order(each) == [1]
    assert rows(path, "SELECT count(*) FROM displaced") == [(0,)]


def test_a_store_that_may_only_be_read(path, opened, monkeypatch):
    opened().put(recording(1))
    monkeypatch.setattr("proxy_daemon.store.opening.can_write", lambda path: False)
    monkeypatch.setattr("proxy_daemon.store.opening._inspect", lambda *arguments: "mode=ro")
    each = Opened(path)
    try:
        assert [change(each, "remark", 1, mark="odd"), change(each, "remove", [1]), edit(each, 2, 1)] == [False] * 3
        assert each.store.remarks([1]) == {}
    finally:
        each.store.close()


def test_after_the_end_nothing_is_changed(opened, path):
    each = opened()
    each.put(recording(1))
    each.store.close()
    assert change(each, "remove", [1]) is False
    assert rows(path, "SELECT count(*) FROM exchange") == [(1,)]


def test_what_is_under_way_at_the_end_is_done(opened, path):
    each = opened()
    each.put(recording(1))
    waiting = each.store.remove([1])
    each.store.close()
    assert rows(path, "SELECT count(*) FROM exchange") == [(0,)]
    assert each.result(waiting) is True


# --- beside others ---------------------------------------------------------------------------------------------------


def test_the_limit_of_age_takes_remarks_too_and_gives_places_back(opened, path):
    now = [1_800_000_000.0]
    each = opened(wall=lambda: now[0], max_age=100.0)
    each.put(recording(1, pinned=True, **SAME), recording(5, started=now[0] + 5000))
    edit(each, 10, 1, pinned=False)
    change(each, "remark", 10, mark="odd")
    now[0] += 1000
    each.turn.run_until(lambda: rows(path, "SELECT id FROM exchange") == [(1,), (5,)])
    assert rows(path, "SELECT count(*) FROM remark") == [(0,)]
    assert order(each) == [1]


def test_the_original_follows_the_rules_of_its_edited_answer(opened, path):
    each = opened()
    each.put(recording(1, **SAME))
    edit(each, 10, 1)
    each.store.close()
    again = opened(rules=Rules(b"r" * 32, lambda recording, known: fingerprint("anew")))
    assert order(again, "anew") == [10]
    change(again, "remove", [10])
    assert order(again, "anew") == [1]


def test_an_upgraded_store_keeps_what_it_has(opened, path):
    each = opened()
    each.put(recording(1, pinned=True))
    each.store.close()
    for line in ("DROP TABLE remark", "DROP TABLE displaced", "DROP INDEX exchange_pinned", "PRAGMA user_version = 2"):
        rows(path, line)
    again = opened()
    assert change(again, "remark", 1, mark="odd")
    assert again.store.get(1).pinned


# --- the row ---------------------------------------------------------------------------------------------------------


def test_what_was_edited_stands_in_the_facts():
    row = to_row(recording(7, edits=2**62))
    assert from_row(row, None).edits == 2**62
    assert b"edits" not in to_row(recording(7))[8]
    for wrong in (b'"x"', b"true", b"1.5", b"null"):
        changed = (*row[:8], row[8].replace(b"%d" % 2**62, wrong), *row[9:])
        with pytest.raises(ValueError, match="wrong type"):
            from_row(changed, None)


def test_a_place_that_somebody_has_changed_is_told(opened, path):
    each = opened()
    each.put(recording(1, **SAME), recording(2, edits=1, **SAME))
    rows(path, """UPDATE exchange SET facts = replace(facts, '"edits":1', '"edits":"x"') WHERE id = 2""")
    rows(path, "UPDATE exchange SET facts = CAST(facts AS BLOB)")
    assert order(opened()) == [1]
