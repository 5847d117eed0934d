"""What people do to what is recorded, on a real daemon: an edited answer is replayed, a deleted one is not, and so on.

By the API and by the command, as docs/acting.md tells it.
"""

import json
import subprocess
import sys
import time

import pytest
from rig import LIMIT, answering, json_answer

API = "/_llmproxy/api"
QUESTION = "What is the capital of France?"
LLMPROXY = [sys.executable, "-m", "proxy_daemon.cli.main"]


def act(running, method, path, body=None):
    """(status, value) of a request below the API."""
    send = running.request if method == "GET" else running.change
    status, _, answer = send(method, f"{API}/{path}", body)
    return status, json.loads(answer)


def command(running, *arguments, **more):
    """(exit code, standard output, standard error) of `llmproxy ...`, on this daemon."""
    line = [*LLMPROXY, *arguments, "--url", running.url]
    done = subprocess.run(line, capture_output=True, text=True, timeout=LIMIT, check=False, **more)
    return done.returncode, done.stdout, done.stderr


def newest(running):
    """The id of the newest exchange that was forwarded and recorded."""
    return next(each["id"] for each in running.exchanges() if each["outcome"] == "miss")


def said(answer):
    """What an answer of the chat API says, whichever form it has."""
    status, headers, body = answer
    assert status == 200, body
    if not headers["content-type"].startswith("text/event-stream"):
        return json.loads(body)["choices"][0]["message"]["content"]
    chunks = [json.loads(line[6:]) for line in body.split(b"\n\n") if line.startswith(b"data: {")]
    assert body.endswith(b"data: [DONE]\n\n")
    return "".join(each["choices"][0]["delta"].get("content") or "" for each in chunks if each["choices"])


def is_hit(answer):
    """Whether a recording has answered."""
    return answer[1]["cache-status"].startswith("llmproxy; hit")


def eventually(done):
    """Whether it comes true in time."""
    until = time.monotonic() + LIMIT
    while not done() and time.monotonic() < until:
        pass
    return done()


@pytest.fixture
def running(daemon):
    """A daemon with one recorded answer; `.id` is its exchange, `.first` what it said."""
    found = daemon("--upstream", "demo:")
    found.first = said(found.chat(QUESTION))
    found.id = newest(found)
    return found


# --- edits -----------------------------------------------------------------------------------------------------------


def test_an_answer_edited_by_the_api_is_replayed_as_a_document_and_as_a_stream(running):
    status, section = act(running, "GET", f"exchanges/{running.id}/answer")
    assert (status, section["id"], section["why_not"]) == (200, running.id, "")
    assert section["answer"]["text"] == running.first
    status, made = act(running, "PUT", f"exchanges/{running.id}/answer", section["answer"] | {"text": "Paris, I say."})
    assert status == 200
    for stream in (False, True, False):
        answer = running.chat(QUESTION, stream=stream)
        assert is_hit(answer)
        assert said(answer) == "Paris, I say."
    usage = json.loads(running.chat(QUESTION)[2])["usage"]
    assert usage["total_tokens"], "what was not edited stays"
    rows = {each["id"]: each for each in running.exchanges()}
    assert (rows[running.id]["replayable"], rows[running.id]["edited"]) == (False, False)
    assert (rows[made["id"]]["replayable"], rows[made["id"]]["edited"], rows[made["id"]]["pinned"]) == (True,) * 3


def test_the_original_stays_as_it_was_on_the_wire(running):
    octets = running.request("GET", f"{API}/exchanges/{running.id}/response/body")[2]
    act(running, "PUT", f"exchanges/{running.id}/answer", {"text": "Lyon."})
    assert running.request("GET", f"{API}/exchanges/{running.id}/response/body")[2] == octets
    assert running.first in json.loads(octets)["choices"][0]["message"]["content"]


def test_words_alone_are_enough(running):
    act(running, "PUT", f"exchanges/{running.id}/answer", {"text": "Lyon."})
    choice = json.loads(running.chat(QUESTION)[2])["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Lyon.", "stop")


def test_an_edit_by_the_command_survives_a_restart_and_is_taken_back_by_deleting_it(running, daemon):
    code, out, err = command(running, "edit", running.id, "--text", "Paris.\nSurely.")
    assert (code, err) == (0, "")
    made = out.split(":")[0]
    assert out == f"{made}: is served in the place of {running.id}\n"
    running.stop()
    again = daemon("--upstream", "demo:", "--store", running.store)
    assert said(again.chat(QUESTION, stream=True)) == "Paris.\nSurely."
    assert command(again, "delete", made, "--yes")[0] == 1, "it is pinned"
    assert command(again, "delete", made, "--yes", "--force")[:2] == (0, f"{made}: deleted\n")
    answer = again.chat(QUESTION)
    assert is_hit(answer)
    assert said(answer) == running.first, "the recorded one is served again"


def test_an_edit_of_a_hit_is_an_edit_of_what_answered(running):
    running.chat(QUESTION)
    hit = running.exchanges()[0]
    assert hit["served_from"] == running.id
    assert act(running, "GET", f"exchanges/{hit['id']}/answer")[1]["id"] == running.id
    assert act(running, "PUT", f"exchanges/{hit['id']}/answer", {"text": "Nice."})[0] == 200
    assert said(running.chat(QUESTION)) == "Nice."


def test_edits_follow_each_other_and_are_taken_back_one_by_one(running):
    made = []
    for text in ("one", "two", "three"):
        made.append(act(running, "PUT", f"exchanges/{running.id}/answer", {"text": text})[1]["id"])
        assert said(running.chat(QUESTION)) == text
    for number, text in zip(reversed(made), ("two", "one", running.first), strict=True):
        assert act(running, "DELETE", f"exchanges/{number}?force=1") == (200, {})
        assert said(running.chat(QUESTION)) == text


WRONG = {
    "no answer at all": ([1], 400, "answer: no mapping"),
    "an unknown member": ({"txt": "a"}, 400, "answer.txt: no member of this name"),
    "no text": ({"text": 5}, 400, "answer.text: no text"),
    "both": ({"text": "a", "parts": []}, 400, "answer.parts: text or parts, not both"),
    "an image": ({"parts": [{"media": "image"}]}, 400, "answer.parts: of the parts"),
    "a broken one": ({"text": "a", "complete": False}, 400, "answer.complete: an answer that failed"),
    "choices that are none": ({"choices": 7}, 400, "answer.choices: choices are a list"),
}


@pytest.mark.parametrize(("section", "status", "words"), WRONG.values(), ids=WRONG)
def test_what_is_no_answer_changes_nothing(running, section, status, words):
    found, value = act(running, "PUT", f"exchanges/{running.id}/answer", section)
    assert (found, words in value["error"]) == (status, True), value
    assert said(running.chat(QUESTION)) == running.first
    assert len(running.exchanges()) == 2


def test_a_secret_in_an_edited_answer_does_not_reach_the_disk(running):
    key = "sk-ant-api03-" + "aB3" * 31 + "AA"
    act(running, "PUT", f"exchanges/{running.id}/answer", {"text": f"Take {key} then."})
    act(running, "PUT", f"exchanges/{running.id}/remark", {"comment": f"was {key}"})
    assert key not in said(running.chat(QUESTION))
    running.stop()
    for file in running.store.parent.glob(f"{running.store.name}*"):
        assert key.encode() not in file.read_bytes(), file


# --- remarks and deleting --------------------------------------------------------------------------------------------


def test_marks_and_comments_by_command_and_api(running):
    assert command(running, "mark", running.id, "odd")[:2] == (0, f"{running.id}: marked odd\n")
    assert command(running, "comment", running.id, "-", input="twice\nover\n")[0] == 0
    row = act(running, "GET", f"exchanges/{running.id}")[1]
    assert (row["mark"], row["comment"], row["pinned"]) == ("odd", "twice\nover", False)
    status, found = act(running, "PUT", f"exchanges/{running.id}/remark", {"mark": "", "pinned": True})
    assert (status, found) == (200, {"mark": "", "comment": "twice\nover", "pinned": True})
    assert next(each for each in running.exchanges() if each["id"] == running.id)["pinned"] is True


def test_what_is_deleted_is_not_replayed_and_not_in_the_file(running):
    code, out, _ = command(running, "delete", running.id)
    assert (code, out.splitlines()[-1]) == (0, "nothing is changed: --yes does it")
    assert is_hit(running.chat(QUESTION))
    assert command(running, "delete", running.id, "--yes")[0] == 0
    assert act(running, "GET", f"exchanges/{running.id}")[0] == 404
    assert not is_hit(running.chat("Something else entirely."))
    for each in running.exchanges():
        act(running, "DELETE", f"exchanges/{each['id']}")
    running.stop()
    for end in ("", "-wal"):
        file = running.store.with_name(running.store.name + end)
        assert not file.exists() or QUESTION.encode() not in file.read_bytes()


def test_a_pinned_exchange_outlives_the_limit_of_size(daemon):
    running = daemon("--upstream", "demo:", "--store-max-bytes", "300000")
    running.chat(QUESTION)
    first = newest(running)
    assert command(running, "pin", first)[0] == 0
    for number in range(20):
        running.chat(f"{number} " + "many words " * 5000)
    running.settle()
    assert eventually(lambda: len(running.exchanges()) < 15), "the limit is kept"
    assert is_hit(running.chat(QUESTION))
    assert command(running, "unpin", first)[0] == 0


@pytest.mark.parametrize("path", ["answer", "remark"])
def test_an_exchange_that_is_not_there(running, path):
    status, value = act(running, "PUT", f"exchanges/00000000000000aa/{path}", {"text": "a"} if path == "answer" else {})
    assert (status, value["error"]) == (404, "there is no exchange 00000000000000aa in the store")
    assert command(running, "delete", "aa", "--yes")[0] == 1


# --- cassettes and modes ---------------------------------------------------------------------------------------------


def test_a_promoted_exchange_is_replayed_from_the_cassette_in_mode_none(daemon, tmp_path):
    folder = tmp_path / "cassettes"
    folder.mkdir()
    running = daemon("--upstream", "demo:", "--cassette-dir", str(folder))
    first = said(running.chat(QUESTION, headers={"Authorization": "Bearer sk-proj-" + "x7" * 30}))
    number = newest(running)
    code, out, err = command(running, "promote", number, "--into", "capital")
    assert (code, err) == (0, "")
    assert out.endswith("capital.yaml#0\n")
    assert "already" in command(running, "promote", number, "--into", "capital")[1]
    running.stop()
    text = (folder / "capital.yaml").read_text()
    assert text.count("\n---\n") == 1
    assert "x7x7" not in text
    alone = daemon("--upstream", "demo:", "--mode", "none", "--store", "off", "--cassette", folder / "capital.yaml")
    for headers in ({}, {"Authorization": "Bearer sk-proj-" + "y8" * 30}):
        answer = alone.chat(QUESTION, headers=headers)
        assert is_hit(answer)
        assert said(answer) == first


def test_equal_exchanges_are_one_recording(daemon, tmp_path):
    running = daemon("--upstream", "demo:", "--cassette-dir", str(tmp_path))
    for _ in range(2):
        running.chat(QUESTION, headers={"Cache-Control": "no-cache"})
    first, second = (each["id"] for each in running.exchanges())
    assert command(running, "promote", first, "--into", "a")[0] == 0
    bodies = [running.request("GET", f"{API}/exchanges/{each}/response/body")[2] for each in (first, second)]
    assert bodies[0] == bodies[1]
    assert "already" in command(running, "promote", second, "--into", "a")[1]


def test_what_stands_in_a_cassette_is_edited_there(daemon, tmp_path):
    running = daemon("--upstream", "demo:", "--cassette", tmp_path / "a.yaml")
    running.chat(QUESTION)
    status, value = act(running, "PUT", f"exchanges/{newest(running)}/answer", {"text": "no"})
    assert (status, "a.yaml#0: edit it there" in value["error"]) == (409, True), value
    assert command(running, "edit", newest(running), "--text", "no")[0] == 1


def test_mode_none_while_running_refuses_the_next_miss_and_opens_no_socket(daemon, upstream):
    there = upstream(answering(json_answer({})))
    running = daemon("--upstream", f"http://127.0.0.1:{there.port}")
    assert running.chat("one")[0] == 200
    assert command(running, "mode")[:2] == (0, "new_episodes\n")
    assert command(running, "mode", "none")[:2] == (0, "none (until it starts again: then new_episodes)\n")
    there.connections = 0
    for number in range(3):
        assert running.chat(f"two {number}")[0] == 424
    assert is_hit(running.chat("one"))
    assert (there.connections, len(there.requests)) == (0, 1)
    assert running.get(f"{API}/stats")["mode"] == {"mode": "none", "configured": "new_episodes"}
    assert act(running, "PUT", "mode", {"mode": "new_episodes"})[1] == {
        "mode": "new_episodes",
        "configured": "new_episodes",
    }
    assert running.chat("two")[0] == 200


@pytest.mark.parametrize(("mode", "words"), [("once", "mode once belongs to cassettes"), ("nix", "there is no mode")])
def test_a_mode_that_cannot_be(running, mode, words):
    status, value = act(running, "PUT", "mode", {"mode": mode})
    assert (status, words in value["error"]) == (400, True)
    assert command(running, "mode", mode)[0] == 1


def test_a_cassette_that_was_only_read_is_recorded_into_from_then_on(daemon, tmp_path):
    file = tmp_path / "a.yaml"
    running = daemon("--upstream", "demo:", "--cassette", file, "--mode", "none")
    assert running.chat(QUESTION)[0] == 424
    assert command(running, "mode", "new_episodes")[0] == 0
    first = said(running.chat(QUESTION))
    assert command(running, "mode", "none")[0] == 0
    answer = running.chat(QUESTION)
    assert (is_hit(answer), said(answer)) == (True, first)
    assert command(running, "mode", "once")[0] == 0
    assert running.chat("something else")[0] == 424
    assert file.read_text().count("\n---\n") == 1


def test_the_verdict_is_reset(running):
    assert command(running, "verdict", "--reset")[0] == 1, "there was a miss"
    assert command(running, "verdict")[0] == 0
