"""The index of near misses: who is alike is found, the most alike first, whatever happens to the file."""

import random
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stores import CHAT, body

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.matching.nearness.sketch import kind_of, sketch
from proxy_daemon.core.matching.nearness.subject import subject
from proxy_daemon.core.messages import Request
from proxy_daemon.store.made_anew import TEMPORARY, remove
from proxy_daemon.work import index as index_module
from proxy_daemon.work import shortlist as shortlist_module
from proxy_daemon.work.index import IndexDamaged, opened

KEY, OTHER_KEY = b"k" * 32, b"o" * 32


def of(text, path=CHAT, **more):
    """The sketch of a chat."""
    asked = Request(b"POST", path, body=Bytes(body(text, **more)))
    dialect = recognise(asked, BUILT_IN)
    return sketch(subject(asked, dialect), kind_of(asked, dialect))


def words(seed, count):
    """So many, of 500."""
    random_ = random.Random(seed)
    return " ".join(f"word{random_.randrange(500)}" for _ in range(count))


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "store.db.near")


@pytest.fixture
def index(path):
    found = opened(path, KEY, 1)
    yield found
    found.close()


def again(index, key=KEY, rules=1):
    """Closed and opened again."""
    index.close()
    return opened(index.path, key, rules)


def test_the_most_alike_is_first(index):
    index.add([(10, of("the quick brown fox")), (11, of("the quick brown dog")), (12, of("something else at all"))])
    assert index.nearest(of("the quick brown dog"), 5)[0] == 11
    assert index.nearest(of("the quick brown fox"), 1) == [10]


@pytest.mark.parametrize("count", [3, 60, 900, 4000])
def test_a_few_other_words_of_many(index, count):
    texts = [words(seed, count) for seed in range(1, 40)]
    index.add([(number, of(text)) for number, text in enumerate(texts, 1)])
    for number in (1, 20, 39):
        changed = texts[number - 1].split()
        changed[count // 2] = "other"
        assert index.nearest(of(" ".join(changed)), 3)[0] == number


def test_what_is_alike_in_all_but_the_messages_counts(index):
    index.add([(1, of(words(1, 9), temperature=1)), (2, of(words(2, 9), temperature=0)), (3, of(words(3, 9)))])
    assert index.nearest(of(words(9, 9), temperature=0), 1) == [2]


def test_of_another_kind_none_is_found(index):
    index.add([(1, of("a text", path=b"/v1/embeddings")), (2, of("a text", path=b"/own/api"))])
    assert index.nearest(of("a text"), 5) == []
    assert index.nearest(of("a text", path=b"/own/api"), 5) == [2]
    assert index.nearest(of("a text", path=b"/own/other"), 5) == []


def test_no_more_are_given_than_asked_for_and_the_newest_of_equal_ones(index):
    index.add([(number, of("a text")) for number in range(1, 400)])
    assert index.nearest(of("a text"), 3) == [399, 398, 397]
    assert index.nearest(of("quite another one"), 3) == [399, 398, 397]


@given(st.dictionaries(st.integers(1, 10**9), st.text(max_size=40), max_size=12), st.text(max_size=40))
def test_what_is_equal_is_found(known, asked):
    with closing(opened(TEMPORARY, KEY, 1)) as index:
        index.add([(each, of(text)) for each, text in known.items()])
        found = index.nearest(of(asked), 100)
        assert bool(found) is bool(known)
        assert asked not in known.values() or any(known[each] == asked for each in found)


def test_what_is_there_is_not_added_twice(index):
    index.add([(10, of("one"))])
    index.add([(10, of("two")), (11, of("three"))])
    assert (index.count, index.ids(), sorted(index.nearest(of("x"), 9))) == (2, {10, 11}, [10, 11])
    assert index.has(10)
    assert not index.has(12)


def test_what_is_not_compared_is_known_and_never_found(index):
    index.add([(10, None), (11, of("one"))])
    assert (index.count, index.has(10), index.nearest(of("one"), 5)) == (2, True, [11])
    index = again(index)
    assert (index.count, index.nearest(of("one"), 5)) == (2, [11])
    index.close()


@pytest.mark.parametrize("count", [3, 300])
def test_all_is_found_again_after_a_restart(index, count):
    index.add([(number, of(words(number, 30))) for number in range(1, count)])
    asked = [of(words(number, 30)) for number in (1, count - 1)]
    found = [index.nearest(each, 20) for each in asked]
    index = again(index)
    assert index.count == count - 1
    assert [index.nearest(each, 20) for each in asked] == found
    index.close()


def test_what_was_added_before_the_process_died_is_found_again(index, path, tmp_path):
    index.add([(10, of("one")), (11, of("two"))])
    copy = str(tmp_path / "copy")  # as it is on the disk now: nothing was closed
    for end in ("", "-wal"):
        if Path(path + end).exists():
            shutil.copy(path + end, copy + end)
    with closing(opened(copy, KEY, 1)) as found:
        assert found.nearest(of("two"), 1) == [11]


def test_only_those_below_an_id_where_that_is_said(index):
    index.add([(number, of("one text")) for number in range(50, 90)])
    index.add([(10, of("quite another"))])
    assert index.nearest(of("one text"), 5, 70)[0] == 69
    assert index.nearest(of("one text"), 5, 50) == [10]


def test_what_is_dropped_is_not_found(index):
    index.add([(10, of("one")), (11, of("two"))])
    index.drop([10, 99])
    assert (index.nearest(of("one"), 5), index.count, index.has(10)) == ([11], 1, False)
    index = again(index)
    assert index.nearest(of("one"), 5) == [11]
    index.close()


def test_what_was_dropped_may_come_again(index):
    index.add([(10, of("one"))])
    index.drop([10])
    index.add([(10, of("two"))])
    assert index.nearest(of("two"), 5) == [10]


def test_what_was_added_after_the_newest_was_dropped_is_there_after_a_restart(index):
    index.add([(number, of(words(number, 9))) for number in range(1, 300)])
    index.drop(range(250, 300))
    index = again(index)
    index.add([(1000, of("quite another text"))])
    index = again(index)
    assert index.nearest(of("quite another text"), 1) == [1000]
    index.close()


def test_of_those_that_were_dropped_few_stay_in_memory(index, monkeypatch):
    monkeypatch.setattr(index_module, "MOST_GONE", 5)
    index.add([(number, of(words(number, 9))) for number in range(1, 40)])
    index.drop(range(1, 30))
    assert index._gone == set()
    assert sorted(index.nearest(of("x"), 100)) == list(range(30, 40))


def test_groups_are_so_many_at_most_and_all_is_found(index, monkeypatch):
    monkeypatch.setattr(shortlist_module, "MOST_GROUPS", 4)
    monkeypatch.setattr(shortlist_module, "MOST_LOOSE", 6)
    texts = {number: of(words(number, 12), seed=number, model=f"m-{number % 9}") for number in range(1, 60)}
    index.add(list(texts.items()))
    assert len(index._small._groups) <= 7
    assert [index.nearest(known, 60)[0] for known in texts.values()] == list(texts)


def test_only_its_owner_may_read_it(index, path):
    index.add([(1, of("one"))])
    assert {stat.S_IMODE(Path(path + end).stat().st_mode) for end in ("", "-wal")} == {0o600}


def test_an_older_file_that_others_could_read_is_closed_to_them(path):
    opened(path, KEY, 1).close()
    Path(path).chmod(0o644)
    opened(path, KEY, 1).close()
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600


@pytest.mark.parametrize(("key", "rules"), [(OTHER_KEY, 1), (KEY, 2)], ids=["another store", "other rules"])
def test_another_store_or_other_rules_make_it_anew(index, path, key, rules):
    index.add([(10, of("one"))])
    index = again(index, key, rules)
    assert (index.count, index.path) == (0, path)
    index.close()


def test_another_version_makes_it_anew(index, monkeypatch):
    index.add([(10, of("one"))])
    monkeypatch.setattr(index_module, "VERSION", 99)
    index = again(index)
    assert index.count == 0
    index.close()


def spoiled(path, how):
    """The file of an index with 200 recordings, damaged."""
    index = opened(path, KEY, 1)
    index.add([(number, of(words(number, 60))) for number in range(1, 200)])
    index.close()
    with Path(path).open("r+b") as file:
        how(file, Path(path).stat().st_size)


def noise(file, size):
    file.seek(0)
    file.write(random.Random(1).randbytes(size))


def half(file, size):
    file.truncate(size // 2)


def hole(file, size):
    file.seek(4096)
    file.write(bytes(size - 4096))


@pytest.mark.parametrize("how", [noise, half, hole, lambda file, size: file.truncate(0)])
def test_a_damaged_file_is_made_anew(path, how):
    spoiled(path, how)
    index = opened(path, KEY, 1)
    try:
        index.nearest(of("x"), 3)
        index.ids()
    except IndexDamaged:
        index.close()
        remove(path)
        index = opened(path, KEY, 1)
    index.add([(10_000, of("one"))])
    assert (index.nearest(of("one"), 1), index.path) == ([10_000], path)
    index.close()


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE taken",
        "UPDATE taken SET fixed = 'text'",
        "UPDATE taken SET fixed = x'0102'",
        "UPDATE taken SET small = x'010203'",
        "UPDATE taken SET coarse = x'00d8'",
        "UPDATE taken SET coarse = 7",
        "UPDATE taken SET turns = -1",
        "UPDATE taken SET coarse_level = 'x'",
        "UPDATE taken SET fine_level = 99",
        "UPDATE taken SET fine = 7",
    ],
)
def test_what_somebody_has_edited_is_damage_and_not_a_crash(index, path, statement):
    index.add([(10, of("one"))])
    index.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()
    with closing(opened(path, KEY, 1)) as edited:
        try:
            found = edited.nearest(of("one"), 1)
        except IndexDamaged:
            found = []
        assert found == []


def test_a_second_child_of_the_same_store_has_a_temporary_one(index, path):
    index.add([(10, of("one"))])
    with closing(opened(path, KEY, 1)) as second:
        assert (second.path, second.count, second.octets) == (TEMPORARY, 0, 0)
        second.add([(11, of("one"))])
    assert index.nearest(of("one"), 5) == [10]


@pytest.mark.parametrize("place", ["no-such-folder/x.near", ""], ids=["no folder", "a folder in its place"])
def test_where_no_file_can_be_made_it_is_a_temporary_one(tmp_path, place):
    with closing(opened(str(tmp_path / place), KEY, 1)) as index:
        index.add([(10, of("one"))])
        assert (index.path, index.nearest(of("one"), 1)) == (TEMPORARY, [10])


def test_a_link_is_not_followed(tmp_path, path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    Path(path).symlink_to(victim)
    opened(path, KEY, 1).close()
    assert victim.read_bytes() == b"precious"


def test_a_failed_batch_leaves_nothing(index):
    with pytest.raises((TypeError, IndexDamaged, OverflowError)):
        index.add([(10, of("one")), (2**70, of("two"))])
    assert (index.count, index.ids(), index.nearest(of("one"), 5)) == (0, set(), [])
    index.add([(11, of("one"))])
    assert index.nearest(of("one"), 5) == [11]


def test_some_are_listed_in_turns(index):
    index.add([(number, of("one")) for number in (30, 20, 10)])
    assert index.some(0, 2) == [(1, 30), (2, 20)]
    assert index.some(2, 2) == [(3, 10)]
