"""The smaller dialects read anything: no JSON makes one raise, and depth and number cost no more than size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from others_saying import JSON, NAMES, again, ask, shaped

from proxy_daemon.core.conversation import (
    Answer,
    Choice,
    Conversation,
    Finish,
    Reasoning,
    Text,
    ToolCall,
    Usage,
    Vector,
)
from proxy_daemon.core.dialects import BUILT_IN
from proxy_daemon.core.dialects.dialect import CannotRender, Rendered

OTHERS = [
    dialect
    for dialect in BUILT_IN
    if dialect.name
    in {
        "cohere",
        "cohere-v1",
        "dashscope",
        "ollama",
        "openai-audio",
        "openai-embeddings",
        "openai-images",
        "openai-moderations",
        "openai-state",
        "replicate",
        "tgi",
    }
]
NAMED = [
    "arguments",
    "audio",
    "b64_json",
    "categories",
    "choices",
    "code",
    "content",
    "created",
    "created_at",
    "data",
    "delta",
    "details",
    "document",
    "documents",
    "done",
    "done_reason",
    "embedding",
    "embeddings",
    "error",
    "event_type",
    "finish_reason",
    "flagged",
    "float",
    "function",
    "generated_text",
    "id",
    "image",
    "images",
    "index",
    "input",
    "inputs",
    "is_finished",
    "item",
    "last_error",
    "message",
    "messages",
    "metrics",
    "model",
    "name",
    "object",
    "output",
    "parameters",
    "prompt",
    "relevance_score",
    "required_action",
    "response",
    "results",
    "said",
    "stream",
    "status",
    "text",
    "thinking",
    "token",
    "tool_calls",
    "tool_outputs",
    "tool_plan",
    "tools",
    "type",
    "url",
    "usage",
    "value",
]
KINDS = [
    "message-start",
    "message-end",
    "content-delta",
    "tool-call-delta",
    "stream-end",
    "text-generation",
    "thread.message.delta",
    "thread.run",
    "thread.run.completed",
    "image_edit.completed",
    "transcript.text.done",
    "speech.audio.delta",
    "text",
    "image_url",
    "function",
    "thinking",
    "stop",
    "length",
    "COMPLETE",
    "aGk=",
    "[DONE]",
]
ANYTHING = JSON | shaped(NAMED, KINDS)
EVENTS = st.lists(st.tuples(st.sampled_from([*KINDS, "", "error", "done", "output"]), ANYTHING | st.text(max_size=5)))
TARGETS = ["/api/chat", "/api/embed", "/v2/chat", "/v2/rerank", "/v1/chat", "/v1/generate", "/", "/v1/embeddings"]
TARGETS += ["/v1/audio/transcriptions", "/v1/images/edits", "/v1/moderations", "/api/v1/services/aigc/x/generation"]
ALL = pytest.mark.parametrize("dialect", OTHERS, ids=lambda dialect: dialect.name)


def test_all_are_there():
    assert len(OTHERS) == 11


@ALL
@given(ANYTHING)
def test_any_document(dialect, document):
    assert isinstance(dialect.whole(document), Answer)


@ALL
@given(EVENTS)
def test_any_stream(dialect, events):
    assembler = dialect.assembler()
    for name, data in events:
        assembler.add(name, data)
        assert isinstance(assembler.answer(), Answer)
    assert assembler.answer() == assembler.answer()


@ALL
@given(st.sampled_from(TARGETS), st.dictionaries(st.sampled_from(NAMED), ANYTHING, max_size=5))
def test_any_request(dialect, target, body):
    request = ask(target, b"{}")
    request.__dict__["json"] = body  # also what no JSON can say
    assert isinstance(dialect.conversation(request), Conversation)
    assert isinstance(dialect.model(request), str)
    assert dialect.streams(request) in (True, False)
    assert dialect.recognises(request) in (True, False)
    assert dialect.generates(request) in (True, False)


DEEP = '{"a":' + "[" * 900 + "]" * 900 + "}"
PARTS = st.one_of(
    st.builds(Text, st.text(max_size=9)),
    st.builds(Reasoning, st.text(max_size=9)),
    st.builds(
        ToolCall, NAMES, NAMES, st.text(max_size=9) | st.just("{}") | st.just('{"a":' + "[" * 900 + "]" * 900 + "}")
    ),
    st.builds(Vector, st.lists(st.floats(), max_size=3).map(tuple)),
)
CHOICES = st.builds(Choice, st.lists(PARTS, max_size=3).map(tuple), st.sampled_from(Finish), st.text(max_size=9))


@ALL
@given(
    st.sampled_from(TARGETS),
    st.sampled_from([{}, {"stream": True}, {"parameters": {"incremental_output": True}}]),
    st.builds(
        Answer,
        choices=st.lists(CHOICES, max_size=2).map(tuple),
        id=st.text(max_size=9),
        created=st.none() | st.integers(),
        usage=st.none() | st.just(Usage(1, 2, 3, 4, 5, 6)),
    ),
)
def test_any_answer_is_written_or_refused(dialect, target, body, answer):
    try:
        rendered = dialect.render(answer, ask(target, body))
    except CannotRender:
        return
    assert isinstance(rendered, Rendered)
    assert isinstance(rendered.body, bytes)


@ALL
def test_deep_nesting(dialect):
    deep = {}
    for _ in range(10_000):
        deep = {"error": deep}
    for name in NAMED:
        dialect.whole({name: deep})
        dialect.whole({name: [deep]})
        dialect.assembler().add("", {name: deep})


@ALL
def test_many_empty_items(dialect):
    assembler = dialect.assembler()
    for _ in range(100_000):
        assembler.add("", {})
        assembler.add("x", "")
    assert isinstance(assembler.answer(), Answer)


def test_long_answers_come_back():
    ollama = next(each for each in OTHERS if each.name == "ollama")
    answer = Answer((Choice((Text("word " * 100_000),), Finish.STOP, "stop"),), model="m", created=0)
    assert again(ollama, answer, ask("/api/chat", {})) == answer
