"""The catalogue follows its store: newest first, without a gap, also when things come late, go, or break."""

import sqlite3

import pytest
from catalogued import STEP, chat, hit, numbers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy_daemon.store.catalogue import filling as module
from proxy_daemon.store.catalogue.file import CatalogueDamaged, opened
from proxy_daemon.store.catalogue.filling import MOST_GAPS, SWEEP_SECONDS, Filling
from proxy_daemon.store.catalogue.reading import entry
from proxy_daemon.store.catalogue.source import Source

LARGEST = 2**63 - 1


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Few at a time, so that few exchanges are many."""
    for name, value in {"WALKED": 8, "BATCH": 4, "RECENT": 6, "COUNTED": 16}.items():
        monkeypatch.setattr(module, name, value)


class Rig:
    """A catalogue that follows a store; `again` is another process."""

    def __init__(self, store, ticks):
        self.store, self.ticks = store, ticks
        self.source = Source(store.path)
        self.again()

    def again(self):
        self.catalogue = opened(f"{self.store.path}.text", self.source.key)
        self.filling = Filling(self.source, self.catalogue, self.ticks, entry)

    def taken(self):
        return sorted(numbers(self.catalogue.between(0, LARGEST)))

    def rest(self):
        """Until there is nothing to do."""
        while self.filling.idle(1.0):
            pass

    def sweep(self):
        self.ticks.now += SWEEP_SECONDS + 1
        self.rest()
        self.rest()


@pytest.fixture
def rig(store, ticks):
    rig = Rig(store, ticks)
    yield rig
    rig.catalogue.close()
    rig.source.close()


def test_the_newest_come_first_and_above_the_floor_nothing_is_missing(rig):
    rig.store.put(*map(chat, range(1, 41)))
    floors = []
    while rig.filling.step(0.0):
        floor = max(0, rig.filling.floor // STEP)
        assert rig.taken() == list(range(floor + 1, 41))
        floors.append(floor)
    assert floors == sorted(floors, reverse=True)
    assert len(floors) == 40
    assert (rig.filling.floor, rig.taken(), rig.filling.done) == (-1, list(range(1, 41)), 40)


def test_where_a_batch_takes_too_long_what_is_left_of_it_comes_next(rig):
    rig.store.put(*map(chat, range(1, 5)))
    rig.ticks.step = 1.0
    assert rig.filling.step(0.5)
    assert (rig.taken(), rig.filling.floor // STEP) == ([4], 3)
    while rig.filling.step(0.5):
        pass
    assert rig.taken() == [1, 2, 3, 4]


def test_another_process_goes_on_where_the_first_one_stopped(rig, monkeypatch):
    rig.store.put(*map(chat, range(1, 21)))
    for _ in range(8):
        rig.filling.step(0.0)
    assert rig.taken() == list(range(13, 21))
    rig.catalogue.close()
    rig.store.put(*map(chat, range(21, 24)))
    rig.again()
    read = []
    monkeypatch.setattr(rig.filling, "read", lambda one, of: read.append(one.id // STEP) or entry(one, of))
    rig.rest()
    assert read == [23, 22, 21, *range(12, 0, -1)]
    assert rig.taken() == list(range(1, 24))


def test_what_comes_late_and_what_goes_among_the_newest_is_seen_at_once(rig):
    rig.store.put(*map(chat, (1, 2, 4, 6)))
    rig.rest()
    rig.store.put(chat(3), chat(5))
    rig.store.drop(2, 6)
    rig.filling.step(1.0)
    assert (rig.taken(), rig.filling.done) == ([1, 3, 4, 5], 4)


def test_what_comes_late_or_goes_elsewhere_is_found_by_the_slow_walk(rig):
    rig.store.put(*map(chat, range(10, 60, 2)))
    rig.rest()
    rig.store.put(chat(1), chat(13))
    rig.store.drop(14, 20)
    rig.filling.step(1.0)
    wanted = sorted({*range(10, 60, 2), 1, 13} - {14, 20})
    assert rig.taken() != wanted
    rig.sweep()
    assert (rig.taken(), rig.filling.done) == (wanted, len(wanted))
    assert rig.catalogue.rows("SELECT count(*) FROM said WHERE exchange = ?", (14 * STEP,)) == [(0,)]


def test_a_store_in_which_nothing_changes_is_not_walked_again(rig, monkeypatch):
    rig.store.put(*map(chat, range(1, 30)))
    rig.rest()
    rig.sweep()
    calls = []
    below = rig.source.below
    monkeypatch.setattr(rig.source, "below", lambda *all: calls.append(all) or below(*all))
    rig.sweep()
    assert (rig.filling.step(1.0), calls) == (False, [])


def test_hits_lose_the_words_of_a_recording_that_is_gone(rig):
    rig.store.put(chat(1, "a question", "unspeakable"), hit(2, 1), chat(3))
    rig.rest()
    says = "SELECT exchange FROM said JOIN message ON id = message WHERE text = ? ORDER BY 1"
    assert numbers(row[0] for row in rig.catalogue.rows(says, ("unspeakable",))) == [1, 2]
    rig.store.drop(1)
    rig.rest()
    assert rig.taken() == [2, 3]
    assert rig.catalogue.rows(says, ("unspeakable",)) == []


def test_all_is_counted_while_it_is_not_taken_in(rig):
    rig.store.put(*map(chat, range(1, 101)))
    rig.filling.step(0.0)
    assert (rig.filling.done, rig.filling.total) == (1, 16)
    totals = []
    while rig.filling.idle(0.0):
        totals.append(rig.filling.total)
    assert totals == sorted(totals)
    assert totals[7:] == [100] * len(totals[7:])
    assert len(totals) > 20


def test_a_row_that_cannot_be_read_is_taken_in_by_its_id_only(rig):
    rig.store.put(*map(chat, range(1, 4)))
    rig.store.execute("UPDATE exchange SET facts = x'7b' WHERE id = ?", 2 * STEP)
    rig.rest()
    assert (rig.taken(), rig.filling.broken) == ([1, 2, 3], 1)
    assert rig.catalogue.rows("SELECT id FROM exchange WHERE NOT readable") == [(2 * STEP,)]


def test_a_body_that_the_store_has_lost_keeps_nothing_out(rig):
    rig.store.put(chat(1, "x" * 100_000), chat(2))
    rig.store.execute("DELETE FROM body_part")
    rig.rest()
    assert rig.taken() == [1, 2]


@pytest.mark.parametrize("message", ["database or disk is full", "attempt to write a readonly database"])
def test_what_could_not_be_written_is_not_forgotten(rig, monkeypatch, message):
    rig.store.put(*map(chat, range(1, 11)))
    add = rig.catalogue.add

    def fail(*_):
        raise sqlite3.OperationalError(message)

    monkeypatch.setattr(rig.catalogue, "add", fail)
    for _ in range(3):
        with pytest.raises(sqlite3.OperationalError):
            rig.filling.step(1.0)
    assert rig.filling.floor == 10 * STEP
    monkeypatch.setattr(rig.catalogue, "add", add)
    rig.filling.step(1.0)
    assert (rig.taken(), rig.filling.floor) == (list(range(1, 11)), -1)


@pytest.mark.parametrize("notes", [b"", b"{", b"[1]", b'["a", []]', b"[5, [[1]]]", b"[5, 7]", b"[1.5, []]", b"null"])
def test_notes_that_are_damaged_are_walked_again(rig, notes):
    rig.store.put(*map(chat, range(1, 6)))
    rig.catalogue.add([], notes)
    rig.catalogue.close()
    rig.again()
    rig.rest()
    assert rig.taken() == [1, 2, 3, 4, 5]


def test_many_gaps_are_joined(rig):
    for number in range(1, 200, 2):
        rig.store.put(chat(number))
        rig.filling.look()
    assert len(rig.filling.gaps) == MOST_GAPS
    rig.rest()
    assert rig.taken() == list(range(1, 200, 2))


def test_damage_is_raised(rig):
    rig.store.put(chat(1))
    rig.catalogue.connection.execute("DROP TABLE said")
    with pytest.raises(CatalogueDamaged):
        rig.filling.step(1.0)


acts = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(1, 60)),
        st.tuples(st.just("drop"), st.integers(1, 60)),
        st.tuples(st.sampled_from(["step", "idle", "again", "wait"]), st.just(0)),
    ),
    max_size=40,
)


@given(acts=acts)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_whatever_happens_in_the_end_it_has_what_the_store_has(rig, acts):
    rig.store.execute("DELETE FROM exchange")
    there = set()
    for act, number in acts:
        match act:
            case "put" if number not in there:
                rig.store.put(chat(number))
                there.add(number)
            case "drop":
                rig.store.drop(number)
                there.discard(number)
            case "step" | "idle":
                getattr(rig.filling, act)(0.0)
            case "wait":
                rig.ticks.now += SWEEP_SECONDS + 1
            case "again":
                rig.catalogue.close()
                rig.again()
        assert not {each for each in rig.taken() if each > 60}
    rig.sweep()
    rig.sweep()
    assert rig.taken() == sorted(there)
    assert rig.filling.floor == -1
    rig.catalogue.rows("INSERT INTO words (words) VALUES ('integrity-check')")


def test_long_texts_are_taken_in_one_by_one(rig, monkeypatch):
    """SQLite takes long over them, and cannot be interrupted."""
    monkeypatch.setattr(module, "BATCH_TEXT", 1000)
    sizes, add = [], rig.catalogue.add
    monkeypatch.setattr(rig.catalogue, "add", lambda entries, notes: sizes.append(len(entries)) or add(entries, notes))
    rig.store.put(*(chat(each, f"{each} " * (1000 if each < 4 else 1)) for each in range(1, 9)))
    rig.rest()
    assert sizes == [4, 2, 1, 1]
    assert rig.taken() == list(range(1, 9))


def test_what_is_ended_while_many_are_dropped_has_dropped_some(rig, monkeypatch):
    rig.store.put(*map(chat, range(1, 7)))
    rig.rest()
    rig.store.drop(1, 2, 3, 4)
    dropped = []

    def drop(number):
        dropped.append(number)
        if len(dropped) == 3:
            raise KeyboardInterrupt
        rig.catalogue.connection.execute("DELETE FROM exchange WHERE id = ?", (number,))

    with monkeypatch.context() as patch:
        patch.setattr(rig.catalogue, "_drop", drop)
        with pytest.raises(KeyboardInterrupt):
            rig.rest()
    assert len(rig.taken()) == 4
    rig.again()
    rig.rest()
    assert rig.taken() == [5, 6]
