"""What the list tells from bodies, of each kind of API; and the values as JSON has them."""

import re

import orjson
import pytest
from inspected import CHAT, MESSAGES, USER, Long, chat, delta, recorded, streamed

from proxy_daemon.core.conversation import (
    Answer,
    Choice,
    Finish,
    Media,
    Message,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    Usage,
    Vector,
)
from proxy_daemon.core.inspecting.opened import opened
from proxy_daemon.core.inspecting.plain import plain
from proxy_daemon.core.inspecting.told import LONGEST, MOST_TOOLS, asked, called, said, tokens, told
from proxy_daemon.core.messages import JSON_LIMIT

MEMBERS = set(
    re.findall(
        r"\S+",
        "dialect operation streams messages tools offered input output total cached reasoning asked said finish error ",
    )
)


def test_it_has_all_members_of_the_contract():
    assert set(told(recorded(said=chat()))) == MEMBERS


def test_a_whole_answer():
    found = told(recorded(said=chat("Hello")))
    assert (found["dialect"], found["operation"], found["streams"]) == ("openai-chat", "chat", False)
    assert (found["asked"], found["said"], found["finish"]) == ("hi", "Hello", "stop")
    assert (found["input"], found["output"], found["total"]) == (3, 4, 7)


def test_a_stream():
    body, pieces = streamed(delta(content="He"), delta(content="llo"), b"data: [DONE]\n\n")
    asked_for = {"model": "m", "stream": True, "messages": [USER]}
    found = told(recorded(asked_for, body, got=[(b"content-type", b"text/event-stream")], pieces=pieces))
    assert (found["said"], found["streams"]) == ("Hello", True)


def test_tools_that_are_called_and_offered():
    tools = [{"type": "function", "function": {"name": name}} for name in ("a", "b", "c")]
    calls = [{"id": str(at), "function": {"name": name, "arguments": "{}"}} for at, name in enumerate("bab")]
    found = told(recorded({"messages": [USER], "tools": tools}, chat(None, message={"tool_calls": calls})))
    assert (found["tools"], found["offered"]) == (["b", "a"], 3)


def test_an_error_is_told():
    found = told(recorded(said={"error": {"message": "no such model"}}, status=404))
    assert found["error"] == "no such model"
    assert found["said"] == ""


def test_without_an_answer():
    found = told(recorded())
    assert (found["asked"], found["said"], found["tools"], found["total"]) == ("hi", "", [], None)


def test_a_total_that_is_not_stated_is_added_up():
    answer = {"type": "message", "content": [], "usage": {"input_tokens": 5, "output_tokens": 6}}
    found = told(recorded({"messages": [USER]}, answer, path=MESSAGES))
    assert (found["dialect"], found["total"]) == ("anthropic", 11)


@pytest.mark.parametrize(
    ("usage", "total"),
    [(None, None), (Usage(1, None), None), (Usage(None, 2), None), (Usage(1, 2), 3), (Usage(1, 2, 9), 9)],
)
def test_totals(usage, total):
    assert tokens(usage)["total"] == total


def test_the_newest_words_of_the_user():
    messages = [
        Message("user", (Text("old"),)),
        Message("assistant", (Text("no"),)),
        Message("user", (Text(" \nnew "), Text("words"))),
        Message("user", (Media("image"),)),
        Message("tool", (Text("result"),)),
    ]
    assert asked(opened(recorded()).conversation.__class__(tuple(messages))) == "new words"


def test_long_words_are_cut():
    found = told(recorded({"messages": [{"role": "user", "content": "x" * 5000}]}, chat("y" * 5000)))
    assert (found["asked"], found["said"]) == ("x" * LONGEST, "y" * LONGEST)


def test_only_words_are_said():
    assert said(Answer((Choice((Reasoning("hm"), Text("a"), Text("b"))),))) == "ab"
    assert said(Answer()) == ""


def test_so_many_names_of_tools():
    calls = tuple(ToolCall("", f"t{at}", "") for at in range(100))
    assert len(called(Answer((Choice(calls),)))) == MOST_TOOLS


@pytest.mark.parametrize("body", [b"\xff\xfe", b'{"messages":', b"[1]", b"null", b'{"messages": 7}', b""])
def test_broken_requests_are_told_of(body):
    found = told(recorded(body, b"\x00\x01"))
    assert found["dialect"] == "openai-chat"
    orjson.dumps(found)


def test_a_request_that_is_too_large_to_be_parsed():
    found = opened(recorded(Long(b"x" * 65536, JSON_LIMIT // 65536 + 1)))
    assert "are not read as a conversation" in found.problem
    assert found.recording.request.path == CHAT


@pytest.mark.parametrize(
    ("value", "made"),
    [
        (Text("a"), {"type": "Text", "text": "a"}),
        (Finish.STOP, "stop"),
        (Tool("t", "d", {"a": 1}), {"name": "t", "description": "d", "schema": {"a": 1}}),
        (Vector((1.0, 2.0)), {"type": "Vector", "values": [1.0, 2.0]}),
        (
            Media("image", "image/png", size=3, data=b"abc"),
            {"type": "Media", "kind": "image", "media_type": "image/png", "source": "", "size": 3},
        ),
    ],
)
def test_plain_values(value, made):
    assert plain(value) == made
