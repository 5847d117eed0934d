"""Lines for datasets: one form for each API, the answer last, and what a line cannot hold is told."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspected import GEMINI, MESSAGES, PNG, USER, chat, delta, recorded, streamed

from proxy_daemon.core.cassettes import jsonl_writing as writing
from proxy_daemon.core.cassettes.jsonl_writing import JsonlWriter
from proxy_daemon.core.messages import Ending

ALWAYS = [writing.MEMBERS, writing.WIRE, writing.ENDING]
SSE = (b"Content-Type", b"text/event-stream")
SCHEMA = {"type": "object", "properties": {"c": {"type": "string"}}}
TOOL = {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"c":"x"}'}}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}
SYSTEM = {"role": "system", "content": "S"}


def lines(*args, **more):
    made = JsonlWriter().entry(recorded(*args, **more))
    assert not made.left_out, made.left_out
    assert made.text.endswith(b"\n")
    return [json.loads(line) for line in made.text.splitlines()]


def losses(*args, **more):
    return list(JsonlWriter().entry(recorded(*args, **more)).losses[len(ALWAYS) :])


def asked(*messages, **more):
    return {"model": "m", "messages": list(messages), **more}


OPENAI = (
    asked(SYSTEM, USER, {"role": "assistant", "content": None, "tool_calls": [CALL]}, RESULT, tools=[TOOL]),
    chat("Hello"),
)
ANTHROPIC = (
    {
        "model": "m",
        "max_tokens": 5,
        "system": "S",
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "call_1", "name": "f", "input": {"c": "x"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "sunny"}]},
        ],
        "tools": [{"name": "f", "description": "d", "input_schema": SCHEMA}],
    },
    {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "Hello"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
)
WANTED = {
    "messages": [
        SYSTEM,
        USER,
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        RESULT,
        {"role": "assistant", "content": "Hello"},
    ],
    "tools": [TOOL],
}


@pytest.mark.parametrize(("path", "talk"), [(b"/v1/chat/completions", OPENAI), (MESSAGES, ANTHROPIC)], ids=["o", "a"])
def test_each_api_gives_the_same_line(path, talk):
    (found,) = lines(*talk, path=path)
    assert found == WANTED


def test_gemini():
    request = {
        "systemInstruction": {"parts": [{"text": "S"}]},
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "tools": [{"functionDeclarations": [{"name": "f", "description": "d", "parameters": SCHEMA}]}],
    }
    call = {"functionCall": {"name": "f", "args": {"c": "x"}}}
    answer = {"candidates": [{"content": {"role": "model", "parts": [call]}, "finishReason": "STOP"}]}
    (found,) = lines(request, answer, path=GEMINI)
    assert found["messages"][:2] == [SYSTEM, USER]
    (made,) = found["messages"][2]["tool_calls"]
    assert (made["id"], made["function"]["name"], json.loads(made["function"]["arguments"])) == (
        "call_0",
        "f",
        {"c": "x"},
    )
    assert found["tools"] == [TOOL]


def test_a_stream_gives_its_whole_text():
    body, pieces = streamed(delta(role="assistant", content="Hel"), delta(content="lo"), b"data: [DONE]\n\n")
    (found,) = lines(asked(USER, stream=True), body, got=(SSE,), pieces=pieces)
    assert found == {"messages": [USER, {"role": "assistant", "content": "Hello"}]}


def test_each_choice_is_a_line():
    choices = [{"index": at, "message": {"role": "assistant", "content": text}} for at, text in enumerate("ab")]
    found = lines(asked(USER, n=2), chat(choices=[each | {"finish_reason": "stop"} for each in choices]))
    assert [each["messages"] for each in found] == [[USER, {"role": "assistant", "content": text}] for text in "ab"]


def test_a_refusal():
    (found,) = lines(asked(USER), chat(None, message={"refusal": "No."}))
    assert found["messages"][-1] == {"role": "assistant", "content": None, "refusal": "No."}


DATA = base64.b64encode(PNG).decode()
TEXT = {"type": "text", "text": "what?"}


def image(url):
    return {"type": "image_url", "image_url": {"url": url}}


@pytest.mark.parametrize("url", ["https://x.example/a.png", f"data:image/png;base64,{DATA}"])
def test_images(url):
    (found,) = lines(asked({"role": "user", "content": [TEXT, image(url)]}), chat())
    assert found["messages"][0]["content"] == [TEXT, image(url)]


def test_an_image_of_anthropic():
    source = {"type": "base64", "media_type": "image/png", "data": DATA}
    content = [{"type": "image", "source": source}, TEXT]
    request = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": content}]}
    (found,) = lines(request, ANTHROPIC[1], path=MESSAGES)
    assert found["messages"][0]["content"] == [image(f"data:image/png;base64,{DATA}"), TEXT]


def test_each_image_has_its_own_octets():
    urls = ["https://x.example/a.png"]
    urls += [f"data:image/png;base64,{base64.b64encode(PNG + bytes([at])).decode()}" for at in range(3)]
    messages = [{"role": "user", "content": [image(url)]} for url in urls]
    (found,) = lines(asked(*messages), chat())
    assert [each["content"][0]["image_url"]["url"] for each in found["messages"][:4]] == urls


@pytest.mark.parametrize(
    ("messages", "answer", "lost"),
    [
        ([USER], chat(), []),
        ([USER], chat(message={"reasoning_content": "hm"}), [writing.REASONING]),
        (
            [
                {
                    "role": "user",
                    "content": [TEXT, {"type": "input_audio", "input_audio": {"data": DATA, "format": "wav"}}],
                }
            ],
            chat(),
            [writing.OTHERS],
        ),
        ([{"role": "user", "content": [TEXT, {"type": "file", "file": {"file_id": "f-1"}}]}], chat(), [writing.OTHERS]),
        ([USER, RESULT | {"name": "f"}], chat(), [writing.NAMES]),
    ],
    ids=range(5),
)
def test_what_is_lost(messages, answer, lost):
    assert losses(asked(*messages), answer) == lost


def test_that_a_tool_failed_is_lost():
    result = {"type": "tool_result", "tool_use_id": "t", "content": "broken", "is_error": True}
    request = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": [result, TEXT]}]}
    assert losses(request, ANTHROPIC[1], path=MESSAGES) == [writing.FAILED]
    (found,) = lines(request, ANTHROPIC[1], path=MESSAGES)
    assert [each["role"] for each in found["messages"]] == ["tool", "user", "assistant"]


LEFT_OUT = [
    ({"said": {"data": []}, "path": b"/v1/embeddings"}, "it is no conversation"),
    ({"asked": {"model": "m"}, "said": chat()}, "it is no conversation"),
    (
        {"asked": asked(USER, previous_response_id="r"), "said": chat()},
        "a part of its conversation is kept by the server",
    ),
    ({"said": {"error": {"message": "no"}}, "status": 400}, "its answer is an error"),
    ({"said": b"<html>"}, "its answer cannot be read"),
    ({"said": chat(choices=[])}, "its answer says nothing that such a line can hold"),
    ({"said": chat(None)}, "its answer says nothing that such a line can hold"),
    ({"said": chat(None, message={"reasoning_content": "hm"})}, "its answer says nothing that such a line can hold"),
    ({}, "it has no answer"),
    ({"said": chat(), "ending": Ending.BROKEN_OFF}, "its answer is not whole"),
]


@pytest.mark.parametrize(("given_", "reason"), LEFT_OUT, ids=range(len(LEFT_OUT)))
def test_what_is_no_conversation_is_left_out(given_, reason):
    made = JsonlWriter().entry(recorded(**given_))
    assert (made.text, made.left_out) == (b"", reason)


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.text(max_size=6)
    | st.sampled_from(["user", "assistant", "tool", "text", "image_url", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "type", "text", "image_url", "url", "tool_calls", "function"]), inner
        )
    ),
    max_leaves=12,
)


@given(st.lists(ANY, max_size=4), ANY)
def test_whatever_is_said_a_line_is_json(messages, answer):
    made = JsonlWriter().entry(recorded(asked(*messages), {"choices": [{"message": answer}], "tools": answer}))
    assert made.text or made.left_out
    for line in made.text.splitlines():
        assert json.loads(line)["messages"][-1]["role"] == "assistant"
    assert {*made.losses[: 3 if made.text else 0]} <= {*writing.LOSSES}
