"""The dialects of Anthropic, Google and Bedrock, given any JSON: they answer, and never raise."""

from base64 import b64encode
from contextlib import suppress

import orjson
import pytest
from answers import anything, post
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.conversation import Answer, Conversation, Operation, Text
from proxy_daemon.core.dialects.anthropic.messages import Anthropic
from proxy_daemon.core.dialects.anthropic.vertex import VertexClaude
from proxy_daemon.core.dialects.bedrock.bedrock import Bedrock
from proxy_daemon.core.dialects.bedrock.converse import EVENTS
from proxy_daemon.core.dialects.cutting import LONGEST_CUT, MOST_PIECES, words
from proxy_daemon.core.dialects.dialect import CannotRender, Rendered
from proxy_daemon.core.dialects.google.gemini import Google
from proxy_daemon.core.messages import Request

DIALECTS = [Anthropic(), Google(), Bedrock(), VertexClaude()]
PATHS = {
    "anthropic": [b"/v1/messages", b"/v1/messages/count_tokens", b"/v1/complete"],
    "google": [
        b"/v1beta/models/g:generateContent",
        b"/v1beta/models/g:streamGenerateContent",
        b"/models/embed:predict",
    ],
    "bedrock": [
        b"/model/us.amazon.nova-lite-v1:0/converse-stream",
        b"/model/us.amazon.nova-lite-v1:0/invoke",
        b"/model/anthropic.claude-v2/invoke-with-response-stream",
        b"/model/meta.llama3/invoke-with-response-stream",
        b"/model/amazon.titan-text-lite-v1/invoke",
        b"/model/x/invoke",
    ],
    "vertex-claude": [b"/publishers/anthropic/models/c:streamRawPredict"],
}
NAMES = st.sampled_from(["", "chunk", "error", "message_start", "content_block_delta", "x", "fooException", *EVENTS])
every_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)


def safe(value):
    """Whether orjson can write it: what a body holds was read from JSON."""
    try:
        return orjson.dumps(value) is not None
    except TypeError:
        return False


safe_json = anything.filter(safe)
packed = safe_json.map(lambda value: {"bytes": b64encode(orjson.dumps(value)).decode()})


def renders(dialect, answer):
    for path in PATHS[dialect.name]:
        for body in ({}, {"stream": True}):
            with suppress(CannotRender):
                assert isinstance(dialect.render(answer, post(path, body)), Rendered)


@every_dialect
@given(value=anything)
def test_any_document(dialect, value):
    answer = dialect.whole(value)
    assert isinstance(answer, Answer)
    assert not (answer.error and answer.complete)
    renders(dialect, answer)


@every_dialect
@given(items=st.lists(st.tuples(NAMES, anything), max_size=8))
def test_any_items(dialect, items):
    assembler = dialect.assembler()
    for name, data in items:
        assembler.add(name, data)
        assert isinstance(assembler.answer(), Answer)
    answer = assembler.answer()
    assert not (answer.error and answer.complete)
    renders(dialect, answer)


@given(items=st.lists(st.tuples(st.just("chunk"), packed), max_size=8))
def test_any_chunks(items):
    assembler = Bedrock().assembler()
    for name, data in items:
        assembler.add(name, data)
    assert isinstance(assembler.answer(), Answer)


@every_dialect
@given(value=safe_json, method=st.sampled_from([b"POST", b"GET"]))
def test_any_request(dialect, value, method):
    for path in PATHS[dialect.name]:
        request = evolve(post(path, value), method=method)
        assert isinstance(dialect.conversation(request), Conversation)
        assert isinstance(dialect.operation(request), Operation)
        assert isinstance(dialect.model(request), str)
        assert isinstance(dialect.streams(request), bool)
        assert isinstance(dialect.recognises(request), bool)


@every_dialect
@given(path=st.binary(max_size=40), body=st.binary(max_size=40))
def test_any_octets(dialect, path, body):
    request = Request(b"POST", path, body=Bytes(body))
    assert isinstance(dialect.recognises(request), bool)
    assert isinstance(dialect.model(request), str)
    assert isinstance(dialect.streams(request), bool)
    assert isinstance(dialect.operation(request), Operation)
    assert dialect.conversation(request) is not None


@every_dialect
@given(status=st.integers(100, 999), kind=st.text(), message=st.text())
def test_any_error(dialect, status, kind, message):
    assert isinstance(orjson.loads(dialect.error(status, kind, message)), dict)
    assert dialect.error_event(status, kind, message)


@every_dialect
@pytest.mark.parametrize("levels", [200, 900, 10_000])
def test_deep_nesting(dialect, levels):
    """More levels than any JSON reader gives; what is too deep to be written is left out or refused."""
    deep = []
    for _ in range(levels):
        deep = {"content": [deep], "input": deep} if levels < 900 and _ < 2 else [deep]
    shapes = [
        deep,
        {"content": deep},
        {
            "content": [
                {"type": "tool_use", "input": deep},
                {"type": "tool_result", "content": {"type": "x", "y": deep}},
            ]
        },
        {"candidates": [{"content": {"parts": [{"functionCall": {"args": deep}}]}, "finishReason": "STOP"}]},
        {
            "output": {
                "message": {"content": [{"toolUse": {"input": deep}}, {"toolResult": {"content": [{"json": deep}]}}]}
            }
        },
    ]
    for shape in shapes:
        renders(dialect, dialect.whole(shape))
        dialect.assembler().add("", shape)


# A stream of the same small item again and again.
SMALL = {
    "anthropic": ("", {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ab"}}),
    "google": ("", {"candidates": [{"content": {"parts": [{"text": "ab"}]}}]}),
    "bedrock": ("contentBlockDelta", {"delta": {"text": "ab"}, "contentBlockIndex": 0}),
    "vertex-claude": ("", {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ab"}}),
}


@every_dialect
def test_many_small_items_are_one_text(dialect):
    assembler = dialect.assembler()
    name, data = SMALL[dialect.name]
    for _ in range(100_000):
        assembler.add(name, data)
    (choice,) = assembler.answer().choices
    assert choice.parts == (Text("ab" * 100_000),)


@pytest.mark.parametrize("text", ["", " ", "a", " a  b ", "a" * 100, "é" * (LONGEST_CUT + 1), "a b " * 1000])
def test_cut_text_is_the_text_again(text):
    pieces = words(text)
    assert "".join(pieces) == text
    assert len(pieces) <= MOST_PIECES
    assert all(pieces)


@given(st.text(max_size=2000))
def test_any_cut_text_is_the_text_again(text):
    assert "".join(words(text)) == text
