"""Legacy completions: prompts, texts that go on, and gaps that are filled."""

import pytest
from openai_saying import ask, heard, unnamed

from proxy_daemon.core.conversation import Conversation, Finish, Message, Operation, Other, Text, Usage
from proxy_daemon.core.dialects.openai.completions import OpenAICompletions

COMPLETIONS = OpenAICompletions()


@pytest.mark.parametrize(
    ("target", "recognised"),
    [
        ("/v1/completions", True),
        ("/completions/", True),
        ("/openai/deployments/d/completions", True),
        ("/v1/chat/completions", False),
        ("/v1/fim/completions", False),
        ("/v1/agents/completions", False),
        ("/v1/organization/usage/completions", False),
        ("/v1/completions/x", False),
        ("/v1/xcompletions", False),
    ],
)
def test_recognises(target, recognised):
    assert COMPLETIONS.recognises(ask(target)) is recognised


def test_operation():
    request = ask("/v1/completions", {"model": "m", "stream": True})
    assert COMPLETIONS.operation(request) is Operation.COMPLETION
    assert COMPLETIONS.generates(request)
    assert COMPLETIONS.streams(request)
    assert COMPLETIONS.model(request) == "m"


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ({"prompt": "Say"}, [Text("Say")]),
        ({"prompt": ["a", "b"]}, [Text("a"), Text("b")]),
        ({"prompt": [1, 2]}, [Other("tokens")]),
        ({"prompt": [[1], [2]]}, [Other("tokens"), Other("tokens")]),
        ({"prompt": "def f(", "suffix": "return x"}, [Text("def f("), Text("return x")]),
        ({"prompt": None, "suffix": ""}, []),
        ({}, []),
        ([], []),
    ],
)
def test_conversation(body, parts):
    messages = tuple(Message("user", (part,)) for part in parts)
    assert COMPLETIONS.conversation(ask("/v1/completions", body)) == Conversation(messages)


def test_a_document():
    choices = [
        {"text": "one", "index": 0, "finish_reason": "length"},
        {"text": "two", "index": 1, "finish_reason": "stop"},
    ]
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    found = COMPLETIONS.whole({"id": "cmpl-1", "model": "m", "created": 9, "choices": choices, "usage": usage})
    assert [choice.text for choice in found.choices] == ["one", "two"]
    assert [choice.finish for choice in found.choices] == [Finish.LENGTH, Finish.STOP]
    assert (found.id, found.model, found.created, found.usage) == ("cmpl-1", "m", 9, Usage(1, 2, 3))


def test_a_stream():
    told = [{"choices": [{"index": 0, "text": text}]} for text in ("a", "", " b")]
    assert not heard(COMPLETIONS, unnamed(*told)).complete
    found = heard(
        COMPLETIONS, unnamed(*told, {"choices": [{"index": 0, "text": "", "finish_reason": "stop"}]}, "[DONE]")
    )
    assert (found.text, found.choices[0].finish, found.complete) == ("a b", Finish.STOP, True)
