"""The command line of `twistd llmproxy` and `llmproxy serve`: help, what the parts get, and starts that fail."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from rig import LIMIT

from proxy_daemon import __version__
from proxy_daemon.command_line import EXAMPLES, help_text
from proxy_daemon.settings import OPTIONS, Settings, default_text
from proxy_daemon.tap import Options, interface, scopes_by_key, start_lines

SERVE = [sys.executable, "-m", "proxy_daemon.cli.main", "serve"]
START_TWISTD = [sys.executable, "-c", "from twisted.scripts.twistd import run; run()"]
TWISTD = [*START_TWISTD, "-n", "--pidfile=", "llmproxy"]
WAYS = pytest.mark.parametrize("command", [SERVE, TWISTD], ids=["serve", "twistd"])


@pytest.fixture
def run(tmp_path):
    """`run(command, *options)` runs a command that is to end by itself; gives what it said."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("LLMPROXY_")}

    def start(command, *options, env=None):
        environ = bare | {"HOME": str(tmp_path)} | (env or {})
        return subprocess.run(
            [*command, *options], capture_output=True, text=True, timeout=LIMIT, check=False, env=environ, cwd=tmp_path
        )

    return start


@pytest.fixture
def options(monkeypatch, tmp_path):
    """`options(*arguments)` is the settings of a command line, within this process."""
    monkeypatch.setenv("HOME", str(tmp_path))

    def parse(*arguments):
        parsed = Options()
        parsed.parseOptions(list(arguments))
        return parsed.settings

    return parse


# --- help ------------------------------------------------------------------------------------------------------------


def entries():
    """What `--help` says of each option, by its name, on one line."""
    found, name = {}, ""
    for line in help_text().removesuffix(EXAMPLES).splitlines():
        if line.startswith("  --"):
            name = line.split()[0][2:]
            found[name] = [line.strip()]
        elif line.startswith("        "):
            found[name].append(line.strip())
    return {name: " ".join(lines) for name, lines in found.items()}


@pytest.mark.parametrize("name", OPTIONS)
def test_help_has_meaning_default_and_example_of_every_option(name):
    option = OPTIONS[name][1]
    example = "" if option.flag else f" {option.example}"
    assert entries()[name.replace("_", "-")] == (
        f"--{name.replace('_', '-')}{example} {option.help} [default: {default_text(name)}]"
    )
    assert option.help
    assert default_text(name)
    assert option.flag or option.example


def test_help_has_no_option_that_is_none():
    assert set(entries()) == {name.replace("_", "-") for name in OPTIONS}


def test_twistd_knows_every_option_by_the_same_words():
    options = Options()
    known = {name.rstrip("=") for name in options.longOpt} - {"version", "help"}
    assert known == set(entries())


def test_help_fits_a_terminal_of_120_columns():
    assert max(map(len, help_text().splitlines())) <= 120


def test_every_example_command_of_the_help_is_taken(options):
    lines = re.findall(r"^  twistd -n llmproxy (.*?)(?:   .*)?$", EXAMPLES, re.MULTILINE)
    assert len(lines) == 4
    assert [bool(options(*line.split()).store) for line in lines] == [True] * 4


@WAYS
def test_help_and_version_end_well(run, command):
    helped, version = run(command, "--help"), run(command, "--version")
    assert (helped.returncode, helped.stdout, helped.stderr) == (0, help_text(), "")
    assert (version.returncode, version.stdout, version.stderr) == (0, f"llmproxy {__version__}\n", "")


# --- what is taken ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in OPTIONS if name != "config"])
def test_every_option_reaches_its_setting(options, name):
    option = OPTIONS[name][1]
    flag = "--" + name.replace("_", "-")
    if option.flag:
        assert getattr(options(flag), name) is True
    elif option.repeatable:
        texts = [option.example] if name != "upstream" else [option.example, "other=http://other"]
        arguments = [word for text in texts for word in (flag, text)]
        assert getattr(options(*arguments), name) == tuple(map(option.parse, texts))
    else:
        assert getattr(options(flag, option.example), name) == getattr(options(f"{flag}={option.example}"), name)
        assert getattr(options(flag, option.example), name) != getattr(options(), name)


def test_the_command_line_rules_over_the_environment(options, monkeypatch):
    monkeypatch.setenv("LLMPROXY_MODE", "none")
    assert (options().mode, options("--mode", "all").mode) == ("none", "all")


@pytest.mark.parametrize(
    ("description", "name"),
    [
        ("tcp:8910", ""),
        ("tcp:8910:interface=127.0.0.1", "127.0.0.1"),
        (r"tcp:8910:interface=\:\:1:backlog=5", "::1"),
        ("tcp:interface=localhost:port=1", "localhost"),
        ("unix:/run/interface=1/x", ""),
    ],
)
def test_the_interface_of_an_endpoint(description, name):
    assert interface(description) == name


@pytest.mark.parametrize(
    ("listen", "scope", "by_key"),
    [
        (["tcp:1:interface=127.0.0.1"], "", False),
        (["tcp:1:interface=127.9.9.9", r"tcp:1:interface=\:\:1"], "", False),
        (["tcp:1:interface=localhost"], "", False),
        (["unix:/run/llmproxy.sock"], "", False),
        (["tcp:1"], "", True),
        (["tcp:1:interface=0.0.0.0"], "", True),
        (["tcp:1:interface=127.0.0.1", "tcp:2:interface=10.0.0.1"], "", True),
        (["systemd:domain=INET:index=0"], "", True),
        (["tcp:1"], "all", False),
        (["tcp:1:interface=127.0.0.1"], "key", True),
    ],
)
def test_answers_are_scoped_by_key_where_somebody_else_may_connect(listen, scope, by_key):
    assert scopes_by_key(Settings(listen=tuple(listen), replay_scope=scope)) is by_key


@pytest.mark.parametrize(("scope", "by_key"), [("", True), ("all", False)])
def test_answers_are_scoped_by_key_where_clients_have_tokens(scope, by_key):
    """They come through a reverse proxy on this machine, where the daemon listens on loopback only."""
    assert scopes_by_key(Settings(client_tokens={}, replay_scope=scope)) is by_key


@pytest.mark.parametrize(
    ("mode", "store", "words"),
    [
        ("new_episodes", "x.db", "answers recorded in x.db are served again"),
        ("none", "x.db", "answers recorded in x.db are served again"),
        ("off", "x.db", "exchanges are logged in x.db, nothing is served from it"),
        ("none", "off", "nothing is recorded (--store off)"),
    ],
)
def test_what_the_start_says(mode, store, words):
    first, second = start_lines(Settings(mode=mode, store=store), ["http://127.0.0.1:1"])
    assert first == f"listening on http://127.0.0.1:1, upstream: by API, mode {mode}"
    assert second.startswith(words)


# --- starts that fail ------------------------------------------------------------------------------------------------

REFUSED = [
    ("unknown option", ["--nonsense"], "option --nonsense not recognized; llmproxy serve --help lists the options"),
    ("stray word", ["stray"], "Wrong number of arguments.; llmproxy serve --help lists the options"),
    ("no value", ["--mode"], "option --mode requires argument"),
    ("empty value", ["--mode", ""], "--mode: '' is unknown: one of off, new_episodes, none, all"),
    ("flag with a value", ["--quiet=1"], "option --quiet must not have an argument"),
    ("mode", ["--mode", "twice"], "--mode: 'twice' is unknown: one of off, new_episodes, none, all, once"),
    ("format", ["--cassette-format", "vcr"], "--cassette-format: 'vcr' is unknown: one of llmproxy, promptecho, asgi-"),
    ("number", ["--upstream-connections", "many"], "--upstream-connections: 'many' is not a whole number from 1 to"),
    ("size", ["--max-body", "-1"], "--max-body: '-1' is not a size, such as 64MiB"),
    ("duration", ["--client-timeout", "0"], "--client-timeout: '0' must be more than nothing"),
    (
        "upstream",
        ["--upstream", "api.openai.com"],
        "--upstream: upstream 'api.openai.com' must be an http or https URL",
    ),
    ("port of an upstream", ["--upstream", "http://host:x"], "--upstream: upstream 'http://host:x' is not a URL"),
    (
        "two upstreams",
        ["--upstream", "demo:", "--upstream", "http://a"],
        "--upstream: two upstreams are called 'default'",
    ),
    ("endpoint", ["--listen", "nope:1"], "--listen: 'nope:1' is not an endpoint (Unknown endpoint type: 'nope'); for"),
    ("port of an endpoint", ["--listen", "tcp:x"], "--listen: 'tcp:x' is not an endpoint"),
    ("bare port", ["--listen", "8080"], "--listen: '8080' is not an endpoint"),
    ("argument of an endpoint", ["--listen", "tcp:1:face=x"], "--listen: 'tcp:1:face=x' is not an endpoint"),
    ("file", ["--config", "/nowhere/x.toml"], "--config: /nowhere/x.toml cannot be read: No such file or directory"),
]


@pytest.mark.parametrize(("arguments", "words"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_wrong_usage_is_one_line_that_names_what_and_where(options, arguments, words):
    with pytest.raises(SystemExit) as end:
        options(*arguments)
    line = str(end.value.code)
    assert line.startswith(f"llmproxy: {words}")
    assert len(line.splitlines()) == 1


@pytest.fixture
def taken_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def failing(tmp_path, taken_port):
    """(options, environment, the line) of starts that fail in each stage."""
    (tmp_path / "text.db").write_text("this is no database\n" * 500)
    (tmp_path / "broken.py").write_text("raise RuntimeError('broken by its author')\n")
    (tmp_path / "wrong.toml").write_text("mood = 'all'\n")
    return {
        "option": (["--mode", "fast"], {}, "--mode: 'fast' is unknown: one of off, new_episodes, none, all"),
        "environment": ([], {"LLMPROXY_MAX_BODY": "big"}, "$LLMPROXY_MAX_BODY: 'big' is not a size"),
        "file": (["--config", "wrong.toml"], {}, "wrong.toml: unknown key 'mood'; did you mean 'mode'?"),
        "port": (["--listen", f"tcp:{taken_port}:interface=127.0.0.1"], {}, f"cannot listen on tcp:{taken_port}:"),
        "port out of range": (["--listen", "tcp:99999"], {}, "cannot listen on tcp:99999: "),
        "store": (["--store", "text.db"], {}, "the store text.db cannot be used: it is damaged, or no SQLite file"),
        "folder": (["--store", str(tmp_path)], {}, f"the store {tmp_path} cannot be used: "),
        "log": (["--log", "no/x.log"], {}, "plugin 'request-log': --log: no/x.log cannot be opened: No such file"),
        "plugin": (["--plugin", "broken.py"], {}, "plugin 'broken.py' cannot be loaded: RuntimeError: broken by its"),
        "no plugin": (["--plugin", "no.such"], {}, "plugin 'no.such' cannot be loaded: ModuleNotFoundError: No module"),
    }


STAGES = ["option", "environment", "file", "port", "port out of range", "store", "folder", "log", "plugin", "no plugin"]


@WAYS
@pytest.mark.parametrize("stage", STAGES)
def test_a_start_that_fails_is_one_line_and_exit_code_1(run, tmp_path, taken_port, command, stage):
    options, env, words = failing(tmp_path, taken_port)[stage]
    base = ["--listen", "tcp:0:interface=127.0.0.1"] if "--listen" not in options else []
    ended = run(command, *base, *options, env=env)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"llmproxy: {words}")
    assert len(ended.stderr.splitlines()) == 1


def test_a_start_that_fails_in_the_background_is_told_by_the_process_that_waits(run, tmp_path):
    background = [*START_TWISTD, "--pidfile=twistd.pid", "--logfile=twistd.log", "llmproxy"]
    ended = run(background, "--listen", "tcp:0:interface=127.0.0.1", "--plugin", "no.such")
    assert ended.returncode == 1
    assert "An error has occurred: " in ended.stderr
    assert "plugin 'no.such' cannot be loaded: ModuleNotFoundError" in Path(tmp_path, "twistd.log").read_text()


def test_the_defaults_start_where_the_output_is_no_terminal(daemon):
    """`--log` is stdout then, which twistd takes for itself."""
    assert daemon("--log", "stdout", "--upstream", "demo:").chat()[0] == 200
