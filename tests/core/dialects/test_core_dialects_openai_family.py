"""Azure, OpenRouter and Mistral: which requests are theirs, and what they have of their own."""

import pytest
from openai_saying import ask, heard, items, unnamed

from proxy_daemon.core.conversation import (
    Answer,
    Choice,
    Finish,
    Message,
    Operation,
    Other,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)
from proxy_daemon.core.dialects.dialect import CannotRender
from proxy_daemon.core.dialects.openai_like.azure import Azure
from proxy_daemon.core.dialects.openai_like.mistral import Mistral
from proxy_daemon.core.dialects.openai_like.openrouter import OpenRouter

AZURE, ROUTER, MISTRAL = Azure(), OpenRouter(), Mistral()
KEY = [(b"Api-Key", b"x")]


@pytest.mark.parametrize(
    ("dialect", "target", "body", "headers", "recognised"),
    [
        (AZURE, "/openai/deployments/d/chat/completions?api-version=1", {}, (), True),
        (AZURE, "//openai/deployments/d/embeddings", {}, (), True),
        (AZURE, "/openai/v1/responses", {}, KEY, True),
        (AZURE, "/openai/v1/chat/completions?api-version=preview", {}, (), True),
        (AZURE, "/openai/v1/chat/completions", {}, (), False),  # Groq's, too
        (AZURE, "/models/chat/completions?x=1&api-version=1", {}, (), True),
        (AZURE, "/chat/completions?api-version=1", {}, (), True),
        (AZURE, "/chat/completions?xapi-version=1", {}, (), False),
        (AZURE, "/v1/messages", {}, KEY, False),
        (ROUTER, "/api/v1/chat/completions", {}, (), True),
        (ROUTER, "/api/v1/responses", {}, (), True),
        (ROUTER, "/api/v1/models", {}, (), True),
        (ROUTER, "/api/v1/generation?id=g", {}, (), True),
        (ROUTER, "/v1/chat/completions", {"provider": {"only": ["x"]}}, (), True),
        (ROUTER, "/v1/chat/completions", {"models": ["a", "b"]}, (), True),
        (ROUTER, "/v1/chat/completions", {"model": "a"}, (), False),
        (ROUTER, "/v1/responses", {"provider": {}}, (), False),
        (ROUTER, "/api/v1/messages", {}, (), False),
        (MISTRAL, "/v1/fim/completions", {}, (), True),
        (MISTRAL, "/v1/agents/completions", {}, (), True),
        (MISTRAL, "/v1/conversations", {"inputs": "Hi"}, (), True),
        (MISTRAL, "/v1/conversations/c", {"inputs": []}, (), True),
        (MISTRAL, "/v1/conversations/c/history", {}, (), True),
        (MISTRAL, "/v1/conversations", {"items": []}, (), False),  # OpenAI's
        (MISTRAL, "/v1/chat/completions", {"safe_prompt": False}, (), True),
        (MISTRAL, "/v1/chat/completions", {"random_seed": 1}, (), True),
        (MISTRAL, "/v1/chat/completions", {"seed": 1}, (), False),
    ],
)
def test_recognises(dialect, target, body, headers, recognised):
    assert dialect.recognises(ask(target, body, headers=headers)) is recognised


@pytest.mark.parametrize(
    ("dialect", "target", "operation"),
    [
        (AZURE, "/openai/deployments/d/chat/completions", Operation.CHAT),
        (AZURE, "/openai/deployments/d/completions", Operation.COMPLETION),
        (AZURE, "/openai/deployments/d/embeddings", Operation.EMBEDDINGS),
        (AZURE, "/openai/deployments/d/images/generations", Operation.IMAGE),
        (AZURE, "/openai/v1/responses", Operation.CHAT),
        (AZURE, "/openai/deployments/d/unheard/of", Operation.OTHER),
        (ROUTER, "/api/v1/chat/completions", Operation.CHAT),
        (ROUTER, "/api/v1/completions", Operation.COMPLETION),
        (ROUTER, "/api/v1/models", Operation.MODELS),
        (ROUTER, "/api/v1/generation", Operation.OTHER),
        (MISTRAL, "/v1/fim/completions", Operation.COMPLETION),
        (MISTRAL, "/v1/agents/completions", Operation.CHAT),
        (MISTRAL, "/v1/conversations", Operation.CHAT),
        (MISTRAL, "/v1/conversations/c", Operation.STATE),  # reads what was said before, and adds to it
        (MISTRAL, "/v1/conversations/c/restart", Operation.STATE),
    ],
)
def test_operation(dialect, target, operation):
    request = ask(target, {"inputs": ""})
    assert dialect.operation(request) is operation
    assert dialect.generates(request) is (operation not in (Operation.STATE, Operation.OTHER, Operation.MODELS))


@pytest.mark.parametrize(
    ("dialect", "target", "body", "model"),
    [
        (AZURE, "/openai/deployments/gpt%2D4o/chat/completions", {}, "gpt-4o"),
        (AZURE, "/openai/deployments/d/chat/completions", {"model": "other"}, "d"),
        (AZURE, "/openai/deployments/%ff/chat/completions", {}, "\ufffd"),
        (AZURE, "/openai/v1/chat/completions", {"model": "m"}, "m"),
        (ROUTER, "/api/v1/chat/completions", {"model": "a/b"}, "a/b"),
        (MISTRAL, "/v1/agents/completions", {"agent_id": "ag_1"}, "ag_1"),
        (MISTRAL, "/v1/conversations", {"agent_id": "ag_1"}, "ag_1"),
        (MISTRAL, "/v1/fim/completions", {"model": "codestral"}, "codestral"),
    ],
)
def test_model(dialect, target, body, model):
    assert dialect.model(ask(target, body)) == model


@pytest.mark.parametrize("dialect", [AZURE, ROUTER, MISTRAL], ids=lambda dialect: dialect.name)
def test_each_finds_its_chat_by_the_answer_alone(dialect):
    chunk = {"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}
    text = {"object": "text_completion", "choices": [{"index": 0, "text": "Hi", "finish_reason": "stop"}]}
    for each in (chunk, text):
        found = heard(dialect, unnamed(each, "[DONE]"))
        assert (found.text, found.complete) == ("Hi", True)
    assert dialect.whole({"choices": [{"message": {"content": "Hi"}}]}).text == "Hi"
    assert dialect.whole({"error": {"message": "no"}}).error == "no"
    assert dialect.assembler().answer() == Answer(complete=False)


@pytest.mark.parametrize("dialect", [AZURE, ROUTER], ids=lambda dialect: dialect.name)
def test_responses_and_embeddings_are_found_by_the_answer_alone(dialect):
    item = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
    response = {"object": "response", "status": "completed", "output": [item]}
    assert dialect.whole(response).text == "Hi"
    found = heard(dialect, [("response.completed", {"type": "response.completed", "response": response})])
    assert (found.text, found.complete) == ("Hi", True)
    vectors = dialect.whole({"object": "list", "data": [{"object": "embedding", "embedding": [0.5]}]})
    assert vectors.choices[0].parts[0].values == (0.5,)


def test_marks_and_volatile_members_are_those_of_all():
    for dialect in (AZURE, ROUTER):
        assert dialect.ends_with_terminal(b"data: [DONE]\n\n")
        assert dialect.ends_with_terminal(b"event: response.completed\ndata: {}\n\n")
        assert {"messages.*.tool_call_id", "input.*.call_id"} <= set(dialect.ids)
        assert "client_metadata" in dialect.volatile
    assert MISTRAL.ends_with_terminal(b"event: conversation.response.done\ndata: {}\n\n")


def test_gaps_are_filled():
    found = MISTRAL.conversation(ask("/v1/fim/completions", {"prompt": "def f(", "suffix": "return"}))
    assert found.messages == (Message("user", (Text("def f("),)), Message("user", (Text("return"),)))


def test_a_conversation_of_mistrals():
    inputs = [
        {"role": "user", "content": "Hi"},
        {"type": "function.call", "tool_call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function.result", "tool_call_id": "c", "result": "42"},
    ]
    found = MISTRAL.conversation(ask("/v1/conversations", {"instructions": "Obey.", "inputs": inputs}))
    assert found.messages == (
        Message("system", (Text("Obey."),)),
        Message("user", (Text("Hi"),)),
        Message("assistant", (ToolCall("c", "f", "{}"),)),
        Message("tool", (ToolResult("c", "42"),)),
    )
    assert MISTRAL.conversation(ask("/v1/conversations", {"inputs": "Hi"})).messages == (
        Message("user", (Text("Hi"),)),
    )


TOTALS = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}


def told(kind, **more):
    return kind, {"type": kind, **more}


def test_an_answer_of_mistrals_conversations():
    outputs = [
        {"type": "tool.execution", "name": "web_search"},
        {"type": "message.output", "content": [THOUGHT, {"type": "text", "text": "Hi you"}], "model": "m"},
        {"type": "function.call", "tool_call_id": "c", "name": "f", "arguments": '{"a":1}'},
    ]
    parts = (Other("tool.execution"), Reasoning("hm"), Text("Hi you"), ToolCall("c", "f", '{"a":1}'))
    document = {"object": "conversation.response", "conversation_id": "conv", "outputs": outputs, "usage": TOTALS}
    whole = MISTRAL.whole(document)
    assert whole == Answer((Choice(parts, Finish.CALLS),), "conv", "m", None, Usage(1, 2, 3))
    events = [
        told("conversation.response.started", conversation_id="conv"),
        told("tool.execution.started", output_index=0, name="web_search"),
        told("tool.execution.done", output_index=0, name="web_search"),
        told("message.output.delta", output_index=1, content=THOUGHT, model="m"),
        told("message.output.delta", output_index=1, content="Hi", model="m"),
        told("message.output.delta", output_index=1, content=" you", model="m"),
        told("function.call.delta", output_index=2, tool_call_id="c", name="f", arguments='{"a"'),
        told("function.call.delta", output_index=2, tool_call_id="c", name="f", arguments=":1}"),
    ]
    cut = heard(MISTRAL, events)
    assert (cut.choices[0].parts, cut.choices[0].finish, cut.complete) == (parts, Finish.UNKNOWN, False)
    assert heard(MISTRAL, [*events, told("conversation.response.done", usage=TOTALS)]) == whole
    failed = heard(MISTRAL, [*events, told("conversation.response.error", message="no", code=500)])
    assert (failed.error, failed.complete) == ("no", False)


def test_conversations_cannot_be_made_here():
    for body in ({"inputs": "Hi"}, {"inputs": "Hi", "stream": True}):
        with pytest.raises(CannotRender, match="kept by the API"):
            MISTRAL.render(Answer(), ask("/v1/conversations", body))


def test_errors_have_openais_shape():
    for dialect in (AZURE, ROUTER, MISTRAL):
        assert dialect.whole({"error": {"message": "no"}}).error == "no"
        assert b'"message": "no"' in dialect.error(424, "llmproxy_miss", "no")
        assert dialect.upstream_name == "openai"


def test_mistral_writes_a_call_at_once():
    """Its SDK takes no call without a name."""
    calls = tuple(ToolCall(f"call_{index}", "weather", '{"city": "Zug"}') for index in range(2))
    asked = ask(body={"random_seed": 1, "stream": True})
    rendered = MISTRAL.render(Answer((Choice(calls, Finish.CALLS, "tool_calls"),), "a", "m", 1), asked)
    told = [call for _, data in items(rendered.body) if data != "[DONE]" for call in calls_in(data)]
    assert [(call["index"], call["id"]) for call in told] == [(0, "call_0"), (1, "call_1")]
    assert [call["function"] for call in told] == [{"name": "weather", "arguments": '{"city": "Zug"}'}] * 2
    assert heard(MISTRAL, items(rendered.body)).choices[0].parts == calls


def calls_in(data):
    return [call for choice in data["choices"] for call in choice["delta"].get("tool_calls", ())]
