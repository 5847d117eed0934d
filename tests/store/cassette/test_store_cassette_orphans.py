"""Files beside cassettes that nobody names."""

import os
from pathlib import Path

import pytest
from cassettes import HEADER, answered, recorded

from proxy_daemon.store.cassette import locking
from proxy_daemon.store.cassette.locking import locked
from proxy_daemon.store.cassette.orphans import named_in, orphans, removed

AUDIO = bytes(range(256)) * 400
NAME, OTHER = "ab" * 32 + ".png", "cd" * 32 + ".bin"


def names(found):
    return [Path(each.path).name for each in found]


@pytest.mark.parametrize(
    ("cassettes", "left"),
    [
        ({}, [NAME, OTHER]),
        ({"c.yaml": f"file: {NAME}"}, [OTHER]),
        ({"c.yaml": f"file: {NAME}", "other": f"# {OTHER}"}, []),
        ({"broken.yml": f"<<<<<<< HEAD\nfile: {NAME}"}, [OTHER]),
        ({"c.yaml": f"file: {NAME[:40]}"}, [NAME, OTHER]),
    ],
)
def test_what_no_cassette_of_the_directory_names(tmp_path, cassettes, left):
    for name in (NAME, OTHER):
        (tmp_path / name).write_bytes(b"12345")
    for name, text in cassettes.items():
        (tmp_path / name).write_bytes((b"" if text.startswith("<") else HEADER) + text.encode())
    found = orphans(str(tmp_path))
    assert names(found) == left
    assert all(each.size == 5 for each in found)
    assert names(removed(str(tmp_path))) == left
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted({NAME, OTHER, *cassettes} - set(left))


def test_what_is_no_file_beside_stays(tmp_path):
    (tmp_path / (NAME + "x" * 9)).write_text("")
    (tmp_path / NAME.upper()).write_text("")
    (tmp_path / NAME).mkdir()
    (tmp_path / OTHER).symlink_to("elsewhere")
    os.mkfifo(tmp_path / "pipe")
    assert removed(str(tmp_path)) == []
    assert len(list(tmp_path.iterdir())) == 5


def test_a_real_one_is_named(played, path):
    played().put(recorded("x", response=answered(AUDIO, ((b"Content-Type", b"audio/mpeg"),))))
    (beside,) = [each for each in path.parent.iterdir() if each != path]
    assert named_in(path.read_bytes()) == {beside.name}
    assert orphans(str(path.parent)) == []
    path.write_bytes(HEADER)
    assert names(orphans(str(path.parent))) == [beside.name]


def test_while_a_cassette_is_written_nothing_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(locking, "BUSY_SECONDS", 0.0)
    (tmp_path / NAME).write_text("")
    cassette = tmp_path / "c.yaml"
    cassette.write_bytes(HEADER)
    with locked(str(cassette)), pytest.raises(OSError, match="locked"):
        removed(str(tmp_path))
    assert (tmp_path / NAME).exists()
    assert names(removed(str(tmp_path))) == [NAME]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads all")
def test_where_a_cassette_cannot_be_read_nothing_is_an_orphan(tmp_path):
    (tmp_path / NAME).write_text("")
    (tmp_path / "c.yaml").write_bytes(HEADER)
    (tmp_path / "c.yaml").chmod(0)
    with pytest.raises(PermissionError):
        orphans(str(tmp_path))


def test_a_directory_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        orphans(str(tmp_path / "none"))
