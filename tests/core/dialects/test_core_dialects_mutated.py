"""Bodies in which one node, or two, are of another type than the API says: each dialect reads them and never raises.

Every node of a request and of its answer is replaced in turn: the names are all right, and only what stands there is
not. What comes out has the types that `core/conversation.py` promises, and is written or `CannotRender`.
"""

from contextlib import suppress

import orjson
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from openai_saying import ask, items

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.conversation import (
    Answer,
    Choice,
    Conversation,
    Declined,
    Finish,
    Media,
    Operation,
    Other,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Usage,
    Vector,
)
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.dialect import CannotRender, Rendered
from proxy_daemon.core.dialects.reading import read_answer
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Response, ResponseHead
from proxy_daemon.core.model import answer as built_in
from proxy_daemon.core.wire.event_stream import EventStreamReader

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "f", "description": "d", "parameters": SCHEMA}
TOOL = {"type": "function", "function": FUNCTION}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CHAT = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "u"}}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL], "reasoning_content": "r"},
        {"role": "tool", "tool_call_id": "c", "content": "b"},
    ],
    "tools": [TOOL],
    "stop": ["x"],
    "max_tokens": 9,
    "stream_options": {"include_usage": True},
}
BLOCKS = [
    {"type": "text", "text": "a"},
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
    {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "b"}], "is_error": True},
]
MESSAGES = {
    "model": "m",
    "max_tokens": 9,
    "system": [{"type": "text", "text": "s"}],
    "messages": [
        {"role": "user", "content": BLOCKS},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}]},
        {"role": "user", "content": "c"},
    ],
    "tools": [{"name": "f", "input_schema": SCHEMA}],
    "thinking": {"type": "enabled", "budget_tokens": 5},
}
RESPONSES = {
    "model": "m",
    "instructions": "s",
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "u"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "b"},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "r"}]},
    ],
    "tools": [{"type": "function", **FUNCTION}],
    "text": {"format": {"type": "text"}},
}
GEMINI = {
    "systemInstruction": {"parts": [{"text": "s"}]},
    "contents": [
        {"role": "user", "parts": [{"text": "a"}, {"inlineData": {"mimeType": "image/png", "data": "aGk="}}]},
        {"role": "model", "parts": [{"functionCall": {"id": "c", "name": "f", "args": {"a": 1}}}]},
        {"role": "user", "parts": [{"functionResponse": {"id": "c", "name": "f", "response": {"b": 1}}}]},
    ],
    "tools": [{"functionDeclarations": [FUNCTION]}],
    "generationConfig": {"stopSequences": ["x"], "maxOutputTokens": 9, "candidateCount": 1},
}
CONVERSE = {
    "system": [{"text": "s"}],
    "messages": [
        {"role": "user", "content": [{"text": "a"}, {"image": {"format": "png", "source": {"bytes": "aGk="}}}]},
        {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}]},
        {"role": "user", "content": [{"toolResult": {"toolUseId": "t", "content": [{"text": "b"}]}}]},
    ],
    "toolConfig": {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": SCHEMA}}}]},
    "inferenceConfig": {"maxTokens": 9, "stopSequences": ["x"]},
}
OLLAMA = {
    "model": "m",
    "messages": [
        {"role": "user", "content": "a", "images": ["aGk="]},
        {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]},
        {"role": "tool", "tool_name": "f", "content": "b"},
    ],
    "tools": [TOOL],
    "options": {"num_predict": 9, "stop": ["x"]},
}
FIRST = {
    "message": "a",
    "preamble": "s",
    "chat_history": [{"role": "USER", "message": "b"}, {"role": "CHATBOT", "message": "c"}],
    "tools": [{"name": "f", "description": "d", "parameter_definitions": {"city": {"type": "str"}}}],
    "tool_results": [{"call": {"name": "f", "parameters": {}}, "outputs": [{"a": 1}]}],
}
QWEN = {"model": "m", "input": {"messages": CHAT["messages"]}, "parameters": {"tools": [TOOL], "n": 1}}
SPOKEN = [Reasoning("r", "o"), Text("a b"), ToolCall("c", "f", '{"city":"x"}')]
WORDED, CALLED = [Text("a b")], [Text("a"), ToolCall("c", "f", "{}")]
VECTOR, IMAGE = [Vector((0.5, 1.0))], [Media("image", "image/png", "", 4, b"xyz")]
SOUND = [Media("audio", "", "", 4, b"xyz")]
# Path, body, and the parts of an answer to it.
TALKS = [
    ("/v1/chat/completions", CHAT, [*SPOKEN, Declined("no")]),
    ("/v1/chat/completions", {**CHAT, "stream": True}, SPOKEN),
    ("/v1/completions", {"model": "m", "prompt": ["a"], "suffix": "b"}, WORDED),
    ("/v1/responses", RESPONSES, SPOKEN),
    ("/v1/responses", {**RESPONSES, "stream": True}, SPOKEN),
    ("/v1/embeddings", {"model": "m", "input": ["a", [1]], "encoding_format": "base64"}, VECTOR),
    ("/v1/images/generations", {"model": "m", "prompt": "a"}, IMAGE),
    ("/v1/images/edits", {"prompt": "a", "images": [{"image_url": "u"}], "stream": True}, IMAGE),
    ("/v1/audio/speech", {"model": "m", "input": "a", "instructions": "b", "stream_format": "sse"}, SOUND),
    ("/v1/audio/transcriptions", {"model": "m", "response_format": "verbose_json"}, WORDED),
    ("/v1/audio/transcriptions", {"model": "m", "stream": True}, WORDED),
    (
        "/v1/moderations",
        {"input": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {}}]},
        [Other("x")],
    ),
    ("/v1/threads/t/runs", {"instructions": "a", "additional_messages": [{"role": "user", "content": "b"}]}, []),
    ("/openai/deployments/d/chat/completions", {**CHAT, "stream": True}, SPOKEN),
    ("/openai/deployments/d/images/generations", {"prompt": "a"}, IMAGE),
    ("/api/v1/chat/completions", {**CHAT, "reasoning": {"effort": "low"}}, SPOKEN),
    ("/v1/chat/completions", {**CHAT, "random_seed": 1}, SPOKEN),
    ("/v1/chat", CHAT, SPOKEN),
    ("/v1/messages", MESSAGES, SPOKEN),
    ("/v1/messages", {**MESSAGES, "stream": True}, SPOKEN),
    ("/v1/projects/p/locations/l/publishers/anthropic/models/m:rawPredict", MESSAGES, SPOKEN),
    ("/v1beta/models/m:generateContent", GEMINI, [*SPOKEN, *IMAGE]),
    ("/v1beta/models/m:streamGenerateContent", GEMINI, SPOKEN),
    ("/v1beta/models/m:batchEmbedContents", {"requests": [{"content": {"parts": [{"text": "a"}]}}]}, VECTOR),
    ("/v1/projects/p/locations/l/publishers/google/models/imagen-3:predict", {"instances": [{"prompt": "a"}]}, IMAGE),
    ("/model/m/converse", CONVERSE, SPOKEN),
    ("/model/m/converse-stream", CONVERSE, SPOKEN),
    ("/model/anthropic.claude/invoke-with-response-stream", MESSAGES, SPOKEN),
    ("/model/meta.llama/invoke", {"prompt": "a", "max_gen_len": 9}, WORDED),
    ("/model/amazon.titan-text/invoke", {"inputText": "a", "textGenerationConfig": {"maxTokenCount": 9}}, WORDED),
    ("/model/amazon.nova-canvas/invoke", {"textToImageParams": {"text": "a"}}, IMAGE),
    ("/api/chat", OLLAMA, SPOKEN),
    ("/api/chat", {**OLLAMA, "stream": False}, SPOKEN),
    ("/api/embed", {"model": "m", "input": ["a"]}, VECTOR),
    ("/v2/chat", CHAT, SPOKEN),
    ("/v2/chat", {**CHAT, "stream": True}, SPOKEN),
    ("/v2/embed", {"model": "m", "texts": ["a"], "input_type": "x"}, VECTOR),
    ("/v2/rerank", {"model": "m", "query": "a", "documents": ["b", {"text": "c"}]}, [Vector((0.5,)), Text("b")]),
    ("/v1/chat", FIRST, CALLED),
    ("/v1/chat", {**FIRST, "stream": True}, CALLED),
    ("/generate", {"inputs": "a", "parameters": {"max_new_tokens": 9, "stop": ["x"]}}, WORDED),
    ("/generate_stream", {"inputs": "a"}, WORDED),
    ("/api/v1/services/aigc/text-generation/generation", QWEN, CALLED),
    ("/api/v1/services/aigc/text-generation/generation", {**QWEN, "stream": True}, CALLED),
    ("/v1/models/o/m/predictions", {"input": {"prompt": "a"}, "stream": True}, []),
]
IDS = [f"{number}-{talk[0].rpartition('/')[2]}" for number, talk in enumerate(TALKS)]
# What stands there instead: each type, and what is at the edge of it.
INSTEAD = (None, True, False, 0, -1, 7.5, 2**70, "", "x", "\u00fc" * 9, [], [None], ["x"], [[]], {}, {"x": {}}, [{}])
USAGE = Usage(1, 2, 3, 0, 0, 1)
talks = pytest.mark.parametrize(("path", "body", "parts"), TALKS, ids=IDS)


def nodes(value, at=()):
    """The place of each node."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from nodes(each, (*at, key))


def put(value, at, new):
    """A copy with ``new`` in that place; as it is, where the place has gone with what was put above it."""
    if not at:
        return new
    held = isinstance(value, dict) and at[0] in value
    if not held and not (isinstance(value, list) and type(at[0]) is int and at[0] < len(value)):
        return value
    copy = value.copy()
    copy[at[0]] = put(value[at[0]], at[1:], new)
    return copy


def typed(answer):
    """That an answer is made of what it should be made of."""
    assert isinstance(answer, Answer)
    assert all(isinstance(text, str) for text in (answer.id, answer.model, answer.error))
    assert answer.created is None or type(answer.created) is int
    assert not (answer.error and answer.complete)
    counts = (getattr(answer.usage, name) for name in ("input", "output", "total", "cached", "reasoning"))
    assert answer.usage is None or all(count is None or type(count) is int for count in counts)
    for choice in answer.choices:
        assert isinstance(choice, Choice)
        assert isinstance(choice.finish, Finish)
        assert isinstance(choice.said, str)
        assert isinstance(choice.stopped_by, str)
        parts(choice.parts)


KINDS = {
    Text: ("text",),
    Reasoning: ("text", "opaque"),
    Declined: ("text",),
    Media: ("kind", "media_type", "source"),
    ToolCall: ("id", "name", "arguments"),
    ToolResult: ("id", "text", "name"),
    Other: ("kind",),
    Vector: (),
}


def parts(found):
    assert isinstance(found, tuple)
    for part in found:
        assert all(isinstance(getattr(part, name), str) for name in KINDS[type(part)]), part
        assert not isinstance(part, Vector) or all(type(one) in (int, float) for one in part.values)
        assert not isinstance(part, Media) or part.size is None or type(part.size) is int


def asked(request):
    """All that a dialect may be asked about a request."""
    dialect = recognise(request, BUILT_IN)
    said = dialect.conversation(request)
    assert isinstance(said, Conversation)
    for message in said.messages:
        assert isinstance(message.role, str)
        parts(message.parts)
    assert all(isinstance(text, str) for tool in said.tools for text in (tool.name, tool.description))
    assert isinstance(dialect.model(request), str)
    assert isinstance(dialect.operation(request), Operation)
    assert isinstance(dialect.streams(request), bool)
    assert isinstance(dialect.generates(request), bool)
    return dialect


def written(dialect, answer, request):
    with suppress(CannotRender):
        assert isinstance(dialect.render(answer, request), Rendered)


def answer_of(parts_):
    return Answer((Choice(tuple(parts_), Finish.STOP, "0"),), "i", "m", 1, USAGE)


def told(path, body, parts_):
    """The answer's own JSON: (name, data) of each item, or one document; none where the API writes no such thing."""
    request = ask(path, body)
    dialect = recognise(request, BUILT_IN)
    try:
        rendered = dialect.render(answer_of(parts_), request)
    except CannotRender:
        return dialect, request, []
    kind = rendered.content_type
    if kind.startswith(b"text/event-stream"):
        found = list(items(rendered.body))
    elif kind.endswith(b"eventstream"):
        reader = EventStreamReader()
        found = [(frame.name, orjson.loads(frame.data)) for frame in reader.feed(rendered.body) if frame.data]
    elif len(rendered.pieces) > 1 and not rendered.body.startswith(b"["):
        found = [("", orjson.loads(line)) for line in rendered.body.splitlines() if line]
    else:
        whole = orjson.loads(rendered.body)
        found = [("", each) for each in whole] if dialect.streams(request) else [(None, whole)]
    return dialect, request, found


def read(dialect, request, found):
    """Documents are read as a whole, items by the assembler."""
    if found and found[0][0] is None:
        return dialect.whole(found[0][1])
    assembler = dialect.assembler()
    for name, data in found:
        assembler.add(name, data)
    assert assembler.answer() == assembler.answer()
    return assembler.answer()


def by_octets(dialect, request, document, status=200):
    head = ResponseHead(status, b"", Headers([(b"Content-Type", b"application/json")]))
    answer, problem = read_answer(dialect, request, Response(head, Bytes(orjson.dumps(document))))
    assert "failed with" not in problem, problem  # which would be an exception of the dialect's
    return answer


@talks
def test_each_node_of_a_request(path, body, parts):
    for at in nodes(body):
        for new in INSTEAD[:6] + INSTEAD[7:]:  # 2**70 is no JSON to orjson
            request = ask(path, put(body, at, new))
            dialect = asked(request)
            if type(new) in (bool, str, list):
                written(dialect, answer_of(parts), request)


@talks
def test_each_node_of_an_answer(path, body, parts):
    dialect, request, found = told(path, body, parts)
    assert found or dialect.name in ("replicate", "openai-state"), dialect.name
    typed(read(dialect, request, found)) if found else None
    for number, (name, data) in enumerate(found):
        for at in nodes(data):
            for new in INSTEAD:
                changed = [*found[:number], (name, put(data, at, new)), *found[number + 1 :]]
                answer = read(dialect, request, changed)
                typed(answer)
                written(dialect, answer, request)


ERRORS = [
    {"error": {"message": "no", "type": "t", "code": "c", "param": None}},
    {"error": "no"},
    {"type": "error", "error": {"type": "t", "message": "no"}},
    {"error": {"code": 400, "message": "no", "status": "S", "details": [{"@type": "t"}]}},
    {"message": "no", "__type": "T"},
    {"object": "error", "message": "no", "code": 1},
    {"detail": [{"loc": ["body"], "msg": "no"}]},
    {"code": "c", "message": "no", "request_id": "r"},
    {"error": "no", "error_type": "t"},
    {"title": "t", "detail": "no", "status": 400},
]


@pytest.mark.parametrize("dialect", BUILT_IN, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("error", ERRORS, ids=range(len(ERRORS)))
def test_each_node_of_an_error(dialect, error):
    request = ask("/x", {})
    for at in nodes(error):
        for new in INSTEAD:
            changed = put(error, at, new)
            typed(dialect.whole(changed))
            assembler = dialect.assembler()
            assembler.add("error", changed)
            typed(assembler.answer())
            if new != 2**70:
                typed(by_octets(dialect, request, changed, 400))


@pytest.mark.parametrize("dialect", BUILT_IN, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503, 999])
def test_an_error_of_our_own_is_read_as_one(dialect, status):
    found = by_octets(
        dialect, ask("/x", {}), orjson.loads(dialect.error(status, "llmproxy_miss", "no such luck")), status
    )
    assert (found.error, found.complete, found.choices) == ("no such luck", False, ())


@talks
@given(data=st.data())
def test_two_nodes_at_once(path, body, parts, data):
    dialect, request, found = told(path, body, parts)
    replaced = st.sampled_from(INSTEAD[:6] + INSTEAD[7:])
    for _ in range(2):
        body = put(body, data.draw(st.sampled_from(list(nodes(body)))), data.draw(replaced))
        if found:
            number = data.draw(st.integers(0, len(found) - 1))
            name, value = found[number]
            found[number] = name, put(value, data.draw(st.sampled_from(list(nodes(value)))), data.draw(replaced))
    changed = ask(path, body)
    written(asked(changed), answer_of(parts), changed)
    if found:
        typed(read(dialect, request, found))
    if found and found[0][0] is None:
        typed(by_octets(dialect, request, found[0][1]))


@talks
def test_the_built_in_model_answers_each(path, body, parts):
    for at in nodes(body):
        for new in (None, True, -1, "x", [], [{}], {}):
            request = ask(path, put(body, at, new))
            assert built_in(request).head.status in (200, 400, 404), (at, new)
            assert built_in(evolve(request, method=b"GET")).head.status in (200, 404, 405)
