"""Ids of calls where the API gives none: each result says which call it is the result of."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspected import GEMINI, recorded

from proxy_daemon.core.cassettes.jsonl_calls import CallIds
from proxy_daemon.core.cassettes.jsonl_writing import JsonlWriter
from proxy_daemon.core.conversation import ToolCall, ToolResult


def call(name, own=""):
    return ToolCall(own, name, "{}")


def result(name="", own=""):
    return ToolResult(own, "said", name)


def ids(*parts):
    """Of each part, in order."""
    made = CallIds(parts)
    return [made.of_call(part) if isinstance(part, ToolCall) else made.of_result(part) for part in parts]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([call("f", "own"), result("f", "own")], ["own", "own"]),
        ([call("f"), result("f")], ["call_0", "call_0"]),
        ([call("f"), result()], ["call_0", "call_0"]),
        ([call("f"), result("f"), call("f"), result("f")], ["call_0", "call_0", "call_1", "call_1"]),
        ([call("f"), call("g"), result("g"), result("f")], ["call_0", "call_1", "call_1", "call_0"]),
        ([call("f"), call("f"), result("f"), result("f")], ["call_0", "call_1", "call_0", "call_1"]),
        ([call("f"), call("g"), call("f"), result(), result("f"), result()], [*("call_0", "call_1", "call_2") * 1,
          "call_0", "call_2", "call_1"]),
        ([call("f"), call("g", "call_0"), result("f")], ["call_1", "call_0", "call_1"]),
        ([call("f"), result("g")], ["call_0", "call_1"]),
        ([result()], ["call_0"]),
        ([call("f"), result("x", "other"), result("f")], ["call_0", "other", "call_0"]),
    ],
)  # fmt: skip
def test_which_result_is_of_which_call(parts, expected):
    assert ids(*parts) == expected


PARTS = st.one_of(
    st.builds(call, st.sampled_from("fg"), st.sampled_from(["", "", "a", "call_0"])),
    st.builds(result, st.sampled_from(["", "f", "g"]), st.sampled_from(["", "", "a", "call_0"])),
)


@given(st.lists(PARTS, max_size=30))
def test_ids_that_are_made_are_of_one_call_and_one_result(parts):
    found = ids(*parts)
    assert all(found)
    for kind in (ToolCall, ToolResult):
        made = [name for name, part in zip(found, parts, strict=True) if isinstance(part, kind) and not part.id]
        assert len(set(made)) == len(made)
        assert not set(made) & {part.id for part in parts}


def test_many_are_no_trouble():
    many = [call("f")] * 20_000 + [result("g")] * 20_000 + [result(), result("f")] * 10_000
    assert len(set(ids(*many)[:20_000])) == 20_000


def test_two_turns_of_an_api_without_ids():
    def turn(city, said):
        asked = {"functionCall": {"name": "weather", "args": {"city": city}}}
        told = {"functionResponse": {"name": "weather", "response": {"said": said}}}
        return [{"role": "model", "parts": [asked]}, {"role": "user", "parts": [told]}]

    contents = [{"role": "user", "parts": [{"text": "hi"}]}, *turn("Rome", "sun"), *turn("Oslo", "snow")]
    last = {"functionCall": {"name": "weather", "args": {"city": "Bern"}}}
    answer = {"candidates": [{"content": {"role": "model", "parts": [last]}, "finishReason": "STOP", "index": 0}]}
    made = JsonlWriter().entry(recorded({"contents": contents}, answer, path=GEMINI))
    (line,) = [json.loads(each) for each in made.text.splitlines()]
    called = [each["id"] for message in line["messages"] for each in message.get("tool_calls", ())]
    results = [message["tool_call_id"] for message in line["messages"] if message["role"] == "tool"]
    assert called == ["call_0", "call_1", "call_2"]
    assert results == ["call_0", "call_1"]
