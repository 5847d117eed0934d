"""examples/pytest-project, from its first recording to the next: the story that docs/testing.md tells."""

import re
import shutil
from pathlib import Path

import pytest
from projects import GONE, Project

EXAMPLE = Path(__file__).parents[2] / "examples" / "pytest-project"
TESTS = [
    "TestStory.test_comes_in_pieces",
    "test_a_program_that_swallows_errors",
    "test_by_the_fixture",
    "test_capital-France-Paris",
    "test_capital-Japan-Tokyo",
]
FILES = [f"tests/cassettes/test_guide/{name}.yaml" for name in TESTS]
DRIFTED = """\
llmproxy: 1 request was not recorded (tests/cassettes/test_guide/{file}.yaml, mode none)
POST /v1/chat/completions demo-fast
    llmproxy: no recording answers this request, in mode none.
    Nearest: tests/cassettes/test_guide/{file}.yaml#0 (N% alike; messages N%). It differs in:
    messages[0].content: recorded "What is the capital of {country}?" / incoming "What's the capital of {country}?"
If it is meant to be so, record it anew: LLMPROXY_MODE=all, and the same command
"""


@pytest.fixture
def project(tmp_path):
    """A copy, with what is committed."""
    shutil.copytree(EXAMPLE, tmp_path / "p", ignore=shutil.ignore_patterns("__pycache__"))
    return Project(tmp_path / "p")


def drift(project):
    """Another prompt."""
    program = project.folder / "guide.py"
    program.write_text(program.read_text().replace("What is the capital", "What's the capital"))


def texts(project):
    """What is recorded, but for what each recording has of its own."""
    volatile = re.compile(
        r"^(recorded: |    Host: |  pieces: |\.\.\. # ).*\n|\"?(chatcmpl-|req_)[0-9a-f]+", re.MULTILINE
    )
    return {name: volatile.sub("", (project.folder / name).read_text()) for name in project.cassettes()}


@pytest.mark.parametrize("more", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_what_is_committed_replays_with_no_key_and_no_upstream(project, more):
    before = {name: (project.folder / name).read_bytes() for name in project.cassettes()}
    ran = project.pytest(*GONE, *more, env={"CI": "true"}, key="")
    assert (ran.code, ran.counts()) == (0, {"passed": 5}), ran.text
    assert {name: (project.folder / name).read_bytes() for name in project.cassettes()} == before
    assert list(before) == FILES


def test_recorded_from_nothing_and_replayed(project):
    committed = texts(project)
    shutil.rmtree(project.folder / "tests" / "cassettes")
    ran = project.pytest("-n", "2")
    assert (ran.code, ran.counts()) == (0, {"passed": 5}), ran.text
    assert texts(project).keys() == committed.keys()
    again = project.pytest(*GONE, env={"CI": "1"}, key="")
    assert (again.code, again.counts()) == (0, {"passed": 5}), again.text


@pytest.mark.parametrize("more", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_drifted(project, more):
    drift(project)
    ran = project.pytest(*GONE, *more, env={"CI": "1"}, key="")
    assert ran.code == 1
    assert {name.partition("::")[2] or name: outcome for name, outcome in ran.outcomes.items()} == {
        "test_capital[France-Paris]": "failed",
        "test_capital[Japan-Tokyo]": "failed",
        "test_a_program_that_swallows_errors": "failed",
        "test_comes_in_pieces": "passed",
        "test_by_the_fixture": "failed",
    }
    said = re.sub(r"(?m)^\[gw.*\n", "", re.sub(r"\d+%", "N%", ran.text)).partition("= FAILURES =")[2]
    heads = dict(re.findall(r"(?m)^_+ (\S+) _+\n((?:.+\n){6})", said))
    assert heads["test_capital[France-Paris]"] == DRIFTED.format(file="test_capital-France-Paris", country="France")
    swallowed = "test_a_program_that_swallows_errors"
    assert heads[swallowed] == DRIFTED.format(file=swallowed, country="Italy")


def test_recorded_anew(project):
    drift(project)
    before = texts(project)
    ran = project.pytest(env={"LLMPROXY_MODE": "all"})
    assert (ran.code, ran.counts()) == (0, {"passed": 5}), ran.text
    again = project.pytest(*GONE, env={"CI": "1"}, key="")
    assert (again.code, again.counts()) == (0, {"passed": 5}), again.text
    after = texts(project)
    assert [name for name in after if after[name] == before[name]] == [FILES[0]]  # nobody asked another story
    assert "What's the capital of Spain?" in after[FILES[2]]


def test_the_page_and_the_folder_agree():
    said = (EXAMPLE / "README.md").read_text()
    assert all(name in said for name in ("CI=1 pytest", "LLMPROXY_MODE=all pytest", "guide.py"))
    assert sorted(str(file.relative_to(EXAMPLE)) for file in EXAMPLE.rglob("*.yaml")) == FILES
