"""The command line of `llmproxy run`: what it keeps, what goes on to the daemon, and what it says when it is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.cli.run_options import DEFAULT, HELP, WrongUsage, parse, wants_help
from proxy_daemon.settings import OPTIONS

DEFAULTS = ("--mode", "new_episodes", "--log", "off")
CASSETTE = ("--mode", "once", "--log", "off", "--store", "off")  # a run never touches the user's own store


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("-- true", DEFAULTS),
        ("--trap --quiet --fail-on live -- true", DEFAULTS),
        ("--match-on model --repeat=cycle -- true", ("--match-on", "model", "--repeat=cycle", *DEFAULTS)),
        ("--mode all -- true", ("--mode", "all", "--log", "off")),
        ("--mode=all -- true", ("--mode=all", "--log", "off")),
        ("--log f -- true", ("--log", "f", "--mode", "new_episodes")),
        ("--cassette c.yaml -- true", ("--cassette", "c.yaml", *CASSETTE)),
        ("--cassette-dir d -- true", ("--cassette-dir", "d", *CASSETTE)),
        ("--cassette c --store s -- true", ("--cassette", "c", "--store", "s", "--mode", "once", "--log", "off")),
    ],
)
def test_what_is_not_its_own_goes_to_the_daemon(words, options):
    assert parse(words.split(), {}).options == options


def test_the_command_stays_as_it_is():
    asked = parse(["--trap", "--", "sh", "-c", "a -- b", "--", "--quiet", "--mode", "all"], {})
    assert asked.command == ("sh", "-c", "a -- b", "--", "--quiet", "--mode", "all")
    assert (asked.trap, asked.quiet, asked.mode, asked.fail_on) == (True, False, "new_episodes", DEFAULT)


@pytest.mark.parametrize(
    ("words", "env", "mode"),
    [
        ("-- true", {"CI": "true"}, "none"),
        ("-- true", {"CI": "1"}, "none"),
        ("-- true", {"CI": "false"}, "new_episodes"),
        ("-- true", {"CI": "False "}, "new_episodes"),
        ("-- true", {"CI": "0"}, "new_episodes"),
        ("-- true", {"CI": ""}, "new_episodes"),
        ("--cassette c -- true", {"CI": "true"}, "none"),
        ("--cassette c -- true", {}, "once"),
        ("-- true", {"LLMPROXY_CASSETTE": "c"}, "once"),
        ("-- true", {"CI": "1", "LLMPROXY_MODE": "all"}, "all"),
        ("--mode off -- true", {"CI": "1", "LLMPROXY_MODE": "all"}, "off"),
        ("--mode off --mode none -- true", {}, "none"),
    ],
)
def test_the_mode(words, env, mode):
    asked = parse(words.split(), env)
    assert asked.mode == mode
    assert ("--mode" in asked.options) == ("LLMPROXY_MODE" not in env or "--mode" in words)


@pytest.mark.parametrize(
    ("words", "env", "own"),
    [
        ("-- true", {}, True),
        ("--store s.db -- true", {}, False),
        ("--store=s.db -- true", {}, False),
        ("-- true", {"LLMPROXY_STORE": "s.db"}, False),
        ("--cassette c -- true", {}, False),
        ("-- true", {"LLMPROXY_CASSETTE_DIR": "d"}, False),
    ],
)
def test_a_store_for_the_run_only_where_there_is_no_other_place(words, env, own):
    assert parse(words.split(), env).own_store is own


def test_a_file_may_say_it_too(tmp_path):
    file = tmp_path / "llmproxy.toml"
    file.write_text('mode = "none"\nstore = "s.db"\nupstream = ["demo:", "ollama=http://gpu:1"]\n')
    for asked in (
        parse(["--config", str(file), "--", "true"], {"CI": "1"}),
        parse(["--", "true"], {"LLMPROXY_CONFIG": str(file)}),
    ):
        assert (asked.mode, asked.own_store, asked.upstreams) == ("none", False, ("demo:", "ollama=http://gpu:1"))
        assert "--mode" not in asked.options


@pytest.mark.parametrize("content", ["", "mode = ", "a = " + "[" * 5000, "\0", "upstream = 3"])
def test_a_file_that_says_nothing_is_the_daemons_business(tmp_path, content):
    file = tmp_path / "llmproxy.toml"
    file.write_text(content)
    assert parse(["--config", str(file), "--", "true"], {}).mode == "new_episodes"
    assert parse(["--config", str(tmp_path / "none.toml"), "--", "true"], {}).mode == "new_episodes"


def test_upstreams_of_all_layers():
    assert parse(["--upstream", "demo:", "--upstream=a=http://h", "--", "x"], {"LLMPROXY_UPSTREAM": "b"}).upstreams == (
        "demo:",
        "a=http://h",
    )
    assert parse(["--", "x"], {"LLMPROXY_UPSTREAM": "demo: a=http://h"}).upstreams == ("demo:", "a=http://h")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("pytest", "put -- before the command"),
        ("--trap pytest -x", "put -- before the command"),
        ("--", "no command"),
        ("--trap --", "no command"),
        ("--listen tcp:1 -- true", "--listen: .* a free port"),
        ("--listen=tcp:1 -- true", "--listen"),
        ("--fail-on hits -- true", "'hits' is not one of miss, unused"),
        ("--fail-on -- true", "'' is not one of"),
        ("--fail-on= -- true", "'' is not one of"),
    ],
)
def test_wrong_usage_says_what_to_do(words, message):
    with pytest.raises(WrongUsage, match=message):
        parse(words.split(), {})


@pytest.mark.parametrize(
    ("word", "fail_on"), [("nothing", ()), ("live", ("live",)), ("miss, unused,miss", ("miss", "unused"))]
)
def test_what_to_fail_on(word, fail_on):
    assert parse(["--fail-on", word, "--", "true"], {}).fail_on == fail_on
    assert parse([f"--fail-on={word}", "--", "true"], {}).fail_on == fail_on


@pytest.mark.parametrize(
    ("words", "wants"),
    [("", True), ("--help", True), ("--trap -h", True), ("-- pytest --help", False), ("-- x", False)],
)
def test_who_wants_help(words, wants):
    assert wants_help(words.split()) is wants


def test_the_help_names_options_that_exist():
    known = {name.replace("_", "-") for name in OPTIONS} | {
        "trap",
        "quiet",
        "fail-on",
        "help",
        "cassette",
        "cassette-dir",
    }
    named = {
        word.strip(".,;)").partition("=")[0][2:] for word in HELP.split() if word.startswith("--") and word != "--"
    }
    assert named <= known
    assert {"trap", "fail-on", "quiet", "mode", "upstream", "cassette"} <= named


@given(
    st.lists(
        st.text(max_size=12) | st.sampled_from(["--", "--config", "--fail-on", "--mode", "--upstream"]), max_size=8
    )
)
def test_any_words_are_read_or_refused_in_one_line(words):
    try:
        command = parse(words, {}).command
    except WrongUsage:
        command = ()
    assert command == () or command == tuple(words[words.index("--") + 1 :])
