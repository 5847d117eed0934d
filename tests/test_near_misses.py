"""Near misses by a running daemon: explained where refused, explained later where forwarded, served where asked for."""

import json
import os
import signal
import stat
import time
from pathlib import Path

import pytest
from rig import LIMIT

TEXT = "please tell me in a few words what the weather on the northern coast is like in the early days of autumn"
TYPO = TEXT.replace("weather", "wether")
DIGITS = TEXT + " of 1923"


def until(look):
    """What ``look`` gives as soon as it gives something."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        if found := look():
            return found
    raise AssertionError("it did not come in time")


def numbers(daemon):
    return daemon.get("/_llmproxy/api/stats")["near_misses"]


def child(daemon):
    """The number of the child process, once it runs."""
    return until(lambda: numbers(daemon)["child"]["process"])


def explained(folder):
    """The log's lines of explanations."""
    lines = [json.loads(line) for line in (folder / "requests.log").read_text().splitlines()]
    return [line for line in lines if line.get("kind") == "explained"]


def gone(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_forwarded_miss_is_explained_later_with_its_id(daemon, tmp_path):
    running = daemon("--upstream", "demo:")
    running.chat(TEXT)
    miss = running.chat(TYPO)[1]["X-LLMProxy-Exchange"]
    until(lambda: numbers(running)["explained"])
    line = until(lambda: explained(tmp_path))[0]
    assert line["id"] == miss
    assert "messages[0].content" in line["explained"][1]
    assert numbers(running)["dropped"] == 0


@pytest.mark.parametrize("fuzzy", ["diff", "off"])
def test_a_refused_miss_is_explained_to_the_client(daemon, fuzzy):
    running = daemon("--upstream", "demo:", "--fuzzy", fuzzy)
    running.chat(TEXT)
    status, _, body = running.chat(TYPO, headers={"Cache-Control": "only-if-cached"})
    assert status == 424
    assert (b"messages[0].content" in body) is (fuzzy == "diff")


SERVED = [
    (TYPO, "serve", "new_episodes", True),
    (TYPO, "diff", "new_episodes", False),
    (DIGITS, "serve", "new_episodes", False),
    (TYPO, "serve", "none", False),
    (TYPO, "serve-none", "none", True),
    (DIGITS, "serve-none", "none", False),
]


@pytest.mark.parametrize(("text", "fuzzy", "mode", "served"), SERVED)
def test_the_nearest_is_served_where_that_was_asked_for(daemon, text, fuzzy, mode, served):
    first = daemon("--upstream", "demo:")
    answer = first.chat(TEXT)
    first.stop()
    running = daemon("--upstream", "demo:", "--fuzzy", fuzzy, "--mode", mode)
    status, headers, body = running.chat(text)
    assert (headers["Cache-Status"].startswith("llmproxy; hit; detail=fuzzy-0.9")) is served
    assert (body == answer[2]) is served
    assert status == (424 if mode == "none" and not served else 200)


def test_a_dead_child_is_started_again_and_the_daemon_goes_on(daemon):
    running = daemon("--upstream", "demo:")
    running.chat(TEXT)
    first = child(running)
    os.kill(first, signal.SIGKILL)
    refused = running.chat(TYPO, headers={"Cache-Control": "only-if-cached"})
    assert b"messages[0].content" in refused[2]  # by the child, or by some of the newest
    second = until(lambda: (found := child(running)) != first and found)
    running.chat(TYPO)
    until(lambda: numbers(running)["explained"])
    assert numbers(running)["child"]["died"] == 1
    assert not gone(second)


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_the_child_ends_with_the_daemon(daemon, how):
    running = daemon("--upstream", "demo:")
    number = child(running)
    getattr(running, how)()
    until(lambda: gone(number))


def test_the_index_stands_beside_the_store_and_is_its_owners(daemon, tmp_path):
    running = daemon("--upstream", "demo:")
    child(running)
    place = tmp_path / "store.db.near"
    assert stat.S_IMODE(until(lambda: place.exists() and place.stat()).st_mode) == 0o600


@pytest.mark.parametrize(
    "options", [("--store", "off"), ("--fuzzy", "off"), ("--replay-scope", "key")], ids=lambda options: options[0]
)
def test_where_there_is_nothing_to_compare_nothing_is_explained(daemon, options):
    running = daemon("--upstream", "demo:", *options)
    running.chat(TEXT)
    running.chat(TYPO)
    running.chat(TYPO + " again", headers={"Cache-Control": "only-if-cached"})
    said = numbers(running)
    assert (said["explained"], said["waiting"]) == (0, 0)
    assert (said["child"] == "none") is (options[0] != "--replay-scope")


def test_the_child_has_no_secrets_and_no_sockets(daemon):
    running = daemon("--upstream", "demo:", env={"OPENAI_API_KEY": "hush-hush"})
    number = child(running)
    program = Path(f"/proc/{number}/cmdline")
    assert until(lambda: b"proxy_daemon.work" in program.read_bytes())  # before, it is a copy of the daemon
    with open(f"/proc/{number}/environ", "rb") as environ:  # noqa: PTH123  (not a file of ours)
        assert b"hush" not in environ.read()
    links = [os.readlink(f"/proc/{number}/fd/{each}") for each in os.listdir(f"/proc/{number}/fd")]  # noqa: PTH115, PTH208
    assert [link for link in links if link.startswith("socket")] == []
