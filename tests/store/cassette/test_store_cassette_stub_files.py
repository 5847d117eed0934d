"""The folder `__files`: what is in it is read, and nothing else, whatever links and names say."""

import os
from pathlib import Path

import pytest

from proxy_daemon.store.cassette import stub_files as module
from proxy_daemon.store.cassette.stub_files import stub_files

FDS = Path("/proc/self/fd")


@pytest.fixture
def root(tmp_path):
    (tmp_path / "mappings" / "deep").mkdir(parents=True)
    (tmp_path / "__files" / "sub").mkdir(parents=True)
    (tmp_path / "__files" / "a.json").write_bytes(b"a")
    (tmp_path / "__files" / "sub" / "b.json").write_bytes(b"b")
    (tmp_path / "secret").write_bytes(b"secret")
    return tmp_path


@pytest.mark.parametrize("file", ["m.json", "mappings/m.json", "mappings/deep/m.json"])
def test_files_beside_and_beside_mappings(root, file):
    read = stub_files(str(root / file))
    assert (read("a.json"), read("sub/b.json")) == (b"a", b"b")


def test_those_beside_the_file_come_first(root):
    (root / "mappings" / "__files").mkdir()
    (root / "mappings" / "__files" / "a.json").write_bytes(b"nearer")
    read = stub_files(str(root / "mappings" / "m.json"))
    assert (read("a.json"), read("sub/b.json")) == (b"nearer", b"b")


@pytest.mark.parametrize("name", ["../secret", "sub/../../secret", "/etc/passwd", "", ".", "sub", "sub/", "none.json"])
def test_nothing_else(root, name):
    with pytest.raises(OSError, match=r"."):
        stub_files(str(root / "m.json"))(name)


def test_a_folder_of_another_name_is_not_looked_into(root):
    other = root / "other"
    other.mkdir()
    with pytest.raises(FileNotFoundError):
        stub_files(str(other / "m.json"))("a.json")


@pytest.mark.parametrize("name", ["link", "way/secret", "sub/link"])
def test_no_link_is_followed(root, name):
    (root / "__files" / "link").symlink_to(root / "secret")
    (root / "__files" / "way").symlink_to(root)
    (root / "__files" / "sub" / "link").symlink_to("../../secret")
    with pytest.raises(OSError, match=r"."):
        stub_files(str(root / "m.json"))(name)


def test_the_folder_itself_is_no_link(root):
    other = root / "other"
    other.mkdir()
    (other / "__files").symlink_to(root / "__files")
    with pytest.raises(OSError, match=r"."):
        stub_files(str(other / "m.json"))("a.json")


def test_no_pipe_holds_it_up_and_nothing_is_too_large(root, monkeypatch):
    os.mkfifo(root / "__files" / "pipe")
    with pytest.raises(OSError, match="no regular file"):
        stub_files(str(root / "m.json"))("pipe")
    monkeypatch.setattr(module, "MOST", 0)
    with pytest.raises(OSError, match="no regular file"):
        stub_files(str(root / "m.json"))("a.json")


def test_no_descriptor_is_left_open(root):
    before = sum(1 for _ in FDS.iterdir())
    read = stub_files(str(root / "m.json"))
    for name in ("a.json", "sub/b.json", "none", "sub/none", "none/x", "a.json/x"):
        try:
            read(name)
        except OSError:
            continue
    assert sum(1 for _ in FDS.iterdir()) == before
