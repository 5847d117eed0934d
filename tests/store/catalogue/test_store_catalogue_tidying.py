"""Of what was dropped no octet stays in the catalogue's files: no word, and no trigram in the index."""

from pathlib import Path

import pytest
from catalogued import STEP, chat

from proxy_daemon.store.catalogue import tidying as module
from proxy_daemon.store.catalogue.entry import Entry
from proxy_daemon.store.catalogue.file import opened
from proxy_daemon.store.catalogue.filling import SWEEP_SECONDS, Filling
from proxy_daemon.store.catalogue.layout import Kind
from proxy_daemon.store.catalogue.reading import entry
from proxy_daemon.store.catalogue.source import Source
from proxy_daemon.store.catalogue.tidying import is_tidy, tidying

KEY = bytes(32)
NOTES = b"[1, []]"
SIGNS = "\N{SNOWMAN}\N{COMET}\N{UMBRELLA}"  # each is three octets that stand together, also where terms are shortened


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "s.db.text")


@pytest.fixture
def catalogue(path):
    """One in whose index many texts are merged already, the one with `SIGNS` among them."""
    catalogue = opened(path, KEY)
    for number in range(2, 60):
        catalogue.add([Entry(number, said=(f"kept words, number {number * 7919}",))], NOTES)
    word = {Kind.URL: "https://x/?q=unspeakable-one"}
    catalogue.add([Entry(1, word, (f"unspeakable {SIGNS}",), b'"unspeakable-three"')], NOTES)
    for _ in tidying(catalogue):
        pass
    yield catalogue
    catalogue.close()


def octets(path):
    return b"".join(Path(path + end).read_bytes() for end in ("", "-wal") if Path(path + end).exists())


def traces(path):
    """Whether there are any of the text that is dropped."""
    found = octets(path)
    return b"unspeakable" in found or any(sign.encode() in found for sign in SIGNS)


def test_nothing_of_what_was_dropped_stays_in_the_files(path, catalogue):
    assert is_tidy(catalogue)
    catalogue.drop([1])
    assert not is_tidy(catalogue)
    assert traces(path)  # else this test could not fail
    for _ in tidying(catalogue):
        pass
    assert is_tidy(catalogue)
    assert not traces(path)
    assert b"kept words" in octets(path)
    catalogue.rows("INSERT INTO words (words) VALUES ('integrity-check')")
    assert len(catalogue.rows("SELECT rowid FROM words WHERE words MATCH '\"kep\"'")) == 58


def test_who_is_ended_in_between_leaves_it_to_the_next(path, catalogue, monkeypatch):
    monkeypatch.setattr(module, "PAGES", 1)
    catalogue.drop([1])
    for ended_behind in range(len(module.COLUMNS) + 2):
        steps = tidying(catalogue)
        for _ in range(ended_behind):
            next(steps, None)
        steps.close()
        assert not is_tidy(catalogue)
    for _ in tidying(catalogue):
        pass
    assert is_tidy(catalogue)
    assert not traces(path)


def test_what_is_dropped_meanwhile_makes_it_begin_anew(path, catalogue):
    catalogue.drop([2])
    steps = tidying(catalogue)
    next(steps)
    catalogue.drop([1])
    for _ in steps:
        pass
    assert not is_tidy(catalogue)
    for _ in tidying(catalogue):
        pass
    assert is_tidy(catalogue)
    assert not traces(path)


def test_what_was_begun_before_a_text_came_does_not_keep_it_out(path, catalogue, monkeypatch):
    monkeypatch.setattr(module, "PAGES", 1)
    catalogue.drop([5])
    steps = tidying(catalogue)
    for _ in range(len(module.COLUMNS) + 1):
        next(steps)
    steps.close()
    catalogue.drop([1])
    for _ in tidying(catalogue):
        pass
    assert not traces(path)


def test_while_somebody_reads_it_is_not_done(path, catalogue):
    other = opened(path, KEY)
    other.connection.execute("BEGIN")
    other.rows("SELECT count(*) FROM exchange")
    catalogue.drop([1])
    for _ in tidying(catalogue):
        pass
    assert not is_tidy(catalogue)
    other.connection.execute("ROLLBACK")
    for _ in tidying(catalogue):
        pass
    assert is_tidy(catalogue)
    assert not traces(path)
    other.close()


def test_the_room_is_given_back(path, catalogue):
    catalogue.add([Entry(1000, said=("long " * 100_000,))], NOTES)
    catalogue.drop([1000])
    for _ in tidying(catalogue):
        pass
    assert catalogue.rows("PRAGMA freelist_count") == [(0,)]
    assert Path(path).stat().st_size < 200_000


def test_an_idle_catalogue_tidies_itself_and_then_rests(store, ticks):
    """As the child process does: what went from the store goes from here, wherever it stood."""
    store.put(*map(chat, range(1, 30)), chat(30, f"unspeakable {SIGNS}"), *map(chat, range(31, 40)))
    source = Source(store.path)
    catalogue = opened(f"{store.path}.text", source.key)
    filling = Filling(source, catalogue, ticks, entry)
    while filling.idle(1.0):
        pass
    assert traces(catalogue.path)
    store.drop(30)
    while filling.idle(1.0):
        pass
    assert is_tidy(catalogue)
    assert not traces(catalogue.path)
    store.drop(31)
    while filling.idle(1.0):
        pass
    assert not is_tidy(catalogue)  # not again and again: it may be large
    ticks.now += SWEEP_SECONDS
    while filling.idle(1.0):
        pass
    assert is_tidy(catalogue)
    assert catalogue.between(0, 100 * STEP) == {each * STEP for each in range(1, 40) if each not in (30, 31)}
    catalogue.close()
    source.close()


def test_tidying_gives_way_to_what_is_new(store, ticks, monkeypatch):
    store.put(*map(chat, range(1, 10)))
    source = Source(store.path)
    catalogue = opened(f"{store.path}.text", source.key)
    filling = Filling(source, catalogue, ticks, entry)
    while filling.idle(1.0):
        pass
    store.drop(5)
    filling.step(1.0)
    ticks.step = 1.0
    assert filling.idle(0.5)
    store.put(chat(50))
    filling.idle(0.5)
    assert 50 * STEP in catalogue.between(0, 100 * STEP)
    catalogue.close()
    source.close()
