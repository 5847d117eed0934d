"""From vcrpy and pytest-recording, both real: their cassettes of real SDKs answer, and the page's changes are all.

What is recorded is the built-in model. See docs/migrating.md.
"""

import re
import shutil
from pathlib import Path

import pytest
from attrs import evolve, frozen
from real_tools import llmproxy, packages, python
from rig import Daemons

pytestmark = pytest.mark.more

PROGRAM = """\
import anthropic
import openai

def asked(text):
    return [{"role": "user", "content": text}]

def whole(text):
    return openai.OpenAI().chat.completions.create(model="demo-1", messages=asked(text)).choices[0].message.content

def streamed(text):
    pieces = openai.OpenAI().chat.completions.create(model="demo-1", messages=asked(text), stream=True)
    return "".join(each.choices[0].delta.content or "" for each in pieces if each.choices)

def by_anthropic(text):
    return anthropic.Anthropic().messages.create(model="demo-1", max_tokens=50, messages=asked(text)).content[0].text
"""
OLD = """\
import guide
import pytest

pytestmark = pytest.mark.vcr

@pytest.fixture(scope="module")
def vcr_config():
    return {"filter_headers": ["authorization", "x-api-key"]}

def test_whole():
    assert "Paris" in guide.whole("What is the capital of France?")

def test_streamed():
    assert "Paris" in guide.streamed("What is the capital of France?")

def test_by_anthropic():
    assert "Paris" in guide.by_anthropic("What is the capital of France?")

@pytest.mark.parametrize("country", ["France", "Spain, of all"])
def test_capitals(country):
    assert guide.whole(f"What is the capital of {country}?")

class TestOuter:
    class TestInner:
        def test_deep(self):
            assert guide.whole("Deep?")

@pytest.mark.default_cassette("named.yaml")
def test_named():
    assert guide.whole("Named?")
"""
TESTS = 7
NAMED = '@pytest.mark.default_cassette("named.yaml")'
NAMED_HERE = '@pytest.mark.llmproxy(cassette="cassettes/test_guide/named.yaml")'


@frozen
class Project:
    """``folder``: of the project; ``theirs``: the packages; ``there``: where it was recorded."""

    folder: Path
    theirs: Path
    there: dict

    @property
    def file(self):
        return self.folder / "test_guide.py"

    def change(self, *pairs):
        """As an editor replaces words."""
        text = self.file.read_text()
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        self.file.write_text(text)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A project whose tests pytest-recording has recorded. Its upstream has gone."""
    folder, theirs = tmp_path_factory.mktemp("project"), packages("vcrpy", "pytest_recording")
    (folder / "guide.py").write_text(PROGRAM)
    (folder / "test_guide.py").write_text(OLD)
    daemons = Daemons(tmp_path_factory.mktemp("daemon"))
    url = daemons.start("--upstream", "demo:").url
    there = {"OPENAI_BASE_URL": f"{url}/v1", "ANTHROPIC_BASE_URL": url}
    passing(folder, "--record-mode=once", folder=theirs, **there)
    daemons.stop()
    assert len(cassettes(folder)) == TESTS
    return Project(folder, theirs, there)


@pytest.fixture
def project(recorded, tmp_path):
    """A copy of it for each test."""
    return evolve(recorded, folder=Path(shutil.copytree(recorded.folder, tmp_path / "project")))


def passing(project, *words, passed=TESTS, code=0, **more):
    said = python("-m", "pytest", "-q", "-p", "no:cacheprovider", *words, cwd=project, code=code, **more)
    assert f"{passed} passed" in said or not passed, said
    return said


def cassettes(project):
    return sorted((project / "cassettes").rglob("*.yaml"))


def contents(project):
    return {path: path.read_bytes() for path in cassettes(project)}


@pytest.fixture
def changed(project):
    """The same, with the marker of ours."""
    project.change(("mark.vcr", "mark.llmproxy"), (NAMED, NAMED_HERE))
    return project


def test_the_marker_is_all_that_changes(changed):
    before = contents(changed.folder)
    passing(changed.folder, CI="true")
    passing(changed.folder)  # `once`: nothing is recorded where a file is there
    assert contents(changed.folder) == before


def test_with_its_plugin_and_options_still_there(changed):
    options = ("--record-mode=none", "--block-network")
    said = passing(changed.folder, *options, folder=changed.theirs, passed=0, code=1)
    assert "Network is disabled for host '127.0.0.1'" in said
    passing(changed.folder, *options, "--allowed-hosts=127.0.0.1", folder=changed.theirs, CI="true")


def test_tests_may_change_one_by_one(project):
    project.change(("pytestmark = pytest.mark.vcr", ""), (NAMED, NAMED_HERE))
    marked = re.sub("(?m)^( *)(?=def test_(?!named))", r"\1@pytest.mark.vcr\n\1", project.file.read_text())
    project.file.write_text(marked)
    passing(project.folder, folder=project.theirs, **project.there)
    project.change((NAMED_HERE, f"@pytest.mark.vcr\n{NAMED_HERE}"))
    said = passing(project.folder, folder=project.theirs, passed=TESTS - 1, code=1, **project.there)
    assert "CannotOverwriteExistingCassetteException" in said


@pytest.mark.parametrize("mode", ["all", "new_episodes"])
def test_its_files_are_never_written(changed, mode):
    before = contents(changed.folder)
    said = passing(changed.folder, LLMPROXY_MODE=mode, LLMPROXY_UPSTREAM="demo:", passed=0, code=1)
    assert said.count("is a cassette of another tool: it is only read") == TESTS
    assert contents(changed.folder) == before


def test_a_cassette_of_ours_under_the_same_name_is_added_to(changed):
    for old in cassettes(changed.folder):
        llmproxy("import", old, "--into", changed.folder / "ours.yaml", cwd=changed.folder)
        (changed.folder / "ours.yaml").replace(old)
    before = contents(changed.folder)
    passing(changed.folder, CI="true")
    assert contents(changed.folder) == before
    changed.change(('"Named?"', '"New?"'))
    said = passing(changed.folder, CI="true", passed=TESTS - 1, code=1)
    assert 'recorded "Named?" / incoming "New?"' in said
    passing(changed.folder, LLMPROXY_MODE="new_episodes", LLMPROXY_UPSTREAM="demo:")
    passing(changed.folder, CI="true")
    (grown,) = (path for path, text in contents(changed.folder).items() if text != before[path])
    assert grown.name == "named.yaml"
    assert [text in grown.read_bytes() for text in (b"Named?", b"New?")] == [True, True]


def test_and_back(project, daemon):
    """Recorded anew with llmproxy, exported as vcrpy, and vcrpy answers: the upstream has gone meanwhile."""
    its_names = cassettes(project.folder)
    for path in its_names:
        path.unlink()
    project.change(("mark.vcr", "mark.llmproxy"), (NAMED, NAMED_HERE))
    proxy = daemon("--upstream", "demo:")
    passing(project.folder, LLMPROXY_UPSTREAM=proxy.url)
    proxy.stop()
    passing(project.folder, CI="true")
    for ours, theirs in zip(cassettes(project.folder), its_names, strict=True):
        llmproxy("export", "--from", ours, "--format", "vcrpy", "--output", "back.yaml", cwd=project.folder)
        ours.unlink()
        (project.folder / "back.yaml").replace(theirs)
    project.file.write_text(OLD)
    there = {"OPENAI_BASE_URL": f"{proxy.url}/v1", "ANTHROPIC_BASE_URL": proxy.url}
    passing(project.folder, "--record-mode=none", folder=project.theirs, **there)


# --- vcrpy alone -----------------------------------------------------------------------------------------------------

ALONE = """\
import vcr
import guide

my_vcr = vcr.VCR(cassette_library_dir="tapes", filter_headers=["authorization"])

with my_vcr.use_cassette("one.yaml") as tape:
    print(guide.whole("What is the capital of France?"))
    print(guide.whole("What is the capital of France?"))
"""
ALONE_HERE = """\
import guide
import proxy_daemon

with proxy_daemon.use_cassette("tapes/one.yaml", mode="none"%s) as tape:
    print(guide.whole("What is the capital of France?"))
    print(guide.whole("What is the capital of France?"))
"""


def test_use_cassette(daemon, tmp_path):
    folder = packages("vcrpy", "pytest_recording")
    (tmp_path / "guide.py").write_text(PROGRAM)
    proxy = daemon("--upstream", "demo:")
    said = python("-c", ALONE, cwd=tmp_path, folder=folder, OPENAI_BASE_URL=f"{proxy.url}/v1")
    proxy.stop()
    assert said.count("Paris") == 2
    assert python("-c", ALONE_HERE % "", cwd=tmp_path) == said
    assert python("-c", ALONE_HERE % ', repeat="exhaust"', cwd=tmp_path) == said
