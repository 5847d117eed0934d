"""The generic dialect: what most APIs have in common, read from requests that need not be well-formed."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import BUILT_IN
from proxy_daemon.core.dialects.dialect import Dialect, as_json
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import JSON_LIMIT, Request

GENERIC = Dialect()
ALL = [GENERIC, *BUILT_IN]


def ask(target=b"/v1/chat/completions", body=b"", headers=(), method=b"POST"):
    return Request(method, target, Headers(headers), Bytes(body if isinstance(body, bytes) else orjson.dumps(body)))


GENERATING = [
    b"/v1/chat/completions",
    b"/chat/completions/",
    b"/chat/completions?api-version=1",
    b"/openai/deployments/x/chat/completions",
    b"/v1/completions",
    b"/v1/responses",
    b"/v1/messages",
    b"/v1/embeddings",
    b"/v2/embed",
    b"/v2/rerank",
    b"/v2/chat",
    b"/api/chat",
    b"/api/generate",
    b"/generate_stream",
    b"/v1/moderations",
    b"/v1/images/generations",
    b"/v1/audio/speech",
    b"/v1beta/models/gemini-2.5-pro:generateContent",
    b"/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
    b"/v1beta/models/x:batchEmbedContents",
    b"/model/anthropic.claude/converse",
    b"/model/anthropic.claude/converse-stream",
    b"/model/x/invoke",
    b"/model/x/invoke-with-response-stream",
    b"/V1/Chat/Completions",
]
OTHER = [
    b"",
    b"/",
    b"*",
    b"/v1/models",
    b"/v1/files",
    b"/v1/batches",
    b"/v1/responses/resp_1/cancel",
    b"/v1/responses/resp_1",
    b"/v1/messages/count_tokens",
    b"/v1/messages/batches",
    b"/v1beta/models/x:countTokens",
    b"/v1/chat/completionsx",
    b"/x?next=/chat/completions",
    b"/xcompletions?",
    b"/oauth/token",
    b"/\xff\xfe",
]
STREAMS = [
    ({"stream": True}, b"/x", (), True),
    ({"stream": False}, b"/x", (), False),
    ({"stream": False}, b"/x:streamGenerateContent", [(b"Accept", b"text/event-stream")], False),
    ({}, b"/x:streamGenerateContent", (), True),
    ({}, b"/converse-STREAM", (), True),
    ({}, b"/x?stream=true", (), False),
    ({}, b"/x", [(b"Accept", b"text/event-stream")], True),
    ({}, b"/x", [(b"Accept", b"application/json, Text/Event-Stream")], True),
    ({}, b"/x", [(b"Accept", b"application/json")], False),
    ({"stream": "true"}, b"/x", (), False),
    ({"stream": 1}, b"/x", (), False),
    ({"stream": None}, b"/x", [(b"Accept", b"text/event-stream")], True),
    ([{"stream": True}], b"/x", (), False),
    (b'{"stream":true', b"/x", (), False),
    (b'{"stream":true}' + b" " * JSON_LIMIT, b"/x", (), False),
]
MODELS = [
    ({"model": "gpt-5"}, "gpt-5"),
    ({"model": "ü\n"}, "ü\n"),
    ({"model": ""}, ""),
    ({}, ""),
    ({"model": None}, ""),
    ({"model": 5}, ""),
    ({"model": ["gpt-5"]}, ""),
    (["gpt-5"], ""),
    (b"", ""),
    (b"null", ""),
    (b"\xff", ""),
    (b'{"model":"a","model":"b"}', "b"),
    (b'{"model":"\\ud800"}', ""),
    (b'{"model":"x","n":NaN}', ""),
    (b'{"model":"x","deep":' + b"[" * 100_000, ""),
    (b'{"model":"x","n":1' + b"0" * 400 + b"}", ""),
]
TEXTS = ["", "plain", 'a "quote" \\ and\nlines\x00', "caf\u00e9 \U0001f600", "lone \ud800 half", "x" * 100_000]


@pytest.mark.parametrize("target", GENERATING)
def test_generates(target):
    assert GENERIC.generates(ask(target))


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"DELETE", b"PUT", b"post", b""])
def test_only_posts_generate(method):
    assert not GENERIC.generates(ask(method=method))


@pytest.mark.parametrize("target", OTHER)
def test_asks_for_the_state_of_something(target):
    assert not GENERIC.generates(ask(target))


@pytest.mark.parametrize(("body", "target", "headers", "streams"), STREAMS)
def test_streams(body, target, headers, streams):
    assert GENERIC.streams(ask(target, body, headers)) is streams


@pytest.mark.parametrize(("body", "model"), MODELS, ids=lambda part: str(part)[:40])
def test_model(body, model):
    assert GENERIC.model(ask(body=body)) == model


@pytest.mark.parametrize(
    ("tail", "ended"),
    [
        (b"data: [DONE]\n\n", True),
        (b"data:[DONE]\r\n\r\n", True),
        (b'data: {"a":1}\n\ndata: [DONE]', True),
        (b"data: [DON", False),
        (b"", False),
        (b'data: {"a":"[DONE]"}\n\n', False),
    ],
)
def test_terminal_event(tail, ended):
    assert GENERIC.ends_with_terminal(tail) is ended


def test_everything_is_generic():
    assert GENERIC.recognises(ask(b"\xff", b"\xff", method=b""))


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text)[:20])
@pytest.mark.parametrize("status", [400, 424, 502, 999])
@pytest.mark.parametrize("dialect", ALL, ids=lambda dialect: dialect.name)
def test_an_error_is_json_that_holds_the_message(dialect, status, text):
    error = orjson.loads(dialect.error(status, "llmproxy_miss", text))
    assert text.encode("utf-8", "replace").decode() in texts_in(error)
    assert not text or dialect.whole(error).error


def texts_in(value):
    """Of an object and those in it."""
    inner = [text for each in value.values() if isinstance(each, dict) for text in texts_in(each)]
    return [each for each in value.values() if isinstance(each, str)] + inner


def test_an_error_has_the_shape_of_most_apis():
    assert orjson.loads(GENERIC.error(424, "llmproxy_miss", "no")) == {
        "error": {"message": "no", "type": "llmproxy_miss", "param": None, "code": "llmproxy_miss"}
    }


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_as_json_is_json(value):
    assert json.loads(as_json(value)) == value


@given(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=8), st.sampled_from(ALL))
def test_any_octets_are_read(target, body, method, dialect):
    request = Request(method, target, Headers([(b"accept", body)]), Bytes(body))
    assert isinstance(dialect.model(request), str)
    assert dialect.streams(request) in (True, False)
    assert dialect.generates(request) in (True, False)
    assert dialect.recognises(request) in (True, False)
    assert dialect.ends_with_terminal(body) in (True, False)


@pytest.mark.parametrize("dialect", ALL, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("unit", [b"/", b"/models/", b"/chat/completions", b":stream", b"/messages", b"%"])
def test_long_paths_end(dialect, unit):
    request = ask(unit * 60_000)
    assert dialect.recognises(request) in (True, False)
    assert dialect.generates(request) in (True, False)
