"""DashScope: events with all words so far or with new ones only, tasks, and how answers come back."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from others_saying import CALLS, NAMES, USAGES, again, answers, ask, choices, heard, vectors

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
from proxy_daemon.core.dialects.dashscope.answers import ENDS
from proxy_daemon.core.dialects.dashscope.dashscope import DashScope
from proxy_daemon.core.dialects.dashscope.rendering import MOST_REPEATED
from proxy_daemon.core.dialects.dialect import CannotRender

DASHSCOPE = DashScope()
CHAT = "/api/v1/services/aigc/text-generation/generation"
EMBED = "/api/v1/services/embeddings/text-embedding/text-embedding"
EVENTS = [(b"X-DashScope-SSE", b"enable")]
ENDS = dict(ENDS)


@pytest.mark.parametrize(
    ("target", "headers", "operation", "streams", "generates"),
    [
        (CHAT, (), Operation.CHAT, False, True),
        (CHAT, EVENTS, Operation.CHAT, True, True),
        (CHAT, [(b"Accept", b"text/event-stream")], Operation.CHAT, True, True),
        (CHAT, [(b"Accept", b"text/event-stream"), (b"X-DashScope-SSE", b"disable")], Operation.CHAT, False, True),
        ("/api/v1/services/aigc/multimodal-generation/generation", (), Operation.CHAT, False, True),
        ("/api/v1/apps/a/completion", (), Operation.CHAT, False, True),
        (EMBED, (), Operation.EMBEDDINGS, False, True),
        ("/api/v1/services/rerank/text-rerank/text-rerank", (), Operation.RERANK, False, True),
        ("/api/v1/services/aigc/text2image/image-synthesis", (), Operation.IMAGE, False, True),
        (
            "/api/v1/services/aigc/text2image/image-synthesis",
            [(b"X-DashScope-Async", b"enable")],
            Operation.IMAGE,
            False,
            False,
        ),
        ("/api/v1/tasks/t", (), Operation.STATE, False, False),
    ],
)
def test_a_request(target, headers, operation, streams, generates):
    request = ask(target, {"model": "qwen-max"}, headers=headers)
    assert recognise(request, BUILT_IN).name == "dashscope"
    assert (DASHSCOPE.operation(request), DASHSCOPE.streams(request)) == (operation, streams)
    assert (DASHSCOPE.generates(request), DASHSCOPE.model(request)) == (generates, "qwen-max")


def test_messages_are_read():
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    content = [{"text": "Look"}, {"image": "https://x/y.png"}, {"audio": "data:audio/wav;base64,aGk="}, {"else": 1}]
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": content},
        {"role": "assistant", "content": "", "reasoning_content": "hm", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "name": "f", "content": "4"},
    ]
    body = {"input": {"messages": messages}, "parameters": {"tools": [{"function": {"name": "f", "parameters": {}}}]}}
    found = DASHSCOPE.conversation(ask(CHAT, body))
    assert [message.role for message in found.messages] == ["system", "user", "assistant", "tool"]
    seen = (Text("Look"), Media("image", source="https://x/y.png"), Media("audio", "audio/wav", size=4))
    assert found.messages[1].parts[:3] == seen
    assert found.messages[2] == Message("assistant", (Reasoning("hm"), ToolCall("c", "f", "{}")))
    assert found.messages[3] == Message("tool", (ToolResult("c", "4", "f"),))
    assert found.tools == (Tool("f", "", {}),)


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        ({"prompt": "Hi"}, ["Hi"]),
        ({"texts": ["a", "b", 5]}, ["a", "b"]),
        ({"query": "q", "documents": ["d"]}, ["q", "d"]),
        ([], []),
    ],
)
def test_inputs_are_read(given, texts):
    assert [message.text for message in DASHSCOPE.conversation(ask(EMBED, {"input": given})).messages] == texts


def told(content, word="null", **more):
    message = {"role": "assistant", "content": content, **more}
    return "result", {"output": {"choices": [{"message": message, "finish_reason": word}]}, "request_id": "r"}


def test_increments_and_repetitions_are_the_same_answer():
    expected = Answer((Choice((Text("Hi there"),), Finish.STOP, "stop"),), id="r")
    assert heard(DASHSCOPE, [told("Hi"), told(" there"), told("", "stop")]) == expected
    assert heard(DASHSCOPE, [told("Hi"), told("Hi there"), told("Hi there", "stop")]) == expected
    assert heard(DASHSCOPE, [told([{"text": "Hi"}]), told([{"text": " there"}]), told([], "stop")]) == expected


def test_words_that_double():
    assert heard(DASHSCOPE, [told("ha"), told("ha"), told("", "stop")]).text == "haha"


def test_calls_in_increments():
    one = {"index": 0, "id": "c", "function": {"name": "f", "arguments": '{"a"'}}
    two = {"index": 0, "id": "", "function": {"arguments": ":1}"}}
    found = heard(DASHSCOPE, [told("", tool_calls=[one]), told("", "tool_calls", tool_calls=[two])])
    assert found.choices[0].parts == (ToolCall("c", "f", '{"a":1}'),)
    assert found.choices[0].finish is Finish.CALLS


def test_a_stream_that_breaks_off_or_fails():
    assert not heard(DASHSCOPE, [told("Hi")]).complete
    found = heard(DASHSCOPE, [told("Hi"), ("error", {"code": "Throttling", "message": "slow down"})])
    assert (found.error, found.complete) == ("slow down", False)


def test_documents():
    text = {"output": {"text": "Hi", "finish_reason": "stop"}, "usage": {"input_tokens": 3, "output_tokens": 1}}
    assert DASHSCOPE.whole(text) == Answer((Choice((Text("Hi"),), Finish.STOP, "stop"),), usage=Usage(3, 1))
    vectors = {"output": {"embeddings": [{"text_index": 0, "embedding": [1.0]}]}}
    assert DASHSCOPE.whole(vectors).choices[0].parts == (Vector((1.0,)),)
    ranked = {"output": {"results": [{"index": 3, "relevance_score": 0.5}]}}
    assert DASHSCOPE.whole(ranked).choices[0].said == "3"
    assert DASHSCOPE.whole({"code": "InvalidApiKey", "message": "no key"}).error == "no key"
    assert not DASHSCOPE.whole({"output": {"task_status": "RUNNING"}}).complete
    assert DASHSCOPE.whole({"output": {"task_status": "FAILED", "message": "no"}}).error == "no"


def test_errors():
    assert orjson.loads(DASHSCOPE.error(400, "k", "no")) == {"code": "k", "message": "no", "request_id": ""}
    assert DASHSCOPE.error_event(400, "k", "no").startswith(b"event:error\n:HTTP_STATUS/400\ndata:{")


ONE = choices(ENDS, CALLS).map(lambda one: (one,))


@pytest.mark.parametrize("increments", [True, False])
@pytest.mark.parametrize("headers", [(), EVENTS])
@given(answers(ONE, id=NAMES, usage=USAGES))
def test_a_chat_comes_back(headers, increments, answer):
    request = ask(CHAT, {"input": {}, "parameters": {"incremental_output": increments}}, headers=headers)
    assert again(DASHSCOPE, answer, request) == answer
    assert DASHSCOPE.ends_with_terminal(DASHSCOPE.render(answer, request).body)


@given(answers(choices(ENDS, thinks=False).filter(lambda one: one.parts).map(lambda one: (one,)), id=NAMES))
def test_a_bare_text_comes_back(answer):
    assert again(DASHSCOPE, answer, ask(CHAT, {"parameters": {"result_format": "text"}}, headers=EVENTS)) == answer


@given(answers(vectors(Finish.STOP), id=NAMES, usage=USAGES))
def test_embeddings_come_back(answer):
    assert again(DASHSCOPE, answer, ask(EMBED, {})) == answer


@given(st.integers(0, 3000))
def test_repeating_does_not_grow_beyond_measure(length):
    answer = Answer((Choice((Text("word " * length),), Finish.STOP, "stop"),))
    assert len(DASHSCOPE.render(answer, ask(CHAT, {}, headers=EVENTS)).pieces) <= MOST_REPEATED + 1


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        (CHAT, Answer()),
        (CHAT, Answer((Choice((Media("image"),)),))),
        (CHAT, Answer((Choice(),), error="no")),
        (EMBED, Answer((Choice(),))),
        ("/api/v1/tasks/t", Answer((Choice(),))),
    ],
)
def test_what_it_has_no_words_for(target, answer):
    with pytest.raises(CannotRender):
        DASHSCOPE.render(answer, ask(target, {}))
