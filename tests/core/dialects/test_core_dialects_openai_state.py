"""What OpenAI's API keeps: what is state, which model is meant, and the events and states of runs."""

import orjson
import pytest
from others_saying import ask, heard

from proxy_daemon.core.conversation import (
    Answer,
    Choice,
    Finish,
    Media,
    Message,
    Operation,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
)
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.dialect import CannotRender
from proxy_daemon.core.dialects.openai.state import OpenAIState

STATE = OpenAIState()


@pytest.mark.parametrize(
    ("target", "operation"),
    [
        ("/v1/models", Operation.MODELS),
        ("/v1/models/gpt-5", Operation.MODELS),
        ("/v1/files", Operation.FILES),
        ("/v1/files/f/content", Operation.FILES),
        ("/v1/uploads/u/parts", Operation.FILES),
        ("/v1/batches", Operation.BATCHES),
        ("/v1/batches/b/cancel", Operation.BATCHES),
        ("/v1/batch/jobs", Operation.BATCHES),
        ("/v1/fine_tuning/jobs", Operation.STATE),
        ("/v1/threads", Operation.STATE),
        ("/v1/threads/runs", Operation.STATE),
        ("/v1/threads/t/runs", Operation.STATE),
        ("/v1/threads/t/messages", Operation.STATE),
        ("/v1/threads/t/runs/r/submit_tool_outputs", Operation.STATE),
        ("/v1/assistants", Operation.STATE),
        ("/v1/vector_stores/v/search", Operation.STATE),
        ("/v1/vector_stores/v/files", Operation.STATE),
        ("/v1/conversations/c/items", Operation.STATE),
        ("/v1/realtime/sessions", Operation.STATE),
        ("/v1/containers", Operation.STATE),
        ("/v1/videos", Operation.STATE),
        ("/v1/organization/usage/completions", Operation.STATE),
        ("/v1/organization/usage/embeddings?limit=1", Operation.STATE),
    ],
)
def test_state_is_never_answered_in_the_apis_place(target, operation):
    for method in (b"POST", b"GET", b"DELETE"):
        request = ask(target, {}, method)
        assert recognise(request, BUILT_IN).name == "openai-state"
        assert STATE.operation(request) is operation
        assert not STATE.generates(request)
        assert not STATE.streams(request)


@pytest.mark.parametrize("target", ["/v1/modelsx", "/xfiles", "/v1/thread", "/", "", "/x?/v1/files"])
def test_not_its_own(target):
    assert not STATE.recognises(ask(target))


@pytest.mark.parametrize(
    ("target", "body", "model"),
    [
        ("/v1/threads/t/runs", {"model": "m"}, "m"),
        ("/v1/realtime/client_secrets", {"session": {"model": "r"}}, "r"),
        ("/v1/realtime/client_secrets", {"session": "r"}, ""),
        ("/v1/models/gpt-5", b"", "gpt-5"),
        ("/v1/models/meta/llama", b"", "meta/llama"),
        ("/v1/files", b"", ""),
    ],
)
def test_the_model(target, body, model):
    assert STATE.model(ask(target, body)) == model


def test_what_is_said():
    body = {
        "instructions": "Be brief.",
        "thread": {"messages": [{"role": "user", "content": "Hi"}]},
        "additional_messages": [{"role": "user", "content": [{"type": "text", "text": "And?"}]}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}, {"type": "file_search"}],
    }
    found = STATE.conversation(ask("/v1/threads/runs", body))
    said = [(message.role, message.text) for message in found.messages]
    assert said == [("system", "Be brief."), ("user", "Hi"), ("user", "And?")]
    assert found.tools == (Tool("f", "", {}),)


def test_a_message_and_results_of_tools():
    content = [{"type": "text", "text": {"value": "Look"}}, {"type": "image_file", "image_file": {"file_id": "f"}}]
    found = STATE.conversation(ask("/v1/threads/t/messages", {"role": "user", "content": content}))
    assert found.messages == (Message("user", (Text("Look"), Media("image", source="f"))),)
    outputs = {"tool_outputs": [{"tool_call_id": "c", "output": "4"}]}
    found = STATE.conversation(ask("/v1/threads/t/runs/r/submit_tool_outputs", outputs))
    assert found.messages == (Message("tool", (ToolResult("c", "4"),)),)


CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
RUN = {"id": "r", "object": "thread.run", "status": "queued", "model": "m", "created_at": 5, "usage": None}
ASKING = RUN | {"status": "requires_action", "required_action": {"submit_tool_outputs": {"tool_calls": [CALL]}}}
USED = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


@pytest.mark.parametrize(
    ("document", "answer"),
    [
        (RUN, Answer(id="r", model="m", created=5, complete=False)),
        (RUN | {"status": "failed", "last_error": {"message": "no"}}, ("no", Finish.ERROR, False)),
        (RUN | {"status": "completed", "usage": USED}, ("", Finish.STOP, True)),
        (ASKING, ("", Finish.CALLS, True)),
        ({"object": "list", "data": [RUN]}, Answer()),
        ({"error": {"message": "no such thread"}}, Answer(error="no such thread", complete=False)),
    ],
)
def test_the_state_of_a_run(document, answer):
    found = STATE.whole(document)
    if isinstance(answer, tuple):
        assert (found.error, found.choices[0].finish, found.complete) == answer
    else:
        assert found == answer


def test_a_message_as_it_is_kept():
    content = [{"type": "text", "text": {"value": "Hello", "annotations": []}}]
    found = STATE.whole({"id": "m", "object": "thread.message", "created_at": 1, "content": content})
    assert (found.text, found.created, found.complete) == ("Hello", 1, True)


def delta(text):
    return "thread.message.delta", {"delta": {"content": [{"index": 0, "type": "text", "text": {"value": text}}]}}


EVENTS = [
    ("thread.run.created", RUN),
    ("thread.run.step.created", {"id": "s", "status": "in_progress"}),
    delta("Hel"),
    delta("lo"),
    ("thread.run.completed", RUN | {"status": "completed", "usage": USED}),
    ("done", "[DONE]"),
]


def test_the_events_of_a_run():
    choice = Choice((Text("Hello"),), Finish.STOP, "completed")
    assert heard(STATE, EVENTS) == Answer((choice,), "r", "m", 5, Usage(3, 2, 5))
    assert not heard(STATE, EVENTS[:-1]).complete


def test_a_run_that_wants_tools_and_one_that_fails():
    found = heard(STATE, [EVENTS[0], ("thread.run.requires_action", ASKING), EVENTS[-1]])
    assert found.choices[0].parts == (ToolCall("c", "f", "{}"),)
    failed = RUN | {"status": "failed", "last_error": {"message": "rate limit"}}
    found = heard(STATE, [EVENTS[0], ("thread.run.failed", failed), EVENTS[-1]])
    assert (found.error, found.complete) == ("rate limit", False)
    assert heard(STATE, [EVENTS[0], ("error", {"message": "server"})]).error == "server"


@pytest.mark.parametrize(
    ("tail", "ended"),
    [(b"event: done\ndata: [DONE]\n\n", True), (b"event: thread.run.completed\ndata: {}\n\n", False)],
)
def test_the_last_event(tail, ended):
    assert STATE.ends_with_terminal(tail) is ended


def test_runs_stream_where_they_are_asked_to():
    assert STATE.streams(ask("/v1/threads/t/runs", {"stream": True}))
    assert not STATE.streams(ask("/v1/files/f/content", b"", b"GET", [(b"Accept", b"text/event-stream")]))


def test_state_cannot_be_written():
    with pytest.raises(CannotRender):
        STATE.render(Answer(), ask("/v1/threads/t/runs", {}))


def test_error():
    assert orjson.loads(STATE.error(424, "llmproxy_miss", "no"))["error"]["code"] == "llmproxy_miss"
