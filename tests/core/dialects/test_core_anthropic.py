"""Anthropic's Messages API: what generates, what ends a stream, and the shape of an error."""

import orjson
import pytest

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects.anthropic.messages import Anthropic
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request

ANTHROPIC = Anthropic()


@pytest.mark.parametrize("target", [b"/v1/messages", b"/v1/messages?beta=true", b"/messages/", b"/v1/complete"])
def test_generates(target):
    assert ANTHROPIC.generates(Request(b"POST", target))
    assert not ANTHROPIC.generates(Request(b"GET", target))


@pytest.mark.parametrize(
    "target",
    [
        b"/v1/messages/count_tokens",
        b"/v1/messages/batches",
        b"/v1/messages/batches/b/results",
        b"/v1/models",
        b"/",
        b"",
    ],
)
def test_asks_for_the_state_of_something(target):
    assert not ANTHROPIC.generates(Request(b"POST", target))


@pytest.mark.parametrize(
    ("target", "fields", "known"),
    [
        (b"/x", [(b"ANTHROPIC-VERSION", b"")], True),
        (b"/x", [(b"x", b"anthropic-version")], False),
        (b"/v1/messages", [], True),
        (b"/v1/threads/t/messages", [], False),
        (b"/v1/threads/t/messages", [(b"anthropic-version", b"1")], True),
        (b"/x?/messages", [], False),
    ],
)
def test_recognises(target, fields, known):
    assert ANTHROPIC.recognises(Request(b"GET", target, Headers(fields))) is known


@pytest.mark.parametrize(
    ("tail", "ended"),
    [
        (b'event: message_stop\ndata: {"type":"message_stop"}\n\n', True),
        (b'data: {"type":"message_stop"}\r\n\r\n', True),
        (b'data: {"type": "message_stop"}\n\n', True),
        (b'event: message_delta\ndata: {"type":"message_delta"}\n\n', False),
        (b"event: message_sto", False),
        (b'data: {"text":"{\\"type\\":\\"message_stop\\"} event: message_stop\\n"}\n\n', False),
        (b"data: [DONE]\n\n", False),
        (b"", False),
    ],
)
def test_terminal_event(tail, ended):
    assert ANTHROPIC.ends_with_terminal(tail) is ended


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (424, "llmproxy_miss"),
    ],
)
def test_error(status, kind):
    expected = {"type": "error", "error": {"type": kind, "message": "no"}}
    assert orjson.loads(ANTHROPIC.error(status, "llmproxy_miss", "no")) == expected


def test_streams_by_the_body():
    body = Bytes(b'{"model":"claude","stream":true}')
    assert ANTHROPIC.streams(Request(b"POST", b"/v1/messages", body=body))
    assert not ANTHROPIC.streams(Request(b"POST", b"/v1/messages", body=Bytes(b'{"model":"claude"}')))
