"""docs/run.md: its tables say what the code says, and its page names each client that needs a line of its own."""

import re
from pathlib import Path

import pytest

from proxy_daemon.cli.judgement import WORDS
from proxy_daemon.cli.providers import PROVIDERS, STAY_HOME
from proxy_daemon.cli.run_options import DEFAULT, parse

PAGE = (Path(__file__).parents[2] / "docs" / "run.md").read_text()


def rows(header):
    """The cells of each row of the table with this header."""
    lines = PAGE.partition(header)[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_variable_is_listed_with_those_who_read_it():
    known = [[f"`{p.name}`", f"`{each.name}`", each.read_by] for p in PROVIDERS for each in p.variables]
    assert rows("| API | variable | read by |") == known


def test_every_home_and_every_key_is_listed():
    found = rows("| API | lives at | key,")
    assert [row[0] for row in found] == [f"`{provider.name}`" for provider in PROVIDERS]
    for provider, (_, home, keys) in zip(PROVIDERS, found, strict=True):
        assert home == (
            f"`{provider.home}`" if provider.home else f"where the variable, or `--upstream {provider.name}=URL`, says"
        )
        assert keys == (", ".join(f"`{group[0]}`" for group in provider.keys) or "-")


def test_what_keeps_clients_from_downloads_is_named():
    assert all(f"`{name}`" in PAGE for name in STAY_HOME)


def test_what_to_fail_on():
    found = rows("| `--fail-on` | |")
    assert {row[0].strip("`") for row in found} == {*WORDS, "nothing"}
    assert tuple(row[0].strip("`") for row in found if "(default)" in row[1]) == DEFAULT


@pytest.mark.parametrize(
    ("where", "env", "words"),
    [
        ("`CI` is set", {"CI": "1"}, "-- x"),
        ("there is a cassette", {}, "--cassette c -- x"),
        ("there is none", {}, "-- x"),
    ],
)
def test_the_mode_where_none_is_given(where, env, words):
    assert [row[0].strip("`") for row in rows("| `--mode` | default where | |") if row[1] == where] == [
        parse(words.split(), env).mode
    ]


def test_variables_that_samples_hand_over_are_set():
    known = {each.name for provider in PROVIDERS for each in provider.variables}
    handed = re.findall(r"(?:process\.env\.|environ(?:\.get\(|\[)\")([A-Z_]+)", PAGE)
    assert handed
    assert set(handed) <= known
