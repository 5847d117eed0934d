"""docs/scripting.md: each sample is a talk that is read, and its table has the keys that there are."""

import re
from pathlib import Path

import pytest
from page_player import blocks

from proxy_daemon.core.cassettes.formats import read
from proxy_daemon.core.messages import Recording
from proxy_daemon.core.talk.carrying import NAMES
from proxy_daemon.core.talk.documents import ROLES
from proxy_daemon.core.talk.front_matter import ALIASES, KEYS
from proxy_daemon.core.talk.parts_writing import LARGEST

PAGE = (Path(__file__).parents[2] / "docs" / "scripting.md").read_text()
SAMPLES = {name: content for kind, name, _, content in blocks(PAGE) if kind == "file"}
ANSWERS = {
    "talk.md": 1,
    "turns.md": 2,
    "quoted.md": 1,
    "wild.md": 3,
    "front.md": 2,
    "limit.md": 1,
    "tools.md": 2,
    "more.md": 2,
    "fixtures.json": 3,
}


@pytest.mark.parametrize("name", list(ANSWERS))
def test_each_sample_is_read(name):
    found = list(read(name, SAMPLES[name].encode()))
    assert all(isinstance(each, Recording) for each in found)
    assert len(found) == ANSWERS[name]


def test_no_sample_is_left_out():
    assert set(SAMPLES) == set(ANSWERS)


def test_a_blockquote_and_backslashes_are_what_the_page_says():
    (found,) = read("quoted.md", SAMPLES["quoted.md"].encode())
    assert found.pattern.said.messages[0].text == "### user\n~~~\nis a heading, they say"
    assert b"\\n### user\\nis none" in found.response.body.whole()


def test_the_keys():
    rows = PAGE.partition("| key | meaning |")[2].partition("\n\n")[0].splitlines()[2:]
    named = {name.partition(":")[0] for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])}
    assert named == KEYS


def test_the_roles_and_the_apis():
    assert set(re.findall(r"`### (\w+)`", PAGE)) <= set(ROLES)
    assert {"openai", "gemini", "responses"} <= set(ALIASES)
    assert set(ALIASES.values()) <= NAMES
    assert "anthropic" in NAMES


def test_the_size_of_large_media():
    assert f"{LARGEST // 1024} KiB" in PAGE
