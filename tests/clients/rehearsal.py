"""What all SDK tests do: run a client program through a recording daemon, take the upstream away, run it again.

The second daemon runs in mode none; an audit hook in both writes down every connect and name look-up. That the hook
sees them is proved by the first daemon: its upstream is reached by name.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest
from rig import LIMIT

AUDIT = str(Path(__file__).with_name("audit_plugin.py"))
OPENAI2 = Path(__file__).parents[2] / ".sdk" / "openai2"


def needs(there, how):
    """Skip where something is not installed, but fail where LLMPROXY_REQUIRE_ALL says that all must run."""
    if there:
        return
    if os.environ.get("LLMPROXY_REQUIRE_ALL"):
        pytest.fail(f"not installed: {how}")
    pytest.skip(f"not installed: {how}")


def client_env(more):
    """The environment of a client program: no proxy between it and the daemon, and keys that open nothing."""
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return env | {"OPENAI_API_KEY": "sk-nothing", "ANTHROPIC_API_KEY": "nothing"} | more


class Rehearsal:
    """``command`` and ``env`` start the client program; ``base`` names the variable of its base URL and its path."""

    def __init__(self, daemon, folder, command, base, env=None):
        self.daemon, self.folder, self.command = daemon, folder, command
        self.variable, self.path = base
        self.env = client_env(env or {})

    def record(self):
        """(answers, audit lines) of the run with the upstream there; it is gone afterwards."""
        upstream = self.daemon("--upstream", "demo:", "--store", "off")
        self.url = f"http://localhost:{upstream.port}"
        recorded = self._act("recorded")
        upstream.stop()
        return recorded

    def replay(self):
        """(answers, audit lines) of the run in mode none."""
        return self._act("replayed", "--mode", "none")

    def _act(self, name, *options):
        report = self.folder / f"{name}.audit"
        plugin = ("--plugin", AUDIT)
        self.proxy = self.daemon("--upstream", self.url, *plugin, *options, env={"AUDIT_FILE": str(report)})
        answers = self.ask(self.proxy)
        self.outcomes = [line["outcome"] for line in self.proxy.exchanges()]
        self.proxy.stop()
        return answers, report.read_text().splitlines()

    def ask(self, proxy):
        """What the client program prints, {call: answers}."""
        env = self.env | {self.variable: proxy.url + self.path}
        ran = subprocess.run(self.command, env=env, capture_output=True, timeout=LIMIT * 10, check=False)
        assert ran.returncode == 0, ran.stderr.decode()
        return dict(json.loads(line) for line in ran.stdout.splitlines())


def check(rehearsal, version, calls):
    """The whole flow, with all that is promised."""
    recorded, seen = rehearsal.record()
    assert recorded["version"].startswith(version)
    assert set(recorded) == calls | {"version"}
    assert all(recorded.values())
    assert any(line.startswith("socket.getaddrinfo ('localhost'") for line in seen)
    assert any(line.startswith("socket.connect") for line in seen)
    live = len(rehearsal.outcomes)
    replayed, seen = rehearsal.replay()
    assert replayed == recorded
    assert seen == []
    assert set(rehearsal.outcomes[:-live]) == {"hit"}
