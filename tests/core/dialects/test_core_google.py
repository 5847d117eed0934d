"""Google's Gemini API: model and operation stand in the path."""

import orjson
import pytest

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects.google.gemini import Google
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request

GOOGLE = Google()
BASE = b"/v1beta/models/"
# (target, model, whether it generates, whether it streams)
TABLE = [
    (BASE + b"gemini-2.5-pro:generateContent", "gemini-2.5-pro", True, False),
    (BASE + b"gemini-2.5-pro:generateContent?key=x:y", "gemini-2.5-pro", True, False),
    (BASE + b"gemini-2.5-pro:streamGenerateContent?alt=sse", "gemini-2.5-pro", True, True),
    (BASE + b"text-embedding-004:embedContent", "text-embedding-004", True, False),
    (BASE + b"text-embedding-004:batchEmbedContents", "text-embedding-004", True, False),
    (BASE + b"gemini-2.5-pro:countTokens", "gemini-2.5-pro", False, False),
    (b"/v1/projects/p/locations/l/publishers/google/models/g-1:streamGenerateContent", "g-1", True, True),
    (BASE + b"streamlined-1:generateContent", "streamlined-1", True, False),
    (BASE + b"gemini-2.5-pro", "", False, False),
    (BASE + b"a:b:generateContent", "", True, False),
    (BASE + b":generateContent", "", True, False),
    (BASE + b"\xff:generateContent", "ÿ", True, False),
    (b"/v1beta/files", "", False, False),
    (b"", "", False, False),
]


@pytest.mark.parametrize(("target", "model", "generates", "streams"), TABLE)
def test_the_path_says_it(target, model, generates, streams):
    request = Request(b"POST", target, body=Bytes(b'{"model":"not this one"}'))
    assert GOOGLE.model(request) == model
    assert GOOGLE.generates(request) is generates
    assert GOOGLE.streams(request) is streams
    assert not GOOGLE.generates(Request(b"GET", target))


@pytest.mark.parametrize(
    ("target", "fields", "known"),
    [
        (BASE + b"g:generateContent", [], True),
        (BASE + b"g:anythingElse", [], True),
        (BASE + b"g", [], True),  # no other API has such a version
        (b"/v1/models/g", [], False),
        (b"/v1/models/g:", [], False),
        (b"/v1/models/g:anythingElse", [], False),
        (b"/v1/models/g:generateContent", [], True),
        (b"/v1/models/g:generateContent/", [], False),
        (b"/x", [(b"X-GOOG-API-KEY", b"")], True),
        (b"/x", [(b"authorization", b"x-goog-api-key")], False),
    ],
)
def test_recognises(target, fields, known):
    assert GOOGLE.recognises(Request(b"POST", target, Headers(fields))) is known


def test_streams_end_without_a_mark():
    assert not GOOGLE.ends_with_terminal(b"data: [DONE]\n\n")


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (400, "INVALID_ARGUMENT"),
        (403, "PERMISSION_DENIED"),
        (404, "NOT_FOUND"),
        (424, "UNAVAILABLE"),
        (504, "DEADLINE_EXCEEDED"),
    ],
)
def test_error(status, word):
    expected = {"error": {"code": status, "message": "no", "status": word}}
    assert orjson.loads(GOOGLE.error(status, "llmproxy_miss", "no")) == expected
