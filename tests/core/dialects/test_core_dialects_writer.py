"""Writer's chats are OpenAI's under another path: what is written there comes back."""

import pytest
from hypothesis import given
from openai_saying import CHAT_ANSWERS, ask
from others_saying import again

from proxy_daemon.core.conversation import Operation
from proxy_daemon.core.dialects.writer import Writer

WRITER = Writer()


@pytest.mark.parametrize(
    ("target", "body", "known"),
    [
        ("/v1/chat", {"model": "m", "messages": []}, True),
        ("/v1/chat/", {"model": "m", "messages": []}, True),
        ("/v1/chat", {"messages": []}, False),
        ("/v1/chat", {"model": "m", "messages": "x"}, False),
        ("/v1/chat", b"[", False),
        ("/v2/chat", {"model": "m", "messages": []}, False),
        ("/v1/chat/completions", {"model": "m", "messages": []}, False),
    ],
)
def test_recognises(target, body, known):
    assert WRITER.recognises(ask(target, body)) is known


@pytest.mark.parametrize("streams", [True, False])
@given(CHAT_ANSWERS)
def test_a_chat_comes_back(streams, answer):
    options = {"include_usage": True}
    request = ask("/v1/chat", {"model": "m", "messages": [], "stream": streams, "stream_options": options})
    assert (WRITER.operation(request), WRITER.streams(request)) == (Operation.CHAT, streams)
    assert again(WRITER, answer, request) == answer
