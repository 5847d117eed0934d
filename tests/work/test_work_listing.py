"""The child's questions `list` and `told`, and the catalogue that grows between them."""

import sqlite3
from pathlib import Path

import pytest
from stores import STEP, body, recording

from proxy_daemon.core.messages import id_text
from proxy_daemon.work import serving
from proxy_daemon.work.serving import REST_SECONDS, Work


@pytest.fixture
def work(store, ticks):
    store.put(recording(1, "one text"), recording(2, "another text"))
    work = Work(store.path, ticks)
    yield work
    work.close()


def has_catalogue(store):
    return Path(f"{store.path}.text").exists()


def found(answer):
    return [int(row["id"], 16) // STEP for row in answer["value"]["exchanges"]]


def test_list(work, store):
    answer = work.answer({"name": "list", "limit": 1, "before": None, "after": None, "q": ""}, b"")
    assert (answer["status"], found(answer), answer["value"]["next"]) == (200, [2], id_text(2 * STEP))
    assert not has_catalogue(store)
    answer = work.answer({"name": "list", "q": "'ONE text'"}, b"")
    assert (found(answer), answer["value"]["indexed"]) == ([1], {"done": 2, "total": 2})
    assert has_catalogue(store)


@pytest.mark.parametrize(
    ("head", "value"),
    [
        ({"q": "(~c 200"}, {"error": "this ( is never closed", "at": 0, "length": 1}),
        ({"limit": "many"}, {"error": "limit is a number, and q a text", "at": 0, "length": 0}),
        ({"before": "x"}, {"error": "before and after are ids of exchanges", "at": 0, "length": 0}),
    ],
)
def test_a_list_that_cannot_be_asked_for(work, head, value):
    answer = work.answer({"name": "list"} | head, b"")
    assert answer["status"] == 400
    assert answer["value"] | {"error": ""} == value | {"error": ""}
    assert answer["value"]["error"]


def test_told(work, store):
    answer = work.answer({"name": "told", "ids": [id_text(STEP), id_text(9)]}, b"")
    told = answer["value"]["told"]
    assert (answer["status"], told[id_text(STEP)]["asked"], told[id_text(9)]) == (200, "one text", None)
    assert has_catalogue(store)
    assert work.answer({"name": "told"}, b"") == {"status": 200, "value": {"told": {}}}


@pytest.mark.parametrize("ids", [["zz"], [7], 7, "x", [None]])
def test_told_of_no_ids(work, ids):
    assert work.answer({"name": "told", "ids": ids}, b"")["status"] == 400


def test_nothing_is_indexed_before_somebody_asks(work, store):
    for _ in range(5):
        work.idle()
    assert not has_catalogue(store)
    work.answer({"name": "told", "ids": []}, b"")
    for _ in range(5):
        work.idle()
    with sqlite3.connect(f"{store.path}.text") as connection:
        assert connection.execute("SELECT count(*) FROM exchange").fetchone() == (2,)
    connection.close()


def test_a_catalogue_that_is_there_grows_from_the_start(work, store, ticks):
    work.answer({"name": "list", "q": "~all"}, b"")
    store.put(recording(3))
    other = Work(store.path, ticks)
    other.idle()
    assert other.asking()._filling.done == 3
    other.close()


def test_both_grow_in_turns_and_rest_when_there_is_nothing_to_do(work, store, ticks):
    work.answer({"name": "told", "ids": []}, b"")
    store.put(*[recording(each, f"text {each}") for each in range(10, 60)])
    ticks.step = 0.001
    rests = []
    while len(rests) < 500 and (not rests or rests[-1] < 0.5):
        rests.append(work.idle())
        ticks.now += rests[-1]
    assert 2 < len(rests) < 500
    assert (work.asking()._filling.done, work._catching_up.index.count) == (52, 52)
    assert max(rests) <= 1.0


def test_while_the_daemon_is_busy_it_grows_slowly(work, store, ticks):
    work.answer({"name": "list", "q": "~all"}, b"")
    work.idle()
    work._catching_up.busy = True
    store.put(*[recording(each) for each in range(10, 60)])
    ticks.step = 0.001
    work._near_at = ticks.now + 1e9
    work._text_at = 0.0
    rest = work.idle()
    assert rest > 0.5


def test_a_full_disk_is_told_once_and_questions_go_on(work, monkeypatch, capsys, store, ticks):
    work.answer({"name": "list", "q": "~all"}, b"")

    def fail(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(work.asking()._filling.catalogue, "add", fail)
    store.put(recording(3, "third"))
    for _ in range(3):
        work._text_at = 0.0
        work.idle()
    assert capsys.readouterr().err.count("disk is full") == 1
    answer = work.answer({"name": "list"}, b"")
    assert found(answer) == [3, 2, 1]


def test_a_defect_of_the_catalogue_lets_the_index_grow(work, monkeypatch, capsys, ticks):
    work.answer({"name": "told", "ids": []}, b"")
    monkeypatch.setattr(work.asking(), "idle", lambda _: 1 / 0)
    assert work.idle() <= REST_SECONDS
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert work._catching_up.index.count == 2


def test_a_store_that_is_gone_is_one_answer(work, store, monkeypatch):
    monkeypatch.setattr(serving, "Asking", lambda *_: 1 / 0)
    assert "ZeroDivisionError" in work.answer({"name": "list"}, b"")["trouble"]
    monkeypatch.undo()
    store.connection.execute("ALTER TABLE exchange RENAME TO other")
    assert "cannot be" in work.answer({"name": "list"}, b"")["trouble"]


def test_an_answer_of_the_largest_page_fits_into_a_frame(work, store):
    store.put(*[recording(each, data=body("\N{SNOWMAN}" * 500)) for each in range(10, 520)])
    answer = work.answer({"name": "list", "limit": 500, "q": "~all"}, b"")
    assert serving._framed({"number": 1}, answer)
    assert len(answer["value"]["exchanges"]) > 50
