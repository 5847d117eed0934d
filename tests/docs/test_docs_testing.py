"""docs/testing.md: its tables say what the plugin takes, and what the fixture gives."""

import re
from pathlib import Path

from proxy_daemon.core.modes import NAMES
from proxy_daemon.in_tests.asked import ALWAYS, ARGUMENTS, ON_ERROR
from proxy_daemon.in_tests.cassette import CassetteInUse
from proxy_daemon.in_tests.place import DIGITS, FOLDER, LONGEST
from proxy_daemon.pytest_plugin import MARKER

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()


def rows(header):
    """The cells of each row of the table with this header."""
    lines = PAGE.partition(header)[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_modes():
    assert {row[0].split("`")[1] for row in rows("| mode | what is in the file |")} == set(NAMES)


def test_the_arguments_of_the_marker():
    found = {row[0].strip("`"): row[1] for row in rows("| argument | |")}
    assert set(found) == set(ARGUMENTS)
    assert re.findall(r"(\w+)=", MARKER.partition(":")[0]) == list(ARGUMENTS)
    assert re.findall("`([a-z]+)`", found["on_error_response"]) == list(ON_ERROR)
    assert all(f"`{word}`" in found["fail_on"] for word in ALWAYS)


def test_what_the_fixture_gives():
    listed = {name for row in rows("| of `llmproxy_cassette` | |") for name in re.findall(r"`(\w+)", row[0])}
    assert listed <= set(dir(CassetteInUse)) | {"records"}
    assert {"url", "url_for", "file", "mode", "verdict"} <= listed


def test_the_rule_of_names():
    assert f"/{FOLDER}/<its name>/" in PAGE
    assert f"longer than {LONGEST} characters" in PAGE
    assert {8: "eight"}[DIGITS] + " digits of a hash" in PAGE
