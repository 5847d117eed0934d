"""Our key in the place of the client's: the field, the place, and what does not change."""

import pytest

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.injection import with_key
from proxy_daemon.core.messages import Request
from proxy_daemon.core.upstreams import parse_upstream

OPENAI, ANTHROPIC, GOOGLE, AZURE = map(
    parse_upstream,
    (
        "https://api.openai.com/v1",
        "https://api.anthropic.com",
        "https://generativelanguage.googleapis.com",
        "https://us.openai.azure.com",
    ),
)
OTHER = parse_upstream("https://gateway.example")
CHAT, MESSAGES, GEMINI, MODELS = (
    "/v1/chat/completions",
    "/v1/messages",
    "/v1beta/models/g:generateContent",
    "/v1/models",
)
BEARER, X, GOOG = (b"Authorization", b"Bearer KEY"), (b"x-api-key", b"KEY"), (b"x-goog-api-key", b"KEY")

FIELDS = [
    (OPENAI, "POST", CHAT, BEARER),
    (OPENAI, "GET", MODELS, BEARER),
    (OPENAI, "GET", "/anything", BEARER),
    (OTHER, "POST", CHAT, BEARER),
    (OTHER, "POST", MESSAGES, X),
    (OTHER, "POST", GEMINI, GOOG),
    (ANTHROPIC, "POST", MESSAGES, X),
    (ANTHROPIC, "POST", CHAT, BEARER),  # its API in OpenAI's shape
    (ANTHROPIC, "GET", MODELS, X),
    (GOOGLE, "POST", GEMINI, GOOG),
    (GOOGLE, "POST", "/v1beta/openai/chat/completions", BEARER),
    (GOOGLE, "GET", "/v1beta/models", GOOG),
    (AZURE, "POST", "/openai/deployments/x/chat/completions", (b"api-key", b"KEY")),
]


def sent(upstream, method, target, *pairs):
    request = with_key(upstream, Request(method.encode(), target.encode(), Headers(pairs)), b"KEY")
    return request.target, request.headers.pairs


@pytest.mark.parametrize(("upstream", "method", "target", "pair"), FIELDS)
def test_the_field(upstream, method, target, pair):
    assert sent(upstream, method, target) == (target.encode(), (pair,))


def test_the_clients_credentials_go_and_the_rest_keeps_its_place():
    fields = [(b"A", b"1"), (b"X-API-Key", b"c"), (b"B", b"2"), (b"authorization", b"Bearer c"), (b"api-key", b"c")]
    pairs = sent(OPENAI, "POST", CHAT, *fields, (b"X-Goog-Api-Key", b"c"), (b"a", b"3"))[1]
    assert pairs == ((b"A", b"1"), BEARER, (b"B", b"2"), (b"a", b"3"))


TARGETS = [
    ("/x?key=c", b"/x"),
    ("/x?key=c&alt=sse", b"/x?alt=sse"),
    ("/x?alt=sse&Key=c&key=d", b"/x?alt=sse"),
    ("/x?%6Bey=c", b"/x"),
    ("/x?keys=1&a=%2f&&b", b"/x?keys=1&a=%2f&&b"),
    ("/x?", b"/x?"),
]


@pytest.mark.parametrize(("target", "expected"), TARGETS)
def test_the_parameter(target, expected):
    assert sent(GOOGLE, "GET", target)[0] == expected
