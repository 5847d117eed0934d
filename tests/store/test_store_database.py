"""The store as the pipeline uses it: what is put is found, and what goes wrong is told and raises nothing."""

import pytest
from recordings import UPSTREAM, Bad, find, fingerprint, plain, recording, request, response, rows

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Request
from proxy_daemon.store import database, hot
from proxy_daemon.store import writer as writing
from proxy_daemon.store.codec import INLINE
from proxy_daemon.store.database import SQLiteStore, StoreError

BODIES = {
    "empty": (b"", b""),
    "small": (bytes(range(256)), b"answer"),
    "as large as a row holds": (b"q" * INLINE, b"a" * INLINE),
    "large": (b"q" * (INLINE + 1), bytes(range(256)) * 3000),
    "one large, one small": (b"q", b"a" * 300_000),
}


@pytest.mark.parametrize(("sent", "answered"), BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("replace", [False, True])
def test_what_is_put_is_found_as_it_was(opened, sent, answered, replace):
    pairs = [(b"X-B", b"2"), (b"x-b", b"\xff"), (b"X-B", b"2"), (b"a", b"")]
    answer = response(answered, pairs, sizes=[len(answered)], times=[5], trailers=[(b"T", b"1"), (b"t", b"2")])
    each = recording(request=request(sent, pairs), response=answer, head_time=3, duration=9, client="::1")
    first = opened()
    assert first.put(each, replace=replace) == [True]
    for store in (first.store, opened().store):
        assert plain(store.get(1)) == plain(each)
        assert plain(find(store, each.fingerprint)) == plain(each)
        assert plain(find(store, each.fingerprint)) == plain(each), "out of memory, too"
        assert store.trouble == ""


def test_it_is_committed_when_the_deferred_fires(opened, path):
    each, seen = opened(), []
    waiting = each.store.put(recording(7))
    waiting.addCallback(lambda good: seen.append((good, rows(path, "SELECT id FROM exchange"))))
    assert seen == []
    each.turn.run_until(lambda: seen)
    assert seen == [(True, [(7,)])]


def test_a_turn_of_the_reactor_is_one_wake_up(path):
    soon = []
    store = SQLiteStore.open(
        str(path), max_bytes=2**40, max_age=1e9, wall=lambda: 0.0, call_in_reactor=lambda *call: None, soon=soon.append
    )
    waiting = [store.put(recording(number)) for number in range(5)]
    assert len(soon) == 1
    soon.pop()()
    waiting.append(store.put(recording(9)))
    assert len(soon) == 1, "the next turn has its own"
    store.close()
    assert not any(each.called for each in waiting), "only the reactor fires them"
    assert rows(path, "SELECT count(*) FROM exchange") == [(6,)]


def test_what_is_noted_is_there_after_closing(opened, path):
    each = opened()
    each.store.note(recording(1))
    each.store.close()
    assert rows(path, "SELECT id FROM exchange") == [(1,)]


def test_closing_twice_is_nothing_and_then_nothing_is_taken(opened):
    each = opened()
    each.store.close()
    each.store.close()
    assert each.put(recording()) == [False]
    assert find(each.store, fingerprint(1)) is None
    assert each.store.get(1) is None
    assert each.store.trouble


# --- which one is found ----------------------------------------------------------------------------------------------


def test_the_newest_that_may_be_replayed_is_found(opened):
    each, same = opened(), {"fingerprint": fingerprint("same")}
    each.put(recording(2, **same), recording(1, **same), recording(3, replayable=False, **same), recording(4))
    assert find(each.store, fingerprint("same")).id == 2


@pytest.mark.parametrize("unknown", [fingerprint("other"), b"", b"x"])
def test_what_is_not_there_is_not_found(opened, unknown):
    each = opened()
    each.put(recording(1), recording(2, fingerprint=b"", replayable=False))
    assert find(each.store, unknown) is None


def test_one_that_replaces_is_found_at_once(opened):
    each, same = opened(), {"fingerprint": fingerprint("same")}
    each.put(recording(5, **same))
    assert find(each.store, fingerprint("same")).id == 5
    each.put(recording(2, **same), replace=True)
    assert find(each.store, fingerprint("same")).id == 2


def test_one_without_a_fingerprint_stops_nobody(opened):
    each = opened()
    assert each.put(recording(1, fingerprint=b""), recording(2)) == [True, True]


@pytest.mark.parametrize("number", [0, 9, -1, -(2**63), 2**63 - 1, 2**63, 2**64])
def test_an_exchange_that_is_not_there(opened, number):
    each = opened()
    each.put(recording(1))
    assert (each.store.get(number), each.store.trouble) == (None, "")


def ids(found):
    return [each.id for each in found]


def test_similar_ones_are_of_this_path_and_model(opened):
    each = opened()
    other = Request(b"POST", b"/other", Headers())
    each.put(*[recording(number) for number in (1, 2, 3)], recording(4, model="m-2"), recording(5, request=other))
    each.put(recording(6, replayable=False))
    similar = each.store.similar
    assert ids(similar(b"/v1/chat/completions", "m-1", 2)) == [3, 2]
    assert ids(similar(b"/v1/chat/completions", "m-2", 9)) == [4]
    assert ids(similar(b"/v1/chat/completions", "m-9", 9)) == [4, 3, 2, 1], "else of other models"
    assert ids(similar(b"/nowhere", "m-1", 9)) == []


PAGES = {
    "the newest": ((2, 0), [5, 4]),
    "before one": ((2, 4), [3, 2]),
    "all": ((99, 0), [5, 4, 3, 2, 1]),
    "before the first": ((9, 1), []),
    "before a number that is too large": ((1, 2**70), [5]),
}


@pytest.mark.parametrize(("asked", "expected"), PAGES.values(), ids=PAGES)
def test_a_page(opened, asked, expected):
    each = opened()
    each.put(*[recording(number) for number in (1, 2, 3, 4, 5)])
    assert ids(each.store.page(*asked)) == expected
    assert each.store.trouble == ""


def test_a_page_has_all_but_the_bodies(opened):
    each = opened()
    each.put(recording(1, request=request(b"q" * INLINE * 2)), recording(2, response=None, ending=Ending.TIMEOUT))
    last, first = each.store.page(9)
    assert (last.ending, last.response) == (Ending.TIMEOUT, None)
    assert (first.model, first.upstream, first.request.target) == ("m-1", UPSTREAM, b"/v1/chat/completions?a=1")
    whole = each.store.get(1)
    sizes = (whole.request.body.size, whole.response.body.size)
    assert (first.request.body.size, first.response.body.size) == sizes
    assert sizes[0] == INLINE * 2
    assert (first.request.body.whole(), first.response.body.whole()) == (None, None)  # they stay on the disk


# --- memory ----------------------------------------------------------------------------------------------------------


def test_what_was_answered_lately_is_answered_from_memory(opened, path, monkeypatch):
    monkeypatch.setattr(hot, "HOT_SECONDS", 1e9)
    each = opened()
    each.put(recording(1))
    find(each.store, fingerprint(1))
    rows(path, "DELETE FROM exchange")
    assert find(each.store, fingerprint(1)).id == 1


def test_memory_is_not_trusted_for_long(opened, path, monkeypatch):
    monkeypatch.setattr(hot, "HOT_SECONDS", 0.0)
    each = opened()
    each.put(recording(1))
    find(each.store, fingerprint(1))
    rows(path, "DELETE FROM exchange")
    assert find(each.store, fingerprint(1)) is None
    assert each.store.stats()["hot_octets"] == 0


def test_memory_has_a_bound_and_the_unused_go_first(opened, path, monkeypatch):
    monkeypatch.setattr(hot, "HOT_SECONDS", 1e9)
    each = opened(hot_bytes=100_000)
    numbers = range(20)
    each.put(*[recording(number, response=response(b"a" * 8000)) for number in numbers])
    find(each.store, fingerprint(0))
    rows(path, "DELETE FROM exchange WHERE id = 0")
    for number in numbers:
        find(each.store, fingerprint(number))
        assert find(each.store, fingerprint(0)).id == 0, "it is used again and again"
        assert 0 < each.store.stats()["hot_octets"] <= 100_000
    rows(path, "DELETE FROM exchange")
    assert [number for number in numbers if find(each.store, fingerprint(number))] == [0, *range(12, 20)]
    assert each.store.stats()["hot_octets"] <= 100_000


def test_a_large_one_is_not_kept_in_memory(opened):
    each = opened(hot_bytes=100_000)
    each.put(recording(1, response=response(b"a" * 20_000)))
    assert find(each.store, fingerprint(1)).id == 1
    assert each.store.stats()["hot_octets"] < 1000, "where it stands is known, not what it says"


def test_what_is_deleted_for_its_age_leaves_memory_too(opened, monkeypatch):
    monkeypatch.setattr(hot, "HOT_SECONDS", 1e9)
    monkeypatch.setattr(writing, "LOOK_SECONDS", 0.0)
    now = [1_800_000_000.0]
    each = opened(max_age=100, wall=lambda: now[0])
    each.put(recording(1))
    assert find(each.store, fingerprint(1)).id == 1
    now[0] += 101
    each.turn.run_until(lambda: find(each.store, fingerprint(1)) is None)


# --- several daemons on one file -------------------------------------------------------------------------------------


def test_two_daemons_see_each_others_recordings(opened, monkeypatch):
    monkeypatch.setattr(writing, "LOOK_SECONDS", 0.0)
    one, two = opened(), opened()
    one.put(recording(1, response=response(b"a" * INLINE * 5)))
    two.put(recording(2))
    two.turn.run_until(lambda: find(two.store, fingerprint(1)))
    one.turn.run_until(lambda: find(one.store, fingerprint(2)))
    assert plain(find(one.store, fingerprint(1))) == plain(find(two.store, fingerprint(1)))
    assert ids(one.store.page(9)) == ids(two.store.page(9)) == [2, 1]
    assert one.store.key == two.store.key


def test_two_daemons_may_not_write_one_exchange_twice(opened):
    one, two = opened(), opened()
    assert one.put(recording(1, model="one")) == [True]
    assert two.put(recording(1, model="two"), recording(2)) == [False, True]
    assert one.store.get(1).model == "one"


def test_what_another_replaces_is_not_served_any_more(opened, monkeypatch):
    monkeypatch.setattr(hot, "HOT_SECONDS", 0.0)
    one, two, same = opened(), opened(), {"fingerprint": fingerprint("same")}
    one.put(recording(5, **same))
    assert find(one.store, fingerprint("same")).id == 5
    two.put(recording(2, **same), replace=True)
    assert find(one.store, fingerprint("same")).id == 2


# --- what goes wrong -------------------------------------------------------------------------------------------------


def told(each):
    """The troubles in order."""
    said = []
    each.store.on_trouble = said.append
    return said


def test_a_disk_that_is_full_is_told_once_and_so_is_its_end(opened, path, monkeypatch):
    monkeypatch.setattr(writing, "RETRY_SECONDS", 0.0)
    each = opened()
    said = told(each)
    each.put(recording(1))
    disk = each.store._writer._connection
    disk.execute("PRAGMA max_page_count = 1")
    big = [recording(number, response=response(b"a" * INLINE * 9)) for number in (2, 3)]
    assert each.put(*big) == [False, False]
    assert each.put(recording(4, response=response(b"a" * INLINE * 9))) == [False]
    assert said == ["recording is off: database or disk is full"] == [each.store.trouble]
    assert find(each.store, fingerprint(1)).id == 1, "what is there is served"
    assert find(each.store, fingerprint(2)) is None
    disk.execute("PRAGMA max_page_count = 1000000")
    assert each.put(recording(5)) == [True]
    assert said[1:] == [""]
    counts = each.store.stats()
    assert (counts["written"], counts["failed"], counts["trouble"]) == (2, 3, "")


def test_a_store_that_cannot_be_written_any_more_serves_and_tells(opened):
    each = opened()
    each.put(recording(1))
    each.store._writer._connection.execute("PRAGMA query_only = 1")
    assert each.put(recording(2)) == [False]
    assert "readonly" in each.store.trouble
    assert find(each.store, fingerprint(1)).id == 1


def test_a_damaged_store_is_refused_and_untouched(path):
    path.write_bytes(b"no database " * 1000)
    with pytest.raises(StoreError, match=r"llmproxy\.db.* damaged.*--store"):
        SQLiteStore.open(str(path), max_bytes=1, max_age=1, wall=lambda: 0.0, call_in_reactor=print)
    assert path.read_bytes() == b"no database " * 1000


def test_a_body_that_is_lost_loses_its_recording_alone(opened):
    each = opened()
    lost = recording(1, request=Request(b"POST", b"/", Headers(), Bad(OSError("gone"))))
    assert each.put(lost, recording(2)) == [False, True]
    assert (find(each.store, fingerprint(1)), find(each.store, fingerprint(2)).id) == (None, 2)


def test_who_waits_too_long_for_the_disk_is_let_go_once(opened, monkeypatch):
    each, fired = opened(), []
    waiting = each.store.put(recording(1)).addBoth(fired.append)
    each.store.sweep()
    assert fired == [], "not yet"
    monkeypatch.setattr(database, "RELEASE_SECONDS", 0.0)
    each.store.sweep()
    assert fired == [False]
    assert each.result(each.store.put(recording(2))) is True
    assert (fired, waiting.called, find(each.store, fingerprint(1)).id) == ([False], True, 1)
    assert each.store.stats()["late"] == 1


def test_who_stops_waiting_stops_nobody(opened):
    each = opened()
    gone = each.store.put(recording(1))
    gone.addErrback(lambda failure: None)
    gone.cancel()
    assert each.put(recording(2)) == [True]
    assert each.store.get(1).id == 1


def test_a_queue_that_is_full_says_no_at_once(opened, monkeypatch):
    monkeypatch.setattr(writing, "MAX_WAITING", 1)
    each = opened()
    said = told(each)
    assert each.store.put(recording(1)).result is False
    each.store.note(recording(2))
    assert said == ["recording is off: the disk is too slow, or the daemon stops"]
    assert each.store.stats()["failed"] == 2


EDITED = {
    "facts": "x'7b'",
    "request_head": "NULL + 1",
    "started": "'yesterday'",
    "path": "5",
    "model": "x'ff'",
    "response_head": "'200 OK'",
    "pieces": "x'00'",
    "request_size": "-5",
}


@pytest.mark.parametrize(("column", "value"), EDITED.items())
def test_an_edited_row_is_left_out_and_told(opened, path, column, value):
    each = opened()
    each.put(*[recording(number, fingerprint=fingerprint("same")) for number in (1, 2, 3)])
    rows(path, f"UPDATE exchange SET {column} = ifnull({value}, 1) WHERE id = 3")
    newest = find(each.store, fingerprint("same"))
    assert newest is None or newest.id == 2
    assert "0000000000000003" in each.store.trouble
    assert each.store.get(3) is None
    assert each.store.get(2).id == 2
    if column != "pieces":
        assert ids(each.store.page(9)) == [2, 1]
    assert each.put(recording(4)) == [True]
    assert each.store.trouble == ""


@pytest.mark.parametrize("value", ["'text that is long enough'", "5", "x'00'", "x''", "zeroblob(99)"])
def test_an_edited_fingerprint_is_no_trouble_at_the_start(opened, path, value):
    opened().put(recording(1), recording(2))
    rows(path, f"UPDATE exchange SET fingerprint = {value} WHERE id = 1")
    each = opened()
    assert find(each.store, fingerprint(2)).id == 2
    assert each.put(recording(3)) == [True]


def test_a_lost_table_is_told_and_nothing_raises(opened, path):
    each = opened()
    each.put(recording(1))
    rows(path, "DROP TABLE exchange")
    assert find(each.store, fingerprint(1)) is None
    assert (each.store.get(1), list(each.store.page(9)), list(each.store.similar(b"/", "m", 9))) == (None, [], [])
    assert "no such table" in each.store.trouble
    assert each.put(recording(2)) == [False]


def test_a_part_that_is_lost_is_no_end(opened, path):
    each = opened()
    each.put(recording(1, response=response(b"a" * 600_000)))
    rows(path, "DELETE FROM body_part WHERE start > 0")
    body = find(each.store, fingerprint(1)).response.body
    assert len(body.read(0, 600_000)) < 600_000
    with pytest.raises(OSError, match="lost"):
        body.read(300_000, 1)


def test_the_numbers_for_people(opened, path):
    each = opened()
    each.put(recording(1))
    stats = each.store.stats()
    assert (stats["written"], stats["failed"], stats["waiting"], stats["trouble"]) == (1, 0, 0, "")
    assert (stats["file"], stats["octets"]) == (str(path), path.stat().st_size)
    path.unlink()
    assert each.store.stats()["octets"] == 0
