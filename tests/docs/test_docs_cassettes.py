"""docs/cassettes.md: the file that it shows is what llmproxy writes, and what it says of it holds."""

import re
from array import array
from pathlib import Path

from attrs import evolve

from proxy_daemon.core.cassettes.llmproxy import HEADER, json_style, read, reading, written
from proxy_daemon.core.cassettes.llmproxy.messages import _REQUEST, _RESPONSE

PAGE = (Path(__file__).parents[2] / "docs" / "cassettes.md").read_text()
SHOWN = re.search(r"<!-- file: capital.yaml -->\n```yaml\n(.*?)```", PAGE, re.DOTALL)[1]


def only(data):
    (found,) = read("capital.yaml", data.encode(), {}.__getitem__)
    return found


def test_the_file_shown_is_what_is_written():
    found = only(SHOWN).recording
    text = (HEADER + written(found).text).decode()
    assert re.sub(r"# [0-9a-f]{16}\n\Z", "# SEAL\n", text) == SHOWN
    assert found.response.pieces.times == array("Q", [412_000])


def test_the_table_names_all_members():
    table = PAGE.partition("| member |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`([a-z0-9]+)`", table))
    members = reading._MEMBERS | _REQUEST | _RESPONSE
    plain = {"status", "method", "target", "headers", "reason"}  # what they are is seen in the file
    assert members - named == plain
    assert named <= members


def test_the_styles_are_those_that_there_are():
    (line,) = [line for line in PAGE.split("\n") if line.startswith("The styles are")]
    assert set(re.findall(r"`(?:, )?([a-z0-9-]+)`", line)) == {*json_style._BASES, *json_style._FLAGS}


def test_the_error_shown_is_the_one_that_is_said():
    found = only(SHOWN.replace("    Paris.\n", "    Rome.\n"))
    assert f"capital.yaml:{found.line}: {found.reason}\n" in PAGE


def test_what_was_edited_is_served():
    found = only(SHOWN.replace("    Paris.\n", "    Rome.\n").replace("request:\n", "edited: true\nrequest:\n"))
    assert b"Rome." in found.recording.response.body.whole()
    assert evolve(found.recording, response=None) == evolve(only(SHOWN).recording, response=None, written=True)


def test_hooks_that_strip_blanks_change_nothing():
    text = (HEADER + written(only(SHOWN).recording).text).decode()
    stripped = "\n".join(line.rstrip() for line in text.rstrip().split("\n"))
    assert only(stripped).recording == only(SHOWN).recording
