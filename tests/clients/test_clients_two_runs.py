"""Two recorded runs of one agent replay each other to the end, though the server minted other ids in each.

A run is taken up where it stood after any of its turns, and goes on by the recording of the other one, in mode none and
with the upstream gone: its requests bring ids that were never recorded there.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from rehearsal import client_env
from rendering_server import RenderingServer, serving
from rig import LIMIT

from proxy_daemon.core.conversation import Answer, Choice, Finish, Text, ToolCall, Usage

PROGRAM = str(Path(__file__).with_name("agent_calls.py"))
FORMS = ["document", "stream"]
APIS = ["chat", "responses", "messages"]
TURNS = [
    ("", ["Paris", "Rome"]),
    ("And the last one:", ["Oslo"]),
    ("{}Rome", []),
]  # the last words are the id of the first call
PREFIX = {"chat": "/v1", "responses": "/v1", "messages": ""}


class Minting(RenderingServer):
    """Answers the turns of one run, with ids that only this run has."""

    run, turn = "", 0

    @property
    def answer(self):
        text, cities = TURNS[self.turn]
        self.turn += 1
        name = f"{self.run}{self.turn}"
        calls = [ToolCall(f"id{name}{city}", "weather", json.dumps({"city": city})) for city in cities]
        parts = (Text(text.format(first_call(self.run))), *calls) if text else tuple(calls)
        finish = Finish.CALLS if calls else Finish.STOP
        return Answer((Choice(parts, finish),), f"answer_{name}", "m", 1_760_000_000, Usage(3, 4, 7))

    @answer.setter
    def answer(self, value):
        """What every other server says."""


def first_call(run):
    """What stands before the city. With Rome it is one word, and so one event of a stream."""
    return f"id{run}1"


def agent(api, form, url, said=None):
    """The turns of a run: (words, calls, what has been said by then)."""
    env = client_env({"OPENAI_BASE_URL": f"{url}/v1", "ANTHROPIC_BASE_URL": url})
    given = "" if said is None else json.dumps(said)
    command = [sys.executable, PROGRAM, api, form]
    done = subprocess.run(command, input=given, env=env, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def record(daemon, server, store, api, form, run):
    server.run, server.turn = run, 0
    proxy = daemon("--upstream", f"{server.url}{PREFIX[api]}", store=store)
    turns = agent(api, form, proxy.url)
    proxy.settle()
    proxy.stop()
    assert server.turn == len(turns) == len(TURNS)
    assert turns[-1][0] == first_call(run) + "Rome"
    return turns


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("api", APIS)
def test_two_runs_replay_each_other(daemon, tmp_path, api, form):
    with serving(Minting) as server:
        runs = {run: record(daemon, server, tmp_path / f"{run}.db", api, form, run) for run in ("1", "2")}
    assert [calls for _, calls, _ in runs["1"]] == [calls for _, calls, _ in runs["2"]]
    for ours, other in (("1", "2"), ("2", "1")):
        assert f"id{other}" not in json.dumps(runs[ours])
        proxy = daemon("--upstream", f"{server.url}{PREFIX[api]}", "--mode", "none", store=tmp_path / f"{other}.db")
        for turn in range(1, len(TURNS)):
            goes_on(agent(api, form, proxy.url, runs[ours][turn - 1][2]), runs[ours][turn:])
        assert {line["outcome"] for line in proxy.exchanges()[: len(TURNS)]} == {"hit"}
        proxy.stop()


def goes_on(replayed, live):
    """To the end, as it did live, and with the last words of this run."""
    assert [calls for _, calls, _ in replayed] == [calls for _, calls, _ in live]
    assert [text for text, _, _ in replayed] == [text for text, _, _ in live]


@pytest.mark.parametrize("api", APIS)
def test_runs_do_not_take_each_others_ids(daemon, tmp_path, api):
    """What was renamed for one is not kept for the next."""
    with serving(Minting) as server:
        runs = {run: record(daemon, server, tmp_path / f"{run}.db", api, "document", run) for run in ("1", "2")}
    proxy = daemon("--upstream", f"{server.url}{PREFIX[api]}", "--mode", "none", store=tmp_path / "1.db")
    for run in ("2", "1", "2"):
        goes_on(agent(api, "document", proxy.url, runs[run][0][2]), runs[run][1:])
