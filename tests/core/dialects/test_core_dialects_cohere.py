"""Cohere's two versions: typed events and lines, plans, calls, embeddings and rankings, there and back."""

import orjson
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from others_saying import CALLS, NAMES, NUMBERS, USAGES, WORDS, again, answers, ask, choices, heard, vectors

from proxy_daemon.core.conversation import (
    Answer,
    Choice,
    Finish,
    Media,
    Message,
    Operation,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
    Vector,
)
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.cohere.answers import ENDS
from proxy_daemon.core.dialects.cohere.v1 import CohereV1
from proxy_daemon.core.dialects.cohere.v2 import Cohere
from proxy_daemon.core.dialects.dialect import CannotRender

COHERE, FIRST = Cohere(), CohereV1()
OBJECTS = st.dictionaries(NAMES, st.integers(-(2**53), 2**53))
BARE_CALLS = st.builds(ToolCall, st.just(""), NAMES, OBJECTS.map(lambda found: orjson.dumps(found).decode()))


@pytest.mark.parametrize(
    ("target", "body", "name", "operation"),
    [
        ("/v2/chat", {"messages": []}, "cohere", Operation.CHAT),
        ("/v2/embed", {}, "cohere", Operation.EMBEDDINGS),
        ("/v1/embed", {}, "cohere", Operation.EMBEDDINGS),
        ("/v2/rerank", {}, "cohere", Operation.RERANK),
        ("/v1/rerank", {}, "cohere", Operation.RERANK),
        ("/v1/tokenize", {}, "cohere", Operation.COUNT_TOKENS),
        ("/v1/embed-jobs/e", {}, "cohere", Operation.BATCHES),
        ("/v1/chat", {"message": "Hi"}, "cohere-v1", Operation.CHAT),
        ("/v1/generate", {"prompt": "Hi"}, "cohere-v1", Operation.COMPLETION),
        ("/v1/classify", {}, "cohere-v1", Operation.OTHER),
        ("/v1/chat", {"messages": []}, "generic", Operation.CHAT),
        ("/v1/chat", {"messages": [], "model": "palmyra"}, "writer", Operation.CHAT),
        ("/v2/chat", {"messages": [], "model": "palmyra"}, "cohere", Operation.CHAT),
        ("/v3/chat", {"message": 5}, "generic", Operation.CHAT),
    ],
)
def test_a_request(target, body, name, operation):
    found = recognise(ask(target, body), BUILT_IN)
    assert (found.name, found.operation(ask(target, body))) == (name, operation)


def test_messages_are_read():
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    content = [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
    ]
    messages = [
        {"role": "user", "content": content},
        {"role": "assistant", "tool_plan": "Ask f.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "document", "document": {"data": "4"}}]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Four"}]},
    ]
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    found = COHERE.conversation(ask("/v2/chat", {"messages": messages, "tools": tools}))
    seen = (Text("Look"), Media("image", source="https://x/y.png"), Media("image", "image/png", size=4))
    assert found.messages == (
        Message("user", seen),
        Message("assistant", (Reasoning("Ask f."), ToolCall("c", "f", "{}"))),
        Message("tool", (ToolResult("c", "4"),)),
        Message("assistant", (Reasoning("hm"), Text("Four"))),
    )
    assert found.tools == (Tool("f", "", {}),)


def test_the_first_version_is_read():
    body = {
        "preamble": "Be brief.",
        "chat_history": [{"role": "USER", "message": "Hi"}, {"role": "CHATBOT", "message": "Hello"}],
        "message": "And?",
        "tools": [{"name": "f", "description": "F", "parameter_definitions": {"a": {"type": "int"}}}],
    }
    found = FIRST.conversation(ask("/v1/chat", body))
    said = [(message.role, message.text) for message in found.messages]
    assert said == [("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello"), ("user", "And?")]
    assert found.tools == (Tool("f", "F", {"a": {"type": "int"}}),)


def test_what_is_ranked_is_read():
    found = COHERE.conversation(ask("/v2/rerank", {"query": "q", "documents": ["a", {"text": "b"}, 5]}))
    assert [message.text for message in found.messages] == ["q", "a", "b"]


def typed(kind, index=None, **message):
    data = {"type": kind, "delta": {"message": message}} | ({} if index is None else {"index": index})
    return kind, data


END = {"finish_reason": "TOOL_CALL", "usage": {"tokens": {"input_tokens": 5, "output_tokens": 2}, "cached_tokens": 1}}
EVENTS = [
    ("message-start", {"type": "message-start", "id": "i", "delta": {"message": {"role": "assistant"}}}),
    typed("tool-plan-delta", tool_plan="Ask"),
    typed("tool-plan-delta", tool_plan=" f."),
    typed("content-start", 0, content={"type": "text", "text": ""}),
    typed("content-delta", 0, content={"text": "Hello"}),
    typed("citation-start", 0, citations={"start": 0, "text": "Hello"}),
    typed("content-end", 0),
    typed("tool-call-start", 0, tool_calls={"id": "c", "function": {"name": "f", "arguments": ""}}),
    typed("tool-call-delta", 0, tool_calls={"function": {"arguments": "{}"}}),
    typed("tool-call-end", 0),
    ("message-end", {"type": "message-end", "delta": END}),
    ("", "[DONE]"),
]


def test_events_are_put_together():
    found = heard(COHERE, EVENTS)
    choice = Choice((Reasoning("Ask f."), Text("Hello"), ToolCall("c", "f", "{}")), Finish.CALLS, "TOOL_CALL")
    assert found == Answer((choice,), id="i", usage=Usage(5, 2, cached=1))


def test_events_that_break_off_are_not_complete():
    assert not heard(COHERE, EVENTS[:-2]).complete


def test_a_stream_that_ends_in_an_error():
    event = COHERE.error_event(500, "k", "overloaded")
    assert event.endswith(b"\n\n")
    data = orjson.loads(event.partition(b"data: ")[2])
    found = heard(COHERE, [*EVENTS[:3], ("message-end", data)])
    assert (found.error, found.complete, found.choices[0].finish) == ("overloaded", False, Finish.ERROR)


def test_citations_and_billing_of_a_document():
    document = {
        "id": "i",
        "message": {"role": "assistant", "content": [{"type": "text", "text": "x"}], "citations": [{}]},
        "finish_reason": "MAX_TOKENS",
        "usage": {"billed_units": {"input_tokens": 1, "output_tokens": 2}},
    }
    choice = Choice((Text("x"),), Finish.LENGTH, "MAX_TOKENS")
    assert COHERE.whole(document) == Answer((choice,), id="i", usage=Usage(1, 2))


def test_an_error_is_a_message():
    assert COHERE.whole({"message": "invalid api token"}).error == "invalid api token"
    assert FIRST.whole({"message": "too long"}).error == "too long"
    for dialect in (COHERE, FIRST):
        found = dialect.whole({"id": "e-1", "message": "no such model"})
        assert (found.error, found.complete) == ("no such model", False)
    assert not COHERE.whole({"id": "c-1", "message": {"role": "assistant", "content": []}}).error


LINES = [
    {"is_finished": False, "event_type": "stream-start", "generation_id": "g"},
    {"is_finished": False, "event_type": "text-generation", "text": "Hel"},
    {"is_finished": False, "event_type": "text-generation", "text": "lo"},
    {"is_finished": True, "event_type": "stream-end", "finish_reason": "COMPLETE", "response": {"text": "Hello"}},
]


def test_lines_of_the_first_version():
    found = heard(FIRST, [("", line) for line in LINES])
    assert (found.text, found.complete) == ("Hello", True)
    part = heard(FIRST, [("", line) for line in LINES[:2]])
    assert (part.text, part.id, part.complete) == ("Hel", "g", False)


def test_embeddings_of_either_shape():
    by_type = COHERE.whole({"id": "i", "embeddings": {"float": [[1.0]]}, "meta": {"billed_units": {"input_tokens": 3}}})
    assert by_type == Answer((Choice((Vector((1.0,)),), Finish.STOP),), id="i", usage=Usage(input=3))
    assert COHERE.whole({"embeddings": [[1.0]]}).choices == by_type.choices
    assert COHERE.whole({"embeddings": {"base64": ["AACAPw=="]}}).choices == by_type.choices
    assert len(COHERE.whole({"embeddings": {"int8": [[1], [2]]}}).choices) == 2


@pytest.mark.parametrize("name", ["results", "data"])
def test_rankings(name):
    ranked = [{"index": 2, "relevance_score": 0.5, "document": {"text": "b"}}, {"index": 0, "relevance_score": 0.25}]
    found = COHERE.whole({name: ranked, "model": "r", "usage": {"total_tokens": 9}})
    assert [choice.said for choice in found.choices] == ["2", "0"]
    assert found.choices[0].parts == (Vector((0.5,)), Text("b"))
    assert (found.model, found.usage) == ("r", Usage(total=9))


PLACES = st.builds(
    lambda score, index, text: Choice((Vector((score,)), *([Text(text)] if text else [])), Finish.STOP, str(index)),
    NUMBERS,
    st.integers(0, 999),
    st.none() | WORDS,
)
RANKINGS = answers(st.lists(PLACES, min_size=1, max_size=3).map(tuple), id=NAMES)
ONE = choices(ENDS, CALLS).map(lambda one: (one,))
FIRST_ENDS = {word: finish for word, finish in ENDS.items() if word != "TOOL_CALL"}


def ended(choice):
    """Version 1 says COMPLETE where it calls tools, too."""
    calls = any(isinstance(part, ToolCall) for part in choice.parts) and choice.said == "COMPLETE"
    return evolve(choice, finish=Finish.CALLS) if calls else choice


BARE = choices(FIRST_ENDS, BARE_CALLS, thinks=False).map(lambda one: (ended(one),))


@pytest.mark.parametrize("streams", [True, False])
@given(answers(ONE, id=NAMES, usage=USAGES))
def test_a_chat_comes_back(streams, answer):
    request = ask("/v2/chat", {"messages": [], "stream": streams})
    assert again(COHERE, answer, request) == answer
    assert COHERE.ends_with_terminal(COHERE.render(answer, request).body) or not streams


@pytest.mark.parametrize(("streams", "accept"), [(True, b"*/*"), (True, b"text/event-stream"), (False, b"*/*")])
@given(answers(BARE, id=NAMES, usage=USAGES))
def test_a_chat_of_the_first_version_comes_back(streams, accept, answer):
    request = ask("/v1/chat", {"message": "x", "stream": streams}, headers=[(b"Accept", accept)])
    assert again(FIRST, answer, request) == answer


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize(
    ("choice", "finish"),
    [
        (Choice((ToolCall("", "f", "{}"),), Finish.CALLS, "TOOL_CALL"), Finish.CALLS),
        (Choice((ToolCall("", "f", "{}"),), Finish.CALLS, "tool_calls"), Finish.CALLS),
        (Choice((Text("x"),), Finish.CALLS, "TOOL_CALL"), Finish.STOP),
    ],
)
def test_the_first_version_ends_calls_as_it_ends_words(choice, finish, streams):
    found = again(FIRST, Answer((choice,)), ask("/v1/chat", {"message": "x", "stream": streams}))
    assert [(one.said, one.finish) for one in found.choices] == [("COMPLETE", finish)]


@pytest.mark.parametrize("word", ["COMPLETE", "TOOL_CALL"])
def test_calls_of_a_stream_without_its_whole_answer(word):
    calls = {"event_type": "tool-calls-generation", "tool_calls": [{"name": "f", "parameters": {}}]}
    end = {"event_type": "stream-end", "is_finished": True, "finish_reason": word}
    choice = Choice((ToolCall("", "f", "{}"),), Finish.CALLS, word)
    assert heard(FIRST, [("", calls), ("", end)]) == Answer((choice,))


@pytest.mark.parametrize("streams", [True, False])
@given(answers(choices(FIRST_ENDS, thinks=False).map(lambda one: (one,)), id=NAMES, usage=USAGES))
def test_a_completion_comes_back(streams, answer):
    assert again(FIRST, answer, ask("/v1/generate", {"prompt": "x", "stream": streams})) == answer


@given(answers(vectors(Finish.STOP), id=NAMES, usage=USAGES) | RANKINGS)
def test_lists_come_back(answer):
    ranked = answer.choices[0].said != ""
    assert again(COHERE, answer, ask("/v2/rerank" if ranked else "/v2/embed", {})) == answer


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        ("/v2/chat", Answer()),
        ("/v2/chat", Answer((Choice((Media("image"),)),))),
        ("/v2/chat", Answer((Choice(),), error="no")),
        ("/v2/embed", Answer((Choice(),))),
        ("/v2/rerank", Answer((Choice((Vector((1.0,)),), said="²"),))),
        ("/v2/rerank", Answer((Choice((), said="1"),))),
        ("/v1/tokenize", Answer()),
    ],
)
def test_what_it_has_no_words_for(target, answer):
    with pytest.raises(CannotRender):
        COHERE.render(answer, ask(target, {}))
