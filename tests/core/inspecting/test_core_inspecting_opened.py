"""Reading an exchange: no body and no dialect makes it raise, secrets are out, large bodies come from the store."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspected import JSON, USER, Long, chat, recorded

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.inspecting.opened import in_memory, opened
from proxy_daemon.core.messages import JSON_LIMIT, Delivered, ResponseHead
from proxy_daemon.core.secret_rules import Rule, Rules

KEY = b"sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH"


class Broken(Dialect):
    """A plugin's, all of whose answers are exceptions."""

    name = "broken"

    def __init__(self, *, recognises=True):
        self._says = recognises

    def recognises(self, request):
        if self._says is None:
            raise RuntimeError("secret words")
        return True

    def operation(self, request):
        raise RuntimeError("secret words")

    model = streams = conversation = whole = operation


def test_what_is_read():
    found = opened(recorded(said=chat("Hello")))
    assert found.dialect.name == "openai-chat"
    assert (found.operation.value, found.model, found.streams) == ("chat", "m", False)
    assert found.answer.text == "Hello"
    assert found.problem == ""


@pytest.mark.parametrize("dialect", [Broken(), Broken(recognises=None)])
def test_a_broken_dialect_of_a_plugin_is_named_and_quotes_nothing(dialect):
    found = opened(recorded(said=chat()), (dialect,))
    assert "secret words" not in found.problem
    assert found.model == "m"


def test_a_failure_is_a_problem():
    assert "RuntimeError" in opened(recorded(), (Broken(),)).problem


def test_secrets_are_out():
    one = recorded(
        {"messages": [{"role": "user", "content": f"my key is {KEY.decode()}"}]},
        chat(f"yours is {KEY.decode()}"),
        sent=(JSON, (b"Authorization", b"Bearer " + KEY)),
        got=(JSON, (b"Set-Cookie", b"a=b")),
    )
    found = opened(one)
    shown = b"".join(
        [
            found.recording.request.body.whole(),
            found.recording.response.body.whole(),
            *(value for _, value in found.recording.request.headers.pairs),
            *(value for _, value in found.recording.response.head.headers.pairs),
        ]
    )
    assert KEY not in shown
    assert b"a=b" not in shown
    assert KEY.decode() not in str(found.conversation) + str(found.answer)


def test_rules_of_ones_own():
    found = opened(recorded(said=chat("of acme-123")), rules=Rules((Rule("tenant", "acme-[0-9]+"),)))
    assert "acme" not in found.answer.text


def test_a_body_of_the_store_comes_into_memory():
    text = orjson.dumps({"model": "m", "messages": [USER], "pad": "x" * 100_000})
    found = opened(recorded(Long(text, 1)))
    assert len(found.conversation.messages) == 1


def test_one_that_is_too_large_does_not():
    body = Long(b"x" * 65536, JSON_LIMIT // 65536 + 1)
    assert in_memory(body) is body
    assert in_memory(Bytes(b"a")).whole() == b"a"


def test_a_body_that_is_lost_is_an_oserror():
    with pytest.raises(OSError, match="lost"):
        opened(recorded(Long(b"x" * 100, 10, gone=500)))


@given(st.binary(max_size=200), st.binary(max_size=200), st.sampled_from(["/v1/chat/completions", "/v1/messages", "/"]))
def test_any_octets(asked, said, path):
    found = opened(recorded(asked, said, path=path.encode()))
    assert isinstance(found.problem, str)


@pytest.mark.parametrize("body", [None, Bytes(b"it is " + KEY)])
def test_secrets_are_out_of_what_was_delivered(body):
    head = ResponseHead(200, b"", Headers([(b"X-Api-Key", KEY), JSON]))
    found = opened(recorded(said=chat(), delivered=Delivered(head, body))).recording.delivered
    assert KEY not in found.head.wire
    assert (found.body is None) is (body is None)
    assert body is None or KEY not in found.body.whole()
