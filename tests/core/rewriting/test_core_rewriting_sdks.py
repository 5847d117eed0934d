"""The makers' own SDKs read rewritten streams: what they gather is what the rule makes of the text."""

import httpx2 as httpx  # the SDKs' own
import pytest
from anthropic import Anthropic
from edited import CLOSE, MOVE, OPEN, THINK, asked, cut_at, edited, rendered
from openai import OpenAI

TEXT = f"a{OPEN}b c{CLOSE}d"
MEANT = "a<think>b c</think>d"
ASKS = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def serving(api, rules, monkeypatch, sizes):
    """An HTTP client to which the rewritten stream is the answer to anything."""
    cut_at(monkeypatch, api, *range(0, len(TEXT), sizes))
    request = asked(api)
    head, octets = rendered(request, TEXT)
    out = edited(rules, request, head, octets)
    fields = {"content-type": "text/event-stream"}
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
