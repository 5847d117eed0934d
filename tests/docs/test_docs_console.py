"""docs/console.md: what one sees there is what one sees."""

import re
from pathlib import Path

import pytest
from console_rig import SSE, Watched, event, streaming

from proxy_daemon.core.script import Script
from proxy_daemon.core.telling.floor import MOST_KEPT, PATIENCE
from proxy_daemon.core.telling.news import LAST_FEW
from proxy_daemon.plugins.console import FORMS
from proxy_daemon.plugins.console.telling import CALM_SECONDS, TOO_MANY

PAGE = (Path(__file__).parents[2] / "docs" / "console.md").read_text()
SEEN = re.search(r"<!-- seen -->\n```text\n(.*?)```", PAGE, re.DOTALL)[1]
VARIES = re.compile(r"\d\d:\d\d:\d\d|[0-9a-f]{16}|\d+/\d+ ms")

FUNCTION = {"name": "read_file", "arguments": '{"path": "notes.txt"}'}
TOOLS = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in ("read_file", "write_file")]
MESSAGES = [
    {"role": "system", "content": "You are a careful assistant. " * 12},
    {"role": "user", "content": "What is in notes.txt?"},
    {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": FUNCTION}]},
    {"role": "tool", "tool_call_id": "c1", "content": "milk\neggs"},
]
ANSWERS = [
    lambda request: Script(SSE, ((0, b"data: [DONE]\n\n"),)),
    streaming(
        event(reasoning_content="I have to look into it."),
        event(tool_calls=[{"index": 0, "id": "c1", "function": FUNCTION}]),
    ),
    streaming("It is a **list**:\n\n", "- milk\n", "- eggs\n\n```sh\ncat notes.txt\n```\n"),
]


def seen(monkeypatch):
    answers = list(ANSWERS)

    def answer(request):
        return answers.pop(0)(request)

    person = Watched(monkeypatch, answer=answer, size=(96, 60))
    person.kit.send("/v1/models")
    for upto in (2, 4, 4):
        person.chat(messages=MESSAGES[:upto], tools=TOOLS, model="gpt-4o-mini")
    return person.look()


def test_the_sample_is_what_is_seen(monkeypatch):
    assert VARIES.sub("#", SEEN.strip()) == VARIES.sub("#", seen(monkeypatch).strip())


@pytest.mark.parametrize(
    "words",
    [
        f"more than {TOO_MANY} exchanges end in a second",
        f"calm for {CALM_SECONDS:g} seconds",
        f"up to {MOST_KEPT // 1024} KiB",
        'form = "lines"',
    ],
)
def test_its_numbers_are_those_of_the_code(words):
    assert words in PAGE


def test_its_other_numbers_too():
    assert (PATIENCE, LAST_FEW, "lines" in FORMS) == (2.0, 4, True)
    assert "for two seconds" in PAGE
    assert "the last four messages" in PAGE
