"""The index of near misses: who shares features is found, rare ones first, whatever happens to the file."""

import random
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.work import index as index_module
from proxy_daemon.work.index import PLACES, POSTED, TEMPORARY, WRITTEN, IndexDamaged, opened, remove

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
FEATURES = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=12)


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


def test_the_one_that_shares_most_is_first(index):
    index.add([(10, [1, 2, 3]), (11, [1, 2, 4]), (12, [7, 8, 9])])
    assert index.nearest([1, 2, 4], 5) == [11, 10]
    assert index.nearest([7], 5) == [12]
    assert index.nearest([99], 5) == []
    assert index.nearest([], 5) == []


def test_what_few_have_weighs_more_than_what_all_have(index):
    index.add([(number, [1, 2, 3, 100 + number]) for number in range(1, 60)])
    assert index.nearest([1, 107], 1) == [7]
    assert index.nearest([1, 2, 107], 2)[0] == 7


def test_no_more_are_given_than_asked_for_and_the_newest_of_equal_ones(index):
    index.add([(number, [5]) for number in range(1, 40)])
    assert index.nearest([5], 3) == [39, 38, 37]


@given(st.dictionaries(st.integers(1, 10**9), FEATURES, max_size=20), FEATURES)
def test_it_never_finds_what_shares_nothing_and_finds_what_is_equal(known, asked):
    index = opened(TEMPORARY, KEY, 1)
    index.add(list(known.items()))
    found = index.nearest(asked, 100)
    cut = {value & 0xFFFFFFFF for value in asked}
    assert set(found) == {each for each, has in known.items() if cut & {value & 0xFFFFFFFF for value in has}}
    index.close()


def test_what_is_there_is_not_added_twice(index):
    index.add([(10, [1])])
    index.add([(10, [2]), (11, [2])])
    assert (index.count, index.ids()) == (2, {10, 11})
    assert index.has(10)
    assert not index.has(12)


def test_a_long_one_is_found_by_its_first_features(index):
    index.add([(10, list(range(POSTED + 50)))])
    assert index.nearest([0], 1) == [10]
    assert index.nearest([POSTED + 10], 1) == []


@pytest.mark.parametrize("count", [3, WRITTEN - 1, WRITTEN, WRITTEN * 2 + 5])
def test_all_is_found_again_after_a_restart(index, count):
    for number in range(count):
        index.add([(number + 1, [1, 1000 + number])])
    index = again(index)
    assert index.count == count
    assert index.nearest([1000 + count - 1], 1) == [count]
    assert index.nearest([1000], 1) == [1]
    index.close()


def test_what_was_not_written_when_the_process_died_is_found_again(index, path, tmp_path):
    index.add([(10, [1]), (11, [2])])
    copy = str(tmp_path / "copy")  # as it is on the disk now: nothing was closed
    for end in ("", "-wal"):
        if Path(path + end).exists():
            shutil.copy(path + end, copy + end)
    with closing(opened(copy, KEY, 1)) as found:
        assert found.nearest([2], 1) == [11]


@pytest.mark.parametrize("written", [True, False])
def test_what_is_dropped_is_not_found(index, written):
    index.add([(10, [1, 2]), (11, [1, 3])])
    if written:
        index.write()
    index.drop([10, 99])
    assert (index.nearest([1, 2], 5), index.count, index.has(10)) == ([11], 1, False)
    index = again(index)
    assert index.nearest([1, 2], 5) == [11]
    left = index._connection.execute("SELECT count(*) FROM posting").fetchone()[0]
    assert left == 2 or not written
    index.close()


def test_generations_are_searched_together(index, monkeypatch):
    index.add([(1, [5, 6])])
    index.write()
    index._last = 3 << 12  # as after many others
    index.add([(2, [5, 7])])
    index.write()
    assert set(index.nearest([5], 5)) == {1, 2}
    assert index._connection.execute("SELECT number FROM generation").fetchall() == [(0,), (3,)]
    assert again(index).nearest([6], 5) == [1]


def test_only_its_owner_may_read_it(index, path):
    index.add([(1, [1])])
    assert {stat.S_IMODE(Path(path + end).stat().st_mode) for end in ("", "-wal")} == {0o600}


def test_an_older_file_that_others_could_read_is_closed_to_them(path):
    opened(path, KEY, 1).close()
    Path(path).chmod(0o644)
    opened(path, KEY, 1).close()
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600


@pytest.mark.parametrize(("key", "rules"), [(OTHER_KEY, 1), (KEY, 2)], ids=["another store", "other rules"])
def test_another_store_or_other_rules_make_it_anew(index, path, key, rules):
    index.add([(10, [1])])
    index = again(index, key, rules)
    assert (index.count, index.path) == (0, path)
    index.close()


def test_another_version_makes_it_anew(index, monkeypatch):
    index.add([(10, [1])])
    monkeypatch.setattr(index_module, "VERSION", 2)
    index = again(index)
    assert index.count == 0
    index.close()


def spoiled(path, how):
    """The file of an index with 2,000 recordings, damaged."""
    index = opened(path, KEY, 1)
    index.add([(number, [number, number % 7]) for number in range(1, 2000)])
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
        index.nearest([3], 3)
        index.ids()
    except IndexDamaged:
        index.close()
        remove(path)
        index = opened(path, KEY, 1)
    index.add([(10_000, [77])])
    assert (index.nearest([77], 1), index.path) == ([10_000], path)
    index.close()


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE posting",
        "UPDATE taken SET features = 'text'",
        "UPDATE taken SET features = x'0102'",
        "UPDATE meta SET value = 'x' WHERE name = 'posted'",
    ],
)
def test_what_somebody_has_edited_is_damage_and_not_a_crash(index, path, statement):
    index.add([(10, [1, 2])])
    index.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()
    index = opened(path, KEY, 1)
    try:
        found = index.nearest([1], 1)
    except IndexDamaged:
        found = []
    assert found == []
    index.close()


def test_a_second_child_of_the_same_store_has_a_temporary_one(index, path):
    index.add([(10, [1])])
    with closing(opened(path, KEY, 1)) as second:
        assert (second.path, second.count, second.octets) == (TEMPORARY, 0, 0)
        second.add([(11, [1])])
    assert index.nearest([1], 5) == [10]


@pytest.mark.parametrize("place", ["no-such-folder/x.near", ""], ids=["no folder", "a folder in its place"])
def test_where_no_file_can_be_made_it_is_a_temporary_one(tmp_path, place):
    with closing(opened(str(tmp_path / place), KEY, 1)) as index:
        index.add([(10, [1])])
        assert (index.path, index.nearest([1], 1)) == (TEMPORARY, [10])


def test_a_link_is_not_followed(tmp_path, path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    Path(path).symlink_to(victim)
    opened(path, KEY, 1).close()
    assert victim.read_bytes() == b"precious"


def test_a_failed_batch_leaves_nothing(index):
    with pytest.raises((TypeError, IndexDamaged, OverflowError)):
        index.add([(10, [1]), (2**70, [1])])
    assert (index.count, index.ids(), index.nearest([1], 5)) == (0, set(), [])
    index.add([(11, [1])])
    assert index.nearest([1], 5) == [11]


def test_some_are_listed_in_turns(index):
    index.add([(number, [1]) for number in (30, 20, 10)])
    assert index.some(0, 2) == [(1, 30), (2, 20)]
    assert index.some(2, 2) == [(3, 10)]


def test_postings_are_found_by_their_key_whatever_their_number(index):
    plan = [row[3] for row in index._connection.execute(f"EXPLAIN QUERY PLAN {PLACES}", (1, 1))]
    assert any("SEARCH p USING PRIMARY KEY (generation=? AND feature=?)" in line for line in plan)
    assert not any("TEMP B-TREE" in line for line in plan)
