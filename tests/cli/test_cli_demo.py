"""`llmproxy demo`, once, as somebody who tries it runs it: its four steps, and that nothing of it is left."""

import os
import re
import subprocess
import sys

import pytest
from rig import LIMIT

TITLES = [
    "1. A question goes through, and its answer is recorded",
    "2. A stream goes through as it comes",
    "3. The same questions again, in mode none: replayed",
    "4. A question that differs: refused, with the difference",
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo has run: its process, and the folder in which it may write."""
    folder = tmp_path_factory.mktemp("demo")
    bare = {name: value for name, value in os.environ.items() if not name.startswith("LLMPROXY_")}
    ended = subprocess.run(
        [sys.executable, "-m", "proxy_daemon.cli.main", "demo"],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
        cwd=folder,
        env=bare | {"HOME": str(folder), "TMPDIR": str(folder)},
    )
    return ended, folder


@pytest.fixture
def steps(demo):
    """What each step says: the beginning, steps 1 to 4."""
    parts = re.split(r"^\d\. .*\n", demo[0].stdout, flags=re.MULTILINE)
    assert len(parts) == 5, demo[0].stdout + demo[0].stderr
    return parts


def cache(text):
    """The `Cache-Status` values in it, in order."""
    return re.findall(r"llmproxy; (\S+)", text)


def streamed(text):
    """The words of the stream, and how many events they came in."""
    words, count = re.search(r"^   (\S.*)\n   (\d+) events, ", text, re.MULTILINE).groups()
    return words, int(count)


def test_it_ends_well(demo):
    ended, folder = demo
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "\nAll as it should be.\n" in ended.stdout
    assert list(folder.rglob("llmproxy-demo-*")) == []
    assert not list(folder.rglob("*.db"))


def test_its_steps_are_told_in_order(demo):
    assert re.findall(r"^\d\. .*", demo[0].stdout, re.MULTILINE) == TITLES


def test_it_begins_with_two_daemons_on_ports_of_their_own(steps):
    addresses = re.findall(r"http://127\.0\.0\.1:\d+", steps[0])
    assert len(set(addresses)) == 2


def test_a_question_is_forwarded(steps):
    assert re.search(r"^   200  '.+'$", steps[1], re.MULTILINE)
    assert cache(steps[1]) == ["fwd=miss"]


def test_a_stream_comes_in_many_events(steps):
    words, count = streamed(steps[2])
    assert words
    assert count > 2
    assert cache(steps[2]) == ["fwd=miss"]
    assert "the API is gone now" in steps[2]


def test_both_are_replayed_as_they_were(steps):
    said = re.findall(r"^   200  ('.+')$", steps[1] + steps[3], re.MULTILINE)
    assert len(said) == 2
    assert said[0] == said[1]
    assert streamed(steps[3]) == streamed(steps[2])
    assert cache(steps[3]) == ["hit", "hit"]


def test_what_differs_is_refused_and_explained(steps):
    assert "   424  llmproxy: no recording answers this request, in mode none." in steps[4]
    assert "Nearest: exchange " in steps[4]
    assert "France" in steps[4]
    assert "Italy" in steps[4]


def test_it_says_how_to_go_on(steps):
    assert "llmproxy serve --upstream " in steps[4]
    assert "OPENAI_BASE_URL=http://127.0.0.1:8910/v1" in steps[4]
