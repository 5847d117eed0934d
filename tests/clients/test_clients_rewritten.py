"""The SDKs of OpenAI and Anthropic read rewritten answers, documents and streams, and find what the rules made."""

import json

import anthropic
import openai
import pytest
from attrs import evolve
from rendering_server import CALLED, SAID, serving

from proxy_daemon.core.conversation import Choice, Finish, Text

OPEN, CLOSE = "<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"
ASKED = [{"role": "user", "content": "How is the weather in Zürich?"}]
HARMONY = f'{OPEN}Let me see: 雨?{CLOSE}It will "rain".{OPEN}once more{CLOSE} Yes.{OPEN}left open'
THINKING = HARMONY.replace(OPEN, "<think>").replace(CLOSE, "</think>")
ANSWER, THOUGHT = 'It will "rain". Yes.', "Let me see: 雨?once moreleft open"
RULES = """
[[rule]]
name = "towns"
text = { replace = "rain", by = "🌧 & snow" }

[[rule]]
name = "ours"
response.set = { model = "ours" }

[[rule]]
name = "arguments"
text = { replace = "Zürich", by = "Genève", fields = ["arguments"] }
"""


@pytest.fixture
def server():
    with serving() as found:
        found.answer = evolve(SAID, choices=(Choice((Text(HARMONY),), Finish.STOP),))
        yield found


@pytest.fixture
def clients(daemon, server, tmp_path):
    """`clients(*rewrite)`: (openai's, anthropic's), through a daemon with these rules, and the daemon."""
    opened = []

    def start(*rewrite):
        (tmp_path / "rules.toml").write_text(RULES)
        names = [str(tmp_path / "rules.toml") if name == "rules" else name for name in rewrite]
        proxy = daemon("--upstream", server.url, *(word for name in names for word in ("--rewrite", name)))
        oai = openai.OpenAI(base_url=proxy.url + "/v1", api_key="none", max_retries=0)
        claude = anthropic.Anthropic(base_url=proxy.url, api_key="none", max_retries=0)
        opened.extend((oai, claude))
        return oai, claude, proxy

    yield start
    for client in opened:
        client.close()


def chat(client, *, streams):
    """(content, reasoning, model)"""
    asked = {"model": "model-1", "messages": ASKED}
    if streams:
        chunks = list(client.chat.completions.create(**asked, stream=True))
        deltas = [choice.delta for each in chunks for choice in each.choices]
        text = "".join(delta.content or "" for delta in deltas)
        thought = "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas)
        return text, thought, chunks[0].model
    got = client.chat.completions.create(**asked)
    message = got.choices[0].message
    return message.content, getattr(message, "reasoning_content", None) or "", got.model


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(
    ("rewrite", "expected"),
    [
        (("gpt-oss",), (THINKING, "", "model-1")),
        (("gpt-oss-reasoning",), (ANSWER, THOUGHT, "model-1")),
        (("gpt-oss", "thinking-tags"), (ANSWER, THOUGHT, "model-1")),
        (("rules",), (HARMONY.replace("rain", "🌧 & snow"), "", "ours")),
    ],
)
def test_chat_completions(clients, tmp_path, rewrite, expected, streams):
    oai, _, proxy = clients(*rewrite)
    assert chat(oai, streams=streams) == expected
    assert chat(oai, streams=streams) == expected  # replayed
    proxy.stop()
    lines = [json.loads(line) for line in (tmp_path / "requests.log").read_text().splitlines()]
    assert [line["outcome"] for line in lines] == ["miss", "hit"]
    assert all(line["rules"] and "problems" not in line for line in lines)


def test_the_accumulating_stream_of_chat_completions(clients):
    oai, _, _ = clients("gpt-oss")
    with oai.chat.completions.stream(model="model-1", messages=ASKED) as stream:
        assert stream.get_final_completion().choices[0].message.content == THINKING


@pytest.mark.parametrize("streams", [False, True])
def test_arguments_of_calls(clients, server, streams):
    server.answer = CALLED
    oai, _, _ = clients("rules")
    asked = {"model": "model-1", "messages": ASKED}
    if streams:
        with oai.chat.completions.stream(**asked) as stream:
            got = stream.get_final_completion()
    else:
        got = oai.chat.completions.create(**asked)
    assert got.choices[0].message.tool_calls[0].function.arguments == '{"city":"Genève","days":[1,2]}'


@pytest.mark.parametrize("streams", [False, True])
def test_responses(clients, streams):
    oai, _, _ = clients("gpt-oss")
    asked = {"model": "model-1", "input": "hello"}
    if streams:
        events = list(oai.responses.create(**asked, stream=True))
        assert "".join(each.delta for each in events if each.type == "response.output_text.delta") == THINKING
        assert [each.text for each in events if each.type == "response.output_text.done"] == [THINKING]
        got = events[-1].response
    else:
        got = oai.responses.create(**asked)
    assert got.output_text == THINKING


@pytest.mark.parametrize("streams", [False, True])
def test_completions(clients, streams):
    oai, _, _ = clients("gpt-oss")
    got = oai.completions.create(model="model-1", prompt="Once", stream=streams)
    chunks = list(got) if streams else [got]
    assert "".join(choice.text for each in chunks for choice in each.choices) == THINKING


@pytest.mark.parametrize("streams", [False, True])
def test_messages(clients, streams):
    _, claude, _ = clients("gpt-oss")
    asked = {"model": "model-1", "max_tokens": 100, "messages": ASKED}
    if streams:
        with claude.messages.stream(**asked) as stream:
            got = stream.get_final_message()
    else:
        got = claude.messages.create(**asked)
    assert "".join(block.text for block in got.content if block.type == "text") == THINKING


@pytest.mark.parametrize("streams", [False, True])
def test_moved_text_of_messages(clients, tmp_path, streams):
    _, claude, proxy = clients("gpt-oss-reasoning")
    asked = {"model": "model-1", "max_tokens": 100, "messages": ASKED}
    if streams:
        with claude.messages.stream(**asked) as stream:
            got = stream.get_final_message()
    else:
        got = claude.messages.create(**asked)
    assert [block.type for block in got.content] == ["thinking", "text"] * 2 + ["thinking"]
    assert "".join(block.text for block in got.content if block.type == "text") == ANSWER
    assert "".join(block.thinking for block in got.content if block.type == "thinking") == THOUGHT
    proxy.stop()
    (line,) = [json.loads(line) for line in (tmp_path / "requests.log").read_text().splitlines()]
    assert line["rules"] == ["gpt-oss-reasoning"]
    assert "problems" not in line


@pytest.mark.parametrize("streams", [False, True])
def test_moved_text_of_responses(clients, streams):
    oai, _, _ = clients("gpt-oss-reasoning")
    asked = {"model": "model-1", "input": "hello"}
    if streams:
        with oai.responses.stream(**asked) as stream:
            got = stream.get_final_response()
    else:
        got = oai.responses.create(**asked)
    assert got.output_text == ANSWER
    thoughts = [part.text for item in got.output if item.type == "reasoning" for part in item.content]
    assert "".join(thoughts) == THOUGHT
    assert got.output[0].type == "reasoning"
