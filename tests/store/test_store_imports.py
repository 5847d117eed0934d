"""What imports write beside a daemon, and what is read without one: in order, once each, nothing else touched."""

import sqlite3
import threading
from contextlib import closing

import pytest
from attrs import evolve
from recordings import recording, request, response

from proxy_daemon.store import imports, opening, writer
from proxy_daemon.store.access import StoreError
from proxy_daemon.store.database import SQLiteStore
from proxy_daemon.store.imports import Imports, NotWritten
from proxy_daemon.store.reading import Reading
from proxy_daemon.store.writer import MAX_WAITING


def page(path):
    """The ids that are there, oldest first."""
    store = SQLiteStore.open(
        path, max_bytes=1 << 40, max_age=1e12, wall=lambda: 0.0, call_in_reactor=lambda call, *what: call(*what)
    )
    with closing(store):
        return [each.id for each in reversed(store.page(10_000))]


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "s.db")


def numbered(number):
    """One that differs from all others."""
    return recording(request=request(b"%d" % number), started=0.0, fingerprint=b"%032d" % number)


def test_ids_are_given_in_order_and_each_file_comes_once(path):
    with closing(Imports(path)) as store:
        assert [store.add(numbered(number)) for number in (1, 2, 3)] == [True, True, True]
        store.end_file()
        assert not store.add(numbered(2))
    with closing(Imports(path)) as store:
        assert [store.add(numbered(number)) for number in (3, 4)] == [False, True]
    ids = page(path)
    with closing(Reading(path)) as reading:
        assert [reading.get(each).request.body.whole() for each in ids] == [b"1", b"2", b"3", b"4"]


def test_what_a_file_holds_several_times_comes_as_often_and_once(path):
    """Who polls gets the same answer several times: how often is part of what was recorded."""
    a, b = recording(), recording(response=response(b"another"))
    for _ in range(2):
        with closing(Imports(path)) as store:
            for new in (not page(path), False):
                assert [store.add(each) for each in (a, a, b, a)] == [new] * 4
                store.end_file()
    assert len(page(path)) == 4
    with closing(Imports(path)) as store:
        assert [store.add(a) for _ in range(4)] == [False, False, False, True], "once more than before"


def test_each_session_has_its_own(path):
    with closing(Imports(path)) as store:
        for session in ("a.yaml", "b.yaml", ""):
            assert store.add(recording(session=session))
            store.end_file()
            assert not store.add(recording(session=session))
    with closing(Reading(path)) as reading:
        assert [reading.get(each).session for each in page(path)] == ["a.yaml", "b.yaml", ""]


CHANGES = [
    {"fingerprint": b"f" * 32},
    {"status": 201},
    {"started": 3.0},
    {"replayable": False},
    {"request": request(b"other")},
    {"request": request(target=b"/other")},
    {"request": request(pairs=[(b"X", b"1")])},
    {"response": response(b"HI there")},
    {"response": response(pairs=[(b"X", b"1")])},
    {"response": response(trailers=[(b"X", b"1")])},
    {"response": None},
]


@pytest.mark.parametrize("change", CHANGES, ids=range(len(CHANGES)))
def test_what_differs_in_anything_is_another(path, change):
    with closing(Imports(path)) as store:
        assert store.add(recording())
        assert store.add(evolve(recording(), **change))
        store.end_file()
        assert not store.add(evolve(recording(), **change))


def test_large_bodies_are_compared_too(path):
    large = recording(request=request(b"a" * 200_000), response=response(b"b" * 300_000))
    other = evolve(large, response=response(b"b" * 299_999 + b"c"))
    with closing(Imports(path)) as store:
        assert [store.add(each) for each in (large, other)] == [True, True]
        store.end_file()
        assert [store.add(each) for each in (large, other)] == [False, False]
    with closing(Reading(path)) as reading:
        assert reading.get(page(path)[0]).request.body.whole() == b"a" * 200_000


def test_one_that_is_too_large_is_told_and_the_next_is_written(path):
    class Huge:
        size = MAX_WAITING + 1

    with closing(Imports(path)) as store:
        with pytest.raises(NotWritten, match="too large"):
            store.add(evolve(recording(), request=evolve(request(), body=Huge())))
        assert store.add(recording())


def test_one_that_cannot_be_written_is_told_and_the_next_is_written(path):
    with closing(Imports(path)) as store:
        with pytest.raises(NotWritten, match="an exchange was not recorded"):
            store.add(recording(model="\udcff"))
        assert store.add(recording())


def test_others_write_meanwhile(path):
    def write(first):
        with closing(Imports(path)) as store:
            for number in range(first, first + 50):
                assert store.add(numbered(number))

    threads = [threading.Thread(target=write, args=(first,)) for first in (0, 1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(page(path))) == 100


def test_a_file_that_is_no_store_stays_as_it_is(tmp_path, path):
    (tmp_path / "s.db").write_bytes(b"mine" * 100)
    for opened in (Imports, Reading):
        with pytest.raises(StoreError, match="cannot be used"):
            opened(path)
    assert (tmp_path / "s.db").read_bytes() == b"mine" * 100


def test_reading_makes_no_file(tmp_path, path):
    with pytest.raises(StoreError, match="there is no store"):
        Reading(path)
    assert list(tmp_path.iterdir()) == []


def test_reading_an_empty_file_leaves_it_empty(tmp_path, path):
    (tmp_path / "s.db").write_bytes(b"")
    with pytest.raises(StoreError, match=r"s\.db is empty; name another with --store"):
        Reading(path)
    assert [(file.name, file.stat().st_size) for file in tmp_path.iterdir()] == [("s.db", 0)]


def test_reading_leaves_all_as_it_was(tmp_path, path):
    with closing(Imports(path)) as store:
        store.add(recording())
    before = files(tmp_path)
    (only,) = page(path)
    assert files(tmp_path) == before
    with closing(Reading(path)) as reading:
        assert reading.get(only).request == recording().request
        assert set(files(tmp_path)) == set(before)
    assert files(tmp_path) == before


def test_reading_beside_one_who_writes_sees_what_is_written(path):
    with closing(Imports(path)) as store:
        store.add(recording())
        (only,) = store._reading.execute("SELECT id FROM exchange").fetchone()
        with closing(Reading(path)) as reading:
            assert reading.get(only) is not None
        assert store.add(numbered(1))


def test_reading_does_not_bring_an_older_file_up_to_date(tmp_path, path, monkeypatch):
    with closing(Imports(path)) as store:
        store.add(recording())
    before = files(tmp_path)
    monkeypatch.setattr(opening, "_scripts", lambda schema: {1: schema, 99: schema})
    with pytest.raises(
        StoreError, match=r"was written by an older llmproxy .* and is only read; start llmproxy on it once"
    ):
        Reading(path)
    assert files(tmp_path) == before


def test_a_store_that_may_only_be_read_takes_no_imports(path, monkeypatch):
    with closing(Imports(path)) as store:
        store.add(recording())
    monkeypatch.setattr(opening, "can_write", lambda path: False)
    with pytest.raises(StoreError, match=r"s\.db may only be read, and imports are written; name another with --store"):
        Imports(path)


def test_a_store_that_fails_is_named(path, monkeypatch):
    for room in (imports, writer):
        monkeypatch.setattr(room, "BUSY_SECONDS", 0.0)
    with closing(Imports(path)) as store, closing(sqlite3.connect(path, isolation_level=None)) as other:
        store.add(numbered(1))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"s\.db takes nothing: database is locked; wait until nobody else writes"):
            store.add(numbered(2))


def files(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_what_is_not_there_is_not_found(path):
    with closing(Imports(path)) as store:
        store.add(recording())
    with closing(Reading(path)) as reading:
        assert reading.get(1) is None
