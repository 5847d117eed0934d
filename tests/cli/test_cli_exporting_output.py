"""Where exports go: whole files or none, whatever stops them, and nothing outside the folder."""

import errno
import os
import signal
import stat
import sys
from pathlib import Path

import pytest
from exported import PLUGIN, exchange, put, raw
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.cli import export_place
from proxy_daemon.cli.export_outputs import InFile, InFolder
from proxy_daemon.cli.export_place import InTheWay, Place, checked
from proxy_daemon.core.messages import id_text

ONE, TWO = (f"20260101-12000{number}-{id_text(number)}" for number in (1, 2))


@pytest.fixture
def export(llmproxy, place):
    """`export(*words)` is (exit code, standard output, standard error) of `llmproxy export WORDS`, with a plugin."""
    (place / "lines.py").write_text(PLUGIN)
    put("s.db", exchange(1, response=raw(b"one")), exchange(2, response=raw(b"two")))

    def run(*words, form="lines", store="s.db"):
        code, out, err = llmproxy("export", *words, "--format", form, "--store", store, "--plugin", "lines.py")
        return code, "\n".join(out), err

    return run


def names(folder="."):
    """What is new there, hidden names too."""
    known = {"lines.py", "__pycache__", "s.db", "s.db-shm", "s.db-wal", "s.db.text"}
    return sorted(each.name for each in Path(folder).iterdir() if each.name not in known)


# --- files and folders -----------------------------------------------------------------------------------------------


def test_a_file(export):
    assert export("--output", "o.txt") == (0, "", "2 exchanges written as lines to o.txt\n")
    assert Path("o.txt").read_text() == f"<{id_text(1)}:one,{id_text(2)}:two>"
    assert names() == ["o.txt"]


def test_a_folder_has_a_file_of_each(export):
    assert export("--output", "made/")[0] == 0
    assert names() == ["made"]
    assert names("made") == [f"{ONE}.txt", f"{TWO}.txt"]
    assert Path(f"made/{ONE}.txt").read_text() == f"<{id_text(1)}:one>"
    assert stat.S_IMODE(Path(f"made/{ONE}.txt").stat().st_mode) == 0o600


def test_a_folder_that_is_there_needs_no_slash(export):
    Path("there").mkdir()
    Path("there/other").write_text("stays")
    assert export("--output", "there", form="single")[0] == 0
    assert names("there") == [f"{ONE}.one", f"{TWO}.one", "other"]


@pytest.mark.parametrize("started", [0, 9e12, -9e12])
def test_what_has_no_time_is_named_by_its_id(export, started):
    put("t.db", exchange(1, started=started))
    assert export("--output", "made/", store="t.db")[0] == 0
    assert names("made") == [f"{id_text(1)}.txt"]


def test_a_format_for_one_exchange(export):
    code, out, err = export(form="single")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--output FOLDER/ writes a file for each" in err
    for words in (["--output", "o.one"], ["--dry-run"], ["--dry-run", "--output", "o.one"]):
        assert export(*words, form="single")[0] == 2
    assert names() == []
    assert export(id_text(2), form="single")[:2] == (0, f"<{id_text(2)}:two>")
    assert export(id_text(2), "--output", "o.one", form="single")[0] == 0
    assert export("--dry-run", "--output", "f/", form="single")[0] == 0


# --- what is there already -------------------------------------------------------------------------------------------


def test_a_file_that_is_there_is_not_replaced_but_by_force(export):
    Path("o.txt").write_text("old")
    Path("o.txt").chmod(0o640)
    for more in ([], ["--dry-run"]):
        code, _, err = export("--output", "o.txt", *more)
        assert (code, err) == (2, "llmproxy export: o.txt is there; --force replaces it\n")
    assert Path("o.txt").read_text() == "old"
    assert export("--output", "o.txt", "--force")[0] == 0
    assert Path("o.txt").read_text().endswith("two>")
    assert stat.S_IMODE(Path("o.txt").stat().st_mode) == 0o640  # as it was
    assert names() == ["o.txt"]


def test_one_file_in_the_way_keeps_all_of_a_folder_out(export):
    Path("made").mkdir()
    Path(f"made/{TWO}.txt").write_text("old")
    code, _, err = export("--output", "made/")
    assert (code, err) == (2, f"llmproxy export: {TWO}.txt: it is there; --force replaces it; nothing was written\n")
    assert names("made") == [f"{TWO}.txt"]
    assert export("--output", "made/", "--force")[0] == 0
    assert names("made") == [f"{ONE}.txt", f"{TWO}.txt"]
    assert export("--output", "made/")[0] == 0  # the same is there


def test_what_comes_meanwhile_stays(export, monkeypatch):
    def late(self, name):
        Path(name).write_text("of another")
        return True

    monkeypatch.setattr(Place, "_may_take", late)
    code, _, err = export("--output", "o.txt")
    assert (code, "it came meanwhile" in err) == (2, True)
    assert Path("o.txt").read_text() == "of another"


def test_a_file_system_without_links(export, monkeypatch):
    def fail(*_, **__):
        raise OSError(errno.EPERM, "no links")

    monkeypatch.setattr(os, "link", fail)
    assert export("--output", "o.txt")[0] == 0
    assert names() == ["o.txt"]


# --- wrong places ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "code", "said"),
    [
        ("none/o.txt", 2, "there is no folder none"),
        ("none/deep/", 2, "there is no folder none"),
        ("link", 2, "is a link: name what it leads to"),
        ("link/", 2, "is a link: name what it leads to"),
        ("dangling", 2, "is a link"),
        ("round", 2, "is a link"),
        ("s.db/", 2, "is no folder"),
        ("s.db/o.txt", 2, "there is no folder s.db"),
        ("pipe", 2, "is no regular file"),
        ("a\0b", 2, "no name of a file"),
        ("x" * 300, 1, "File name too long"),
        ("shut/o.txt", 1, "Permission denied"),
        ("shut/made/", 1, "Permission denied"),
    ],
)
def test_places_where_nothing_can_be_written(export, place, output, code, said):
    (place / "real").mkdir()
    (place / "link").symlink_to("real")
    (place / "dangling").symlink_to("nowhere")
    (place / "round").symlink_to("round")
    os.mkfifo(place / "pipe")
    (place / "shut").mkdir(mode=0o500)
    if output.startswith("shut") and os.access("shut", os.W_OK):
        pytest.skip("who runs the tests may write anywhere")
    before = names()
    found, out, err = export("--output", output)
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert said in err
    assert (names(), names("real")) == (before, [])


def test_a_full_disk(export, monkeypatch):
    class Full:
        def __init__(self, file):
            self.file = file

        def __getattr__(self, name):
            return getattr(self.file, name)

        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    begin = Place.begin
    monkeypatch.setattr(Place, "begin", lambda self, name: Full(begin(self, name)))
    code, _, err = export("--output", "o.txt")
    assert (code, err) == (1, "llmproxy export: o.txt cannot be written: No space left on device\n")
    assert names() == []


@pytest.mark.parametrize("broken", ["fsync", "link"])
@pytest.mark.parametrize("output", ["o.txt", "made/"])
def test_an_error_at_the_end_leaves_nothing(export, monkeypatch, broken, output):
    true, calls = getattr(os, broken), []

    def fail(*args, **more):
        calls.append(args)
        if len(calls) == (2 if output == "made/" else 1):
            raise OSError(errno.EIO, "Input/output error")
        return true(*args, **more)

    monkeypatch.setattr(os, broken, fail)
    code, _, err = export("--output", output)
    assert (code, err) == (1, f"llmproxy export: {output} cannot be written: Input/output error\n")
    assert names() == []


# --- files beside ----------------------------------------------------------------------------------------------------


def test_files_beside(export):
    put("b.db", exchange(1, fields=[(b"X-File", b"a.bin")], response=raw(b"body")))
    for output in ("o.txt", "made/"):
        assert export("--output", output, store="b.db")[0] == 0
    assert Path("a.bin").read_bytes() == Path("made/a.bin").read_bytes() == b"body"
    assert export("--output", "p.txt", store="b.db")[0] == 0  # the same file beside both
    Path("a.bin").write_text("other")
    assert export("--output", "q.txt", store="b.db")[0] == 2
    assert not Path("q.txt").exists()


@pytest.mark.parametrize("name", ["../out.bin", "/tmp/llmproxy-out.bin", "a/b.bin", "..", "", "a\\b", "x" * 256])
def test_names_that_lead_out_of_the_folder(export, name):
    bad = exchange(1, fields=[(b"X-File", name.encode())])
    put("b.db", bad, exchange(2, response=raw(b"two")))
    for more in ([], ["--dry-run"]):
        code, _, err = export("--output", "sub/", *more, store="b.db")
        assert code == 1
        assert f"{id_text(1)}: it has a file beside it whose name is none, or leads out of the folder" in err
    assert names() == ["b.db", "sub"]
    assert names("sub") == [f"{TWO}.txt"]


def test_a_link_in_the_folder_is_not_followed(export, place):
    (place / "outside").write_text("precious")
    Path("made").mkdir()
    Path("made/a.bin").symlink_to("../outside")
    put("b.db", exchange(1, fields=[(b"X-File", b"a.bin")], response=raw(b"body")))
    for more in ([], ["--force"]):
        assert export("--output", "made/", *more, store="b.db")[0] == 2
    assert (place / "outside").read_text() == "precious"


def test_two_that_have_another_file_of_one_name(export):
    fields = [(b"X-File", b"a.bin")]
    put("b.db", exchange(1, fields=fields, response=raw(b"one")), exchange(2, fields=fields, response=raw(b"two")))
    code, _, err = export("--output", "o.txt", store="b.db")
    assert (code, Path("a.bin").read_text()) == (1, "one")
    assert f"{id_text(2)}: another file of this export has its name" in err


def test_the_file_itself_is_nothing_that_stands_beside_it(export):
    put("b.db", exchange(1, fields=[(b"X-File", b"o.txt")]))
    assert export("--output", "o.txt", store="b.db")[0] == 1
    assert not Path("o.txt").exists()


def test_standard_output_has_nothing_beside_it(export):
    put("b.db", exchange(1, fields=[(b"X-File", b"a.bin")]))
    code, out, err = export(store="b.db")
    assert (code, out) == (1, "")
    assert "name a file or a folder with --output" in err


@given(st.text())
def test_no_name_is_a_path(name):
    try:
        assert checked(name) == name
    except InTheWay:
        return
    assert os.path.normpath(f"/folder/{name}") == f"/folder/{name}"
    assert Path("/folder", name).parent == Path("/folder")


# --- a terminal ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("answer", "code"), [(b"plain\n\ttext", 0), (b"\x1b[2J", 2), (b"\xff", 2), (b"\0", 2)])
def test_a_terminal_gets_no_octets(export, monkeypatch, answer, code):
    put("b.db", exchange(1, response=raw(answer)))
    assert export("--output", "any.txt", store="b.db")[0] == 0
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    found, out, err = export(store="b.db")
    assert found == code
    assert ("name a file with --output" in err, out == "") == (code == 2, code == 2)


# --- signals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("output", ["o.txt", "made/"])
def test_a_signal_leaves_nothing(export, monkeypatch, number, output):
    kind = InFolder if output == "made/" else InFile
    written = kind.put

    def stopped(self, *args):
        written(self, *args)
        signal.raise_signal(number)

    monkeypatch.setattr(kind, "put", stopped)
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    assert export("--output", output)[0] == 128 + number
    assert names() == []
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == handlers


def test_a_signal_while_files_get_their_names_comes_too_late(export, monkeypatch):
    link = os.link

    def linked(*args, **more):
        link(*args, **more)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(os, "link", linked)
    assert export("--output", "made/")[0] == 0
    assert names("made") == [f"{ONE}.txt", f"{TWO}.txt"]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_signal_that_is_ignored_stays_ignored(export, monkeypatch):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        begin = Place.begin
        monkeypatch.setattr(
            Place, "begin", lambda self, name: (signal.raise_signal(signal.SIGHUP), begin(self, name))[1]
        )
        assert export("--output", "o.txt")[0] == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_nothing_has_its_name_before_the_end(tmp_path):
    place = Place(str(tmp_path))
    place.put("a", b"one")
    assert not (tmp_path / "a").exists()
    staged = [each for each in tmp_path.iterdir() if each.name.startswith(export_place.STAGE)]
    assert stat.S_IMODE(staged[0].stat().st_mode) == 0o700
    place.commit()
    place.abandon()
    place.abandon()
    assert [each.name for each in tmp_path.iterdir()] == ["a"]
