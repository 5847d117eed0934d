"""The child's loop: questions in, answers out, a fault is one answer, and damage is mended."""

import os
import sqlite3
import threading
from types import SimpleNamespace

import pytest
from stores import CHAT, STEP, UPSTREAM, body, recording

from proxy_daemon.core.carried_rules import carried
from proxy_daemon.core.secret_rules import Rule, Rules
from proxy_daemon.core.work_frames import LARGEST_HEAD, RULES, FrameError, Frames, packed
from proxy_daemon.store.access import StoreError
from proxy_daemon.work import serving
from proxy_daemon.work.index import IndexDamaged
from proxy_daemon.work.serving import REST_SECONDS, Work, serve

HEAD = {"name": "near", "method": "POST", "target": CHAT.decode(), "headers": [], "upstream": UPSTREAM.url, "shown": 5}
OWN = Rules((Rule("tenant", "acme-[0-9]{6}"),))


@pytest.fixture
def work(store):
    store.put(recording(1, "one text"), recording(2, "another text"))
    work = Work(store.path)
    yield work
    work.close()


def asked(work, *frames):
    """Frames in, answers out, through pipes, as the daemon does it."""
    questions, give = os.pipe()
    take, answers = os.pipe()
    os.write(give, b"".join(frames))
    os.close(give)
    serve(work, questions, answers)
    os.close(answers)
    data = b""
    while part := os.read(take, 65536):
        data += part
    os.close(take)
    os.close(questions)
    return [head for head, _ in Frames().feed(data)]


def test_each_question_has_its_answer(work):
    frames = [packed(HEAD | {"number": number}, body("one text")) for number in (7, 8)]
    answers = asked(work, *frames, packed({"name": "stats", "number": 9}))
    assert [(answer["number"], answer.get("id")) for answer in answers] == [(7, STEP), (8, STEP), (9, None)]
    assert answers[2]["index"] == {"recordings": 2, "left": 0, "octets": answers[2]["index"]["octets"], "trouble": ""}


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ({"name": "no such"}, "no such question"),
        ({}, "no such question"),
        ({"name": "near"}, "a defect: KeyError"),
        (HEAD | {"headers": 7}, "a defect: TypeError"),
        (HEAD | {"target": "\N{SNOWMAN}"}, "a defect: UnicodeEncodeError"),
    ],
)
def test_a_question_that_cannot_be_answered_is_one_answer_and_the_next_goes_on(work, head, said):
    answers = asked(work, packed(head | {"number": 1}), packed(HEAD | {"number": 2}, body("one text")))
    assert said in answers[0]["trouble"]
    assert answers[1]["id"] == STEP


@pytest.mark.parametrize("error", [MemoryError(), StoreError("gone"), sqlite3.OperationalError("full"), OSError("bad")])
def test_faults_of_the_machine_are_told(work, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(serving, "nearest", fail)
    assert (str(error) or "not enough memory") in work.answer(HEAD, b"")["trouble"]


def test_what_is_no_frame_ends_it(work):
    with pytest.raises(FrameError):
        asked(work, b"\0\0\0\2{}")


def test_an_answer_that_is_too_large_is_told_in_its_place(work, monkeypatch):
    monkeypatch.setattr(serving, "nearest", lambda *_: {"differences": ["x" * LARGEST_HEAD]})
    assert "too large" in asked(work, packed(HEAD | {"number": 3}))[0]["trouble"]


def test_it_ends_when_the_questions_end(work):
    assert asked(work) == []


def test_between_questions_the_index_grows(store, work):
    """The loop is left when the index has everything: the questions end then."""
    store.put(recording(3, "a third"))
    questions, give = os.pipe()
    os.write(give, packed({"name": RULES, "rules": []}))
    real = work.idle

    def idle():
        real()
        if work._catching_up.index.count == 3:
            os.close(give)
        return 0.0

    work.idle = idle
    serve(work, questions, 2)
    os.close(questions)
    assert work._catching_up.index.count == 3


def test_nothing_is_done_before_the_rules_are_known(work, monkeypatch):
    """A catalogue that grows without them would hold what they hide."""
    questions, give = os.pipe()
    frame = packed({"name": RULES, "rules": carried(OWN)})
    parts, waited, known = [frame[:9], frame[9:]], [], []

    def select(*files_and_rest):
        waited.append(files_and_rest[-1])
        if parts:
            os.write(give, parts.pop(0))
        return real(*files_and_rest)

    def idle():
        known.append(work._rules)
        os.close(give)
        return 0.0

    real, work.idle = serving.select.select, idle
    monkeypatch.setattr(serving, "select", SimpleNamespace(select=select))
    serve(work, questions, 2)
    os.close(questions)
    assert waited[:3] == [None, None, 0.0]
    assert known == [OWN]


@pytest.mark.parametrize("told", [None, 5, ["x"], [{}], [{"name": "t", "pattern": "("}]], ids=str)
def test_without_rules_that_can_be_read_nothing_is_answered(work, told):
    with pytest.raises(FrameError, match=r"the rules for what is a secret could not be read$"):
        asked(work, packed({"name": RULES, "rules": told}), packed({"name": "stats"}))


def test_a_large_answer_is_written_whole_to_a_slow_reader(work, monkeypatch):
    monkeypatch.setattr(serving, "nearest", lambda *_: {"differences": ["x" * 1_000_000]})
    take, answers = os.pipe()
    found = []

    def read():
        frames = Frames()
        while part := os.read(take, 4096):
            found.extend(frames.feed(part))

    reader = threading.Thread(target=read)
    reader.start()
    questions, give = os.pipe()
    os.write(give, packed(HEAD))
    os.close(give)
    serve(work, questions, answers)
    os.close(answers)
    reader.join(30)
    os.close(take)
    os.close(questions)
    assert len(found[0][0]["differences"][0]) == 1_000_000


def damage(work):
    def fail(*_):
        raise IndexDamaged("a page is gone")

    work._catching_up.index.nearest = work._catching_up.index.ids = fail


def test_damage_is_mended_at_a_question(work, capfd):
    work.answer(HEAD, body("one text"))
    damage(work)
    assert "is made anew" in work.answer(HEAD, body("one text"))["trouble"]
    assert work.answer(HEAD, body("one text"))["id"] == STEP
    assert "a page is gone" in capfd.readouterr().err


def test_damage_is_mended_between_questions(work):
    damage(work)
    assert work.idle() == REST_SECONDS
    work.idle()
    assert work.answer(HEAD, body("another text"))["id"] == 2 * STEP


def test_trouble_between_questions_is_said_once_and_ends(work, monkeypatch, capfd):
    def fail(self):
        raise sqlite3.OperationalError("database or disk is full")

    real = serving.CatchingUp.step
    monkeypatch.setattr(serving.CatchingUp, "step", fail)
    assert [work.idle(), work.idle()] == [REST_SECONDS] * 2
    assert capfd.readouterr().err.count("disk is full") == 1
    assert "disk is full" in work.answer({"name": "stats"}, b"")["index"]["trouble"]
    monkeypatch.setattr(serving.CatchingUp, "step", real)
    work.idle()
    assert work.answer({"name": "stats"}, b"")["index"]["trouble"] == ""


def test_the_index_of_a_store_that_was_replaced_is_made_anew(store, work, tmp_path):
    work.answer(HEAD, body("one text"))
    work.close()
    store.close()
    for end in ("", "-wal", "-shm"):
        (tmp_path / f"llmproxy.db{end}").unlink(missing_ok=True)
    other = type(store)(store.path)
    other.put(recording(5, "of the new store"))
    fresh = Work(store.path)
    assert fresh.answer(HEAD, body("one text"))["id"] == 5 * STEP
    assert fresh._catching_up.index.count == 1
    fresh.close()
    other.close()


# --- an index that nobody wants (--fuzzy off) ------------------------------------------------------------------------


@pytest.fixture
def waiting(store):
    store.put(recording(1, "one text"), recording(2, "another text"))
    work = Work(store.path, grows=False)
    yield work
    work.close()


@pytest.mark.parametrize("head", [{"name": "told", "ids": []}, {"name": "list", "limit": 5}, {"name": "stats"}])
def test_questions_of_the_pages_fill_no_index_that_nobody_asked(waiting, head):
    asked(waiting, packed(head | {"number": 1}))
    assert [waiting.idle() > 0 for _ in range(3)] == [True] * 3
    assert asked(waiting, packed({"name": "stats", "number": 2}))[0]["index"]["recordings"] == 0


VIEW = {"name": "view", "id": f"{STEP:016x}", "what": "diff", "all": False}


@pytest.mark.parametrize(
    ("head", "recordings"),
    [(VIEW | {"with": "nearest"}, 2), (VIEW | {"with": "previous"}, 0), (VIEW | {"what": "chat"}, 0)],
)
def test_who_asks_what_is_near_begins_it(waiting, head, recordings):
    waiting.answer({"name": "told", "ids": []}, b"")  # there is a catalogue, which grows
    waiting.idle()
    waiting.answer(head, b"")
    waiting.idle()
    assert waiting.answer({"name": "stats"}, b"")["index"]["recordings"] == recordings
