"""An exchange as a conversation: its parts as they are told, long ones cut, and all of it JSON of a bounded size."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inspected import CHAT, EVENTS, MESSAGES, USER, chat, delta, read, streamed

from proxy_daemon.core.conversation import Answer, Choice, Media, Other, Text, ToolCall, ToolResult, Usage, Vector
from proxy_daemon.core.inspecting.chat import LONGEST, answer_told, chat_view, part_told
from proxy_daemon.core.inspecting.fitting import LIMITS, MOST_WRITTEN, fitted, sound

MEMBERS = {"dialect", "operation", "model", "parameters", "messages", "tools", "answer", "problem"}


def test_it_has_the_members_of_the_contract():
    told = chat_view(read(said=chat("Hello")))
    assert set(told) == MEMBERS
    assert told["messages"] == [{"role": "user", "parts": [{"type": "Text", "text": "hi"}]}]
    assert told["answer"] == {
        "choices": [{"parts": [{"type": "Text", "text": "Hello"}], "finish": "stop", "said": "stop", "stopped_by": ""}],
        "id": "c-1",
        "model": "m-2",
        "created": None,
        "usage": {"input": 3, "output": 4, "total": 7, "cached": None, "cache_written": None, "reasoning": None},
        "error": "",
        "complete": True,
    }


def test_parameters_are_what_is_neither_said_nor_a_tool():
    body = {"model": "m", "messages": [USER], "temperature": 0.5, "stop": ["a"], "tools": [], "logit_bias": {"1": 2}}
    told = chat_view(read(body))
    assert told["parameters"] == {"temperature": 0.5, "stop": ["a"], "logit_bias": {"1": 2}}


def test_long_parameters_are_told_by_their_size():
    told = chat_view(read({"messages": [USER], "x": "y" * 100_000}))
    assert told["parameters"]["x"] == "(100000 characters)"


def test_parameters_of_a_form():
    body = b'--x\r\nContent-Disposition: form-data; name="language"\r\n\r\nde\r\n--x--\r\n'
    sent = ((b"Content-Type", b"multipart/form-data; boundary=x"),)
    told = chat_view(read(body, path=b"/v1/audio/transcriptions", sent=sent))
    assert told["parameters"] == {"language": "de"}


def test_tools_with_their_schemas():
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    tool = {"type": "function", "function": {"name": "weather", "description": "d", "parameters": schema}}
    told = chat_view(read({"messages": [USER], "tools": [tool]}))
    assert told["tools"] == [{"name": "weather", "description": "d", "schema": schema}]


def test_calls_results_and_thoughts():
    content = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1}},
    ]
    result = {"type": "tool_result", "tool_use_id": "1", "content": "42", "is_error": True}
    body = {"messages": [{"role": "assistant", "content": content}, {"role": "user", "content": [result]}]}
    first, second = chat_view(read(body, path=MESSAGES))["messages"]
    assert first["parts"][0] == {"type": "Reasoning", "text": "hm", "opaque": "s"}
    assert first["parts"][1] == {"type": "ToolCall", "id": "1", "name": "f", "arguments": '{"a":1}'}
    assert second["parts"] == [{"type": "ToolResult", "id": "1", "text": "42", "name": "", "failed": True}]


def test_a_stream_is_told_as_what_it_comes_to():
    body, pieces = streamed(delta(content="He"), delta(content="llo"))
    told = chat_view(read(None, body, got=(EVENTS,), pieces=pieces))
    assert told["answer"]["choices"][0]["parts"] == [{"type": "Text", "text": "Hello"}]
    assert told["answer"]["complete"] is False


def test_without_an_answer():
    assert chat_view(read())["answer"] is None


@pytest.mark.parametrize(
    ("part", "member"),
    [
        (Text("x" * (LONGEST + 5)), "text"),
        (ToolCall("1", "f", "x" * (LONGEST + 5)), "arguments"),
        (ToolResult("1", "x" * (LONGEST + 5)), "text"),
        (Media("image", "", "x" * (LONGEST + 5)), "source"),
    ],
)
def test_long_texts_are_cut_and_say_so(part, member):
    told = part_told(part)
    assert (len(told[member]), told["cut"]) == (LONGEST, LONGEST + 5)


@pytest.mark.parametrize("part", [Text("a"), Other("x"), Vector((1.0,)), ToolCall("", "", "")])
def test_others_are_not(part):
    assert "cut" not in part_told(part)


def test_long_vectors_are_cut():
    told = part_told(Vector(tuple(map(float, range(100_000)))))
    assert told["cut"] == 100_000
    assert told["values"] == list(map(float, range(len(told["values"]))))


def test_an_answer_by_itself():
    answer = Answer((Choice((Text("a"), Media("image", size=3))),), usage=Usage(1), error="e", complete=False)
    told = answer_told(answer)
    assert told["choices"][0]["parts"][0] == {"type": "Text", "text": "a"}
    assert "href" not in told["choices"][0]["parts"][1]
    assert (told["error"], told["complete"], told["usage"]["input"]) == ("e", False, 1)


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": "x" * 7_000_000}]},
        {"messages": [{"role": "user", "content": "x" * 200_000}] * 30},
        {"messages": [{"role": "user", "content": "x" * 300}] * 20_000},
        {"messages": [{"role": "user", "content": "x"}] * 60_000},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "\x01" * 1000}] * 1000}]},
        {
            "messages": [USER],
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {"a": "x" * 7_000_000}}}],
        },
        {"messages": [USER], "tools": [{"type": "function", "function": {"name": "f"}}] * 60_000},
        {"messages": [USER]} | {f"p{at}": "x" * 1000 for at in range(5000)},
    ],
    ids=["one", "thirty", "many", "tiny", "controls", "schema", "tools", "parameters"],
)
def test_it_always_fits(body):
    told = chat_view(read(body, chat()))
    assert len(orjson.dumps(told)) <= MOST_WRITTEN * 1.2
    assert told["messages"]


def test_what_is_left_out_is_said_and_the_newest_is_kept():
    messages = [{"role": "user", "content": f"turn {at}"} for at in range(60_000)]
    told = chat_view(read({"messages": messages}))
    assert "of 60000 messages" in told["problem"]
    assert told["messages"][-1]["parts"][0]["text"] == "turn 59999"


def test_a_schema_that_is_too_deep_for_json():
    schema = "[" * 900 + "]" * 900
    body = f'{{"messages":[],"tools":[{{"type":"function","function":{{"name":"f","parameters":{schema}}}}}]}}'
    told = chat_view(read(body.encode()))
    orjson.dumps(told)
    assert told["tools"][0]["name"] == "f"


@pytest.mark.parametrize("body", [b'{"messages": [', b"\xff", b"[]", b"7", b'{"messages": {"a": 1}}', b""])
def test_broken_requests(body):
    told = chat_view(read(body, b"\x00\xff", path=CHAT))
    assert told["messages"] == []
    orjson.dumps(told)


def test_an_error_of_the_api():
    told = chat_view(read(said={"error": {"message": "no"}}, status=429))
    assert (told["answer"]["error"], told["answer"]["complete"]) == ("no", False)


def test_the_largest_that_fits_is_taken():
    tried = []

    def make(limit):
        tried.append(limit)
        return {"text": "x" * min(limit * 40, MOST_WRITTEN * 2)}

    found = fitted(make, lambda _: pytest.fail("it fits"))
    assert len(found["text"]) == 40 * max(limit for limit in LIMITS if limit * 40 < MOST_WRITTEN)
    assert len(tried) == len(set(tried)) <= len(LIMITS)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values)
def test_sound_values_are_json(value):
    orjson.dumps(sound(value))


@pytest.mark.parametrize(
    ("value", "made"),
    [("\ud800", "?"), (2**80, str(2**80)), (2**53, 2**53), ({1: (2,)}, {"1": [2]}), (b"x", "b'x'"), (True, True)],
)
def test_what_is_made_sound(value, made):
    assert sound(value) == made


def test_what_is_too_deep_is_said():
    deep: list = []
    for _ in range(5000):
        deep = [deep]
    assert "nested too deep" in orjson.dumps(sound(deep)).decode()


@settings(max_examples=50)
@given(json_values, json_values)
def test_any_bodies(asked, said):
    for path in (CHAT, MESSAGES, b"/api/chat", b"/v1/responses"):
        found = read({"messages": asked, "input": asked, "tools": said}, {"choices": said, "content": said}, path=path)
        orjson.dumps(chat_view(found))
