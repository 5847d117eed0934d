"""`llmproxy run` as a process: record, replay with no key, the trap, exit codes, the verdict, what it leaves behind."""

import json
import re
import sys
from pathlib import Path

import pytest
from runs import CHAT, DEMO, llmproxy_run, python

OPENAI = """
import openai, sys
client = openai.OpenAI()
print([m.id for m in client.models.list()][:1], client.base_url)
print(client.chat.completions.create(model="demo-fast", messages=[{"role": "user", "content": sys.argv[1]}]).choices[0])
print(list(client.responses.create(model="demo-fast", input=sys.argv[1], stream=True))[-1].response.output_text)
"""
ANTHROPIC = """
import anthropic, sys
asked = {"model": "demo-fast", "max_tokens": 100, "messages": [{"role": "user", "content": sys.argv[1]}]}
client = anthropic.Anthropic()
print(client.messages.create(**asked).content)
with client.messages.stream(**asked) as stream:
    print(list(stream.text_stream))
"""
BOTH = OPENAI + ANTHROPIC
NAMED = ("--upstream", "openai=demo:", "--upstream", "anthropic=demo:")
KEYS = {"OPENAI_API_KEY": "sk-own", "ANTHROPIC_API_KEY": "sk-ant-own"}
SHOWN = "import json, os; print(json.dumps(dict(os.environ)))"


def without_port(text):
    return re.sub(r"127\.0\.0\.1:\d+", "PROXY", text)


# --- recording and replaying -----------------------------------------------------------------------------------------


def test_two_sdks_record_here_and_replay_in_ci_without_keys(tmp_path):
    store = ("--store", str(tmp_path / "s.db"))
    recorded = llmproxy_run(*NAMED, *store, *python(BOTH, "What is the capital of France?"), env=KEYS)
    assert recorded.returncode == 0, recorded.stderr
    assert re.search(r"\(no name\) +0 +0 +4 +0 +0 +5 +0 +0", recorded.stderr)
    replayed = llmproxy_run(*NAMED, *store, *python(BOTH, "What is the capital of France?"), env={"CI": "true"})
    assert replayed.returncode == 0, replayed.stderr
    assert without_port(replayed.stdout) == without_port(recorded.stdout)
    assert re.search(r"\(no name\) +5 +0 +0 +0 +0 +0 +0 +0", replayed.stderr)


def test_what_was_not_recorded_fails_in_ci_though_the_program_went_on(tmp_path):
    store = ("--store", str(tmp_path / "s.db"))
    assert llmproxy_run(*DEMO, *store, *python(CHAT, "What is the capital of France?")).returncode == 0
    missed = llmproxy_run(*DEMO, *store, *python(CHAT, "What is the capital of Italy?"), env={"CI": "1"})
    assert missed.stdout == "status 424\n"
    assert missed.returncode == 1
    assert "llmproxy run: the session without a name has refused: 1" in missed.stderr
    assert "Italy" in missed.stderr
    allowed = llmproxy_run("--fail-on=nothing", *DEMO, *store, *python(CHAT, "Where is Rome?"), env={"CI": "1"})
    assert allowed.returncode == 0


class TestCassette:
    """Recorded with the built-in model, and then replayed though there is no upstream any more."""

    GONE = ("--upstream", "http://127.0.0.1:9/v1")

    @pytest.fixture
    def cassette(self, tmp_path):
        places = {"HOME": str(tmp_path / "home"), "XDG_STATE_HOME": str(tmp_path / "home")}
        words = ("--cassette", str(tmp_path / "c" / "talk.yaml"))
        (tmp_path / "home").mkdir()

        def run(*options, upstream=self.GONE, env=None, **more):
            ran = llmproxy_run(*upstream, *words, *options, env=places | (env or {}), **more)
            assert [*(tmp_path / "home").iterdir()] == []  # the user's own store is left alone
            return ran

        self.recorded = run(*python(CHAT, "What is the capital of France?"), upstream=DEMO)
        assert self.recorded.returncode == 0, self.recorded.stderr
        assert (tmp_path / "c" / "talk.yaml").read_bytes().startswith(b"# llmproxy cassette 1\n")
        return run

    @pytest.mark.parametrize("said", ["mode", "environment", "recorded"])
    def test_it_is_replayed(self, cassette, said):
        """In mode none as an option and in CI; without either mode once finds that it is recorded."""
        options = ("--mode", "none") if said == "mode" else ()
        env = {"CI": "true"} if said == "environment" else None
        ran = cassette(*options, *python(CHAT, "What is the capital of France?"), env=env)
        assert (ran.returncode, ran.stdout) == (0, self.recorded.stdout), ran.stderr
        assert re.search(r"\(no name\) +1 +0 +0 +0 +0 +0 +0 +0", ran.stderr)

    def test_a_changed_prompt_fails_with_the_difference(self, cassette):
        ran = cassette("--mode", "none", *python(CHAT, "What is the capital of Italy?"))
        assert (ran.returncode, ran.stdout) == (1, "status 424\n")
        assert "talk.yaml#0 (" in ran.stderr
        assert 'recorded "What is the capital of France?" / incoming "What is the capital of Italy?"' in ran.stderr
        assert "llmproxy run: the session without a name has refused: 1" in ran.stderr

    def test_unused_recordings_can_fail_it(self, cassette):
        assert cassette("--", "true").returncode == 0
        ran = cassette("--fail-on", "unused", "--", "true")
        assert ran.returncode == 1
        assert "llmproxy run: the session without a name has unused: 1" in ran.stderr

    def test_it_is_recorded_anew(self, cassette, tmp_path):
        file = tmp_path / "c" / "talk.yaml"
        file.write_text(file.read_text().replace("capital of France", "capital of Italy"))
        ran = cassette("--mode", "all", *python(CHAT, "What is the capital of France?"), upstream=DEMO)
        assert ran.returncode == 0, ran.stderr
        again = cassette("--mode", "none", *python(CHAT, "What is the capital of France?"))
        assert again.stdout == self.recorded.stdout

    def test_a_directory_serves_programs_that_name_one(self, cassette, tmp_path):
        program = CHAT.replace('os.environ["OPENAI_BASE_URL"]', 'os.environ["LLMPROXY_URL"] + sys.argv[2]')
        words = python(program, "hi", "/_llmproxy/cassette/two/v1")
        assert llmproxy_run(*DEMO, "--cassette-dir", str(tmp_path / "d"), *words).returncode == 0
        ran = llmproxy_run(*self.GONE, "--cassette-dir", str(tmp_path / "d"), *words)
        assert (ran.returncode, ran.stdout.startswith("status")) == (0, False), ran.stderr
        assert [file.name for file in (tmp_path / "d").glob("*.yaml")] == ["two.yaml"]

    def test_one_that_is_damaged_starts_nothing(self, cassette, tmp_path):
        file = tmp_path / "c" / "talk.yaml"
        file.write_text(file.read_text().replace("method: POST", "method: ["))
        ran = cassette("--", "touch", str(tmp_path / "ran"))
        assert ran.returncode == 1
        assert re.search(r"the daemon did not start: .*talk\.yaml:\d+: ", ran.stderr)
        assert not (tmp_path / "ran").exists()


def test_an_api_is_found_where_the_environment_has_it(daemon):
    gateway = daemon("--upstream", "demo:", "--store", "off")
    ran = llmproxy_run(*python(CHAT, "hi"), env={"OPENAI_BASE_URL": f"{gateway.url}/deep/v1"})
    assert ran.returncode == 0, ran.stderr
    assert "/deep/v1/chat/completions" in ran.stderr


def test_a_run_within_a_run_goes_through_both(daemon, tmp_path):
    gateway = daemon("--upstream", "demo:", "--store", "off")
    words = [sys.executable, "-m", "proxy_daemon.cli.main", "run", *python(CHAT, "hi")]
    ran = llmproxy_run("--", *words, env={"OPENAI_BASE_URL": f"{gateway.url}/v1"})
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip()
    assert ran.stderr.count("session    hits") == 2


def test_a_client_that_sends_no_version_is_served_like_one_that_does(tmp_path):
    """Both forms are around: of groq and of langchain-groq, for one."""
    program = CHAT.replace(
        'os.environ["OPENAI_BASE_URL"] + "/chat', 'os.environ["GROQ_BASE_URL"] + sys.argv[2] + "/chat'
    )
    for path in ("", "/openai/v1"):
        ran = llmproxy_run("--upstream", "groq=demo:", *python(program, "hi", path))
        assert (ran.returncode, ran.stdout.startswith("status")) == (0, False), ran.stderr


# --- the environment -------------------------------------------------------------------------------------------------


def test_the_command_sees_the_variables_and_all_that_was_there():
    ran = llmproxy_run(*DEMO, *python(SHOWN), env={"ONE_MORE": "1", "CI": "1", "NO_PROXY": "corp.example"})
    env = json.loads(ran.stdout)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", env["LLMPROXY_URL"])
    assert env["OPENAI_BASE_URL"] == env["LLMPROXY_URL"] + "/v1"
    assert env["OPENAI_API_KEY"] == "llmproxy-placeholder"
    assert env["ONE_MORE"] == "1"
    assert env["NO_PROXY"] == "corp.example,localhost,127.0.0.1,::1"
    assert "HTTPS_PROXY" not in env


def test_keys_are_not_made_up_where_they_would_be_used():
    env = json.loads(llmproxy_run(*DEMO, *python(SHOWN)).stdout)
    assert "OPENAI_API_KEY" not in env


def test_the_trap_refuses_and_counts_what_goes_past_the_proxy():
    program = """
import urllib.error, urllib.request
for url in ("https://api.openai.com/v1/models", "http://api.example/v1/chat/completions"):
    try:
        urllib.request.urlopen(url, b"{}")
    except urllib.error.URLError as error:
        print("refused", "400" in str(error))
"""
    ran = llmproxy_run("--trap", *DEMO, *python(program), env={"NO_PROXY": "api.openai.com"})
    assert ran.stdout == "refused True\nrefused True\n"
    assert ran.returncode == 1
    assert "refused: 2" in ran.stderr
    assert "refused CONNECT api.openai.com:443" in without_ids(ran.stderr)
    assert "refused POST http://api.example/v1/chat/completions" in without_ids(ran.stderr)


def without_ids(text):
    return re.sub(r" [0-9a-f]{16} ", " ", text)


def test_the_trap_lets_through_what_goes_through_the_proxy():
    ran = llmproxy_run("--trap", *DEMO, *python(CHAT, "hi"))
    assert ran.returncode == 0, ran.stderr
    assert not ran.stdout.startswith("status")


# --- exit codes, and what is said ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["true"], 0),
        (["sh", "-c", "exit 7"], 7),
        (["sh", "-c", "kill -TERM $$"], 128 + 15),
        (["sh", "-c", "kill -KILL $$"], 128 + 9),
        (["there-is-no-such-command"], 127),
        (["/"], 126),
        ([""], 127),
    ],
)
def test_the_exit_code_is_the_commands(command, code):
    ran = llmproxy_run(*DEMO, "--", *command)
    assert ran.returncode == code, ran.stderr
    if code in (126, 127):
        assert ran.stderr.startswith(f"llmproxy run: {command[0]}: ")
        assert ran.stderr.count("\n") == 1


def test_the_commands_own_failure_comes_before_the_verdicts(tmp_path):
    ran = llmproxy_run(*DEMO, *python(CHAT + "sys.exit(3)", "hi"), env={"CI": "1"})
    assert ran.returncode == 3
    assert "has refused: 1" in ran.stderr


def test_streams_are_the_commands_own():
    ran = llmproxy_run("--quiet", *DEMO, "--", "sh", "-c", "cat; echo aside >&2", given="typed\n")
    assert (ran.stdout, ran.stderr) == ("typed\n", "aside\n")


def test_where_nothing_was_asked_it_says_so():
    assert "nothing was asked through llmproxy" in llmproxy_run(*DEMO, "--", "true").stderr


@pytest.mark.parametrize(
    ("words", "env", "code", "said"),
    [
        (("pytest",), {}, 2, "put -- before the command"),
        (("--", "true"), {"OPENAI_BASE_URL": "gw"}, 2, "$OPENAI_BASE_URL: upstream 'gw'"),
        (("--mode", "sometimes", "--", "true"), {}, 1, "'sometimes' is unknown"),
        (("--no-such-option", "--", "true"), {}, 1, "option --no-such-option not recognized"),
        (("stray", "--", "true"), {}, 1, "the daemon did not start"),
        (("--upstream", "://", "--", "true"), {}, 1, "must be an http or https URL"),
    ],
)
def test_what_is_wrong_is_said_before_the_command_runs(words, env, code, said, tmp_path):
    ran = llmproxy_run(*words[:-1], *(("touch", str(tmp_path / "ran")) if words[-1] == "true" else words[-1:]), env=env)
    assert ran.returncode == code
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "ran").exists()


def test_modules_of_the_program_are_none_of_the_daemons(tmp_path):
    for name in ("secrets", "token", "yaml", "attrs", "twisted", "proxy_daemon"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(1)\n")
    ran = llmproxy_run(*DEMO, "--", "true", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr


def test_help():
    ran = llmproxy_run("--help")
    assert ran.returncode == 0
    assert ran.stdout.startswith("usage: llmproxy run [OPTIONS] -- COMMAND")


def test_a_daemon_that_ends_early_is_no_verdict():
    """Whoever has ended it: it is the leader of a session, so the only other one with our parent."""
    program = """
import os, signal
for name in filter(str.isdigit, os.listdir("/proc")):
    stat = open(f"/proc/{name}/stat").read() if os.path.exists(f"/proc/{name}/stat") else ""
    if stat and int(stat.rpartition(") ")[2].split()[1]) == os.getppid() and int(name) != os.getpid():
        os.kill(int(name), signal.SIGKILL)
"""
    if not Path("/proc/self").is_dir():
        pytest.skip("needs /proc")
    ran = llmproxy_run(*DEMO, *python(program))
    assert ran.returncode == 1
    assert "there is no verdict: the daemon ended before the command did" in ran.stderr


# --- what it leaves behind -------------------------------------------------------------------------------------------


def test_a_run_without_a_store_leaves_nothing(tmp_path):
    (tmp_path / "home").mkdir()
    places = {"TMPDIR": str(tmp_path), "HOME": str(tmp_path / "home"), "XDG_STATE_HOME": str(tmp_path / "home")}
    assert llmproxy_run(*DEMO, *python(CHAT, "hi"), env=places).returncode == 0
    assert [path for path in tmp_path.rglob("*") if path.name != "home"] == []


def test_what_the_daemon_warns_of_comes_behind_the_command(tmp_path):
    plugin = tmp_path / "loud.py"
    plugin.write_text(
        "from proxy_daemon.hookspecs import hookimpl\n"
        "@hookimpl\ndef llmproxy_log(exchange, event):\n    raise RuntimeError('loud')\n"
    )
    ran = llmproxy_run("--plugin", str(plugin), *DEMO, *python(CHAT + "print('end', file=sys.stderr)", "hi"))
    assert ran.returncode == 0
    assert ran.stderr.startswith("end\n")
    assert "loud" in ran.stderr
