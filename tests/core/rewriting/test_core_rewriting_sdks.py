"""The makers' own SDKs read rewritten streams: what they gather is what the rule makes of the text."""

import httpx2 as httpx  # the SDKs' own
import pytest
from anthropic import Anthropic
from edited import CLOSE, MOVE, OPEN, THINK, asked, cut_at, dialect_of, edited, rendered
from openai import OpenAI

from proxy_daemon.core.conversation import Answer, Choice, Finish, Text, ToolCall, Usage

TEXT = f"a{OPEN}b c{CLOSE}d"
MEANT = "a<think>b c</think>d"
ASKS = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def serving(api, rules, monkeypatch, sizes, *, streams=True, answer=None):
    """An HTTP client to which the rewritten answer is the answer to anything."""
    cut_at(monkeypatch, api, *range(0, len(TEXT), sizes))
    request = asked(api, streams=streams)
    head, octets = rendered(request, TEXT)
    if answer is not None:
        octets = dialect_of(request).render(answer, request).body
    out = edited(rules, request, head, octets)
    fields = {"content-type": head.headers.get(b"content-type").decode()}
    return httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, headers=fields, content=out)))


@pytest.mark.parametrize("sizes", [1, 3, 10, 200])
def test_openai_reads_chats(sizes, monkeypatch):
    client = OpenAI(api_key="none", http_client=serving("chat", THINK, monkeypatch, sizes))
    with client.chat.completions.stream(**ASKS) as stream:
        assert stream.get_final_completion().choices[0].message.content == MEANT


@pytest.mark.parametrize("sizes", [1, 3, 10, 200])
def test_openai_reads_moved_text(sizes, monkeypatch):
    client = OpenAI(api_key="none", http_client=serving("chat", MOVE, monkeypatch, sizes))
    with client.chat.completions.stream(**ASKS) as stream:
        message = stream.get_final_completion().choices[0].message
    assert (message.content, message.reasoning_content, message.role) == ("ad", "b c", "assistant")


@pytest.mark.parametrize("sizes", [1, 3, 10, 200])
def test_openai_reads_completions(sizes, monkeypatch):
    client = OpenAI(api_key="none", http_client=serving("completions", THINK, monkeypatch, sizes))
    told = client.completions.create(model="m", prompt="hi", stream=True)
    assert "".join(choice.text for each in told for choice in each.choices) == MEANT


@pytest.mark.parametrize("sizes", [1, 3, 10, 200])
def test_openai_reads_responses(sizes, monkeypatch):
    client = OpenAI(api_key="none", http_client=serving("responses", THINK, monkeypatch, sizes))
    with client.responses.stream(model="m", input="hi") as stream:
        deltas = "".join(each.delta for each in stream if each.type == "response.output_text.delta")
        assert (deltas, stream.get_final_response().output_text) == (MEANT, MEANT)


@pytest.mark.parametrize("sizes", [1, 3, 10, 200])
def test_anthropic_reads_messages(sizes, monkeypatch):
    client = Anthropic(api_key="none", http_client=serving("anthropic", THINK, monkeypatch, sizes))
    with client.messages.stream(max_tokens=9, **ASKS) as stream:
        assert "".join(stream.text_stream) == MEANT
        assert stream.get_final_text() == MEANT


# --- moved text in APIs whose thoughts are blocks or items ------------------------------------------------------------

WITH_CALL = Answer(
    (Choice((Text(f"{OPEN}b c{CLOSE}d{OPEN}e"), ToolCall("call_1", "f", '{"a":1}')), Finish.CALLS),),
    id="a_1",
    model="m",
    created=1,
    usage=Usage(1, 2, 3),
)


def of_message(block):
    return block.type, getattr(block, {"tool_use": "input"}.get(block.type, block.type))


@pytest.mark.parametrize("sizes", [1, 3, 10, 200])
def test_anthropic_reads_moved_text(sizes, monkeypatch):
    client = Anthropic(api_key="none", http_client=serving("anthropic", MOVE, monkeypatch, sizes, answer=WITH_CALL))
    with client.messages.stream(max_tokens=9, **ASKS) as stream:
        seen = list(stream)
        message = stream.get_final_message()
    blocks = [("thinking", "b c"), ("text", "d"), ("thinking", "e"), ("tool_use", {"a": 1})]
    assert [of_message(block) for block in message.content] == blocks
    assert "".join(each.thinking for each in seen if each.type == "thinking") == "b ce"
    assert "".join(each.text for each in seen if each.type == "text") == "d"
    assert [each.index for each in seen if each.type == "content_block_stop"] == [0, 1, 2, 3]
    assert message.content[0].signature == ""


def test_anthropic_reads_moved_text_in_a_document(monkeypatch):
    http = serving("anthropic", MOVE, monkeypatch, 1, streams=False, answer=WITH_CALL)
    message = Anthropic(api_key="none", http_client=http).messages.create(max_tokens=9, **ASKS)
    blocks = [("thinking", "b c"), ("text", "d"), ("thinking", "e"), ("tool_use", {"a": 1})]
    assert [of_message(block) for block in message.content] == blocks


def of_response(item):
    if item.type == "reasoning":
        return "reasoning", "".join(part.text for part in item.content)
    return item.type, item.arguments if item.type == "function_call" else item.content[0].text


ITEMS = [("reasoning", "b c"), ("message", "d"), ("reasoning", "e"), ("function_call", '{"a":1}')]


@pytest.mark.parametrize("sizes", [1, 3, 10, 200])
def test_openai_reads_moved_text_of_responses(sizes, monkeypatch):
    http = serving("responses", MOVE, monkeypatch, sizes, answer=WITH_CALL)
    with OpenAI(api_key="none", http_client=http).responses.stream(model="m", input="hi") as stream:
        seen = list(stream)
        found = stream.get_final_response()
    assert [of_response(item) for item in found.output] == ITEMS
    assert found.output_text == "d"
    assert "".join(each.delta for each in seen if each.type == "response.output_text.delta") == "d"
    assert "".join(each.delta for each in seen if each.type == "response.reasoning_text.delta") == "b ce"
    assert [each.text for each in seen if each.type == "response.reasoning_text.done"] == ["b c", "e"]


def test_openai_reads_moved_text_of_responses_in_a_document(monkeypatch):
    http = serving("responses", MOVE, monkeypatch, 1, streams=False, answer=WITH_CALL)
    found = OpenAI(api_key="none", http_client=http).responses.create(model="m", input="hi")
    assert [of_response(item) for item in found.output] == ITEMS
