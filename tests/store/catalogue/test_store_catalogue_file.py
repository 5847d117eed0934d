"""The catalogue's file: private, and made anew where it cannot be used."""

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from proxy_daemon.store.catalogue import file
from proxy_daemon.store.catalogue.entry import Entry
from proxy_daemon.store.catalogue.file import Catalogue, CatalogueDamaged, opened, stored
from proxy_daemon.store.catalogue.layout import Kind
from proxy_daemon.store.made_anew import TEMPORARY, remove

KEY = bytes(32)
NOTES = b"[1, []]"


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "s.db.text")


def words(catalogue, text):
    grams = " AND ".join(f'"{text[at : at + 3]}"' for at in range(len(text) - 2))
    return [row[0] for row in catalogue.rows("SELECT rowid FROM words WHERE words MATCH ?", (grams,))]


def test_only_its_owner_may_read_it_and_what_sqlite_keeps_beside_it(path):
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o644))
    catalogue = opened(path, KEY)
    catalogue.add([Entry(1, said=("a secret",))], NOTES)
    files = [path + end for end in ("", "-wal", "-shm")]
    assert [stat.S_IMODE(Path(each).stat().st_mode) for each in files] == [0o600] * 3
    catalogue.close()


def test_what_was_added_is_there_when_it_is_opened_again(path):
    catalogue = opened(path, KEY)
    entry = Entry(7, {Kind.URL: "https://x/y"}, ("some words",), b'{"a": 1}')
    assert catalogue.add([entry], NOTES) == 1
    assert catalogue.add([entry], b"[2, []]") == 0
    catalogue.close()
    again = opened(path, KEY)
    assert (again.count(), again.between(0, 10), again.told([7, 8]), again.notes()) == (
        1,
        {7},
        {7: entry.told},
        b"[2, []]",
    )
    assert [text for _, text in again.words(Kind.URL, 10, 1000)] == ["https://x/y"]
    assert len(words(again, "some words")) == 1
    again.close()


def test_each_message_is_kept_once_and_goes_with_the_last_that_said_it(path):
    catalogue = opened(path, KEY)
    catalogue.add([Entry(number, said=("the same", f"own {number}")) for number in (1, 2, 3)], NOTES)
    count = "SELECT count(*) FROM message"
    assert catalogue.rows(count) == [(4,)]
    catalogue.drop([1, 3])
    assert catalogue.rows(count) == [(2,)]
    assert (len(words(catalogue, "the same")), words(catalogue, "own 1"), words(catalogue, "own 3")) == (1, [], [])
    catalogue.drop([2, 99])
    assert (catalogue.rows(count), words(catalogue, "the same"), catalogue.count()) == ([(0,)], [], 0)
    catalogue.rows("INSERT INTO words (words) VALUES ('integrity-check')")
    catalogue.close()


def test_what_answered_others_takes_them_with_it(path):
    catalogue = opened(path, KEY)
    catalogue.add([Entry(1, said=("a b c",)), *[Entry(each, said=("a b c",), source=1) for each in (2, 3)]], NOTES)
    assert catalogue.drop([1, 3]) == {2}
    assert (catalogue.count(), words(catalogue, "a b c")) == (0, [])
    catalogue.close()


def damage_head(path):
    Path(path).write_bytes(b"SQLite format 3\0" + bytes(50))


def damage_page(path):
    octets = bytearray(Path(path).read_bytes())
    octets[4096 : 8 * 4096] = b"\xff" * (7 * 4096)
    Path(path).write_bytes(octets)


def other_version(path):
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()


def something_else(path):
    remove(path)
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()


def no_database(path):
    Path(path).write_text("no database at all, but some text\n" * 100)


def cut_short(path):
    Path(path).write_bytes(Path(path).read_bytes()[:5000])


@pytest.mark.parametrize("harm", [damage_head, damage_page, other_version, something_else, no_database, cut_short])
def test_what_cannot_be_used_is_made_anew(path, harm):
    first = opened(path, KEY)
    first.add([Entry(1, said=("x" * 5000,))], NOTES)
    first.close()
    harm(path)
    catalogue = opened(path, KEY)
    try:
        assert catalogue.count() == 0
        catalogue.add([Entry(2)], NOTES)
    except CatalogueDamaged:  # what lies deeper shows when it is read
        assert harm in (damage_page, cut_short)
    catalogue.close()


def test_the_catalogue_of_another_store_is_made_anew(path):
    first = opened(path, KEY)
    first.add([Entry(1)], NOTES)
    first.close()
    second = opened(path, b"\1" * 32)
    assert (second.path, second.count()) == (path, 0)
    second.close()


@pytest.mark.parametrize("kind", ["folder", "link", "nowhere"])
def test_where_no_file_can_be_made_it_is_a_temporary_one(tmp_path, path, kind):
    target = tmp_path / "mine"
    target.write_text("stays")
    if kind == "folder":
        (Path(path) / "x").mkdir(parents=True)
    if kind == "link":
        Path(path).symlink_to(target)
    where = str(tmp_path / "none" / "s.text") if kind == "nowhere" else path
    catalogue = opened(where, KEY)
    assert catalogue.path == (path if kind == "link" else TEMPORARY)  # a link is taken away, and not followed
    assert catalogue.add([Entry(1, said=("some words",))], NOTES) == 1
    assert len(words(catalogue, "some words")) == 1
    catalogue.close()
    assert target.read_text() == "stays"


def test_two_may_fill_it_at_once(path):
    one, two = opened(path, KEY), opened(path, KEY)
    for number in range(20):
        (one, two)[number % 2].add([Entry(number, said=("both say this", f"own {number}"))], NOTES)
    assert one.count() == two.count() == 20
    assert one.rows("SELECT count(*) FROM message") == [(21,)]
    one.connection.execute("BEGIN IMMEDIATE")
    two.connection.execute("PRAGMA busy_timeout = 0")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        two.add([Entry(99)], NOTES)
    one.connection.execute("ROLLBACK")
    assert two.add([Entry(99)], NOTES) == 1
    one.close()
    two.close()


def test_what_fails_in_the_middle_is_not_there_at_all(path):
    catalogue = opened(path, KEY)
    with pytest.raises(AttributeError):
        catalogue.add([Entry(1, said=("some words",)), None], NOTES)
    assert (catalogue.count(), catalogue.notes(), words(catalogue, "some words")) == (0, b"", [])
    catalogue.close()


@pytest.mark.parametrize(
    ("text", "kept"), [("a\0b", "a b"), ("\ud800x", "?x"), ("\N{SNOWMAN}", "\N{SNOWMAN}"), ("", "")]
)
def test_texts_that_sqlite_cannot_hold(path, text, kept):
    assert stored(text) == kept
    catalogue = opened(path, KEY)
    catalogue.add([Entry(1, {Kind.MODEL: text}, (text,))], NOTES)
    assert catalogue.rows("SELECT text FROM message") == [(kept,)]
    assert [each for _, each in catalogue.words(Kind.MODEL, 9, 1000)] == [kept]
    catalogue.drop([1])
    catalogue.rows("INSERT INTO words (words) VALUES ('integrity-check')")
    catalogue.close()


def test_long_texts_are_cut(path, monkeypatch):
    monkeypatch.setattr(file, "LONGEST_TEXT", 5)
    monkeypatch.setattr(file, "LONGEST_WORD", 3)
    catalogue = opened(path, KEY)
    catalogue.add([Entry(1, {Kind.MODEL: "a" * 9}, ("b" * 9,))], NOTES)
    assert catalogue.rows("SELECT text FROM message") == [("bbbbb",)]
    assert [each for _, each in catalogue.words(Kind.MODEL, 9, 1000)] == ["aaa"]
    catalogue.close()


def test_shared_texts_are_not_read_where_they_are_too_many_or_too_long(path):
    catalogue = opened(path, KEY)
    catalogue.add([Entry(number, {Kind.URL: f"https://x/{number}"}) for number in range(3)], NOTES)
    assert len(catalogue.words(Kind.URL, 3, 33)) == 3
    assert catalogue.words(Kind.URL, 2, 33) is catalogue.words(Kind.URL, 3, 32) is None
    catalogue.close()


def test_damage_is_told_apart_from_what_the_disk_does(path):
    catalogue = Catalogue(TEMPORARY, KEY)
    with pytest.raises(CatalogueDamaged, match="no such table"):
        catalogue.rows("SELECT * FROM missing")
    with pytest.raises(sqlite3.OperationalError, match="syntax"):
        catalogue.rows("SELECT FROM")
    catalogue.close()
