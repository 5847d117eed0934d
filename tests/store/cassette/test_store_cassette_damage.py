"""Damaged files: what is refused, what is served still, and what a crash left."""

import errno

import pytest
from cassettes import HEADER, Wall, answered, answers_in, recorded

from proxy_daemon.core.ids import Ids
from proxy_daemon.core.messages import Request
from proxy_daemon.store.cassette.cassette import CassetteError, Reading
from proxy_daemon.store.cassette.opening import opened


@pytest.fixture
def three(played, path):
    one = played()
    one.put(recorded("a", "one"))
    one.put(recorded("b", "two"))
    one.put(recorded("c", "three"))
    one.cassette.close()
    return path


def test_a_damaged_document_is_an_error_that_says_where(three, played):
    text = three.read_text()
    three.write_text(text.replace("method: POST", "method: [", 1))
    with pytest.raises(CassetteError) as caught:
        played("none")
    line = text[: text.index("method: POST")].count("\n") + 1
    assert str(caught.value).startswith(f"{three}:{line}: ") or f"{three}:" in str(caught.value)
    assert "--tolerate-damage" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mode", ["none", "new_episodes"])
def test_the_intact_recordings_of_a_damaged_file_can_be_served(three, played, mode):
    three.write_text(three.read_text().replace("method: POST", "method: [", 1))
    before = three.read_bytes()
    one = played(mode, tolerate_damage=True)
    assert (one.answers("a"), one.answers("b"), one.answers("c")) == ([], ["two"], ["three"])
    assert (len(one.cassette.damaged), one.cassette.trouble) == (1, "")
    one.put(recorded("d"))
    assert three.read_bytes().startswith(before)


def test_a_damaged_document_stays_when_the_file_is_written_anew(three, played):
    three.write_text(three.read_text().replace("method: POST", "method: [", 1))
    damaged = three.read_text().split("---\n")[1]
    one = played("all", tolerate_damage=True)
    one.anew(recorded("b", "zwei"))
    assert three.read_text().split("---\n")[1] == damaged
    assert answers_in(three, "b", tolerate_damage=True) == ["zwei"]


def test_text_before_the_first_document_is_damage_and_stays(three, played):
    three.write_bytes(HEADER + b"<<<<<<< HEAD\n" + three.read_bytes()[len(HEADER) :])
    with pytest.raises(CassetteError, match=":2: "):
        played("none")
    one = played("all", tolerate_damage=True)
    one.anew(recorded("a", "eins"))
    assert three.read_bytes().startswith(HEADER + b"<<<<<<< HEAD\n---\n")
    assert one.cassette.stats()["damaged"] == 1


@pytest.mark.parametrize(
    "content",
    [b"# llmproxy cassette 2\n", b"# llmproxy cassette 99\n---\n", b"what is this\n", b"\xff\xfe\0"],
    ids=["newer", "much-newer", "text", "octets"],
)
@pytest.mark.parametrize("mode", ["none", "new_episodes"])
def test_a_file_that_is_none_of_ours_is_refused_and_stays(played, path, content, mode):
    path.write_bytes(content)
    with pytest.raises(CassetteError, match=str(path)):
        played(mode)
    assert path.read_bytes() == content


def test_a_directory_and_a_way_through_a_file_are_refused(played, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for place in (tmp_path, tmp_path / "file" / "x.yaml"):
        with pytest.raises(CassetteError, match=str(place)):
            played(at=place)


def test_an_unknown_mode_names_those_there_are(played):
    with pytest.raises(CassetteError, match="off, none, once, new_episodes, all"):
        played("most")


def test_a_tail_cut_off_at_any_octet_loses_that_document_only_and_is_set_aside(played, path):
    """Never a wrong answer, never a file that cannot be read, never an octet that is gone."""
    short = recorded("b", response=answered(b"x", ()), request=Request(b"GET", b"/b"))
    played().put(recorded("a", "one"), short)
    whole, aside = path.read_bytes(), path.with_name("test.yaml.damaged")
    start = whole.rindex(b"---\n")
    for end in range(start, len(whole) + 1):
        path.write_bytes(whole[:end])
        found = opened(str(path), Reading(Ids(Wall()))).file
        assert found.slots[0].held.recording.request == recorded("a").request
        assert not found.damaged
        if aside.exists():
            assert aside.read_bytes() == whole[start:end] + (b"" if whole[:end].endswith(b"\n") else b"\n")
            assert (len(found.slots), path.read_bytes()) == (1, whole[:start])
            aside.unlink()
        else:
            assert path.read_bytes() == whole[:end]
            assert len(found.slots) == (1 if end == start else 2)
            assert [slot.held.recording.response for slot in found.slots[1:]] in ([], [short.response])


@pytest.mark.parametrize("left", [b"-", b"--", b"---", b"---\n", b"---\nrecorded:"])
def test_the_first_document_cut_off_is_set_aside_too(played, path, left):
    path.write_bytes(HEADER + left)
    one = played("once")
    assert one.put(recorded("a")) == [True]
    assert path.with_name("test.yaml.damaged").read_bytes().rstrip(b"\n") == left.rstrip(b"\n")
    assert answers_in(path, "a") == ["hi"]


def test_a_tail_cut_off_is_an_error_where_nothing_is_recorded(three, played):
    three.write_bytes(three.read_bytes()[:-60])
    before = three.read_bytes()
    with pytest.raises(CassetteError, match="cut off"):
        played("none")
    one = played("none", tolerate_damage=True)
    assert (one.answers("b"), one.answers("c")) == (["two"], [])
    assert three.read_bytes() == before


@pytest.mark.parametrize("end", range(len(HEADER) + 1))
def test_a_first_line_cut_off_anywhere_is_a_new_file(played, path, end):
    path.write_bytes(HEADER[:end])
    one = played("once")
    assert one.cassette.records
    assert one.put(recorded("a")) == [True]
    assert path.read_bytes().startswith(HEADER + b"---\n")
    assert answers_in(path, "a") == ["hi"]


def test_what_a_crash_of_another_daemon_leaves_is_set_aside_before_the_next_append(three, played):
    one = played()
    whole = three.read_bytes()
    with three.open("ab") as file:
        file.write(whole[whole.rindex(b"---\n") : -40])
    one.put(recorded("d", "four"))
    assert three.read_bytes().startswith(whole)
    assert three.with_name("test.yaml.damaged").exists()
    assert len(one.notices) == 1
    assert (answers_in(three, "c"), answers_in(three, "d")) == (["three"], ["four"])


def test_what_cannot_be_set_aside_is_not_taken_away(three, played):
    three.write_bytes(three.read_bytes()[:-60])
    before = three.read_bytes()
    three.with_name("test.yaml.damaged").mkdir()
    with pytest.raises(CassetteError):
        played()
    assert three.read_bytes() == before


def test_a_last_line_without_its_end_gets_it(three, played):
    three.write_bytes(three.read_bytes()[:-1])
    one = played()
    one.put(recorded("d", "four"))
    assert not three.with_name("test.yaml.damaged").exists()
    assert [answers_in(three, each) for each in "abcd"] == [["one"], ["two"], ["three"], ["four"]]


def test_comments_of_people_stay(three, played):
    with three.open("a") as file:
        file.write("# what comes is about weather\n\n")
    before = three.read_bytes()
    one = played("all")
    one.put(recorded("d", "four"))
    one.anew(recorded("a", "eins"))
    assert b"# what comes is about weather\n\n---\n" in three.read_bytes()
    assert before.count(b"\n") < three.read_bytes().count(b"\n")


@pytest.mark.parametrize("full_at", [0, 1, 10, 100])
def test_a_full_disk_leaves_no_part_of_a_document(three, played, monkeypatch, quick, full_at):
    one, before = played(), three.read_bytes()
    real = __import__("os").pwrite

    def pwrite(descriptor, data, place):
        if place >= len(before) + full_at:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data[: max(1, len(before) + full_at - place)], place)

    with monkeypatch.context() as patch:
        patch.setattr("proxy_daemon.store.cassette.disk.os.pwrite", pwrite)
        assert one.put(recorded("d", "four")) == [False]
        assert three.read_bytes() == before
        assert "No space left" in one.cassette.trouble
        assert str(three) in one.cassette.trouble
    one.put(recorded("e", "five"))
    one.until(lambda: not one.cassette.trouble)
    assert (answers_in(three, "d"), answers_in(three, "e"), one.cassette.trouble) == (["four"], ["five"], "")


@pytest.mark.parametrize("end", [b"...", b"... # my own", None], ids=["bare", "changed", "as written"])
@pytest.mark.parametrize("mode", ["new_episodes", "all"])
def test_a_last_line_end_that_an_editor_took_away_is_added_before_what_is_appended(three, played, end, mode):
    whole = three.read_bytes()
    short = whole.rstrip(b"\n") if end is None else whole[: whole.rindex(b"\n...") + 1] + end
    three.write_bytes(short)
    one = played(mode)
    assert one.put(recorded("d", "four")) == [True]
    assert three.read_bytes().startswith(short + b"\n---\n")
    assert [answers_in(three, each) for each in "abcd"] == [["one"], ["two"], ["three"], ["four"]]


def test_it_is_added_too_where_the_end_was_taken_away_meanwhile(three, played):
    one = played()
    three.write_bytes(three.read_bytes().rstrip(b"\n"))
    one.put(recorded("d", "four"))
    assert [answers_in(three, each) for each in "abcd"] == [["one"], ["two"], ["three"], ["four"]]
