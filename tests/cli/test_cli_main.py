"""The `llmproxy` command: what each word does, its exit codes, and which of the daemon's words go where."""

import http.client
import io
import json
import os
import signal
import subprocess
import sys
from contextlib import closing

import pytest
from rig import LIMIT, READY
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure
from twisted.python.reflect import namedAny

from proxy_daemon import __version__
from proxy_daemon.cli import demo as demo_module
from proxy_daemon.cli.log import to_stderr
from proxy_daemon.cli.main import USAGE, main


@pytest.fixture
def call(monkeypatch, capsys):
    """`call(*words)` is (exit code, standard output, standard error) of `llmproxy WORDS`."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["llmproxy", *words])
        code = main()
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",), ("help",), ("help", "serve")])
def test_usage_is_what_was_asked_for(call, words):
    assert call(*words) == (0, USAGE, "")


@pytest.mark.parametrize("word", ["--version", "-V"])
def test_version(call, word):
    assert call(word) == (0, f"llmproxy {__version__}\n", "")


@pytest.mark.parametrize("word", ["sevre", "--mode", "", "Serve", "x\x1b[31m\n"])
def test_an_unknown_word_is_wrong_usage(call, word):
    if word == "":
        assert call(word) == (0, USAGE, "")
    else:
        assert call(word, "more") == (2, "", f"llmproxy: unknown command {word!r}\n\n{USAGE}")


def test_usage_names_every_command():
    for name in ("serve", "demo", "--version"):
        assert f"llmproxy {name}" in USAGE


def test_serve_is_twistd_in_the_foreground_with_its_words(monkeypatch, call):
    seen = []
    monkeypatch.setattr("twisted.scripts.twistd.run", lambda: seen.extend(sys.argv))
    assert call("serve", "--mode", "none", "--quiet")[0] == 0
    assert seen == [
        *("twistd", "-n", "--pidfile=", "--logger=proxy_daemon.cli.log.to_stderr"),
        *("llmproxy", "--mode", "none", "--quiet"),
    ]


@pytest.mark.parametrize(
    ("count", "given", "names"),
    [
        ("2", None, "unknown:unknown"),
        ("1", "mine", "mine"),
        (None, None, None),
        ("-1", None, None),
        ("9" * 9, None, None),
    ],
)
def test_serve_gives_names_to_sockets_that_have_none(monkeypatch, call, count, given, names):
    for name, value in (("LISTEN_FDS", count), ("LISTEN_FDNAMES", given)):
        monkeypatch.setenv(name, value or "")
        if value is None:
            monkeypatch.delenv(name)
    seen = []
    monkeypatch.setattr("twisted.scripts.twistd.run", lambda: seen.append(os.environ.get("LISTEN_FDNAMES")))
    call("serve")
    assert seen == [names]


@pytest.mark.parametrize("code", [0, 1])
def test_demo_gives_its_own_exit_code(monkeypatch, call, code):
    seen = []
    monkeypatch.setattr(demo_module, "run", lambda words: seen.append(words) or code)
    assert call("demo", "--fast")[0] == code
    assert seen == [["--fast"]]


def test_the_name_that_twistd_gets_is_that_of_the_log():
    assert namedAny("proxy_daemon.cli.log.to_stderr") is to_stderr


# --- the daemon's own log --------------------------------------------------------------------------------------------


@pytest.fixture
def logged(monkeypatch):
    """`logged(emit)` is what a terminal sees of what ``emit`` does with a logger."""

    def run(emit):
        terminal = io.StringIO()
        monkeypatch.setattr(sys, "stderr", terminal)
        emit(Logger(namespace="test", observer=to_stderr()))
        return terminal.getvalue()

    return run


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        (LogLevel.debug, False),
        (LogLevel.info, False),
        (LogLevel.warn, True),
        (LogLevel.error, True),
        (LogLevel.critical, True),
    ],
)
def test_only_what_has_gone_wrong_is_worth_a_line(logged, level, shown):
    said = logged(lambda logger: logger.emit(level, "the {what}", what="disk is full"))
    assert ("the disk is full" in said) is shown
    assert len(said.splitlines()) == shown


def test_a_failure_comes_with_its_traceback(logged):
    failure = Failure(RuntimeError("broken"))
    said = logged(lambda logger: logger.failure("a part did not stop", failure))
    assert "a part did not stop" in said
    assert "builtins.RuntimeError: broken" in said


def test_an_event_of_the_old_log_is_shown_where_it_is_an_error(logged):
    def emit(logger):
        logger.observer({"log_time": 0.0, "isError": 1, "log_format": "old and wrong", "log_system": "-"})
        logger.observer({"log_time": 0.0, "isError": 0, "log_format": "old and fine", "log_system": "-"})

    said = logged(emit)
    assert "old and wrong" in said
    assert "old and fine" not in said


@pytest.fixture
def serving(tmp_path):
    """(process, port) of `llmproxy serve` with pipes for its outputs, and no more options than it needs."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("LLMPROXY_")}
    options = ["--listen", "tcp:0:interface=127.0.0.1", "--upstream", "demo:"]
    with subprocess.Popen(
        [sys.executable, "-m", "proxy_daemon.cli.main", "serve", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,  # what is read as a line must not take more with it
        env=bare | {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)},
    ) as process:
        first = process.stderr.readline()
        found = READY.search(first)
        assert found, first
        yield process, int(found[1])
        process.kill()


def test_by_default_lines_for_people_go_to_stderr_and_json_to_stdout(serving, tmp_path):
    process, port = serving
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)) as connection:
        connection.request("GET", "/v1/models")
        assert connection.getresponse().read()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=LIMIT)
    assert [json.loads(line)["path"] for line in out.splitlines()] == ["/v1/models"]
    assert [line.startswith(b"llmproxy: answers recorded in") for line in err.splitlines()] == [True]
    assert (tmp_path / "llmproxy" / "llmproxy.db").stat().st_mode & 0o777 == 0o600
