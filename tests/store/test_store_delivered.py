"""What clients got and the rules that fired: written with an exchange or behind it, read again, and deleted with it."""

import json
import sqlite3

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from recordings import Bad, Opened, content, fingerprint, plain, recording, rows

from proxy_daemon.core.bodies import EMPTY, Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Delivered, ResponseHead
from proxy_daemon.store.codec import INLINE, from_row, to_row
from proxy_daemon.store.nothing import NoStore
from proxy_daemon.store.parts import PART
from proxy_daemon.store.reading import Reading

HEAD = ResponseHead(429, b"Busy", Headers([(b"Retry-After", b"5"), (b"X", b"\xff\x80")]))


@pytest.fixture
def opened(tmp_path):
    made = Opened(tmp_path / "s.db")
    yield made
    made.store.close()


def got(found):
    """(head, body, cut) of what the client got."""
    delivered = found.delivered
    return delivered and (delivered.head, delivered.body and content(delivered.body), delivered.cut)


def written(opened, *recordings):
    """Note them, then wait until all before has been written."""
    for each in recordings:
        opened.store.note(each)
    assert opened.put(recording(999, replayable=False)) == [True]


def amended(opened, *recordings):
    for each in recordings:
        opened.store.amend(each)
    assert opened.put(recording(999 + len(recordings), replayable=False)) == [True]


SIZES = [0, 1, INLINE, INLINE + 1, PART, 2 * PART + 1]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cut", [False, True])
def test_with_its_exchange(opened, size, cut):
    delivered = Delivered(HEAD, Bytes(b"x" * size), cut)
    written(opened, recording(7, delivered=delivered, rules=("a", "é\n")))
    found = opened.store.get(7)
    assert (got(found), found.rules) == ((HEAD, b"x" * size, cut), ("a", "é\n"))


@pytest.mark.parametrize("size", SIZES)
def test_behind_its_exchange(opened, size):
    first = recording(7)
    assert opened.put(first) == [True]
    assert (opened.store.get(7).rules, opened.store.get(7).delivered) == ((), None)
    amended(opened, evolve(first, rules=("a",), delivered=Delivered(HEAD, Bytes(b"x" * size)), redacted=True))
    found = opened.store.get(7)
    assert (got(found), found.rules, found.redacted) == ((HEAD, b"x" * size, False), ("a",), True)
    assert plain(evolve(found, rules=(), delivered=None, redacted=False)) == plain(first)
    assert [each.id for each in opened.store.candidates(fingerprint(7))] == [7]


def test_a_head_without_a_body_takes_no_parts(opened):
    written(opened, recording(7, delivered=Delivered(HEAD)))
    assert got(opened.store.get(7)) == (HEAD, None, False)
    assert rows(opened.path, "SELECT count(*) FROM body_part") == [(0,)]


def test_an_exchange_without_any_has_no_word_of_it(opened):
    assert opened.put(recording(7)) == [True]
    facts = json.loads(rows(opened.path, "SELECT facts FROM exchange WHERE id = 7")[0][0])
    assert facts.keys().isdisjoint(("rules", "delivered"))


def test_what_was_not_written_gets_nothing(opened):
    amended(opened, recording(7, rules=("a",), delivered=Delivered(HEAD, Bytes(b"x"))))
    assert opened.store.get(7) is None
    assert rows(opened.path, "SELECT count(*) FROM body_part") == [(0,)]


def test_many_in_one_batch_stand_in_order(opened):
    made = [recording(number) for number in range(1, 200)]
    for each in made:
        opened.store.note(each)
        if each.id % 3:
            opened.store.amend(evolve(each, rules=(f"r{each.id}",), delivered=Delivered(HEAD, Bytes(b"%d" % each.id))))
    assert opened.put(recording(999)) == [True]
    for each in made:
        found = opened.store.get(each.id)
        assert found.rules == ((f"r{each.id}",) if each.id % 3 else ())
        assert got(found) == ((HEAD, b"%d" % each.id, False) if each.id % 3 else None)


def test_an_amendment_counts_as_no_exchange(opened):
    assert opened.put(recording(7)) == [True]
    amended(opened, recording(7, rules=("a",)))
    assert (opened.store.stats()["written"], opened.store.stats()["failed"]) == (2, 0)


def test_a_body_that_cannot_be_read_loses_the_amendment_and_nothing_else(opened):
    assert opened.put(recording(7)) == [True]
    opened.store.amend(recording(7, rules=("a",), delivered=Delivered(HEAD, Bad(OSError("gone")))))
    assert opened.put(recording(8)) == [True]
    assert (opened.store.get(7).rules, opened.store.get(8).id) == ((), 8)


def test_it_goes_with_its_exchange(tmp_path):
    opened = Opened(tmp_path / "s.db", max_age=100.0)
    old = recording(1, started=1_799_999_000.0, delivered=Delivered(HEAD, Bytes(b"x" * PART * 2)))
    written(opened, old, recording(2, delivered=Delivered(HEAD, Bytes(b"y"))))
    opened.turn.run_until(lambda: not opened.store.candidates(fingerprint(1)))
    assert rows(opened.path, "SELECT exchange, side, data FROM body_part") == [(2, 2, b"y")]
    opened.store.close()


def test_a_page_has_it_without_reading_it(opened):
    written(opened, recording(7, rules=("a",), delivered=Delivered(HEAD, Bytes(b"abc"))))
    found = next(each for each in opened.store.page(5) if each.id == 7)
    assert (found.rules, found.delivered.body.size) == (("a",), 3)


def test_it_is_read_without_a_daemon_too(opened):
    written(opened, recording(7, rules=("a",), delivered=Delivered(HEAD, Bytes(b"abc"), True)))
    reading = Reading(str(opened.path))
    assert (got(reading.get(7)), reading.get(7).rules) == ((HEAD, b"abc", True), ("a",))
    reading.close()


def test_a_store_that_may_only_be_read_is_not_tried(opened, monkeypatch):
    assert opened.put(recording(7)) == [True]
    monkeypatch.setattr(opened.store, "_lasting", "recording is off")
    opened.store.amend(recording(7, rules=("a",)))
    assert (opened.store.stats()["waiting"], opened.store.stats()["failed"]) == (0, 0)


def test_without_a_store_nothing_is_kept():
    assert NoStore().amend(recording(7)) is None


# --- the codec -------------------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.binary(max_size=8).filter(lambda value: b"\r" not in value and b"\n" not in value)
HEADS = st.builds(
    lambda status, reason, values: ResponseHead(status, reason, Headers([(b"X", value) for value in values])),
    st.integers(100, 999),
    VALUES,
    st.lists(VALUES, max_size=3),
)


@given(st.lists(TEXTS, max_size=3), HEADS, st.one_of(st.none(), st.integers(0, 2**40)), st.booleans())
def test_nothing_is_lost(names, head, size, cut):
    body = None if size is None else Bad(OSError(), size)
    first = recording(7, rules=tuple(names), delivered=Delivered(head, body, cut))
    asked = []
    found = from_row(to_row(first), lambda *place: asked.append(place) or EMPTY)
    assert (found.rules, found.delivered.head, found.delivered.cut) == (tuple(names), head, cut)
    assert asked == ([] if size is None else [(7, 2, size)])


FOREIGN = {
    "rules no list": {"rules": "a"},
    "a rule no text": {"rules": ["a", 1]},
    "no list": {"delivered": {}},
    "too few": {"delivered": ["200 OK"]},
    "a size of text": {"delivered": ["200 OK", "1", False]},
    "a size that is true": {"delivered": ["200 OK", True, False]},
    "a size below nothing": {"delivered": ["200 OK", -1, False]},
    "no status": {"delivered": ["OK", 1, False]},
    "an empty head": {"delivered": ["", 1, False]},
    "cut of 1": {"delivered": ["200 OK", 1, 1]},
}


@pytest.mark.parametrize("facts", FOREIGN.values(), ids=FOREIGN)
def test_what_somebody_has_edited_is_left_out(opened, facts):
    assert opened.put(recording(7), recording(8)) == [True, True]
    connection = sqlite3.connect(opened.path, isolation_level=None)
    (before,) = connection.execute("SELECT facts FROM exchange WHERE id = 7").fetchone()
    edited = json.dumps(json.loads(before) | facts).encode()
    connection.execute("UPDATE exchange SET facts = ? WHERE id = 7", (edited,))
    connection.close()
    assert (opened.store.get(7), opened.store.get(8).id) == (None, 8)
    assert "0000000000000007 in the store cannot be read" in opened.store.trouble


def test_signs_beyond_octets_in_an_edited_head_do_no_harm():
    row = list(to_row(recording(7, delivered=Delivered(HEAD, None))))
    row[8] = row[8].replace(b"Busy", "Bus\u2603".encode())
    assert from_row(tuple(row), lambda *_: EMPTY).delivered.head.reason == b"Bus?"
