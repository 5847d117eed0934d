"""`llmproxy import` in a folder of its own, without settings of the environment."""

import json
import os
import sys

import pytest

from proxy_daemon.cli.main import main


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The folder that the commands run in; its store is s.db."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("LLMPROXY_")]:
        monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def cassette(place):
    """`cassette(*entries)` writes a cassette; gives its name."""

    def write(*entries, name="c.yaml"):
        (place / name).write_text(json.dumps({"interactions": entries, "version": 1}))
        return name

    return write


@pytest.fixture
def call(monkeypatch, capsys, place):
    """`call(*words)` is (exit code, lines of standard output, standard error) of `llmproxy import WORDS`."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["llmproxy", "import", *words, "--store", "s.db"])
        code = main()
        said = capsys.readouterr()
        return code, said.out.splitlines(), said.err

    return run


@pytest.fixture
def llmproxy(monkeypatch, capsys, place):
    """`llmproxy(*words)` is (exit code, lines of standard output, standard error) of that command."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["llmproxy", *map(str, words)])
        code = main()
        said = capsys.readouterr()
        return code, said.out.splitlines(), said.err

    return run
