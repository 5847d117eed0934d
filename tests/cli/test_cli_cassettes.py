"""`llmproxy show` and `llmproxy import` of our own cassettes: read by content, with the files beside them."""

import sys

import pytest

from proxy_daemon.cli.main import main
from proxy_daemon.core.cassettes.llmproxy import HEADER, INLINE, written
from tests.core.cassettes.llmproxy.cassette_files import file_of, recording

PICTURE = b"\x89PNG\xff" * INLINE


@pytest.fixture
def call(monkeypatch, capsysbinary):
    """`call(*words)` is (exit code, standard output, standard error) of `llmproxy WORDS`."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["llmproxy", *map(str, words)])
        code = main()
        said = capsysbinary.readouterr()
        return code, said.out, said.err.decode()

    return run


@pytest.mark.parametrize("name", ["cassette.yaml", "noname"])
def test_a_cassette_is_shown_whatever_it_is_called(tmp_path, call, name):
    (tmp_path / name).write_bytes(file_of(recording(), recording()))
    code, out, err = call("show", f"{tmp_path / name}#1")
    assert (code, err) == (0, "")
    assert b"openai-chat, chat, gpt-4o\n" in out
    assert b"  answer:\n    Paris.\n" in out
    assert b"recorded 2023-11-14T22:13:20" in out


def test_what_was_edited_is_shown(tmp_path, call):
    data = file_of(recording()).replace(b"    Paris.\n", b"    Rome.\n")
    (tmp_path / "c.yaml").write_bytes(data.replace(b"request:\n", b"edited: true\nrequest:\n"))
    assert b"  answer:\n    Rome.\n" in call("show", tmp_path / "c.yaml")[1]


def test_what_is_damaged_is_said_and_the_rest_is_shown(tmp_path, call):
    data = file_of(recording()) + b"---\nrequest: 1\n...\n" + file_of(recording()).removeprefix(HEADER)
    (tmp_path / "c.yaml").write_bytes(data)
    code, out, err = call("show", tmp_path / "c.yaml")
    assert code == 1
    assert out.count(b"Paris.") == 2
    line = data[: data.index(b"request: 1")].count(b"\n") + 1
    assert err == f"llmproxy: {tmp_path / 'c.yaml'}#1: line {line}: request: no mapping\n"


def test_a_file_beside_is_read_from_the_cassettes_own_directory(tmp_path, call, monkeypatch):
    document = written(recording(answer=PICTURE, kind=b"image/png", path=b"/x"))
    (tmp_path / "c.yaml").write_bytes(HEADER + document.text)
    ((name, data),) = document.beside.items()
    (tmp_path / name).write_bytes(data)
    for place, file in ((tmp_path, "c.yaml"), (tmp_path.parent, f"{tmp_path.name}/c.yaml")):
        monkeypatch.chdir(place)
        code, out, _ = call("show", "--raw", file)
        assert code == 0
        assert PICTURE in out


def test_a_file_beside_that_is_missing_or_a_link_is_an_error(tmp_path, call):
    document = written(recording(answer=PICTURE, kind=b"image/png", path=b"/x"))
    (tmp_path / "c.yaml").write_bytes(HEADER + document.text)
    ((name, data),) = document.beside.items()
    code, _, err = call("show", tmp_path / "c.yaml")
    assert code == 1
    assert f"{name}: No such file or directory" in err
    (tmp_path / "elsewhere").write_bytes(data)
    (tmp_path / name).symlink_to(tmp_path / "elsewhere")
    code, _, err = call("show", tmp_path / "c.yaml")
    assert code == 1
    assert "cannot be read" in err


def test_a_cassette_is_imported(tmp_path, call):
    (tmp_path / "c.yaml").write_bytes(file_of(recording()))
    code, out, _ = call("import", tmp_path / "c.yaml", "--store", tmp_path / "s.db")
    assert code == 0
    assert b"read 1, imported 1" in out


def test_a_cassette_of_a_newer_version_is_refused(tmp_path, call):
    (tmp_path / "c.yaml").write_bytes(b"# llmproxy cassette 2\n---\nall: new\n...\n")
    code, out, err = call("show", tmp_path / "c.yaml")
    assert (code, out) == (1, b"")
    assert "newer" in err
