"""The marker and the fixture, in small projects: what fails a test, where files lie, and who is not disturbed."""

import socket
from configparser import ConfigParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from projects import INSTALLED

KNOWN = """
@pytest.mark.llmproxy
def test_known():
    assert chat("one")
"""


def recorded(project, body=KNOWN, **more):
    """The body as tests, run once so that its cassettes are there."""
    project.tests(body)
    ran = project.pytest(**more)
    assert ran.code == 0, ran.text
    return ran


class TestOutcomes:
    def test_each_way_to_fail_and_not_to(self, project):
        recorded(project)
        project.tests("""
import os

@pytest.fixture
def asks():
    chat("in the set-up")

@pytest.fixture
def asks_late():
    yield
    swallowed("in the teardown")

pytestmark = pytest.mark.llmproxy(cassette="cassettes/test_it/test_known.yaml")

def test_swallowed(): assert swallowed("two") == ""
def test_raised(): chat("three")
def test_set_up(asks): pass
def test_teardown(asks_late): assert chat("one")
def test_hit(): assert chat("one")
def test_skipped(): swallowed("four"); pytest.skip("no")
@pytest.mark.xfail
def test_expected(): swallowed("five")
@pytest.mark.llmproxy(fail_on="nothing")
def test_allowed(): assert swallowed("six") == ""
def test_own_failure(): assert not chat("one")
def test_nothing_asked(): assert 0
def test_nothing_asked_and_passed(): pass
@pytest.mark.llmproxy(fail_on="unused")
def test_unused(): pass
@pytest.mark.llmproxy(fail_on=["unused"])
def test_used(): assert chat("one")
@pytest.mark.llmproxy(fail_on="unused")
def test_unused_is_no_news_of_a_failed_one(): assert 0

import unittest
class TestOld(unittest.TestCase):
    def test_swallowed(self): swallowed("seven")
    def test_raised(self): chat("eight")
    def test_hit(self): self.assertTrue(chat("one"))
""")
        ran = project.pytest(env={"CI": "1"}, key="")
        assert ran.outcomes == {
            "test_swallowed": "failed",
            "test_raised": "failed",
            "test_set_up": "error",
            "test_teardown": "passed",  # and an error, see below
            "test_hit": "passed",
            "test_skipped": "skipped",
            "test_expected": "xfail",
            "test_allowed": "passed",
            "test_own_failure": "failed",
            "test_nothing_asked": "failed",
            "test_nothing_asked_and_passed": "passed",
            "test_unused": "failed",
            "test_used": "passed",
            "test_unused_is_no_news_of_a_failed_one": "failed",
            "TestOld::test_swallowed": "failed",
            "TestOld::test_raised": "failed",
            "TestOld::test_hit": "passed",
        }
        said = told(ran)
        for name, asked in [
            ("test_swallowed", "two"),
            ("test_raised", "three"),
            ("ERROR at setup of test_set_up", "in the set-up"),
            ("ERROR at teardown of test_teardown", "in the teardown"),
            ("TestOld.test_swallowed", "seven"),
            ("TestOld.test_raised", "eight"),
        ]:
            assert said[name][0] == MISSED
            assert f'    messages[0].content: recorded "one" / incoming "{asked}"' in said[name][:6]
            assert sum(line == MISSED for line in said[name]) == 1
        assert "urllib.error.HTTPError: HTTP Error 424" in "\n".join(said["test_raised"])
        assert said["test_unused"][:2] == [UNUSED, "    not used: POST /v1/chat/completions demo-fast"]
        assert not [line for line in said["test_own_failure"] if "llmproxy" in line and "test_it.py" not in line]
        assert any("Nothing was asked through llmproxy" in line for line in said["test_nothing_asked"])
        assert UNUSED not in said["test_unused_is_no_news_of_a_failed_one"]

    def test_the_whole_run_asks_for_unused_ones(self, project):
        recorded(project)
        project.tests("@pytest.mark.llmproxy\ndef test_known(): pass\n")
        assert project.pytest().code == 0
        assert project.pytest("--llmproxy-fail-on", "unused").outcomes == {"test_known": "failed"}
        project.write("pytest.ini", "[pytest]\nllmproxy_fail_on = unused\n")
        assert project.pytest().outcomes == {"test_known": "failed"}


MISSED = "llmproxy: 1 request was not recorded (cassettes/test_it/test_known.yaml, mode none)"
UNUSED = "llmproxy: 1 recording was not used (cassettes/test_it/test_known.yaml, mode none)"


def told(ran):
    """What is said of each failure, line by line."""
    found, name = {}, None
    for line in ran.text.partition("short test summary")[0].splitlines():
        if line.startswith("___") and line.endswith("___"):
            name = line.strip("_ ")
        elif name is not None:
            found.setdefault(name, []).append(line)
    return found


class TestArguments:
    def test_wrong_ones_name_the_choices(self, project):
        wrong = {
            'mode="never"': "mode: 'never' is unknown: one of off, new_episodes, none, all, once",
            'repeat="thrice"': "repeat: 'thrice' is unknown: one of sequence, exhaust, cycle, first, last",
            'match_on="a b"': "match_on: 'a b' is no part of a request: write a member's name",
            'on_error_response="cry"': "on_error_response: 'cry' is unknown: one of skip, record, refuse",
            'fail_on="sun"': "fail_on: 'sun' is unknown: any of miss, unused, live",
            "cassette=3": "cassette: 3 is unknown: it is a file",
            'modes="all"': "there is no argument 'modes': there are mode, match_on",
            '"a.yaml"': "the marker takes its arguments by name, not 'a.yaml'",
        }
        project.tests("".join(f"@pytest.mark.llmproxy({each})\ndef test_{n}(): pass\n" for n, each in enumerate(wrong)))
        ran = project.pytest()
        assert ran.outcomes == {f"test_{number}": "error" for number in range(len(wrong))}
        for number, sentence in enumerate(wrong.values()):
            assert f"llmproxy: test_it.py::test_{number}: {sentence}" in ran.text

    def test_wrong_ones_of_the_run(self, project):
        project.tests(KNOWN)
        assert "$LLMPROXY_MODE: 'al' is unknown: one of off" in project.pytest(env={"LLMPROXY_MODE": "al"}).text
        assert "llmproxy_fail_on: 'sun' is unknown" in project.pytest("--llmproxy-fail-on", "sun").text
        assert "no cassette can be used: " in project.pytest("--llmproxy-upstream", "ftp://x").text
        assert "$OPENAI_BASE_URL" in project.pytest(env={"OPENAI_BASE_URL": "ftp://x", "LLMPROXY_UPSTREAM": ""}).text

    def test_they_are_heeded(self, project):
        body = """
pytestmark = pytest.mark.llmproxy(mode="new_episodes")

@pytest.mark.llmproxy(cassette="mine.yaml")
@pytest.mark.parametrize("text", {texts})
@pytest.mark.llmproxy({more})
def test_one(text, llmproxy_cassette):
    assert llmproxy_cassette.file.endswith("/mine.yaml")
    assert chat(text)
    assert llmproxy_cassette.mode == {mode!r}
"""
        recorded(project, body.format(texts=["one"], more="", mode="new_episodes"))
        project.tests(body.format(texts=["one", "two"], more='mode="none", match_on="model"', mode="none"))
        ran = project.pytest()
        assert ran.counts() == {"passed": 2}, ran.text
        assert project.cassettes() == ["mine.yaml"]


class TestPlaces:
    def test_a_file_for_each_test_beside_its_own(self, project):
        project.write("sub/test_deep.py", "import pytest\nfrom talk import chat\n" + KNOWN)
        project.write("pytest.ini", "[pytest]\npythonpath = .\n")
        recorded(
            project,
            """
@pytest.mark.llmproxy
class TestA:
    class TestB:
        @pytest.mark.parametrize("x", ["plain", "a/../b", "a b"])
        def test_c(self, x): chat(x)
""",
        )
        assert [name.rpartition("-")[0] or name for name in project.cassettes()] == [
            "cassettes/test_it/TestA.TestB.test_c-a_.._b",
            "cassettes/test_it/TestA.TestB.test_c-a_b",
            "cassettes/test_it/TestA.TestB.test_c",
            "sub/cassettes/test_deep/test_known.yaml",
        ]

    def test_of_the_fixture_and_of_the_environment(self, project):
        project.write("conftest.py", "import os\nbefore = dict(os.environ)\n")
        recorded(
            project,
            """
import os, urllib.request
from conftest import before

def test_before(): assert os.environ == before | {"PYTEST_CURRENT_TEST": os.environ["PYTEST_CURRENT_TEST"]}

def test_one(llmproxy_cassette):
    one = llmproxy_cassette
    assert (one.mode, one.records, os.path.exists(one.file)) == ("once", True, False)
    assert chat("one", one.url_for("openai")) == chat("one", one.url + "/v1") == chat("one")
    assert one.verdict()["misses"] == 3
    assert os.environ["OPENAI_BASE_URL"] == one.url_for("openai")
    assert os.environ["ANTHROPIC_BASE_URL"].startswith(one.url)
    assert "127.0.0.1" in os.environ["NO_PROXY"]
    assert "sk-own" not in repr(one)
    with pytest.raises(ValueError, match="anthropic.*openai"):
        one.url_for("opanai")

def test_after(): test_before()
""",
        )


class TestOthers:
    def test_inert_until_it_is_used(self, project):
        project.tests("""
import sys
def test_nothing_is_loaded():
    assert not [name for name in sys.modules if name.startswith(("proxy_daemon.", "attr", "twisted"))
                and name != "proxy_daemon.pytest_plugin"]
""")
        assert project.pytest(env={"LLMPROXY_MODE": "wrong", "LLMPROXY_UPSTREAM": "wrong"}).code == 0

    def test_the_marker_is_known(self, project):
        project.tests(KNOWN)
        assert "@pytest.mark.llmproxy(mode=, match_on=" in project.pytest("--markers").text
        recorded(project, KNOWN)
        assert project.pytest("--strict-markers", "-W", "error").code == 0

    def test_a_test_that_has_ended_is_forgotten(self, project):
        """The daemon keeps a thousand sessions: the next test would have no verdict."""
        recorded(project)
        project.tests("""
from proxy_daemon.in_tests.daemon import SHARED

@pytest.mark.parametrize("number", range(12))
def test_each(number, llmproxy_cassette): assert swallowed("one") == ""

def test_none_is_left(llmproxy_cassette):
    said = SHARED.running().ask("GET", "/_llmproxy/api/verdict", {})
    assert [each["session"] for each in said["sessions"]] == [""]
    assert SHARED.running().ask("GET", "/_llmproxy/api/cassettes", {}).keys() == {llmproxy_cassette.name}
""")
        ran = project.pytest(env={"CI": "1"})
        assert ran.counts() == {"failed": 12, "passed": 1}, ran.text

    def test_the_daemon_is_gone_with_the_run_and_its_options_are_heeded(self, project):
        project.write("pytest.ini", f"[pytest]\nllmproxy_options = --log {project.folder / 'requests.log'}\n")
        project.tests("""
from pathlib import Path

def test_one(llmproxy_cassette):
    chat("one")
    Path("url").write_text(llmproxy_cassette.url)
""")
        assert project.pytest().outcomes == {"test_one": "passed"}
        logged = (project.folder / "requests.log").read_text().splitlines()
        assert [line for line in logged if "/chat/completions" in line]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", urlsplit((project.folder / "url").read_text()).port))

    def test_it_is_registered_and_can_be_left_out(self, project):
        registered = ConfigParser()
        registered.read(Path(__file__).parents[2] / "setup.cfg")
        assert registered["options.entry_points"]["pytest11"].split() == ["llmproxy", "=", "proxy_daemon.pytest_plugin"]
        recorded(project)
        left_out = project.pytest("-p", "no:llmproxy" if INSTALLED else "no:proxy_daemon.pytest_plugin", "-W", "ignore")
        assert left_out.outcomes == {"test_known": "failed"}  # nobody has set OPENAI_BASE_URL
