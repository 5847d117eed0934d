"""OpenAI's API: what generates, what ends a stream, and the shape of an error."""

import orjson
import pytest

from proxy_daemon.core.dialects.openai import OpenAI
from proxy_daemon.core.messages import Request

OPENAI = OpenAI()
GENERATING = [
    b"/v1/chat/completions",
    b"/v1/completions",
    b"/v1/responses",
    b"/v1/responses/",
    b"/v1/embeddings",
    b"/v1/moderations",
    b"/v1/images/generations",
    b"/v1/audio/speech",
    b"/openai/deployments/d/embeddings?api-version=2024-10-21",
]
STATE = [
    b"/v1/models",
    b"/v1/files",
    b"/v1/batches",
    b"/v1/uploads",
    b"/v1/fine_tuning/jobs",
    b"/v1/threads",
    b"/v1/threads/runs",
    b"/v1/threads/t/runs",
    b"/v1/threads/t/messages",  # adds a message: a recorded answer would not add it
    b"/v1/threads/t/messages/m",
    b"/v1/assistants",
    b"/v1/vector_stores/v/search",
    b"/v1/conversations/c/items",
    b"/v1/responses/r/cancel",
    b"/v1/responses/input_tokens",
    b"/v1/realtime/sessions",
    b"/v1/containers",
]


@pytest.mark.parametrize("target", GENERATING)
def test_generates(target):
    assert OPENAI.generates(Request(b"POST", target))
    assert not OPENAI.generates(Request(b"GET", target))


@pytest.mark.parametrize("target", STATE)
def test_asks_for_the_state_of_something(target):
    assert not OPENAI.generates(Request(b"POST", target))


@pytest.mark.parametrize(
    ("tail", "ended"),
    [
        (b"data: [DONE]\n\n", True),
        (b'event: response.completed\ndata: {"type":"response.completed"}\n\n', True),
        (b"event: response.incomplete\ndata: {}\n\n", True),
        (b"event: response.failed\ndata: {}\n\n", True),
        (b"event: response.output_item.done\ndata: {}\n\n", False),
        (b"event: response.complete", False),
        (b'data: {"text":"event: response.completed\\n"}\n\n', False),
        (b"\xff", False),
    ],
)
def test_terminal_event(tail, ended):
    assert OPENAI.ends_with_terminal(tail) is ended


def test_error():
    assert orjson.loads(OPENAI.error(424, "llmproxy_miss", "no"))["error"]["code"] == "llmproxy_miss"
