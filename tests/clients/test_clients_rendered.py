"""The SDKs of OpenAI and Anthropic read what the dialects render, as a document and as a stream: all of it is there."""

import json

import anthropic
import openai
import pytest
from attrs import evolve
from rendering_server import ARGUMENTS, CALLED, CUT_SHORT, SAID, TEXT, serving

from proxy_daemon.core.conversation import Answer, Choice, Finish, Reasoning, Text, Vector

ASKED = [{"role": "user", "content": "How is the weather in Zürich?"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
FUNCTION = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
THOUGHT = evolve(SAID, choices=(Choice((Reasoning("Hm ...", "c2ln"), Text(TEXT)), Finish.STOP),))
VECTORS = Answer(tuple(Choice((Vector((0.5, -0.25, one)),), Finish.STOP) for one in (1.0, 2.0)), model="model-1")


@pytest.fixture
def server():
    with serving() as found:
        yield found


@pytest.fixture
def oai(server):
    with openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture
def claude(server):
    with anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0) as client:
        yield client


def chat(client, answer, *, streams):
    asked = {"model": "model-1", "messages": ASKED, "tools": [FUNCTION]}
    if not streams:
        return client.chat.completions.create(**asked)
    with client.chat.completions.stream(**asked, stream_options={"include_usage": True}) as stream:
        return stream.get_final_completion()


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(("answer", "word"), [(SAID, "stop"), (CALLED, "tool_calls"), (CUT_SHORT, "length")])
def test_chat_completions(server, oai, answer, word, streams):
    server.answer = answer
    if streams and word == "length":
        with pytest.raises(openai.LengthFinishReasonError) as error:
            chat(oai, answer, streams=True)
        got = error.value.completion
    else:
        got = chat(oai, answer, streams=streams)
    assert (got.id, got.model) == ("msg_1", "model-1")
    (choice,) = got.choices
    assert choice.finish_reason == word
    assert (choice.message.content or "") == answer.text
    assert [(each.id, each.function.name, each.function.arguments) for each in choice.message.tool_calls or ()] == [
        ("call_1", "weather", ARGUMENTS)
    ] * (answer is CALLED)
    assert (got.usage.prompt_tokens, got.usage.completion_tokens, got.usage.total_tokens) == (11, 7, 18)
    assert server.asked == [("openai-chat", streams)]


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(("answer", "status"), [(SAID, "completed"), (CALLED, "completed"), (CUT_SHORT, "incomplete")])
def test_responses(server, oai, answer, status, streams):
    server.answer = answer
    tools = [{"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}]
    asked = {"model": "model-1", "input": "How is the weather in Zürich?", "tools": tools}
    if streams:
        events = list(oai.responses.create(**asked, stream=True))
        assert "".join(each.delta for each in events if each.type == "response.output_text.delta") == answer.text
        got = events[-1].response
    else:
        got = oai.responses.create(**asked)
    assert (got.id, got.model, got.status, got.output_text) == ("msg_1", "model-1", status, answer.text)
    calls = [each for each in got.output if each.type == "function_call"]
    assert [(each.call_id, each.name, each.arguments) for each in calls] == [("call_1", "weather", ARGUMENTS)] * (
        answer is CALLED
    )
    assert (got.usage.input_tokens, got.usage.output_tokens, got.usage.total_tokens) == (11, 7, 18)
    assert server.asked == [("openai-responses", streams)]


def test_completions(server, oai):
    whole = oai.completions.create(model="model-1", prompt="Once")
    told = list(oai.completions.create(model="model-1", prompt="Once", stream=True))
    assert whole.choices[0].text == "".join(each.choices[0].text for each in told if each.choices) == TEXT
    assert whole.usage.total_tokens == 18
    assert server.asked == [("openai-completions", False), ("openai-completions", True)]


@pytest.mark.parametrize("coding", [{}, {"encoding_format": "float"}])
def test_embeddings(server, oai, coding):
    server.answer = VECTORS
    got = oai.embeddings.create(model="model-1", input=["one", "two"], **coding)
    assert [each.embedding for each in got.data] == [[0.5, -0.25, 1.0], [0.5, -0.25, 2.0]]


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(
    ("answer", "word"),
    [(SAID, "end_turn"), (CALLED, "tool_use"), (CUT_SHORT, "max_tokens"), (THOUGHT, "end_turn")],
)
def test_messages(server, claude, answer, word, streams):
    server.answer = answer
    asked = {"model": "model-1", "max_tokens": 100, "messages": ASKED}
    if streams:
        with claude.messages.stream(**asked) as stream:
            got = stream.get_final_message()
    else:
        got = claude.messages.create(**asked)
    assert (got.id, got.model, got.stop_reason) == ("msg_1", "model-1", word)
    assert "".join(block.text for block in got.content if block.type == "text") == answer.text
    calls = [(block.id, block.name, block.input) for block in got.content if block.type == "tool_use"]
    assert calls == [("call_1", "weather", json.loads(ARGUMENTS))] * (answer is CALLED)
    thoughts = [(block.thinking, block.signature) for block in got.content if block.type == "thinking"]
    assert thoughts == [("Hm ...", "c2ln")] * (answer is THOUGHT)
    assert (got.usage.input_tokens, got.usage.output_tokens) == (11, 7)
    assert server.asked == [("anthropic", streams)]
