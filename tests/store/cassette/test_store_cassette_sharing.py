"""A file that others write too: other daemons, git, and people."""

import subprocess
import sys
from pathlib import Path

import pytest
from cassettes import HEADER, Played, answers_in, recorded

from proxy_daemon.store.cassette.writer import Writer

WRITER = """
import sys
sys.path[:0] = [{kit!r}, {store!r}]
from cassettes import Played, recorded
from recordings import PATIENCE
path, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
played = Played(path, {mode!r})
print("open", flush=True)
sys.stdin.readline()
for number in range(count):
    one = recorded(f"{{name}} {{number}}", f"{{name}} {{number}}")
    if {mode!r} == "all":
        played.anew(one)
    else:
        played.put(one)
    print(f"{{name}} {{number}}", flush=True)
played.cassette.close()
"""


def start(path, name, count, mode="new_episodes"):
    """Another process that records; it begins when it gets a line."""
    here = Path(__file__).parent
    code = WRITER.format(kit=str(here), store=str(here.parent), mode=mode)
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path), name, str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"open\n"
    return process


def go(*processes):
    for each in processes:
        each.stdin.write(b"\n")
        each.stdin.flush()


def end(*processes):
    for each in processes:
        each.communicate()
        assert each.returncode == 0


@pytest.mark.parametrize("mode", ["new_episodes", "all"])
def test_two_processes_that_record_at_once_lose_nothing(played, path, mode):
    """In mode `all` one file is put in the place of the other again and again."""
    both = [f"{name} {number}" for name in "ab" for number in range(20)]
    if mode == "all":
        one = played()
        one.put(*(recorded(each, "old") for each in both))
        one.cassette.close()
    processes = [start(path, name, 20, mode) for name in "ab"]
    go(*processes)
    end(*processes)
    cassette = played("none")
    assert [cassette.answers(each) for each in both] == [[each] for each in both]
    assert sorted(each.name for each in path.parent.iterdir()) == ["test.yaml"]


def test_what_another_daemon_appends_is_served_from_the_next_append_on(played):
    one, other = played(), played()
    other.put(recorded("a", "theirs"))
    assert one.answers("a") == []
    one.put(recorded("b", "ours"))
    assert (one.answers("a"), one.answers("b")) == (["theirs"], [])


def test_it_is_seen_without_an_append_too(played):
    one, other = played("none"), played()
    other.put(recorded("a", "theirs"))
    one.cassette.sweep()
    one.until(lambda: one.answers("a") == ["theirs"])


def test_a_file_that_nobody_has_touched_is_not_read_again(played, monkeypatch):
    one = played()
    one.put(recorded("a"))
    monkeypatch.setattr(Writer, "look", lambda _: pytest.fail("it was looked at"))
    one.cassette.sweep()


def test_what_this_run_has_recorded_itself_is_not_served_as_another_ones_either(played):
    one, other = played(), played()
    other.put(recorded("a", "theirs"))
    one.put(recorded("a", "ours"))
    assert one.answers("a") == []
    other.put(recorded("a", "theirs again"))
    one.put(recorded("b"))
    assert one.answers("a") == []
    assert answers_in(one.path, "a") == ["theirs", "ours", "theirs again"]


def test_a_file_that_is_replaced_is_followed(played, path, tmp_path):
    one = played()
    one.put(recorded("a", "old"))
    there = Played(tmp_path / "there" / "new.yaml")
    there.put(recorded("b", "new"))
    there.cassette.close()
    there.path.replace(path)  # as git does it
    one.put(recorded("c"))
    assert (one.answers("b"), answers_in(path, "a"), answers_in(path, "b")) == (["new"], [], ["new"])
    assert len(one.cassette.page(10)) == 2


def test_a_file_that_is_written_in_its_place_is_followed(played, path):
    """As some editors do it: the same file, other octets; what is in it still is the same recording."""
    one = played()
    one.put(recorded("a", "one"), recorded("b", "two"))
    one.cassette.begin_run()
    kept = one.cassette.candidates(one.cassette.page(1)[0].fingerprint)
    text = path.read_text().split("---\n")
    path.write_text("---\n".join([text[0], text[2], text[2], text[1]]))
    one.put(recorded("c"))
    assert (one.answers("a"), one.answers("b")) == (["one"], ["two", "two"])
    assert one.cassette.candidates(one.cassette.get(kept[0].id).fingerprint)[0] is kept[0]


def test_a_file_that_was_changed_unseen_is_read_anew_before_something_is_replaced(played, path):
    """Somebody has moved documents that no sample shows, and added one: mode `all` must not cut through them."""
    one = played()
    one.put(*(recorded(f"{number:02}", "old" * (1 + 50 * (number == 7))) for number in range(40)))
    one.cassette.close()
    two = played("all")
    parts = path.read_text().split("---\n")
    parts[8], parts[9] = parts[9], parts[8]
    path.write_text("---\n".join([*parts, parts[1]]))
    two.put(recorded("x"))
    two.anew(recorded("07", "new"))
    found = played("none")
    assert [found.answers(each) for each in ("00", "07", "08", "39", "x")] == [
        ["old", "old"],
        ["new"],
        ["old"],
        ["old"],
        ["hi"],
    ]


def test_a_last_document_that_was_changed_while_the_file_grew_is_read_again(played, path):
    one = played()
    one.put(*(recorded(f"{number:02}", "old") for number in range(40)))
    one.cassette.close()
    two = played()
    *parts, last = path.read_text().split("---\n")
    path.write_text(
        "---\n".join([*parts, last.replace('"39"', '"79"').replace("content: '39'", "content: '79'"), last])
    )
    two.put(recorded("x"))
    assert two.answers("79") == answers_in(path, "79")
    assert (two.answers("39"), two.answers("00")) == (["old"], ["old"])


def test_a_file_that_is_deleted_is_made_again(played, path):
    one = played()
    one.put(recorded("a"))
    path.unlink()
    one.cassette.sweep()
    one.put(recorded("b"))
    assert (answers_in(path, "a"), answers_in(path, "b")) == ([], ["hi"])


@pytest.mark.parametrize("content", [b"something else\n", b"# llmproxy cassette 9\n", b"\0" * 100])
def test_a_file_that_has_become_none_of_ours_is_not_written(played, path, quick, content):
    one = played()
    one.put(recorded("a", "one"))
    kept = path.read_bytes()
    path.write_bytes(content)
    assert one.put(recorded("b", "two")) == [False]
    assert path.read_bytes() == content
    assert str(path) in one.cassette.trouble
    path.with_name("kept").write_bytes(kept)
    path.with_name("kept").replace(path)  # in one step: it is tried again meanwhile
    one.until(lambda: not one.cassette.trouble)
    assert (answers_in(path, "a"), answers_in(path, "b")) == (["one"], ["two"])


def test_what_becomes_damaged_is_told_and_the_rest_goes_on(played, path):
    one = played()
    one.put(recorded("a", "one"), recorded("b", "two"))
    path.write_text(path.read_text().replace("method: POST", "method: [", 1))
    one.put(recorded("c"))
    assert f"{path}:" in one.cassette.trouble
    assert (len(one.cassette.damaged), one.cassette.stats()["damaged"]) == (1, 1)
    path.write_text(path.read_text().replace("method: [", "method: POST", 1))
    one.put(recorded("d"))
    assert one.cassette.trouble == ""


def test_a_conflict_of_git_is_told_and_both_sides_stay(played, path):
    one = played()
    one.put(recorded("a", "one"))
    text = path.read_bytes()[len(HEADER) :]
    path.write_bytes(HEADER + b"<<<<<<< ours\n" + text + b"=======\n" + text + b">>>>>>> theirs\n")
    before = path.read_bytes()
    one.put(recorded("b", "two"))
    assert "merge" in one.cassette.trouble
    assert path.read_bytes().startswith(before)


@pytest.mark.parametrize("kills", [4, pytest.param(50, marks=pytest.mark.more)])
def test_a_killed_daemon_loses_no_finished_exchange(path, tmp_path, kills):
    """What it told of as written is there, at whatever moment it was killed; and the file is whole."""
    done = set()
    for number in range(kills):
        process = start(path, f"run {number}", 10_000)
        go(process)
        for _ in range(1 + 7 * number % 23):  # not by the clock: somewhere in the next one
            done.add(process.stdout.readline().decode().strip())
        process.kill()
        rest = process.communicate()[0].decode().split("\n")
        done |= {each.strip() for each in rest[:-1]}  # a whole line was printed
    played = Played(path)  # repairs
    played.cassette.close()
    cassette = Played(path, "none")
    assert {each: cassette.answers(each) for each in done} == {each: [each] for each in done}
    cassette.cassette.close()
