"""Ollama: what streams without being asked, lines of JSON in and out, embeddings, and how a stream ends."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from others_saying import NAMES, USAGES, again, answers, ask, choices, heard, vectors

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
from proxy_daemon.core.dialects.dialect import CannotRender
from proxy_daemon.core.dialects.ollama.answers import ENDS
from proxy_daemon.core.dialects.ollama.ollama import Ollama

OLLAMA = Ollama()
ENDS = {word: ENDS[word] for word in ("stop", "length")}
OBJECTS = st.dictionaries(NAMES, st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])))
CALLS = st.builds(ToolCall, st.uuids().map(str), NAMES, OBJECTS.map(lambda found: orjson.dumps(found).decode()))


@pytest.mark.parametrize(
    ("target", "body", "operation", "streams", "generates"),
    [
        ("/api/chat", {}, Operation.CHAT, True, True),
        ("/api/chat", {"stream": None}, Operation.CHAT, True, True),
        ("/api/chat", {"stream": False}, Operation.CHAT, False, True),
        ("/api/generate/", {}, Operation.COMPLETION, True, True),
        ("/ollama/api/generate", {"stream": False}, Operation.COMPLETION, False, True),
        ("/api/embed", {}, Operation.EMBEDDINGS, False, True),
        ("/api/embeddings", {"prompt": ""}, Operation.EMBEDDINGS, False, True),
        ("/api/tags", {}, Operation.MODELS, False, False),
        ("/api/pull", {}, Operation.STATE, True, False),
        ("/api/pull", {"stream": False}, Operation.STATE, False, False),
        ("/api/blobs/sha256:1", b"", Operation.FILES, False, False),
        ("/api/version", b"", Operation.OTHER, False, False),
    ],
)
def test_a_request(target, body, operation, streams, generates):
    request = ask(target, body)
    assert recognise(request, BUILT_IN).name == "ollama"
    assert (OLLAMA.operation(request), OLLAMA.streams(request), OLLAMA.generates(request)) == (
        operation,
        streams,
        generates,
    )
    assert not OLLAMA.generates(ask(target, body, b"GET"))
    assert not OLLAMA.streams(ask(target, body, b"GET"))


@pytest.mark.parametrize("target", ["/api/chats", "/chat", "/api/v1/chat", "/v1/api/chat/completions", "/api/blobs"])
def test_not_its_own(target):
    assert not OLLAMA.recognises(ask(target))


def test_a_chat_is_read():
    tool = {"type": "function", "function": {"name": "now", "description": "Time", "parameters": {"type": "object"}}}
    call = {"function": {"name": "now", "arguments": {"zone": "UTC"}}}
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is it?", "images": ["aGk=", 5]},
        {"role": "assistant", "content": "", "thinking": "hm", "tool_calls": [call, {"id": "c", "function": {}}]},
        {"role": "tool", "content": "noon", "tool_name": "now"},
        "no message",
    ]
    found = OLLAMA.conversation(ask("/api/chat", {"messages": messages, "tools": [tool]}))
    assert found.messages == (
        Message("system", (Text("Be brief."),)),
        Message("user", (Text("What is it?"), Media("image", size=4))),
        Message("assistant", (Reasoning("hm"), ToolCall("", "now", '{"zone":"UTC"}'), ToolCall("c", "", "{}"))),
        Message("tool", (ToolResult("", "noon", "now"),)),
    )
    assert found.tools == (Tool("now", "Time", {"type": "object"}),)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"prompt": "On", "system": "Be"}, [("system", "Be"), ("user", "On")]),
        ({"input": "one"}, [("user", "one")]),
        ({"input": ["one", 2, "three"]}, [("user", "one"), ("user", "three")]),
        ({"prompt": 5}, []),
        ([], []),
    ],
)
def test_a_prompt_is_read(body, said):
    found = OLLAMA.conversation(ask("/api/generate", body))
    assert [(message.role, message.text) for message in found.messages] == said


LINES = [
    {"model": "m", "created_at": "2024-05-24T21:02:00.855283123Z", "message": {"thinking": "h"}, "done": False},
    {"model": "m", "message": {"content": "A", "thinking": "m"}, "done": False},
    {"model": "m", "message": {"content": "B", "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}},
    {"model": "m", "done": True, "done_reason": "stop", "prompt_eval_count": 7, "eval_count": 3, "eval_duration": 9},
]


def test_lines_are_put_together():
    found = heard(OLLAMA, [("", line) for line in LINES])
    parts = (Reasoning("hm"), Text("AB"), ToolCall("", "f", '{"a":1}'))
    choice = Choice(parts, Finish.STOP, "stop")
    assert found == Answer((choice,), model="m", created=1716584520, usage=Usage(7, 3))


def test_lines_that_break_off_are_not_complete():
    found = heard(OLLAMA, [("", line) for line in LINES[:-1]])
    assert (found.complete, found.choices[0].finish, found.usage) == (False, Finish.UNKNOWN, None)


def test_an_error_among_the_lines():
    found = heard(OLLAMA, [("", LINES[0]), ("", {"error": "out of memory"})])
    assert (found.error, found.complete) == ("out of memory", False)


def test_lists_say_nothing():
    assert OLLAMA.whole({"models": [{"name": "m"}]}) == Answer()
    assert OLLAMA.whole({"error": "model 'x' not found"}) == Answer(error="model 'x' not found", complete=False)


def test_embeddings():
    found = OLLAMA.whole({"model": "m", "embeddings": [[1, 0.5], [2.0, "x"]], "prompt_eval_count": 4})
    assert [choice.parts for choice in found.choices] == [(Vector((1, 0.5)),), (Vector((2.0,)),)]
    assert (found.model, found.usage) == ("m", Usage(input=4))
    assert OLLAMA.whole({"embedding": [0.25]}).choices[0].parts == (Vector((0.25,)),)


@pytest.mark.parametrize(
    ("tail", "ended"),
    [
        (b'{"done":false}\n{"model":"m","done":true}\n', True),
        (b'1,2],"done":true,"eval_count":5}', True),
        (b'{"status":"success"}\n', True),
        (b'{"done":true}\n{"done":false}\n', False),
        (b'{"message":{"tool_calls":[{"arguments":{"done":true}}]},"done":false}\n', False),
        (b'{"response":"\\"done\\":true"', False),
        (b"", False),
    ],
)
def test_the_last_line(tail, ended):
    assert OLLAMA.ends_with_terminal(tail) is ended


def test_errors():
    assert orjson.loads(OLLAMA.error(404, "k", "no")) == {"error": "no"}
    assert OLLAMA.error_event(500, "k", "no") == b'{"error": "no"}\n'


@pytest.mark.parametrize("streams", [True, False])
@given(answers(choices(ENDS, CALLS).map(lambda one: (one,)), model=NAMES, usage=USAGES, created=st.integers(0, 2**32)))
def test_a_chat_comes_back(streams, answer):
    request = ask("/api/chat", {"stream": streams})
    assert again(OLLAMA, answer, request) == answer
    assert OLLAMA.ends_with_terminal(OLLAMA.render(answer, request).body)


@pytest.mark.parametrize("streams", [True, False])
@given(answers(choices(ENDS).map(lambda one: (one,)), model=NAMES, usage=USAGES, created=st.integers(0, 2**32)))
def test_a_completion_comes_back(streams, answer):
    assert again(OLLAMA, answer, ask("/api/generate", {"stream": streams})) == answer


@given(answers(vectors(Finish.STOP), model=NAMES))
def test_embeddings_come_back(answer):
    assert again(OLLAMA, answer, ask("/api/embed", {})) == answer


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        ("/api/chat", Answer()),
        ("/api/chat", Answer((Choice((Media("image"),)),))),
        ("/api/chat", Answer((Choice((ToolCall("", "f", "no JSON"),)),))),
        ("/api/chat", Answer((Choice((ToolCall("", "f", "[1]"),)),))),
        ("/api/chat", Answer((Choice(),), error="no")),
        ("/api/chat", Answer((Choice(),), complete=False)),
        ("/api/chat", Answer((Choice(),), created=10**30)),
        ("/api/generate", Answer((Choice((ToolCall("", "f", "{}"),)),))),
        ("/api/tags", Answer((Choice(),))),
        ("/api/embeddings", Answer((Choice((Vector(()),)), Choice((Vector(()),))))),
        ("/api/embed", Answer((Choice((Text("x"),)),))),
    ],
)
def test_what_it_has_no_words_for(target, answer):
    with pytest.raises(CannotRender):
        OLLAMA.render(answer, ask(target, {}))
