"""`--cassette talk.md` with a real daemon: what a person wrote answers every API, and is read again when it changes."""

import json
import subprocess
import sys
import time

import pytest
from attrs import evolve
from rig import LIMIT

from proxy_daemon.core.cassettes.llmproxy import HEADER, written
from proxy_daemon.core.talk.format import Markdown

TALK = """\
---
match: last
---
### user

Hello

### assistant

Hello to you.

### user

Tell me about {{*}}.

### assistant

It is one thing.

### assistant

It is another thing.

### any other question

### assistant

I do not know.
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "talk.md"


@pytest.fixture
def served(daemon, file):
    """A daemon that serves this talk."""

    def start(text=TALK, *options):
        file.write_text(text)
        return daemon("--cassette", str(file), *options)

    return start


def post(one, path, body, **headers):
    return one.request("POST", path, json.dumps(body), {"Content-Type": "application/json"} | headers)


def chat(one, text, **more):
    return post(one, "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": text}]} | more)


def responses(one, text, **more):
    return post(one, "/v1/responses", {"model": "m", "input": text} | more)


def messages(one, text, path="/v1/messages", **more):
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": text}]} | more
    return post(one, path, body)


def gemini(one, text, stream=False):
    path = "/v1beta/models/m:" + ("streamGenerateContent?alt=sse" if stream else "generateContent")
    return post(one, path, {"contents": [{"role": "user", "parts": [{"text": text}]}]})


def events(answer):
    assert answer[1]["Content-Type"].startswith("text/event-stream")
    lines = [line.removeprefix(b"data: ") for line in answer[2].splitlines() if line.startswith(b"data: {")]
    return [json.loads(line) for line in lines]


DOCUMENTS = {
    "openai": lambda one, text: json.loads(chat(one, text)[2])["choices"][0]["message"]["content"],
    "responses": lambda one, text: json.loads(responses(one, text)[2])["output"][0]["content"][0]["text"],
    "anthropic": lambda one, text: json.loads(messages(one, text)[2])["content"][0]["text"],
    "gemini": lambda one, text: json.loads(gemini(one, text)[2])["candidates"][0]["content"]["parts"][0]["text"],
}
STREAMS = {
    "openai": lambda one, text: "".join(
        choice["delta"].get("content") or ""
        for event in events(chat(one, text, stream=True))
        for choice in event["choices"]
    ),
    "responses": lambda one, text: "".join(
        event["delta"]
        for event in events(responses(one, text, stream=True))
        if event["type"] == "response.output_text.delta"
    ),
    "anthropic": lambda one, text: "".join(
        event["delta"].get("text", "")
        for event in events(messages(one, text, stream=True))
        if event["type"] == "content_block_delta"
    ),
    "gemini": lambda one, text: "".join(
        part.get("text", "")
        for event in events(gemini(one, text, stream=True))
        for part in event["candidates"][0].get("content", {}).get("parts", [])
    ),
}


class TestServed:
    @pytest.mark.parametrize("asks", [DOCUMENTS, STREAMS], ids=["documents", "streams"])
    def test_every_api_is_answered_in_its_own_words(self, served, asks):
        """Equal prompts follow each other, whoever asks; the exact text goes before the wildcard."""
        one = served()
        assert [ask(one, "Hello") for ask in asks.values()] == ["Hello to you."] * 4
        things = [ask(one, "Tell me about time.") for ask in asks.values()]
        assert things == ["It is one thing.", *["It is another thing."] * 3]
        assert [ask(one, "Why?") for ask in asks.values()] == ["I do not know."] * 4

    def test_an_answer_is_a_hit_and_none_is_forwarded(self, served):
        one = served()
        answer = chat(one, "Hello")
        assert answer[1]["Cache-Status"] == "llmproxy; hit"
        assert json.loads(answer[2])["model"] == "m"
        assert one.get("/_llmproxy/health")["mode"] == "none"

    def test_repeat(self, served):
        one = served(TALK, "--repeat", "cycle")
        ask = DOCUMENTS["openai"]
        assert [ask(one, "Tell me about it.")[6:9] for _ in range(4)] == ["one", "ano", "one", "ano"]

    def test_another_mode_says_that_it_is_only_read(self, served, daemon):
        for mode in ("new_episodes", "all"):
            with pytest.raises(AssertionError, match="only read"):
                served(TALK, "--mode", mode)
        served(TALK, "--mode", "once")

    def test_the_environments_mode_counts_as_given(self, daemon, file):
        file.write_text(TALK)
        with pytest.raises(AssertionError, match="only read"):
            daemon("--cassette", str(file), env={"LLMPROXY_MODE": "new_episodes"})


ERROR = "---\nstatus: 429\nheaders: {retry-after: 2}\n---\n### user\n\nHello\n\n### assistant\n\nSlow down.\n"


def test_an_error_in_the_words_of_each_api(served):
    one = served(ERROR)
    for ask, name in ((chat, "openai"), (responses, "responses"), (messages, "anthropic"), (gemini, "gemini")):
        status, headers, body = ask(one, "Hello")
        assert (status, headers["retry-after"], name) == (429, "2", name)
        assert json.loads(body)["error"]["message"] == "Slow down."
    assert json.loads(messages(one, "Hello")[2])["type"] == "error"
    assert chat(one, "Hello", stream=True)[0] == 429


def test_a_talk_that_a_test_binds_is_served(daemon, file):
    file.write_text(TALK)
    one = daemon("--upstream", "demo:")
    assert one.change("PUT", f"/_llmproxy/api/cassettes?name=t&file={file}")[0] == 200
    answer = messages(one, "Hello", path="/_llmproxy/cassette/t/v1/messages")
    assert json.loads(answer[2])["content"][0]["text"] == "Hello to you."
    file.write_text(TALK.replace("Hello to you", "Good day"))
    ask = lambda: messages(one, "Hello", path="/_llmproxy/cassette/t/v1/messages")[2]  # noqa: E731  (asked many times)
    until(lambda: b"Good day" in ask())


class TestMiss:
    def test_it_names_message_file_and_line(self, served, file):
        talk = TALK.partition("### any other")[0]
        status, headers, body = messages(served(talk), "Hello you")
        message = json.loads(body)["error"]["message"]
        assert (status, headers["x-should-retry"]) == (424, "false")
        assert 'message 1.says: recorded "Hello" / incoming "Hello you"' in message
        assert f"{file.name}#0, line 8" in message.replace(str(file.parent) + "/", "")

    def test_an_api_without_words_for_it_says_so(self, served):
        one = served("### user\n\nHello\n\n### assistant\n\n#### call f call_1\n\n```json\n{}\n```\n")
        status, _, body = post(one, "/v1/completions", {"model": "m", "prompt": "Hello"})
        assert status == 424
        assert "An answer is there: " in json.loads(body)["error"]["message"]


def until(done):
    """Asked again and again: the daemon looks once a second."""
    deadline = time.monotonic() + LIMIT
    while not done():
        assert time.monotonic() < deadline, "it has not come in time"


class TestChanges:
    def replace(self, file, text):
        """As editors do it."""
        new = file.with_suffix(".new")
        new.write_text(text)
        new.replace(file)

    def test_the_new_version_is_served_and_a_bad_one_is_not(self, served, file):
        one, ask = served(), DOCUMENTS["anthropic"]
        health = lambda: one.get("/_llmproxy/health")  # noqa: E731  (asked many times)
        self.replace(file, TALK.replace("Hello to you.", "Good day."))
        until(lambda: ask(one, "Hello") == "Good day.")
        self.replace(file, TALK.replace("match: last", "match: ["))
        until(lambda: health()["status"] == "degraded")
        assert f"{file}:" in health()["recording"]
        assert ask(one, "Hello") == "Good day."
        file.unlink()
        until(lambda: "is gone" in health()["recording"])
        assert ask(one, "Hello") == "Good day."
        file.write_text(TALK)
        until(lambda: health()["status"] == "ready")
        assert ask(one, "Hello") == "Hello to you."


def test_imported_it_serves_the_same(served, daemon, file, tmp_path):
    """Into the store, by the command."""
    file.write_text(TALK + "\n" + ERROR.replace("Hello", "Fail"))
    store = tmp_path / "other.db"
    command = [sys.executable, "-m", "proxy_daemon.cli.main", "import", str(file), "--store", str(store)]
    assert b"imported 5" in subprocess.run(command, check=True, capture_output=True, timeout=LIMIT).stdout
    one = daemon("--mode", "none", store=store)
    assert [ask(one, "Hello") for ask in DOCUMENTS.values()] == ["Hello to you."] * 4
    assert [STREAMS["gemini"](one, "Tell me about it.")[6:9] for _ in range(2)] == ["one", "ano"]
    assert chat(one, "Fail")[0] == 429
    assert DOCUMENTS["responses"](one, "Why?") == "I do not know."


def test_in_a_cassette_of_ours_it_serves_the_same(daemon, tmp_path):
    file = tmp_path / "talk.yaml"
    recordings = [evolve(one, replayable=True) for one in Markdown().read("talk.md", TALK.encode())]
    file.write_bytes(HEADER + b"".join(written(one).text for one in recordings))
    one = daemon("--cassette", str(file), "--mode", "none")
    assert [ask(one, "Hello") for ask in STREAMS.values()] == ["Hello to you."] * 4
    assert [DOCUMENTS["anthropic"](one, "Tell me about it.")[6:9] for _ in range(3)] == ["one", "ano", "ano"]
    assert DOCUMENTS["responses"](one, "Why?") == "I do not know."
