"""`proxy_daemon.use_cassette` as a decorator and in `with`, in functions, coroutines, threads and tasks; one daemon."""

import asyncio
import inspect
import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import warnings

import pytest
from rig import LIMIT

import proxy_daemon
from proxy_daemon.cli.child import NotStarted
from proxy_daemon.in_tests.cassette import Unusable
from proxy_daemon.in_tests.daemon import SHARED
from proxy_daemon.in_tests.use_cassette import CassetteFailure

CHAT = {"model": "demo-fast", "messages": [{"role": "user", "content": ""}]}


@pytest.fixture(scope="module", autouse=True)
def _shared():
    """One daemon for all tests here, on the built-in model, whatever our own environment says."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LLMPROXY_")}
    SHARED.stop()
    SHARED.environ, SHARED.upstreams = kept, ("demo:",)
    yield
    SHARED.stop()
    SHARED.environ, SHARED.upstreams = None, ()


@pytest.fixture(autouse=True)
def _no_key(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "LLMPROXY_MODE", "CI"):
        monkeypatch.delenv(name, raising=False)


def chat(text, url=None):
    """The answer's text; empty where it was refused."""
    body = json.dumps(CHAT | {"messages": [{"role": "user", "content": text}]}).encode()
    url = f"{url or os.environ['OPENAI_BASE_URL']}/chat/completions"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body), timeout=LIMIT) as answer:
            return json.load(answer)["choices"][0]["message"]["content"]
    except urllib.error.HTTPError as error:
        error.close()
        return "" if error.code == 424 else f"status {error.code}"


@pytest.fixture
def file(tmp_path):
    """With one recording, of "one"."""
    with proxy_daemon.use_cassette(tmp_path / "c" / "a.yaml"):
        assert chat("one")
    return tmp_path / "c" / "a.yaml"


class TestWith:
    def test_recorded_and_replayed(self, file):
        with proxy_daemon.use_cassette(file, mode="none", fail_on="unused") as cassette:
            assert chat("one")
            assert (cassette.verdict()["hits"], cassette.records, cassette.file) == (1, False, str(file))
            assert os.environ["OPENAI_API_KEY"] == "llmproxy-placeholder"
        assert not {"OPENAI_BASE_URL", "OPENAI_API_KEY", "LLMPROXY_URL"} & set(os.environ)

    def test_a_swallowed_miss(self, file):
        with pytest.raises(CassetteFailure, match='recorded "one" / incoming "two"'):  # noqa: SIM117
            with proxy_daemon.use_cassette(file):
                assert chat("two") == ""
        assert file.read_text().count("\n---\n") == 1

    def test_an_error_of_its_own_comes_first_with_the_difference_as_its_note(self, file):
        @proxy_daemon.use_cassette(file, fail_on="unused")
        def fails():
            chat("two")
            raise KeyError("own")

        with pytest.raises(KeyError) as caught:
            fails()
        assert 'incoming "two"' in caught.value.__notes__[0]
        assert "not used" not in caught.value.__notes__[0]

    def test_unused(self, file):
        with pytest.raises(CassetteFailure, match="not used: POST /v1/chat/completions"):  # noqa: SIM117
            with proxy_daemon.use_cassette(file, fail_on="unused"):
                pass

    def test_a_file_that_cannot_be_read_is_said_and_nothing_is_left(self, file):
        file.write_text(file.read_text().replace("\n---\n", "\n---\n<<<<<<< mine\n", 1))
        before = dict(os.environ)
        with pytest.raises(Unusable, match=r"a\.yaml:\d+"), proxy_daemon.use_cassette(file):
            pass
        assert (dict(os.environ), SHARED.running().ask("GET", "/_llmproxy/api/cassettes", {})) == (before, {})

    @pytest.mark.parametrize(
        ("given", "said"),
        [({"mode": "x"}, "one of off"), ({"repeat": "x"}, "repeat: .*sequence"), ({"match_on": "a b"}, "match_on: ")],
    )
    def test_wrong_arguments(self, tmp_path, given, said):
        with pytest.raises(ValueError, match=said), proxy_daemon.use_cassette(tmp_path / "a.yaml", **given):
            pass

    def test_the_mode_of_the_environment_comes_first(self, file, monkeypatch):
        monkeypatch.setenv("LLMPROXY_MODE", "new_episodes")
        with proxy_daemon.use_cassette(file, mode="none") as cassette:
            assert cassette.mode == "new_episodes"
            assert chat("two")
        assert file.read_text().count("\n---\n") == 2

    def test_a_file_that_cannot_be_written(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises((CassetteFailure, Unusable), match=r"file/a\.yaml"):  # noqa: SIM117
            with proxy_daemon.use_cassette(tmp_path / "file" / "a.yaml"):
                assert chat("one")


class TestDecorated:
    def test_a_function(self, file):
        @proxy_daemon.use_cassette(file, mode="none")
        def asks(text, *, more=""):
            """Docs."""
            return chat(text + more)

        assert asks("o", more="ne")
        assert asks("one")  # from its beginning again
        assert (asks.__name__, asks.__doc__) == ("asks", "Docs.")
        with pytest.raises(CassetteFailure):
            asks("two")

    def test_a_coroutine(self, file):
        @proxy_daemon.use_cassette(file, mode="none")
        async def asks(text):
            return await asyncio.to_thread(chat, text)

        assert inspect.iscoroutinefunction(asks)
        assert asyncio.run(asks("one"))
        with pytest.raises(CassetteFailure, match='incoming "two"'):
            asyncio.run(asks("two"))

    def test_what_is_none(self, file):
        def generator():
            yield

        async def async_generator():
            yield

        for wrong in (generator, async_generator, int):
            with pytest.raises(TypeError, match="use `with` inside it"):
                proxy_daemon.use_cassette(file)(wrong)


class TestAtOnce:
    def test_tasks(self, tmp_path):
        async def one(number):
            async with proxy_daemon.use_cassette(tmp_path / f"{number}.yaml", mode="new_episodes") as cassette:
                for text in ("same", f"own {number}"):
                    assert await asyncio.to_thread(chat, text, cassette.url_for("openai"))
                return cassette.verdict()["live"]

        async def all_of_them():
            return await asyncio.gather(*map(one, range(4)))

        assert asyncio.run(all_of_them()) == [2] * 4
        for number in range(4):
            text = (tmp_path / f"{number}.yaml").read_text()
            assert (text.count("\n---\n"), text.count(f"content: own {number}\n")) == (2, 1)
        assert "OPENAI_BASE_URL" not in os.environ

    def test_threads_of_which_one_fails(self, file):
        outcomes = {}

        def one(text):
            try:
                with proxy_daemon.use_cassette(file, mode="none") as cassette:
                    chat(text, cassette.url_for("openai"))
                outcomes[text] = ""
            except CassetteFailure as error:
                outcomes[text] = str(error)

        threads = [threading.Thread(target=one, args=(text,)) for text in ("one", "two", "three")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT)
        assert outcomes["one"] == ""
        assert 'incoming "two"' in outcomes["two"]
        assert "three" not in outcomes["two"]
        assert 'incoming "three"' in outcomes["three"]


class TestDaemon:
    def test_one_for_all_and_another_after_its_death(self, file):
        running = SHARED.running()
        assert SHARED.running() is running
        running.child.stop()
        with proxy_daemon.use_cassette(file, mode="none"):
            assert chat("one")
        assert SHARED.running() is not running

    def test_one_that_dies_meanwhile_is_said_and_the_environment_is_as_before(self, file):
        before = dict(os.environ)
        with pytest.raises(Unusable, match=r"a\.yaml: .*does not answer"), proxy_daemon.use_cassette(file):
            SHARED.running().child.stop()
        assert dict(os.environ) == before
        with proxy_daemon.use_cassette(file, mode="none"):
            assert chat("one")

    def test_one_that_cannot_start_is_tried_once(self, file, monkeypatch):
        SHARED.stop()
        monkeypatch.setattr(SHARED, "options", ("--no-such-option",))
        errors = []
        for _ in range(2):
            with pytest.raises(NotStarted, match="no-such-option") as caught, proxy_daemon.use_cassette(file):
                pass
            errors.append(caught.value)
        assert errors[0] is errors[1]
        SHARED.stop()

    def test_keys_are_not_shown(self, file):
        SHARED.environ["T_KEY"] = "sk-shown"
        SHARED.stop()
        with proxy_daemon.use_cassette(file) as cassette:
            assert "sk-shown" not in f"{cassette!r} {SHARED!r} {SHARED.running()!r} {SHARED.running().child!r}"

    def test_a_forked_process_has_its_own(self, file):
        running = SHARED.running()
        with warnings.catch_warnings():  # newer Pythons warn of forks beside threads: people do it all the same
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            other = SHARED.running()
            differs = other.process != running.process and other.child.url != running.child.url
            other.child.stop()
            os._exit(0 if differs else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert SHARED.running() is running

    def test_importing_the_package_loads_nothing(self):
        code = (
            "import sys, proxy_daemon; print([n for n in sys.modules if n.startswith(('proxy_daemon.', 'attr'))]);"
            "print(callable(proxy_daemon.use_cassette), [n for n in sys.modules if n.startswith('twisted')])"
        )
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=LIMIT, check=True)
        assert ran.stdout == "[]\nTrue []\n"
        with pytest.raises(AttributeError, match="no_such"):
            _ = proxy_daemon.no_such
