"""The Node and the shell project of examples/: replayed as they are, recorded with an upstream that goes, drifted.

Each is run by the commands of its README, on a copy.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rehearsal import needs
from rig import LIMIT

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "tests" / "node" / "node_modules"
LEFT_OUT = re.compile(r"LLMPROXY_|CI$|.*(_proxy|_PROXY|_KEY|_TOKEN|_URL|_BASE|_HOST|_ENDPOINT)$|AWS_|npm_")
REPLAYED = r"\(no name\) +3 +0 +0 +0 +0 +0 +0 +0\n"


KEY = {"OPENAI_API_KEY": "sk-own-key-of-mine"}


class Project:
    """A copy. ``says_whom``: the file that says whom to ask; ``passed``: what stands where the last test has passed."""

    def __init__(self, folder, name, cassette, test, says_whom, passed):
        self.folder = shutil.copytree(ROOT / "examples" / name, folder / name)
        self.cassette, self.test, self.says_whom = (self.folder / each for each in (cassette, test, says_whom))
        self.passed = passed
        readme = (self.folder / "README.md").read_text()
        self.commands = re.findall(r"^ {4}(\S.*?) {2,}(?:replays|records)", readme, re.MULTILINE)

    def run(self, command, **env):
        kept = {name: value for name, value in os.environ.items() if not LEFT_OUT.match(name)}
        kept["PATH"] = f"{Path(sys.executable).parent}:{kept['PATH']}"
        words = ["sh", "-c", command]
        return subprocess.run(
            words, env=kept | env, cwd=self.folder, capture_output=True, text=True, timeout=LIMIT * 10, check=False
        )

    def change(self, file, before, after):
        text = file.read_text()
        assert before in text
        file.write_text(text.replace(before, after))


@pytest.fixture(params=["shell", pytest.param("node", marks=pytest.mark.more)])
def project(request, tmp_path):
    if request.param == "shell":
        needs(shutil.which("curl"), "curl")
        return Project(tmp_path, "shell-project", "cassettes/ask.yaml", "test.sh", "run.sh", "ok: a story")
    needs(shutil.which("npm"), "Node")
    needs((MODULES / "openai").is_dir(), "make tests/node/node_modules")
    files = ("cassettes/guide.yaml", "guide.test.mjs", "package.json")
    made = Project(tmp_path, "node-project", *files, "# pass 3")
    (made.folder / "node_modules").symlink_to(MODULES)
    return made


def test_it_replays_what_git_has_without_a_key(project):
    before = project.cassette.read_bytes()
    project.change(project.says_whom, "demo:", "http://127.0.0.1:9")
    _, in_ci, _ = project.commands
    done = project.run(in_ci)
    assert done.returncode == 0, done.stderr + done.stdout
    assert re.search(REPLAYED, done.stderr)
    assert project.cassette.read_bytes() == before


def test_it_records_and_replays_with_the_upstream_gone(project, daemon):
    gone = daemon("--upstream", "demo:", "--store", "off")
    project.change(project.says_whom, "demo:", gone.url)
    project.cassette.unlink()
    first, in_ci, _ = project.commands
    recorded = project.run(first, **KEY)
    assert recorded.returncode == 0, recorded.stderr + recorded.stdout
    gone.stop()
    assert KEY["OPENAI_API_KEY"] not in project.cassette.read_text()
    for replayed in (project.run(first, **KEY), project.run(in_ci)):
        assert replayed.returncode == 0, replayed.stderr + replayed.stdout
        assert re.search(REPLAYED, replayed.stderr)


def test_a_question_that_is_not_recorded_fails_it_until_it_is(project):
    """The tests themselves pass: what they test swallows the error."""
    project.change(project.test, "Japan", "Italy")
    _, in_ci, anew = project.commands
    missed = project.run(in_ci)
    assert missed.returncode == 1
    assert project.passed in missed.stdout
    assert "Italy" in missed.stderr
    assert project.run(anew, **KEY).returncode == 0
    assert project.run(in_ci).returncode == 0
