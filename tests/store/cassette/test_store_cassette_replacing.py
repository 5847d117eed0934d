"""Mode `all`: what a new answer replaces, what stays, and what an aborted run has not touched."""

import pytest
from cassettes import answers_in, recorded, said


@pytest.fixture
def documents(path):
    """The documents of the file, as texts."""
    return lambda: path.read_text().split("---\n")[1:]


def record(played, *pairs, **changes):
    one = played()
    for question, answer in pairs:
        one.put(recorded(question, answer, **changes))
    one.cassette.close()


def edit(path, old, new, line="edited: true\n"):
    """As a person does it: in the decoded answer alone."""
    head, _, tail = path.read_text().partition("answer:")
    answer, _, rest = tail.partition("response:")
    assert old in answer
    head = head[: head.rindex("recorded:")] + line + head[head.rindex("recorded:") :]
    path.write_text(f"{head}answer:{answer.replace(old, new)}response:{rest}")


def pin(path, place):
    parts = path.read_text().split("recorded:")
    parts[place] += "pinned: true\n"
    path.write_text("recorded:".join(parts))


def test_a_new_answer_takes_the_place_of_the_old_one(played, path, documents):
    record(played, ("a", "one"), ("b", "two"), ("c", "three"))
    before = documents()
    assert played("all").anew(recorded("b", "zwei")) == [True]
    after = documents()
    assert (after[0], after[2]) == (before[0], before[2])
    assert [answers_in(path, each) for each in "abc"] == [["one"], ["zwei"], ["three"]]


def test_an_aborted_run_has_destroyed_nothing_that_it_did_not_replace(played, path):
    record(played, ("a", "one"), ("b", "two"), ("c", "three"))
    played("all").anew(recorded("c", "drei"))  # and no more
    assert [answers_in(path, each) for each in "abc"] == [["one"], ["two"], ["drei"]]


def test_the_first_new_answer_takes_all_old_ones_away(played, path):
    record(played, ("a", "one"), ("b", "two"), ("a", "three"), ("a", "five"))
    played("all").anew(recorded("a", "eins"))
    assert (answers_in(path, "a"), answers_in(path, "b")) == (["eins"], ["two"])


def test_new_answers_follow_each_other_and_keep_the_places_of_the_old_ones(played, path, documents):
    record(played, ("a", "one"), ("b", "two"), ("a", "three"), ("b", "four"))
    before = documents()
    played("all").anew(*(recorded("a", each) for each in ("eins", "drei", "fuenf")))
    after = documents()
    assert answers_in(path, "a") == ["eins", "drei", "fuenf"]
    assert (after[1], after[3]) == (before[1], before[3])
    assert ["eins" in after[0], "drei" in after[2], "fuenf" in after[4]] == [True] * 3


def test_an_answer_that_says_the_same_keeps_the_old_entry_whole(played, path):
    record(played, ("a", "one"), ("b", "two"))
    before = path.read_bytes()
    one = played("all")
    again = recorded("a", response=said("one", 77), started=1_900_000_000.0)
    assert one.anew(again) == [True]
    assert path.read_bytes() == before
    assert one.cassette.stats()["kept"] == 1


def test_a_whole_sequence_that_says_the_same_is_the_same_file_in_the_end(played, path):
    record(played, ("a", "one"), ("b", "two"), ("a", "three"), ("a", "four"))
    before = path.read_bytes()
    one = played("all")
    one.anew(recorded("a", "one"))
    assert path.read_bytes() != before
    one.anew(*(recorded(question, answer) for question, answer in (("a", "three"), ("b", "two"), ("a", "four"))))
    assert path.read_bytes() == before


def test_answers_of_one_batch_replace_in_their_order(played, path):
    record(played, ("a", "one"), ("a", "two"))
    one = played("all")
    one.put(*(recorded("a", each) for each in ("eins", "two", "drei")), replace=True, run=1)
    assert answers_in(path, "a") == ["eins", "two", "drei"]


@pytest.mark.parametrize(
    ("force", "left"),
    [(False, ["edited", "zwei"]), (True, ["eins", "zwei"])],
)
def test_what_a_person_has_edited_stays_unless_forced(played, path, force, left):
    record(played, ("a", "one"), ("a", "two"))
    edit(path, "one", "edited")
    one = played("all", force=force)
    assert one.anew(recorded("a", "eins"), recorded("a", "zwei")) == [True, True]
    assert answers_in(path, "a") == left


@pytest.mark.parametrize(("force", "left"), [(False, ["one", "two"]), (True, ["eins"])])
def test_what_is_pinned_stays_unless_forced(played, path, force, left):
    record(played, ("a", "one"), ("a", "two"), ("a", "three"), pinned=False)
    pin(path, 0)
    pin(path, 1)
    played("all", force=force).anew(recorded("a", "eins"))
    assert answers_in(path, "a") == left


def test_without_a_run_all_that_answers_the_request_is_replaced(played, path):
    record(played, ("a", "one"))
    one = played()
    one.put(recorded("a", "two"), recorded("b", "two"))
    one.put(recorded("a", "three"), replace=True)
    assert (answers_in(path, "a"), answers_in(path, "b")) == (["three"], ["two"])
    one.put(recorded("a", "four"), recorded("a", "five"), replace=True)
    assert answers_in(path, "a") == ["five"]


def test_another_run_begins_with_the_first_old_one_again(played, path):
    record(played, ("a", "one"), ("a", "two"))
    one = played("all")
    one.anew(recorded("a", "eins"), recorded("a", "zwei"))
    one.cassette.begin_run()
    one.anew(recorded("a", "un"))
    assert answers_in(path, "a") == ["un"]


def test_what_another_daemon_has_recorded_meanwhile_is_not_replaced(played, path):
    record(played, ("a", "one"))
    one, other = played("all"), played("all")
    one.anew(recorded("a", "eins"))
    other.anew(recorded("a", "un"))
    one.anew(recorded("a", "zwei"))
    assert answers_in(path, "a") == ["eins", "un", "zwei"]


def test_what_was_taken_out_by_hand_meanwhile_is_no_place_any_more(played, path):
    record(played, ("a", "one"), ("b", "two"))
    one = played("all")
    kept = path.read_text().split("---\n")
    path.write_text("---\n".join([kept[0], kept[2]]))
    one.anew(recorded("a", "eins"))
    assert (answers_in(path, "a"), answers_in(path, "b")) == (["eins"], ["two"])


def test_the_mode_of_the_file_and_a_link_to_it_stay(played, path, tmp_path):
    record(played, ("a", "one"))
    path.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    played("all", at=link).anew(recorded("a", "eins"))
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert answers_in(path, "a") == ["eins"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link.yaml", "test.yaml"]


def test_a_file_that_cannot_be_put_in_place_leaves_the_old_one(played, path, monkeypatch, quick):
    record(played, ("a", "one"), ("a", "two"))
    before = path.read_bytes()
    one = played("all")

    def fail(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("proxy_daemon.store.cassette.disk.os.replace", fail)
        assert one.anew(recorded("a", "eins")) == [False]
        assert path.read_bytes() == before
        assert [each.name for each in path.parent.iterdir()] == ["test.yaml"]
    one.anew(recorded("a", "zwei"))
    one.until(lambda: not one.cassette.trouble)
    assert answers_in(path, "a") == ["eins", "zwei"]
