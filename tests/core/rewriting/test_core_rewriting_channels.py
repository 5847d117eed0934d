"""Where each API has its texts: the spots of items and documents, and what ends with an item."""

import orjson
import pytest
from edited import APIS, HEAD, JSON_HEAD, ask, asked, dialect_of, edited, run
from edited import editor as editor_of

from proxy_daemon.core.dialects import BUILT_IN
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.core.rewriting.channels import channels_for
from proxy_daemon.core.rewriting.rules import Replace

C, R, A = "content", "reasoning", "arguments"
CAT = tuple(Replace(f"in {field}", "cat", "dog", (field,)) for field in (C, R, A))


def channels(api, **body):
    request = asked(api, **body)
    return channels_for(dialect_of(request), request)


def told(spots):
    return [(".".join(map(str, spot.path)), spot.field, spot.text) for spot in spots]


CALL = {"index": 2, "function": {"name": "f", "arguments": "x"}}
ITEMS = [
    ("chat", "", {"choices": [{"delta": {"content": "x"}}]}, [("choices.0.delta.content", C)]),
    ("chat", "", {"choices": [{"delta": {"content": ""}}, {"delta": {"reasoning_content": "x"}}]}, [
        ("choices.1.delta.reasoning_content", R)]),
    ("chat", "", {"choices": [{"delta": {"reasoning": "x"}}]}, [("choices.0.delta.reasoning", R)]),
    ("chat", "", {"choices": [{"delta": {"tool_calls": [CALL]}}]}, [
        ("choices.0.delta.tool_calls.0.function.arguments", A)]),
    ("chat", "", {"choices": [{"delta": {"function_call": {"arguments": "x"}}}]}, [
        ("choices.0.delta.function_call.arguments", A)]),
    ("chat", "", {"choices": [{"delta": {"reasoning_details": [{"text": "x"}, {"summary": "x"}, {"data": "x"}]}}]}, [
        ("choices.0.delta.reasoning_details.0.text", R), ("choices.0.delta.reasoning_details.1.summary", R)]),
    ("chat", "", {"choices": [{"delta": {"audio": {"transcript": "x", "data": "x"}}}]}, [
        ("choices.0.delta.audio.transcript", C)]),
    ("chat", "", {"choices": [{"delta": {"content": [{"type": "text", "text": "x"}, {"type": "thinking", "thinking": [
        {"type": "text", "text": "x"}]}]}}]}, [
        ("choices.0.delta.content.0.text", C), ("choices.0.delta.content.1.thinking.0.text", R)]),
    ("chat", "", {"choices": [{"delta": {"content": "x"}, "message": {"content": "x"}}]}, [
        ("choices.0.delta.content", C), ("choices.0.message.content", C)]),
    ("completions", "", {"choices": [{"text": "x", "index": 1}]}, [("choices.0.text", C)]),
    ("responses", "", {"type": "response.output_text.delta", "delta": "x"}, [("delta", C)]),
    ("responses", "response.output_text.done", {"text": "x"}, [("text", C)]),
    ("responses", "", {"type": "response.reasoning_summary_text.delta", "delta": "x"}, [("delta", R)]),
    ("responses", "", {"type": "response.reasoning_text.delta", "delta": "x"}, [("delta", R)]),
    ("responses", "", {"type": "response.function_call_arguments.done", "arguments": "x"}, [("arguments", A)]),
    ("responses", "", {"type": "response.custom_tool_call_input.delta", "delta": "x"}, [("delta", A)]),
    ("responses", "", {"type": "response.refusal.delta", "delta": "x"}, []),
    ("responses", "", {"type": "response.content_part.done", "part": {"type": "output_text", "text": "x"}}, [
        ("part.text", C)]),
    ("responses", "", {"type": "response.reasoning_summary_part.done", "part": {"type": "summary_text", "text": "x"}}, [
        ("part.text", R)]),
    ("responses", "", {"type": "response.output_item.done", "item": {"type": "reasoning", "summary": [{"text": "x"}],
        "content": [{"text": "x"}], "encrypted_content": "x"}}, [
        ("item.summary.0.text", R), ("item.content.0.text", R)]),
    ("responses", "", {"type": "response.completed", "response": {"instructions": "x", "output": [
        {"type": "message", "content": [{"type": "output_text", "text": "x"}]},
        {"type": "function_call", "arguments": "x"}, {"type": "web_search_call", "action": {"query": "x"}}]}}, [
        ("response.output.0.content.0.text", C), ("response.output.1.arguments", A)]),
    ("anthropic", "content_block_delta", {"index": 1, "delta": {"type": "text_delta", "text": "x"}}, [
        ("delta.text", C)]),
    ("anthropic", "", {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "x"}}, [
        ("delta.thinking", R)]),
    ("anthropic", "", {"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": "x"}}, [
        ("delta.partial_json", A)]),
    ("anthropic", "", {"type": "content_block_delta", "delta": {"type": "signature_delta", "signature": "x"}}, []),
    ("anthropic", "", {"type": "content_block_start", "content_block": {"type": "text", "text": "x"}}, [
        ("content_block.text", C)]),
    ("anthropic", "", {"type": "completion", "completion": "x"}, [("completion", C)]),
    ("google", "", {"candidates": [{"content": {"parts": [{"text": "x"}, {"text": "x", "thought": True}]}}]}, [
        ("candidates.0.content.parts.0.text", C), ("candidates.0.content.parts.1.text", R)]),
    ("ollama", "", {"message": {"content": "x", "thinking": "x"}}, [("message.thinking", R), ("message.content", C)]),
    ("ollama generate", "", {"response": "x", "thinking": "x"}, [("thinking", R), ("response", C)]),
    ("bedrock", "contentBlockDelta", {"delta": {"text": "x"}}, [("delta.text", C)]),
    ("bedrock", "contentBlockDelta", {"delta": {"reasoningContent": {"text": "x"}}}, [
        ("delta.reasoningContent.text", R)]),
    ("bedrock", "contentBlockDelta", {"delta": {"toolUse": {"input": "x"}}}, [("delta.toolUse.input", A)]),
    ("bedrock", "messageStart", {"delta": {"text": "x"}}, []),
    ("cohere", "", {"type": "content-delta", "delta": {"message": {"content": {"text": "x"}}}}, [
        ("delta.message.content.text", C)]),
    ("cohere", "", {"type": "content-delta", "delta": {"message": {"content": {"thinking": "x"}}}}, [
        ("delta.message.content.thinking", R)]),
    ("cohere", "", {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "x"}}}, [
        ("delta.message.tool_plan", R)]),
    ("cohere", "", {"type": "tool-call-delta", "delta": {"message": {"tool_calls": {"function": {
        "arguments": "x"}}}}}, [("delta.message.tool_calls.function.arguments", A)]),
    ("cohere 1", "", {"event_type": "text-generation", "text": "x"}, [("text", C)]),
    ("cohere 1", "", {"event_type": "stream-end", "response": {"text": "x"}}, [("response.text", C)]),
    ("cohere 1", "", {"event_type": "citation-generation", "text": "x"}, []),
    ("dashscope", "", {"output": {"choices": [{"message": {"content": "x", "reasoning_content": "x"}}]}}, [
        ("output.choices.0.message.content", C), ("output.choices.0.message.reasoning_content", R)]),
    ("dashscope", "", {"output": {"text": "x"}}, [("output.text", C)]),
    ("tgi", "", {"token": {"text": "x"}, "generated_text": "x"}, [("token.text", C), ("generated_text", C)]),
    ("tgi", "", {"token": {"text": "x", "special": True}}, []),
]  # fmt: skip


@pytest.mark.parametrize(("api", "name", "item", "meant"), ITEMS)
def test_the_texts_of_an_item(api, name, item, meant):
    assert told(channels(api).spots(name, item)) == [(path, field, "x") for path, field in meant]


DOCUMENTS = [
    ("chat", {"choices": [{"message": {"content": "cat", "reasoning_content": "cat", "tool_calls": [
        {"function": {"name": "cat", "arguments": '{"cat":1}'}}]}}], "model": "cat"}, 3),
    ("completions", {"choices": [{"text": "cat"}, {"text": "a cat"}], "id": "cat"}, 2),
    ("responses", {"output": [{"type": "message", "content": [{"type": "output_text", "text": "cat"}]},
        {"type": "function_call", "arguments": "cat", "name": "cat"}], "instructions": "cat"}, 2),
    ("anthropic", {"content": [{"type": "text", "text": "cat"}, {"type": "thinking", "thinking": "cat",
        "signature": "cat"}, {"type": "tool_use", "input": {"a": "cat"}, "name": "cat"}]}, 3),
    ("anthropic", {"completion": "cat", "stop": "cat"}, 1),
    ("anthropic", {"custom_id": "cat", "result": {"message": {"content": [{"type": "text", "text": "cat"}]}}}, 1),
    ("google", {"candidates": [{"content": {"parts": [{"text": "cat"}, {"functionCall": {"name": "cat", "args": {
        "a": "cat"}}}, {"thought": True, "text": "cat"}]}}]}, 3),
    ("google", [{"candidates": [{"content": {"parts": [{"text": "cat"}]}}]}, {"x": "cat"}], 1),
    ("ollama", {"message": {"content": "cat", "thinking": "cat", "tool_calls": [{"function": {"name": "cat",
        "arguments": {"a": "cat"}}}]}, "model": "cat"}, 3),
    ("bedrock", {"output": {"message": {"content": [{"text": "cat"}, {"reasoningContent": {"reasoningText": {
        "text": "cat", "signature": "cat"}}}, {"toolUse": {"input": {"a": "cat"}, "name": "cat"}}]}}}, 3),
    ("cohere", {"message": {"content": [{"text": "cat"}, {"thinking": "cat"}], "tool_plan": "cat", "tool_calls": [
        {"function": {"arguments": "cat", "name": "cat"}}]}, "id": "cat"}, 4),
    ("cohere 1", {"text": "cat", "generations": [{"text": "cat", "id": "cat"}], "tool_calls": [{"name": "cat",
        "parameters": {"a": "cat"}}]}, 3),
    ("dashscope", {"output": {"choices": [{"message": {"content": [{"text": "cat"}]}}]}, "request_id": "cat"}, 1),
    ("tgi", [{"generated_text": "cat"}, {"generated_text": "cat"}, "cat"], 2),
]  # fmt: skip


@pytest.mark.parametrize(("api", "document", "count"), DOCUMENTS)
def test_just_the_texts_of_a_document_change(api, document, count):
    request = asked(api, streams=False)
    octets = orjson.dumps(document, option=orjson.OPT_INDENT_2)
    out = edited(CAT, request, JSON_HEAD, octets)
    assert out.count(b"dog") == count
    assert out.replace(b"dog", b"cat") == octets
    assert run(editor_of(CAT, request, JSON_HEAD), octets.replace(b"cat", b"cow")) == octets.replace(b"cat", b"cow")


ENDS = [
    ("chat", "", {"choices": [{"index": 3, "finish_reason": "stop"}, {"finish_reason": None}]}, [(3,)]),
    ("chat", "", "[DONE]", [()]),
    ("chat", "", "other", []),
    ("responses", "", {"type": "response.output_text.done", "output_index": 1, "content_index": 2}, [
        (1, "output_text", 2)]),
    ("responses", "", {"type": "response.content_part.done", "output_index": 1}, [(1,)]),
    ("responses", "", {"type": "response.output_item.done", "output_index": 1}, [(1,)]),
    ("responses", "response.completed", {}, [()]),
    ("responses", "", {"type": "response.created"}, []),
    ("anthropic", "", {"type": "content_block_stop", "index": 4}, [(4,)]),
    ("anthropic", "message_stop", {}, [()]),
    ("anthropic", "", {"type": "ping"}, []),
    ("google", "", {"candidates": [{"finishReason": "STOP"}]}, [(0,)]),
    ("ollama", "", {"done": True}, [()]),
    ("ollama", "", {"done": False}, []),
    ("bedrock", "contentBlockStop", {"contentBlockIndex": 1}, [(1,)]),
    ("bedrock", "messageStop", {}, [()]),
    ("cohere", "", {"type": "content-end", "index": 1}, [("content", 1)]),
    ("cohere", "message-end", {}, [()]),
    ("cohere 1", "", {"is_finished": True}, [()]),
    ("dashscope", "", {"output": {"choices": [{"finish_reason": "null"}]}}, []),
    ("dashscope", "", {"output": {"finish_reason": "stop"}}, [(0,)]),
    ("tgi", "", {"generated_text": "x"}, [()]),
]  # fmt: skip


@pytest.mark.parametrize(("api", "name", "item", "meant"), ENDS)
def test_what_ends_with_an_item(api, name, item, meant):
    assert list(channels(api).ends(name, item)) == meant


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("odd", [None, 1, "x", [], {}, [[1]], {"choices": {}}, {"output": 1, "message": [1]}])
def test_json_of_another_shape_has_no_texts(api, odd):
    found = channels(api)
    assert [found.spots("", odd), found.document(odd)] == [[], []]
    assert not list(found.ends("", odd))


def test_texts_of_one_choice_have_channels_of_their_own():
    calls = [CALL, {**CALL, "index": 3}, CALL]
    deltas = [{"index": at, "delta": {"content": "x", "reasoning": "x", "tool_calls": calls}} for at in (0, 1)]
    keys = [spot.channel for spot in channels("chat").spots("", {"choices": deltas})]
    assert (len(keys), len(set(keys))) == (10, 8)
    assert {key[0] for key in keys} == {0, 1}


def test_what_repeats_a_text_says_so():
    spots = channels("responses").spots("response.output_text.done", {"text": "x"})
    assert [spot.whole for spot in spots] == [True]
    item = {"output": {"text": "x"}}
    assert [spot.so_far for spot in channels("dashscope").spots("", item)] == [True]
    increments = channels("dashscope", parameters={"incremental_output": True})
    assert [spot.so_far for spot in increments.spots("", item)] == [False]


def test_which_dialects_have_texts():
    without = {dialect.name for dialect in BUILT_IN if channels_for(dialect, ask("/")) is None}
    kinds = ("embeddings", "images", "audio", "moderations", "state")
    assert without == {f"openai-{kind}" for kind in kinds}
    assert channels_for(Dialect(), ask("/")) is None


def test_a_dialect_made_of_a_known_one_has_its_texts():
    class Mine(OpenAIChat):
        thoughts = "thought"

    (spot,) = channels_for(Mine(), ask("/")).spots("", {"choices": [{"delta": {"content": "x"}}]})
    assert spot.thought == ("choices", 0, "delta", "thought")


@pytest.mark.parametrize(
    ("target", "fields"),
    [("/openai/deployments/d/chat/completions", ()), ("/api/v1/chat/completions", ()), ("/fim/completions", ())],
)
def test_those_who_speak_like_openai(target, fields):
    octets = b'data: {"choices":[{"index":0,"delta":{"content":"cat"}}]}\n\n'
    assert edited(CAT, ask(target), HEAD, octets) == octets.replace(b"cat", b"dog"), fields
    responses = b'data: {"type":"response.output_text.delta","delta":"cat"}\n\n'
    if target != "/fim/completions":
        asked_for = ask(target.replace("chat/completions", "responses"))
        assert edited(CAT, asked_for, HEAD, responses) == responses.replace(b"cat", b"dog")
