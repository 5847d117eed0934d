"""Questions to the catalogue: the list as the API has it, what is told of bodies, and the turn before."""

import sqlite3
from pathlib import Path

import pytest
from catalogued import STEP, Ticks, answered, asked, assistant, chat, hit, numbers, user

from proxy_daemon.core.inspecting.summary import summary
from proxy_daemon.core.messages import id_text
from proxy_daemon.store.access import StoreError
from proxy_daemon.store.catalogue import asking as module
from proxy_daemon.store.catalogue.asking import MOST, USUAL, Asked, Asking, WrongQuestion
from proxy_daemon.store.catalogue.source import Source

TALK = [user("a"), assistant("b"), user("c"), assistant("d"), user("e")]


def found(value):
    return numbers(row["id"] for row in value["exchanges"])


def has_catalogue(store):
    return Path(f"{store.path}.text").exists()


def test_without_a_filter_rows_come_from_the_store_and_nothing_is_indexed(store, asking):
    store.put(*map(chat, range(1, 8)))
    value = asking.listing(Asked(limit=3))
    assert (found(value), value["next"], value["partial"]) == ([7, 6, 5], id_text(5 * STEP), False)
    assert value["indexed"] is None
    assert found(asking.listing(Asked(before=3 * STEP))) == [2, 1]
    assert found(asking.listing(Asked(after=5 * STEP))) == [7, 6]
    last = asking.listing(Asked(limit=2, before=3 * STEP))
    assert (found(last), last["next"]) == ([2, 1], None)
    assert not asking.idle(1.0)
    assert not has_catalogue(store)


@pytest.mark.parametrize("q", ["", "~all"])
def test_a_row_is_a_summary_with_what_people_noted(store, asking, q):
    store.put(chat(1, "x" * 100_000, session="s", rules=("r",)), chat(2, "q", None, status=0))
    store.remark(1, "red", "look")
    asking.listing(Asked(q="~all"))
    nothing, row = asking.listing(Asked(q=q))["exchanges"]
    recording = Source(store.path).get(STEP)
    assert row == summary(recording, mark="red", comment="look", told=row["told"])
    assert (row["request_size"] > 100_000, row["response_size"] > 100, row["told"]["said"]) == (True, True, "hello")
    assert (nothing["request_size"] > 10, nothing["response_size"]) == (True, 0)


def test_a_filter_takes_in_what_the_store_got_meanwhile(store, asking):
    assert found(asking.listing(Asked(q="hello"))) == []
    store.put(chat(1), chat(2, "hello"), chat(3, "x", "y"))
    value = asking.listing(Asked(q="hello"))
    assert (found(value), value["indexed"]) == ([2, 1], {"done": 3, "total": 3})
    store.put(chat(4))
    store.drop(2)
    assert found(asking.listing(Asked(q="hello"))) == [4, 1]


def test_what_people_note_is_never_stale(store, asking):
    store.put(*map(chat, (1, 2, 3)))
    assert found(asking.listing(Asked(q="~marked | ~pinned"))) == []
    store.remark(2, "red", "todo")
    store.execute("UPDATE exchange SET pinned = 1 WHERE id = ?", 3 * STEP)
    assert found(asking.listing(Asked(q="~marked | ~pinned"))) == [3, 2]
    assert found(asking.listing(Asked(q="~comment todo ~marker red"))) == [2]
    assert found(asking.listing(Asked(q="!~pinned"))) == [2, 1]


def test_while_it_is_filled_there_are_no_gaps_in_what_is_found(store):
    store.put(*map(chat, range(1, 200)))
    ticks = Ticks()
    asking = Asking(store.path, ticks)
    ticks.step = 0.01  # a few exchanges for each question
    value = asking.listing(Asked(q="hello", limit=MOST))
    together, calls = found(value), 1
    assert value["partial"]
    assert len(together) < 100
    while value["next"] is not None:
        value = asking.listing(Asked(q="hello", limit=MOST, before=int(value["next"], 16)))
        together += found(value)
        calls += 1
    assert together == list(range(199, 0, -1))
    assert calls > 3
    asking.close()


def test_it_grows_when_idle_from_the_first_question_on_and_in_the_next_process(store, ticks):
    store.put(*map(chat, range(1, 4)))
    first = Asking(store.path, ticks)
    assert not first.idle(1.0)
    first.begin()
    while first.idle(1.0):
        pass
    first.close()
    store.put(chat(4))
    second = Asking(store.path, ticks)
    while second.idle(1.0):
        pass
    assert second.listing(Asked(limit=1))["exchanges"][0]["told"]["asked"] == "hi"
    second.close()


@pytest.mark.parametrize(
    ("head", "asked"),
    [
        ({}, Asked(USUAL)),
        ({"limit": 0, "before": None, "after": "", "q": None}, Asked(USUAL)),
        ({"limit": 10**9, "before": "00000000000000ff", "after": "1", "q": "~e"}, Asked(MOST, 255, 1, "~e")),
        ({"limit": -5}, Asked(1)),
    ],
)
def test_questions(head, asked):
    assert Asked.of(head) == asked


@pytest.mark.parametrize(
    "head", [{"limit": "x"}, {"limit": True}, {"q": 7}, {"before": "zz"}, {"after": 7}, {"before": ["1"]}]
)
def test_questions_that_cannot_be_asked(head):
    with pytest.raises(WrongQuestion):
        Asked.of(head)


def test_a_wrong_filter_says_where(asking, store):
    with pytest.raises(WrongQuestion) as wrong:
        asking.listing(Asked(q="~c 200 ~nope"))
    assert wrong.value.value == {"error": str(wrong.value), "at": 7, "length": 5}
    assert not has_catalogue(store)


def test_what_is_told_comes_from_the_store_where_it_is_not_indexed(store, asking):
    store.put(chat(1, "one", "two"), hit(2, 1), chat(3, "x" * 100_000))
    store.execute("DELETE FROM body_part")
    value = asking.told([STEP, 2 * STEP, 3 * STEP, 99])["told"]
    assert {name: each and each["said"] for name, each in value.items()} == {
        id_text(STEP): "two",
        id_text(2 * STEP): "two",
        id_text(3 * STEP): None,
        id_text(99): None,
    }
    assert not has_catalogue(store)


def test_what_there_is_no_time_for_is_not_told_yet(store):
    store.put(*map(chat, range(1, 9)))
    ticks = Ticks()
    ticks.step = 0.1
    asking = Asking(store.path, ticks)
    told = asking.told([each * STEP for each in range(1, 9)])["told"]
    assert 0 < sum(each is not None for each in told.values()) < 8
    ticks.step = 0.0
    asking.listing(Asked(q="~all"))
    ticks.step = 100.0
    assert all(asking.told([each * STEP for each in range(1, 9)])["told"].values())
    asking.close()


def test_what_somebody_has_changed_in_the_catalogue_is_told_anew(store, asking):
    store.put(chat(1), chat(2), chat(3))
    asking.listing(Asked(q="~all"))
    catalogue = asking._filling.catalogue
    for number, value in ((1, b"{"), (2, b"[]"), (3, "text")):
        catalogue.connection.execute("UPDATE told SET told = ? WHERE id = ?", (value, number * STEP))
    assert [row["told"] for row in asking.listing(Asked(q="~all"))["exchanges"]] == [None] * 3
    assert all(asking.told([STEP, 2 * STEP, 3 * STEP])["told"].values())


def test_the_turn_before(store, asking):
    system = {"role": "system", "content": "be brief"}
    store.put(
        chat(1, TALK[:1]),
        chat(2, TALK[:1]),
        chat(3, TALK[:3]),
        chat(4, [user("other")]),
        chat(5, TALK),
        chat(6, [system, *TALK[:1]]),
        chat(7, [*TALK[:4], user("edited")]),
        chat(8, b"{}"),
        chat(9, TALK[:3]),
    )
    before = {each: asking.previous(each * STEP) for each in range(1, 11)}
    assert numbers(each for each in before.values() if each) == [2, 3, 3, 2]
    assert [each for each, found in before.items() if found] == [3, 5, 7, 9]


def test_the_turn_before_may_have_been_a_hit(store, asking):
    store.put(chat(1, TALK[:1]), hit(2, 1), chat(3, TALK[:3]))
    assert numbers([asking.previous(3 * STEP)]) == [2]


HARMS = ("DROP TABLE said", "DROP TABLE word", "DROP TABLE words", "DROP TABLE told")


@pytest.mark.parametrize("harm", HARMS)
def test_a_catalogue_that_is_damaged_meanwhile_is_made_anew(store, asking, harm):
    store.put(chat(1), chat(2, "x", "y"))
    assert found(asking.listing(Asked(q="hello"))) == [1]
    asking._filling.catalogue.connection.execute(harm)
    store.put(chat(3))
    assert found(asking.listing(Asked(q="hello"))) == [3, 1]
    assert asking.previous(STEP) is None
    asking._filling.catalogue.connection.execute(harm)
    store.put(chat(4))
    while asking.idle(1.0):
        pass
    assert found(asking.listing(Asked(q="hello"))) == [4, 3, 1]


def test_pages_of_rubbish_in_the_file_cost_nothing_but_the_catalogue(store, ticks):
    store.put(*[chat(each, f"number {each} " + "x" * 2000) for each in range(1, 40)])
    first = Asking(store.path, ticks)
    first.listing(Asked(q="number"))
    first.close()
    place = Path(f"{store.path}.text")
    size = place.stat().st_size
    for start in range(4096, size, 8192):
        with place.open("r+b") as file:
            file.seek(start)
            file.write(b"\xa5" * 4096)
        second = Asking(store.path, ticks)
        store.put(chat(100 + start))
        assert 1 in found(second.listing(Asked(q="'number 1 '", limit=MOST)))
        second.close()


@pytest.mark.parametrize("message", ["database or disk is full", "disk I/O error"])
def test_a_full_disk_is_told_and_what_is_known_is_found(store, asking, monkeypatch, message):
    store.put(chat(1))
    assert found(asking.listing(Asked(q="hello"))) == [1]
    store.put(chat(2))
    catalogue = asking._filling.catalogue
    add = catalogue.add

    def fail(*_):
        raise sqlite3.OperationalError(message)

    monkeypatch.setattr(catalogue, "add", fail)
    value = asking.listing(Asked(q="hello"))
    assert message in value["trouble"]
    assert (value["partial"], value["next"]) == (True, None)
    assert not asking.idle(1.0)
    assert found(asking.listing(Asked())) == [2, 1]
    monkeypatch.setattr(catalogue, "add", add)
    value = asking.listing(Asked(q="hello"))
    assert (found(value), "trouble" in value, asking.trouble) == ([2, 1], False, "")


def test_another_process_that_writes_is_no_trouble(store, asking):
    store.put(chat(1))
    asking.listing(Asked(q="hello"))
    other = Asking(store.path, Ticks())
    other.begin()
    other._filling.catalogue.connection.execute("BEGIN IMMEDIATE")
    store.put(chat(2))
    asking._filling.catalogue.connection.execute("PRAGMA busy_timeout = 0")
    value = asking.listing(Asked(q="hello"))
    assert (asking.trouble, value["partial"], value["next"]) == ("", True, id_text(2 * STEP + 1))
    other._filling.catalogue.connection.execute("ROLLBACK")
    assert found(asking.listing(Asked(q="hello"))) == [2, 1]
    other.close()


def test_where_no_file_can_be_made_it_works_all_the_same(store, ticks):
    (Path(f"{store.path}.text") / "x").mkdir(parents=True)
    asking = Asking(store.path, ticks)
    store.put(chat(1, "a needle"))
    assert found(asking.listing(Asked(q="needle"))) == [1]
    asking.close()


@pytest.mark.parametrize("octets", [None, b"", b"no database"])
def test_no_store_is_told(tmp_path, octets):
    path = tmp_path / "none.db"
    if octets is not None:
        path.write_bytes(octets)
    with pytest.raises(StoreError, match=r"none\.db"):
        Asking(str(path))


def test_a_store_that_breaks_is_told(store, asking):
    store.put(chat(1))
    store.execute("ALTER TABLE exchange RENAME TO other")
    for question in (lambda: asking.listing(Asked()), lambda: asking.told([STEP])):
        with pytest.raises(StoreError, match="cannot be read"):
            question()


def test_memory_is_bounded_by_the_page(store, asking, monkeypatch):
    store.put(*map(chat, range(1, 30)))
    seen = []
    shown = asking._store.shown
    monkeypatch.setattr(asking._store, "shown", lambda ids: seen.append(len(ids)) or shown(ids))
    asking.listing(Asked(q="~all", limit=7))
    assert seen == [7]
    assert module.MOST == 500


@pytest.mark.parametrize("q", ["", "~all"])
def test_rows_that_are_too_much_for_one_answer_come_in_the_next(store, asking, monkeypatch, q):
    store.put(*[chat(each, session="s" * 3000) for each in range(1, 8)])
    monkeypatch.setattr(module, "MOST_OCTETS", 10_000)
    together, before = [], 0
    while before is not None:
        value = asking.listing(Asked(q=q, before=before))
        assert 0 < len(found(value)) <= 3
        together += found(value)
        before = None if value["next"] is None else int(value["next"], 16)
    assert together == [7, 6, 5, 4, 3, 2, 1]
    monkeypatch.setattr(module, "MOST_OCTETS", 10)
    assert found(asking.listing(Asked(q=q))) == [7]


def test_large_bodies_are_found_by_what_stands_in_them(store, asking):
    words = "filler words " * 300_000
    store.put(chat(1, asked([user(words + "needle")]), answered("small")), chat(2))
    assert found(asking.listing(Asked(q="needle"))) == [1]
    assert found(asking.listing(Asked(q="~bq needle"))) == [1]
    assert found(asking.listing(Asked(q="!needle"))) == [2]


def test_pieces_of_a_text_are_not_the_text(store, asking):
    long = "".join(chr(ord("a") + each % 26) + str(each) for each in range(60))
    store.put(chat(1, "abcd"), chat(2, "abc bcd"), chat(3, long), chat(4, long.replace("30", "31")))
    assert found(asking.listing(Asked(q="~said abcd"))) == [1]
    assert found(asking.listing(Asked(q=f"~said {long}"))) == [3]
    assert found(asking.listing(Asked(q=f"~said {long.upper()}"))) == [3]
