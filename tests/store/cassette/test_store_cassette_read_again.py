"""A file that is only read, read again when it has changed: a half-written, bad or missing version changes nothing."""

import itertools
import os
from contextlib import contextmanager

import pytest
from cassettes import Played

from proxy_daemon.store.cassette import read_file
from proxy_daemon.store.cassette.cassette import CassetteError

ONE = "### user\n\nhello\n\n### assistant\n\none\n"
TWO = "---\nmatch: last\n---\n### user\n\nhello\n\n### assistant\n\none\n\n### assistant\n\ntwo\n"


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "talk.md"
    file.write_text(TWO)
    return file


class Watched(Played):
    """Looks at the file in this thread: `sweep` gives whether it has."""

    def __init__(self, path):
        super().__init__(path, "none")
        self.looks = 0
        self.writer = self.cassette._writer
        self.look, self.writer.look = self.writer.look, self._look

    def _look(self):
        self.looks += 1
        done = []
        self.writer._look()
        self.turn.call(done.append, 1)
        self.until(lambda: done)

    def sweep(self, times=1):
        before = self.looks
        for _ in range(times):
            self.cassette.sweep()
        return self.looks - before

    def ids(self):
        return [each.id for each in self.cassette.patterns()]

    def said(self):
        """All answers, in the order in which they are asked."""
        found = [self.cassette.get(number).response.body.read(0, 9999).decode() for number in self.ids()]
        return [each.partition('"content": "')[2].partition('"')[0] for each in found]


@pytest.fixture
def talk(file):
    opened = Watched(file)
    yield opened
    opened.cassette.close()


_times = itertools.count(1)


def changed(file, text, *, in_place=False):
    """Always with a time of its own, however fast the test is."""
    new = file if in_place else file.with_suffix(".new")
    new.write_bytes(text if isinstance(text, bytes) else text.encode())
    os.utime(new, (0, next(_times)))
    new.replace(file)


def test_talks_are_read_by_the_thread_that_reads_the_file(talk, file):
    """The reactor's first look-up finds them read."""
    assert all(each.pattern.said.read is not None for each in talk.cassette.patterns())
    changed(file, ONE)
    assert talk.sweep(2) == 1
    assert [each.pattern.said.read is not None for each in talk.cassette.patterns()] == [True]


@pytest.mark.parametrize("in_place", [False, True], ids=["replaced", "written in place"])
def test_what_has_changed_and_rested_is_served(talk, file, in_place):
    assert talk.said() == ["one", "two"]
    assert talk.sweep(3) == 0
    changed(file, ONE, in_place=in_place)
    assert talk.sweep() == 0
    assert talk.said() == ["one", "two"]
    assert talk.sweep() == 1
    assert talk.said() == ["one"]
    assert talk.sweep(3) == 0
    assert (talk.troubles, len(talk.notices)) == ([], 1)
    assert f"{file} has changed: of its answers 1 are" in talk.notices[0]


def test_what_is_still_being_written_is_not_looked_at(talk, file):
    for at in range(3, len(ONE), 7):
        changed(file, ONE[:at], in_place=True)
        assert talk.sweep() == 0
    changed(file, ONE, in_place=True)
    assert talk.sweep(2) == 1
    assert (talk.said(), talk.troubles) == (["one"], [])


BAD = {
    "empty": ("", "an empty file"),
    "blank": ("\n\n", "talk.md:1: no answer"),
    "no answer": ("### user\n\nhello\n", "no answer"),
    "front matter": (TWO.replace("last", "["), "talk.md:"),
    "no UTF-8": (TWO.encode() + b"\xff", "not UTF-8"),
    "something else": ("hello", "talk.md:1: text before the first heading"),
    "half": (TWO[:45], "no answer"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_understood_changes_nothing_until_it_is_mended(talk, file, name):
    before = talk.ids()
    text, why = BAD[name]
    changed(file, text)
    assert talk.sweep(2) == 1
    assert (talk.said(), talk.ids()) == (["one", "two"], before)
    (trouble,) = talk.troubles
    assert str(file) in trouble
    assert why in trouble
    assert "what was read of it before is served" in trouble
    assert talk.cassette.stats()["trouble"] == trouble
    assert talk.sweep(3) == 0
    changed(file, TWO)
    assert talk.sweep(2) == 1
    assert (talk.troubles, talk.said(), talk.ids()) == ([trouble, ""], ["one", "two"], before)


def test_a_file_that_is_gone_is_told_and_comes_back(talk, file):
    aside = file.with_suffix(".aside")
    file.replace(aside)
    assert talk.sweep(2) == 1
    assert talk.troubles == [f"{file} is gone; what was read of it before is served"]
    assert talk.said() == ["one", "two"]
    assert talk.sweep(3) == 0
    aside.replace(file)
    assert talk.sweep(2) == 1
    assert talk.troubles[1:] == [""]
    file.unlink()
    file.mkdir()
    assert talk.sweep(2) == 1
    assert "no regular file" in talk.troubles[2]


class TestWrittenUnderOurHands:
    """Between the look and the reading, and while it is read."""

    @pytest.mark.parametrize("gone", [False, True])
    def test_before(self, talk, file, gone):
        changed(file, ONE)
        talk.sweep()
        look = talk._look

        def late():
            changed(file, ONE[:20])
            look()

        talk.writer.look = late
        assert talk.sweep() == 1
        talk.writer.look = look
        assert (talk.said(), talk.troubles, talk.notices) == (["one", "two"], [], [])
        if gone:
            file.unlink()
            assert talk.sweep(3) == 1
            assert "is gone" in talk.troubles[0]
        else:
            changed(file, ONE)
            assert talk.sweep(3) == 1
            assert talk.said() == ["one"]

    def test_while(self, talk, file, monkeypatch):
        read = read_file.read_from

        def grows(descriptor, path):
            data = read(descriptor, path)
            changed(file, TWO.replace("one", "longer"), in_place=True)
            return data

        monkeypatch.setattr(read_file, "read_from", grows)
        changed(file, ONE)
        assert talk.sweep(2) == 1
        assert (talk.said(), talk.troubles) == (["one", "two"], [])
        monkeypatch.undo()
        assert talk.sweep(2) == 1
        assert talk.said() == ["longer", "two"]

    def test_a_reader_that_fails(self, talk, file, monkeypatch):
        def fails(descriptor, path):
            raise RuntimeError("secret")

        monkeypatch.setattr(read_file, "read_from", fails)
        changed(file, ONE)
        talk.sweep(2)
        assert "RuntimeError" in talk.troubles[0]


class TestPlaces:
    """What stays equal up to the first change keeps its id, so sequences go on; the file's order is that of the ids."""

    @pytest.mark.parametrize(
        ("text", "kept"),
        [
            (TWO + "\n### assistant\n\nthree\n", 2),
            (TWO.replace("two", "2"), 1),
            (TWO.replace("### assistant\n\none", "### assistant\n\n0\n\n### assistant\n\none"), 0),
            ("<!-- a comment -->\n" + TWO, 2),
        ],
    )
    def test_ids(self, talk, file, text, kept):
        before = talk.ids()
        changed(file, text)
        assert talk.sweep(2) == 1
        after = talk.ids()
        assert after[:kept] == before[:kept]
        assert after == sorted(after)
        assert not set(after[kept:]) & set(before)

    def test_the_line_is_that_of_the_new_file(self, talk, file):
        (line,) = {each.detail for each in talk.cassette.patterns()[:1]}
        changed(file, "<!-- a comment -->\n" + TWO)
        talk.sweep(2)
        assert (line, talk.cassette.patterns()[0].detail) == ("line 8", "line 9")
        places = talk.cassette.places(talk.ids())
        assert [place.partition("#")[2] for place in places.values()] == ["0", "1"]


def test_in_its_own_thread(talk, file):
    """As the daemon does it."""
    talk.writer.look = talk.look
    changed(file, ONE)
    talk.sweep(2)
    talk.until(lambda: talk.said() == ["one"])


@contextmanager
def refused(file, why, mode="none"):
    with pytest.raises(CassetteError, match=why) as error:
        Played(file, mode)
    assert str(file) in str(error.value)
    yield


@pytest.mark.parametrize("mode", ["none", "new_episodes", "once", "all"])
def test_at_the_start_it_must_be_there_and_be_understood(tmp_path, mode):
    file = tmp_path / "talk.md"
    with refused(file, "No such file", mode):
        file.write_text("")
    with refused(file, "an empty file", mode):
        file.write_text(TWO.replace("last", "["))
    with refused(file, "talk.md:", mode):
        pass


@pytest.mark.parametrize("mode", ["new_episodes", "all"])
def test_it_is_only_read(file, mode):
    with refused(file, "only read", mode):
        pass
