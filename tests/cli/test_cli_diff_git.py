"""`llmproxy diff --git` under git itself, with the two lines of configuration that docs/cassette-care.md shows."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from care_files import asked, put, put_picture

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "cassette-care.md").read_text()
TWO_LINES = re.search(r"<!-- git -->\n```sh\n(.*?)```", PAGE, re.DOTALL)[1]
TITLE = "POST /v1/chat/completions gpt-4o"

pytestmark = pytest.mark.skipif(
    shutil.which("git") is None and not os.environ.get("LLMPROXY_REQUIRE_ALL"), reason="needs git"
)


@pytest.fixture
def git(place, monkeypatch):
    """`git(*words)`: what it prints; the folder is a repository, `cassettes` is where the driver counts."""
    commands = place.parent / f"{place.name}-commands"
    commands.mkdir()
    command = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m proxy_daemon.cli.main "$@"\n'
    (commands / "llmproxy").write_text(command)
    (commands / "llmproxy").chmod(0o755)
    environ = {
        "PATH": f"{commands}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(place),
        "GIT_CONFIG_NOSYSTEM": "1",
        "LC_ALL": "C.UTF-8",
    }

    def run(*words):
        said = ["git", "-c", "user.name=n", "-c", "user.email=n@example.org", *words]
        done = subprocess.run(said, env=environ, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout.splitlines()

    run("init", "-q", ".")
    subprocess.run(["sh", "-ec", TWO_LINES], env=environ, check=True)
    (place / "cassettes").mkdir()
    return run


def commit(git, *words):
    git("add", "-A", ".")
    git("commit", "-qm", "x", *words)


def test_there_are_two_lines():
    assert len(TWO_LINES.splitlines()) == 2


def test_a_change(git, place):
    put(place / "cassettes", asked(), asked("rain"))
    commit(git)
    put(place / "cassettes", asked(said="Lyon."), asked("rain", started=5.0))
    found = [
        "llmproxy diff cassettes/c.yaml",
        f"a/cassettes/c.yaml#0 -> b/cassettes/c.yaml#0: {TITLE}",
        "  answer text",
        '    - "Paris."',
        '    + "Lyon."',
    ]
    assert git("diff") == found
    commit(git)
    assert git("diff", "HEAD~", "HEAD") == found
    assert git("log", "-p", "--ext-diff", "-1", "--format=") == found


def test_where_only_times_differ_it_says_so(git, place):
    put(place / "cassettes", asked())
    commit(git)
    put(place / "cassettes", asked(started=7.0))
    assert git("diff") == ["llmproxy diff cassettes/c.yaml", "  nothing that is said differs"]


def test_new_and_gone_and_renamed(git, place):
    path = put(place / "cassettes", asked())
    git("add", "-A", ".")
    lines = [f"cassettes/c.yaml#0: {TITLE}", "  user: What is the capital of France?", "  answer: Paris."]
    assert git("diff", "--cached", "cassettes")[1:] == [f"+ {'b/' * (not at)}{line}" for at, line in enumerate(lines)]
    commit(git)
    path.unlink()
    assert git("diff")[1:] == [f"- {'a/' * (not at)}{line}" for at, line in enumerate(lines)]
    put(place / "cassettes", asked(said="Lyon."), name="d.yaml")
    git("add", "-A", ".")
    assert git("diff", "--cached", "-M10%")[0] == "llmproxy diff cassettes/c.yaml -> cassettes/d.yaml"


def test_what_is_no_cassette_is_shown_as_lines(git, place):
    (place / "cassettes" / "p.yaml").write_text("one: 1\n")
    commit(git)
    (place / "cassettes" / "p.yaml").write_text("one: 2\n")
    found = git("diff")
    assert found[:2] == ["llmproxy diff cassettes/p.yaml", "  a/cassettes/p.yaml: no recording of a known format"]
    assert found[-2:] == ["-one: 1", "+one: 2"]


def test_a_cassette_that_became_none(git, place):
    path = put(place / "cassettes", asked())
    commit(git)
    path.write_text("words\n")
    found = git("diff")
    assert "  b/cassettes/c.yaml: no recording of a known format" in found
    assert "+words" in found


def test_damage_is_told(git, place):
    put(place / "cassettes", asked())
    commit(git)
    put(place / "cassettes", asked(), more=b"---\nrequest: 1\n...\n")
    assert git("diff")[1].startswith("b/cassettes/c.yaml#1: cannot be read: line ")


def test_files_beside_the_cassette_are_found_for_both(git, place):
    path, _ = put_picture(place / "cassettes")
    commit(git)
    path.write_bytes(path.read_bytes().replace(b"  target: /x\n", b"  target: /y\n"))
    assert git("diff")[1:] == [
        "a/cassettes/c.yaml#0 -> b/cassettes/c.yaml#0: POST /y gpt-4o",
        "  request path",
        '    - "/x"',
        '    + "/y"',
    ]


@pytest.mark.parametrize("name", ["-x y.yaml", "--git.yaml", "ü.yaml"])
def test_names_that_look_like_options(git, place, name):
    put(place / "cassettes", asked(), name=name)
    put(place, asked(), name=name)
    (place / ".gitattributes").write_text("*.yaml diff=llmproxy\n")
    commit(git)
    for folder in (place / "cassettes", place):
        put(folder, asked(said="Lyon."), name=name)
    found = git("diff")
    assert sorted(line for line in found if line.startswith("llmproxy")) == sorted(
        [f"llmproxy diff {name}", f"llmproxy diff cassettes/{name}"]
    )
    assert found.count('    + "Lyon."') == 2


def test_colour_is_git_s_own_question(git, place):
    put(place / "cassettes", asked())
    commit(git)
    put(place / "cassettes", asked(said="Lyon."))
    assert not any("\x1b" in line for line in git("diff"))
    (coloured,) = [
        line for line in git("-c", "diff.llmproxy.command=llmproxy diff --color=always --git", "diff") if "Lyon" in line
    ]
    assert coloured == '    \x1b[32m+ "Lyon."\x1b[0m'


@pytest.mark.parametrize("words", [("p",), ("p", "/dev/null", ".", ".", "none.yaml", ".", "100644")])
def test_the_exit_code_is_what_git_wants(llmproxy, place, words):
    code, lines, _ = llmproxy("diff", "--git", *words)
    assert (code, lines[0]) == (0, "llmproxy diff p")
    assert len(words) > 1 or lines[1:] == ["  not merged yet"]


def test_the_pager_is_a_terminal_too(llmproxy, place, monkeypatch):
    monkeypatch.setenv("GIT_PAGER_IN_USE", "true")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    path = put(place, asked())
    words = ("c.yaml", "/dev/null", ".", ".", str(path), "0" * 40, "100644")
    assert llmproxy("diff", "--git", *words)[1][0] == "\x1b[1mllmproxy diff c.yaml\x1b[0m"
