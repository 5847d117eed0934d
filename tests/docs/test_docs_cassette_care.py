"""docs/cassette-care.md: the kinds, options and lines that it names are those that there are."""

import re
import sys
from pathlib import Path

import pytest

from proxy_daemon.cli.main import main
from proxy_daemon.core.care.findings import KINDS
from tests.cli.care_files import asked, put

PAGE = (Path(__file__).parents[2] / "docs" / "cassette-care.md").read_text()
OF_OTHERS = {"--json", "--cassette-dir", "--repeat", "--ext-diff", "--no-ext-diff"}


@pytest.fixture
def call(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["llmproxy", *words])
        main()
        return capsys.readouterr().out

    return run


def test_the_table_names_all_kinds():
    assert re.findall(r"(?m)^\| `([a-z]+)` \|", PAGE) == list(KINDS)


def test_the_options_exist(call):
    told = "".join(call(name, "--help") for name in ("lint", "prune", "sort", "diff"))
    named = set(re.findall(r"--[a-z][a-z-]+", PAGE))
    assert {name for name in named - OF_OTHERS if name not in told} == set()


def test_the_two_lines_are_those_of_the_help(call):
    lines = re.search(r"<!-- git -->\n```sh\n(.*?)```", PAGE, re.DOTALL)[1].splitlines()
    assert [f"  {line}" for line in lines if f"  {line}" in call("diff", "--help").splitlines()] == [
        f"  {line}" for line in lines
    ]


def test_the_lines_shown_are_those_that_are_printed(call, tmp_path):
    put(tmp_path, asked(), name="old.yaml")
    put(tmp_path, asked(said="Lyon."), name="new.yaml")
    assert f"$ llmproxy diff old.yaml new.yaml\n{call('diff', 'old.yaml', 'new.yaml')}```" in PAGE
    put(tmp_path, asked(), asked("rain"), asked(), name="weather.yaml")
    (line,) = call("lint", "weather.yaml").splitlines()
    assert re.sub(r":[0-9]+:", ":56:", line, count=1) in PAGE.replace("tests/cassettes/weather", "weather")
