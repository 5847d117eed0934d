"""A store under other rules of matching than its daemon's: told at the start, and found again as before."""

import itertools
import json
import os
import subprocess
import sys

import pytest
from rig import json_answer

HIT, MISS = "llmproxy; hit", "llmproxy; fwd=miss"
CHATS = "/v1/chat/completions"
ASKED = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
SAID = {"id": "c", "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}]}
HOUSE = "house=https://llm.example.com/v1"
ENTRY = {
    "request": {
        "method": "POST",
        "uri": f"https://llm.example.com{CHATS}",
        "body": json.dumps(ASKED),
        "headers": {"content-type": ["application/json"]},
    },
    "response": {
        "status": {"code": 200, "message": "OK"},
        "headers": {"content-type": ["application/json"]},
        "body": {"string": json.dumps(SAID)},
    },
}


def counting():
    numbers = itertools.count(1)

    def play(peer):
        while peer.request()[0]:
            peer.send(json_answer(SAID | {"id": f"c{next(numbers)}"}))

    return play


def ask(proxy, path=CHATS, **headers):
    """(the state of its cache, the answer's id)."""
    fields = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    _, found, body = proxy.request("POST", path, json.dumps(ASKED), fields)
    return found["Cache-Status"], json.loads(body).get("id")


def test_a_start_that_makes_fingerprints_anew_says_so(daemon, upstream):
    server = upstream(counting())
    first = daemon("--upstream", server.url)
    assert ask(first) == (MISS, "c1")
    first.stop()
    again = daemon("--upstream", server.url, "--match-on", "-seed")
    assert ask(again) == (HIT, "c1")
    again.stop()
    again.reader.join()
    said = b"".join(again.said)
    assert b"follows other rules of matching: its recordings get new fingerprints" in said
    assert b"1 recordings have new fingerprints" in said


def test_an_import_of_a_named_upstream_is_found_by_that_name_under_other_rules(daemon, tmp_path):
    """And not as one of the default upstream, which comes first."""
    name, store = tmp_path / "c.yaml", tmp_path / "s.db"
    name.write_text(json.dumps({"interactions": [ENTRY], "version": 1}))
    command = [sys.executable, "-m", "proxy_daemon.cli.main", "import", str(name), "--store", str(store)]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("LLMPROXY_")}
    subprocess.run([*command, "--as", HOUSE], check=True, env=clean, capture_output=True)
    named = f"/_llmproxy/to/house{CHATS}"
    for rules in ((), ("--match-on", "-seed"), ("--match-on", "-seed,-n")):
        proxy = daemon(
            "--mode", "none", "--upstream", "other=http://127.0.0.1:9", "--upstream", HOUSE, *rules, store=store
        )
        assert ask(proxy, named) == (HIT, "c"), rules
        assert ask(proxy)[1] is None
        proxy.stop()


@pytest.mark.parametrize("session", ["", "a"])
def test_what_was_polled_in_mode_all_is_polled_again(daemon, upstream, session):
    """The second run replaces the first one, and not itself; another session keeps what it has."""
    server, fields = upstream(counting()), {"X_LLMProxy_Session": session} if session else {}
    first = daemon("--upstream", server.url, "--mode", "all")
    assert [ask(first, X_LLMProxy_Session="other")[1] for _ in range(2)] == ["c1", "c2"]
    assert [ask(first, **fields)[1] for _ in range(3)] == ["c3", "c4", "c5"]
    first.stop()
    again = daemon("--upstream", server.url, "--mode", "all")
    assert [ask(again, **fields)[1] for _ in range(2)] == ["c6", "c7"]
    again.stop()
    player = daemon("--upstream", server.url, "--mode", "none")
    assert [ask(player, **fields)[1] for _ in range(3)] == ["c6", "c7", "c7"]
    assert [ask(player, X_LLMProxy_Session="other")[1] for _ in range(3)] == ["c1", "c2", "c2"]
