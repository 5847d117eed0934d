"""Fixtures of aimock as talks: what they answer, in which order, and what of them cannot be said."""

import json

import pytest
from answers import post
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.cassettes import Skipped, Unreadable
from proxy_daemon.core.cassettes.aimock.format import Aimock
from proxy_daemon.core.cassettes.formats import chosen
from proxy_daemon.core.conversation import Finish, Message, Reasoning, Text, ToolCall, ToolResult, Usage
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.reading import read_answer
from proxy_daemon.core.matching.patterns.patterns import PatternIndex
from proxy_daemon.core.pattern import Said

HELLO = {"content": "Hello"}
CALL = {"toolCalls": [{"name": "get_weather", "arguments": {"city": "NYC"}, "id": "c1"}]}


def read(*fixtures):
    data = json.dumps({"fixtures": fixtures}).encode()
    assert chosen("x", data).name == "aimock"
    return list(Aimock().read("fixtures.json", data))


def one(match, response=HELLO, **options):
    (found,) = read({"match": match, "response": response, **options})
    return found


def said(recording):
    return recording.pattern.said


def answer(recording):
    dialect = recognise(recording.request, BUILT_IN)
    found, problem = read_answer(dialect, recording.request, recording.response)
    assert not problem
    return found


def user(text):
    return Message("user", (Text(text),))


@pytest.mark.parametrize(
    ("match", "messages"),
    [
        ({"userMessage": "hello"}, [user("{{*}}hello{{*}}")]),
        ({"userMessage": ""}, [user("{{*}}")]),
        ({"userMessage": "{{*}}"}, [user("{{*}}\\{{*}}{{*}}")]),
        ({"userMessage": "a", "endpoint": "chat", "hasToolResult": False}, [user("{{*}}a{{*}}")]),
        (
            {"userMessage": "a", "systemMessage": "b"},
            [Message("system", (Text("{{*}}b{{*}}"),)), user("{{*}}a{{*}}")],
        ),
        (
            {"userMessage": "a", "systemMessage": ["b"]},
            [Message("system", (Text("{{*}}b{{*}}"),)), user("{{*}}a{{*}}")],
        ),
        (
            {"userMessage": "a", "hasToolResult": True},
            [user("{{*}}a{{*}}"), Message("assistant", (Text("{{*}}"),)), Message("tool", (Text("{{*}}"),))],
        ),
        ({"toolResultContains": "ok"}, [Message("tool", (ToolResult("", "{{*}}ok{{*}}"),))]),
    ],
)
def test_what_is_asked(match, messages):
    assert said(one(match)) == Said(tuple(messages), tail=True)


@pytest.mark.parametrize(
    ("match", "parameters"),
    [
        ({"model": "gpt-4o"}, (("model", '"gpt-4o"'),)),
        ({"responseFormat": "json_object"}, (("response_format", '{"type": "json_object"}'),)),
    ],
)
def test_parameters(match, parameters):
    assert said(one({"userMessage": "a", **match})).parameters == parameters


def test_a_match_of_nothing_answers_anything():
    assert said(one({})) == Said(anything=True)
    assert said(one({"model": "m"})).anything


@pytest.mark.parametrize(
    ("response", "parts", "finish"),
    [
        (HELLO, (Text("Hello"),), Finish.STOP),
        ({"content": ""}, (), Finish.STOP),
        ({"content": {"a": [1]}}, (Text('{"a":[1]}'),), Finish.STOP),
        ({"content": "Hello", "finishReason": "length"}, (Text("Hello"),), Finish.LENGTH),
        ({"content": "Hello", "reasoning": "Hm"}, (Reasoning("Hm"), Text("Hello")), Finish.STOP),
        (CALL, (ToolCall("c1", "get_weather", '{"city":"NYC"}'),), Finish.CALLS),
        ({**CALL, **HELLO}, (Text("Hello"), ToolCall("c1", "get_weather", '{"city":"NYC"}')), Finish.CALLS),
        (
            {
                "blocks": [
                    {"type": "toolCall", "id": "c", "name": "f", "arguments": "{}"},
                    {"type": "text", "text": "t"},
                ]
            },
            (ToolCall("c", "f", "{}"), Text("t")),
            Finish.CALLS,
        ),
    ],
)
def test_what_is_answered(response, parts, finish):
    (choice,) = answer(one({"userMessage": "a"}, response)).choices
    assert (choice.parts, choice.finish) == (parts, finish)


def test_what_stands_beside_an_answer():
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    found = one({"userMessage": "a"}, {**HELLO, "model": "m", "usage": usage}, streamingProfile={"tps": 40, "ttft": 5})
    assert (answer(found).model, answer(found).usage) == ("m", Usage(3, 4))
    assert found.pace == pytest.approx(0.025)
    assert found.written
    assert found.detail == "fixture 0"


@pytest.mark.parametrize(
    ("options", "pace"), [({"latency": 20}, 0.02), ({"latency": -1}, 0), ({"latency": "x"}, 0), ({}, 0)]
)
def test_a_pace(options, pace):
    assert one({"userMessage": "a"}, **options).pace == pytest.approx(pace)


@pytest.mark.parametrize(
    ("response", "status", "after"),
    [
        ({"error": {"message": "Slow", "type": "rate_limit_error"}, "status": 429}, 429, b"1"),
        ({"error": {"message": "Slow"}, "status": 429, "retryAfter": 30}, 429, b"30"),
        ({"error": {"message": "Slow"}}, 500, b""),
    ],
)
def test_errors(response, status, after):
    found = one({"userMessage": "a"}, response)
    assert (found.status, found.response.head.headers.get(b"retry-after")) == (status, after)
    assert answer(found).error == "Slow"


def test_a_result_of_a_tool_is_that_of_the_call_which_another_fixture_makes():
    """ids are not compared: who makes the call says what it is. Usually it stands behind."""
    result, call = read(
        {"match": {"toolCallId": "c1"}, "response": HELLO}, {"match": {"userMessage": "weather"}, "response": CALL}
    )
    made = ToolCall("c1", "get_weather", '{"city":"NYC"}')
    given_back = ToolResult("c1", "{{*}}", "get_weather")
    assert said(call).messages == (user("{{*}}weather{{*}}"),)
    assert said(result).messages == (
        user("{{*}}weather{{*}}"),
        Message("assistant", (made,)),
        Message("tool", (given_back,)),
    )


def test_those_of_one_match_answer_in_turn():
    found = read(
        {"match": {"userMessage": "joke", "sequenceIndex": 1}, "response": {"content": "two"}},
        {"match": {"userMessage": "joke", "sequenceIndex": 0}, "response": {"content": "one"}},
        {"match": {"userMessage": "joke"}, "response": {"content": "three"}},
        {"match": {"userMessage": "joke"}, "response": {"content": "never"}},
    )
    assert [answer(each).text for each in found[:3]] == ["one", "two", "three"]
    assert len({said(each) for each in found[:3]}) == 1
    assert found[3] == Skipped(3, "another fixture of the same match is asked before it")


ANY = Text("{{*}}")
ROUND = [Message("assistant", (ANY,)), Message("tool", (ANY,))]
A = user("{{*}}a{{*}}")
RULES = Message("system", (Text("{{*}}s{{*}}"),))


@pytest.mark.parametrize(
    ("match", "conversations"),
    [
        ({"userMessage": "a", "turnIndex": 0}, [[A]]),
        ({"userMessage": "a", "turnIndex": 1}, [[user("{{*}}"), ROUND[0], A], [A, *ROUND]]),
        ({"userMessage": "a", "turnIndex": 2}, [[user("{{*}}"), ROUND[0]] * 2 + [A], [A, *ROUND, *ROUND]]),
        (
            {"userMessage": "a", "turnIndex": 1, "systemMessage": "s"},
            [[RULES, user("{{*}}"), ROUND[0], A], [RULES, A, *ROUND]],
        ),
        ({"userMessage": "a", "turnIndex": 1, "hasToolResult": True}, [[A, *ROUND]]),
        ({"turnIndex": 0}, [[user("{{*}}")]]),
    ],
)
def test_a_turn_is_how_often_the_assistant_has_answered(match, conversations):
    """Whoever asks, and how often: nothing is counted."""
    found = read({"match": match, "response": HELLO})
    assert [said(each) for each in found] == [Said(tuple(each)) for each in conversations]


def test_a_sequence_goes_on_where_tools_have_answered_its_calls():
    texts = [CALL, CALL, {"content": "Done"}, {"content": "Again"}]
    found = read(*({"match": {"userMessage": "a", "sequenceIndex": n}, "response": t} for n, t in enumerate(texts)))
    more = [(each.detail, said(each)) for each in found[len(texts) :]]
    assert more == [
        ("fixture 1", Said((A, *ROUND), tail=True)),
        ("fixture 2", Said((A, *ROUND, *ROUND), tail=True)),
    ]


LOOP = [{"name": "f", "arguments": "{}", "id": "c1"}]


@pytest.mark.parametrize(
    ("fixture", "reason"),
    [
        ({"match": {"inputText": "x"}, "response": HELLO}, "embedding"),
        ({"match": {"toolName": "x"}, "response": HELLO}, "the name of a tool"),
        ({"match": {"context": "x"}, "response": HELLO}, "a header field"),
        ({"match": {"predicate": "x"}, "response": HELLO}, "a function"),
        ({"match": {"userMessage": {"source": ".*"}}, "response": HELLO}, "no text"),
        ({"match": {"userMessage": "a", "systemMessage": ["b", "c"]}, "response": HELLO}, "in any order"),
        ({"match": {"userMessage": "a", "systemMessage": [1]}, "response": HELLO}, "no text"),
        ({"match": {"systemMessage": "a"}, "response": HELLO}, "alone"),
        ({"match": {"userMessage": "a", "responseFormat": "json_schema"}, "response": HELLO}, "with a schema"),
        ({"match": {"endpoint": "image"}, "response": HELLO}, "another endpoint"),
        ({"match": {"toolCallId": "unknown"}, "response": HELLO}, "that no fixture makes"),
        ({"match": {"toolCallId": "c1"}, "response": {"toolCalls": LOOP}}, "made behind it"),
        ({"match": {"new": 1}, "response": HELLO}, "not known"),
        ({"match": {"userMessage": "a", "turnIndex": 51}, "response": HELLO}, "a later turn"),
        ({"match": {"userMessage": "a", "turnIndex": -1}, "response": HELLO}, "a later turn"),
        ({"match": {"userMessage": "a", "turnIndex": 0, "hasToolResult": True}, "response": HELLO}, "an earlier turn"),
        ({"match": {"userMessage": "a"}, "response": {"embedding": [1]}}, "numbers"),
        ({"match": {"userMessage": "a"}, "response": {"image": {"url": "x"}}}, "an image"),
        ({"match": {"userMessage": "a"}, "response": {"content": "x", "webSearches": ["y"]}}, "searches"),
        ({"match": {"userMessage": "a"}, "response": {}}, "no kind that is known"),
        ({"match": {"userMessage": "a"}, "response": {"content": 3}}, "a text of it is none"),
        ({"match": {"userMessage": "a"}, "response": {"toolCalls": [{}]}}, "has no name"),
        ({"match": {"userMessage": "a"}, "response": {"toolCalls": 3}}, "calls are no list"),
        ({"match": {"userMessage": "a"}, "response": {"blocks": [{"type": "x"}]}}, "a block of it"),
        ({"match": {"userMessage": "a"}, "response": {"error": {}, "status": 200}}, "none of an error"),
        ({"match": {"userMessage": "a"}, "response": HELLO, "chaos": {"dropRate": 1}}, "on purpose"),
        ({"match": {"userMessage": "a"}, "response": HELLO, "truncateAfterChunks": 2}, "on purpose"),
        ({"response": HELLO}, "no match"),
        ({"match": {}}, "no response"),
        (3, "no fixture"),
    ],
)
def test_what_cannot_be_said_is_skipped_with_its_reason(fixture, reason):
    data = json.dumps({"fixtures": [fixture]}).encode()
    (found,) = Aimock().read("x", data)
    assert isinstance(found, Skipped)
    assert found.entry == 0
    assert reason in found.reason


@pytest.mark.parametrize(("data", "reason"), [(b"{", "not JSON"), (b'{"fixtures": 3}', "no list"), (b"[]", "no list")])
def test_what_is_no_file_of_fixtures(data, reason):
    with pytest.raises(Unreadable, match=reason):
        list(Aimock().read("x", data))


@pytest.mark.parametrize("data", [b"", b"[]", b'{"fixtures": []}', b'{"log": {"entries": []}}'])
def test_other_files_are_none(data):
    assert not Aimock().recognises("x", data)


def test_a_request_finds_the_first_that_fits():
    """The whole way: what is asked in another API than the fixture's carrier."""
    found = read(
        {"match": {"userMessage": "weather"}, "response": {"content": "Sunny"}},
        {"match": {}, "response": {"content": "No idea"}},
    )
    index = PatternIndex(found)
    for text, expected in (("The weather in NYC?", "Sunny"), ("And now?", "No idea")):
        request = post(b"/v1/messages", {"model": "claude", "messages": [{"role": "user", "content": text}]})
        first = next(iter(index.answering(request, recognise(request, BUILT_IN))))
        assert answer(first).text == expected


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 600)
    | st.text(max_size=4)
    | st.sampled_from(["c1", "f", "text", "toolCall"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "match",
                    "response",
                    "content",
                    "toolCalls",
                    "name",
                    "arguments",
                    "id",
                    "userMessage",
                    "toolCallId",
                    "error",
                    "status",
                    "blocks",
                    "type",
                    "text",
                    "usage",
                    "systemMessage",
                    "model",
                    "latency",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(values, max_size=4))
def test_any_fixtures_are_read_or_skipped(fixtures):
    found = list(Aimock().read("x", json.dumps({"fixtures": fixtures}).encode()))
    assert len(found) == len(fixtures)
