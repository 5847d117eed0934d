"""A person's walk: record with the built-in model, export as Markdown, edit the answer, and serve it to the real SDKs.

Then write a talk by hand and serve that, and change it while it is served.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from anthropic import Anthropic, RateLimitError
from openai import OpenAI
from rig import LIMIT

MODEL = "gpt-4o-mini"
QUESTION = "What is the capital of France?"
EDITED = "Paris, *since* 987.\n\n```python\nprint('### user')\n```\n\nIs that all?"
BY_HAND = """\
### user
Hello {{*}}

### assistant
Hello, whoever you are.

### user
And now?

### assistant
Now we are done.

---
status: 429
headers: {retry-after: 7}
---
### user
Too much

### assistant
Slow down.

---
---
### any other question

### assistant
I know three sentences.
"""


def command(*words):
    done = subprocess.run(
        [sys.executable, "-m", "proxy_daemon.cli.main", *map(str, words)],
        env=os.environ | {"HOME": str(Path(words[-1]).parent)},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def openai(url):
    return OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0)


def anthropic(url):
    return Anthropic(base_url=url, api_key="k", max_retries=0)


def openai_says(url, messages):
    with openai(url) as client:
        return client.chat.completions.create(model=MODEL, messages=messages).choices[0].message.content


def openai_streams(url, messages):
    with openai(url) as client, client.chat.completions.create(model=MODEL, messages=messages, stream=True) as pieces:
        return "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)


def responses_say(url, messages):
    with openai(url) as client:
        return client.responses.create(model=MODEL, input=messages).output_text


def anthropic_says(url, messages):
    with anthropic(url) as client:
        return client.messages.create(model=MODEL, max_tokens=100, messages=messages).content[0].text


def anthropic_streams(url, messages):
    with (
        anthropic(url) as client,
        client.messages.stream(model=MODEL, max_tokens=100, messages=messages) as stream,
    ):
        return "".join(stream.text_stream)


CLIENTS = [openai_says, openai_streams, responses_say, anthropic_says, anthropic_streams]


def asked(*texts):
    """The texts of a user and an assistant by turns."""
    return [{"role": ("user", "assistant")[number % 2], "content": text} for number, text in enumerate(texts)]


@pytest.fixture
def recorded(daemon, tmp_path):
    """A talk as it was exported: recorded with the built-in model, through the real SDK."""
    store = tmp_path / "recorded.db"
    proxy = daemon("--upstream", "demo:", store=store)
    said = openai_says(proxy.url, asked(QUESTION))
    proxy.settle()
    proxy.stop()
    talk = tmp_path / "talk.md"
    command("export", "--format", "markdown", "--store", store, "--output", talk)
    return talk, said


def edited(talk, said, words):
    text = talk.read_text()
    assert text.count(said) == 1, text
    talk.write_text(text.replace(said, words))


@pytest.mark.parametrize("ask", CLIENTS)
def test_an_edited_export_is_served_to_every_client(daemon, recorded, ask):
    talk, said = recorded
    edited(talk, said, EDITED)
    proxy = daemon("--cassette", str(talk))
    assert ask(proxy.url, asked(QUESTION)) == EDITED


def test_an_export_says_what_was_recorded_and_nothing_else_is_answered(daemon, recorded):
    talk, said = recorded
    proxy = daemon("--cassette", str(talk))
    assert openai_says(proxy.url, asked(QUESTION)) == said
    with pytest.raises(Exception, match="no recording answers this request"):
        openai_says(proxy.url, asked("What is the capital of Italy?"))


@pytest.fixture
def by_hand(daemon, tmp_path):
    (tmp_path / "hand.md").write_text(BY_HAND)
    return daemon("--cassette", str(tmp_path / "hand.md"))


@pytest.mark.parametrize("ask", CLIENTS)
def test_a_talk_by_hand_is_served_to_every_client(by_hand, ask):
    assert ask(by_hand.url, asked("Hello Ada")) == "Hello, whoever you are."
    assert ask(by_hand.url, asked("Hello Ada", "Hello, whoever you are.", "And now?")) == "Now we are done."
    assert ask(by_hand.url, asked("What else?")) == "I know three sentences."


def test_an_error_by_hand_is_one_to_the_sdk(by_hand):
    with pytest.raises(RateLimitError, match="Slow down") as caught:
        anthropic_says(by_hand.url, asked("Too much"))
    assert caught.value.response.headers["retry-after"] == "7"
