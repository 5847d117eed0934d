"""OpenAI's Responses: what is asked, all kinds of items, and the events by name."""

import pytest
from openai_saying import ask, heard, unnamed

from proxy_daemon.core.conversation import (
    Answer,
    Choice,
    Conversation,
    Declined,
    Finish,
    Media,
    Message,
    Operation,
    Other,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
)
from proxy_daemon.core.dialects.openai.responses import OpenAIResponses

RESPONSES = OpenAIResponses()


@pytest.mark.parametrize(
    ("target", "method", "recognised", "operation", "generates"),
    [
        ("/v1/responses", b"POST", True, Operation.CHAT, True),
        ("/openai/responses/", b"POST", True, Operation.CHAT, True),
        ("/v1/responses/compact", b"POST", True, Operation.CHAT, True),
        ("/v1/responses/input_tokens", b"POST", True, Operation.COUNT_TOKENS, False),
        ("/v1/responses/resp_1", b"GET", True, Operation.STATE, False),
        ("/v1/responses/resp_1", b"DELETE", True, Operation.STATE, False),
        ("/v1/responses/resp_1/cancel", b"POST", True, Operation.STATE, False),
        ("/v1/responses/resp_1/input_items", b"GET", True, Operation.STATE, False),
        ("/v1/responses/resp_1/other", b"GET", False, Operation.OTHER, False),
        ("/v1/xresponses", b"POST", False, Operation.OTHER, False),
        ("/v1/chat/completions", b"POST", False, Operation.OTHER, False),
    ],
)
def test_recognises_and_generates(target, method, recognised, operation, generates):
    request = ask(target, {"model": "m"}, method)
    assert RESPONSES.recognises(request) is recognised
    assert RESPONSES.operation(request) is operation
    assert RESPONSES.generates(request) is generates


@pytest.mark.parametrize("body", [{"conversation": "conv_1"}, {"conversation": {"id": "c"}}, {"background": True}])
def test_what_the_api_keeps_is_not_answered_from_a_recording(body):
    assert not RESPONSES.generates(ask("/v1/responses", body))
    assert RESPONSES.generates(ask("/v1/responses", {"background": False, "previous_response_id": "resp_1"}))


@pytest.mark.parametrize(
    ("target", "method", "body", "streams"),
    [
        ("/v1/responses", b"POST", {"stream": True}, True),
        ("/v1/responses", b"POST", {}, False),
        ("/v1/responses/resp_1?stream=true&starting_after=4", b"GET", b"", True),
        ("/v1/responses/resp_1?stream=false", b"GET", b"", False),
        ("/v1/responses/resp_1?xstream=true", b"GET", b"", False),
        ("/v1/responses/resp_1", b"GET", b"", False),
    ],
)
def test_streams(target, method, body, streams):
    assert RESPONSES.streams(ask(target, body, method)) is streams


def test_a_conversation():
    given = [
        {"role": "developer", "content": "Be short."},
        {
            "role": "user",
            "content": [{"type": "input_text", "text": "See"}, {"type": "input_image", "image_url": "https://x"}],
        },
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "e"},
        {"type": "function_call", "call_id": "c1", "name": "get", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "42"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "7"}]},
        {"type": "computer_call_output", "call_id": "c3", "output": {"type": "computer_screenshot", "image_url": "x"}},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Done."}]},
        {"type": "item_reference", "id": "msg_1"},
        "nothing",
    ]
    tools = [{"type": "function", "name": "get", "parameters": {}}, {"type": "web_search"}]
    found = RESPONSES.conversation(ask("/v1/responses", {"instructions": "Obey.", "input": given, "tools": tools}))
    assert found.tools == (Tool("get", "", {}), Tool("web_search"))
    assert found.messages[:6] == (
        Message("system", (Text("Obey."),)),
        Message("system", (Text("Be short."),)),
        Message("user", (Text("See"), Media("image", source="https://x"))),
        Message("assistant", (Reasoning("hm", "e"), ToolCall("c1", "get", "{}"))),
        Message("tool", (ToolResult("c1", "42"),)),
        Message("tool", (ToolResult("c2", "7"),)),
    )
    assert [part.id for part in found.messages[6].parts if isinstance(part, ToolResult)] == ["c3"]
    assert found.messages[7:] == (Message("assistant", (Text("Done."),)), Message("user", (Other("item_reference"),)))


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        ({"input": "Hi"}, (Message("user", (Text("Hi"),)),)),
        ({"input": []}, ()),
        ({"prompt": {"id": "pmpt_1"}}, (Message("system", (Other("prompt"),)),)),
        ({"instructions": [{"role": "user", "content": "x"}]}, (Message("user", (Text("x"),)),)),
        ({}, ()),
        ([], ()),
    ],
)
def test_short_conversations(body, messages):
    assert RESPONSES.conversation(ask("/v1/responses", body)) == Conversation(messages)


ITEMS = [
    ({"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}, (Text("Hi"),)),
    ({"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}, (Declined("no"),)),
    (
        {"type": "reasoning", "summary": [{"text": "a"}, {"text": "b"}], "encrypted_content": "e"},
        (Reasoning("a"), Reasoning("b", "e")),
    ),
    ({"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "raw"}]}, (Reasoning("raw"),)),
    ({"type": "reasoning", "summary": [], "encrypted_content": "e"}, (Reasoning("", "e"),)),
    ({"type": "reasoning", "summary": []}, ()),
    ({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}, (ToolCall("c", "f", "{}"),)),
    ({"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "ls"}, (ToolCall("c", "f", "ls"),)),
    (
        {"type": "computer_call", "call_id": "c", "action": {"type": "click", "x": 1}},
        (ToolCall("c", "computer_call", '{"type":"click","x":1}'),),
    ),
    ({"type": "local_shell_call", "call_id": "c", "action": {}}, (ToolCall("c", "local_shell_call", "{}"),)),
    ({"type": "apply_patch_call", "call_id": "c", "operation": {}}, (ToolCall("c", "apply_patch_call", "{}"),)),
    (
        {"type": "image_generation_call", "result": "AAAA", "output_format": "png"},
        (Media("image", "image/png", size=4),),
    ),
    *(
        ({"type": kind}, (Other(kind),))
        for kind in ("web_search_call", "file_search_call", "code_interpreter_call", "mcp_call", "mcp_list_tools")
    ),
    ({"type": "mcp_approval_request"}, (Other("mcp_approval_request"),)),
    ({"type": "compaction", "encrypted_content": "e"}, (Other("compaction"),)),
    ({"type": "new_kind"}, (Other("new_kind"),)),
]


@pytest.mark.parametrize(("item", "parts"), ITEMS, ids=lambda one: str(one)[:40])
def test_items_are_the_same_in_a_document_and_in_a_stream(item, parts):
    done = {"type": "response.output_item.done", "output_index": 0, "item": item}
    assert RESPONSES.whole({"output": [item]}).choices[0].parts == parts
    assert heard(RESPONSES, unnamed(done, end())).choices[0].parts == parts


def end(kind="completed", **more):
    return {"type": f"response.{kind}", "response": {"id": "r", "model": "m", "status": kind, "output": [], **more}}


def delta(kind, text, at=0, **more):
    return {"type": f"response.{kind}.delta", "output_index": at, "delta": text, **more}


def added(at=0, **item):
    return {"type": "response.output_item.added", "output_index": at, "item": item}


STREAMS = [
    ([delta("output_text", "Hi", content_index=0), delta("output_text", " x", content_index=0)], (Text("Hi x"),)),
    ([delta("output_text", "b", content_index=1), delta("output_text", "a", content_index=0)], (Text("a"), Text("b"))),
    ([delta("refusal", "no", content_index=0)], (Declined("no"),)),
    ([delta("reasoning_summary_text", "hm", summary_index=0)], (Reasoning("hm"),)),
    ([delta("reasoning_text", "hm", content_index=0)], (Reasoning("hm"),)),
    (
        [added(type="function_call", call_id="c", name="f", arguments=""), delta("function_call_arguments", '{"a":'),
         delta("function_call_arguments", "1}")],
        (ToolCall("c", "f", '{"a":1}'),),
    ),
    (
        [added(type="custom_tool_call", call_id="c", name="f", input=""), delta("custom_tool_call_input", "ls")],
        (ToolCall("c", "f", "ls"),),
    ),
    (
        [added(type="code_interpreter_call"), delta("code_interpreter_call_code", "1")],
        (Other("code_interpreter_call"),),
    ),
    ([added(type="mcp_call", id="m"), delta("mcp_call_arguments", "{}")], (Other("mcp_call"),)),
    ([{"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": "Hi"}], (Text("Hi"),)),
    (
        [delta("output_text", "Hi"), {"type": "response.output_text.done", "output_index": 0, "text": "Hi"}],
        (Text("Hi"),),
    ),
    ([delta("output_text", "a", at=0), delta("output_text", "b", at=1)], (Text("a"), Text("b"))),
    ([delta("output_text", "a", at=None, item_id="x"), delta("output_text", "b", at=None, item_id="x")], (Text("ab"),)),
    ([{"type": "response.web_search_call.searching", "output_index": 0}], ()),
    ([{"type": "response.image_generation_call.partial_image", "partial_image_b64": "AA"}], ()),
    ([{"type": "keepalive"}, {"type": "response.new.delta", "delta": "x"}], ()),
]  # fmt: skip


@pytest.mark.parametrize(("told", "parts"), STREAMS, ids=lambda one: str(one)[:50])
def test_deltas(told, parts):
    assert heard(RESPONSES, unnamed(*told, end())).choices[0].parts == parts


def test_a_stream_from_its_beginning_to_its_end():
    begun = {
        "type": "response.created",
        "response": {"id": "r", "model": "m", "created_at": 5, "status": "in_progress"},
    }
    told = [("response.created", begun), ("response.output_text.delta", delta("output_text", "Hi"))]
    before = heard(RESPONSES, told)
    assert before == Answer((Choice((Text("Hi"),)),), "r", "m", 5, complete=False)
    last = end(created_at=5, usage={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3})
    after = heard(RESPONSES, [*told, ("response.completed", last)])
    assert after == Answer((Choice((Text("Hi"),), Finish.STOP, "completed"),), "r", "m", 5, Usage(1, 2, 3))


@pytest.mark.parametrize(
    ("ending", "finish", "said", "error", "complete"),
    [
        (end(), Finish.STOP, "completed", "", True),
        (
            end("incomplete", incomplete_details={"reason": "max_output_tokens"}),
            Finish.LENGTH,
            "max_output_tokens",
            "",
            True,
        ),
        (
            end("incomplete", incomplete_details={"reason": "content_filter"}),
            Finish.FILTERED,
            "content_filter",
            "",
            True,
        ),
        (end("incomplete"), Finish.OTHER, "incomplete", "", True),
        (end("failed", error={"code": "server_error", "message": "no"}), Finish.ERROR, "failed", "no", False),
        (end("failed"), Finish.ERROR, "failed", "the response failed", False),
        ({"type": "error", "code": "x", "message": "no"}, Finish.UNKNOWN, "", "no", False),
        ({"type": "error", "error": {"message": "no"}}, Finish.UNKNOWN, "", "no", False),
        ({"error": {"message": "no"}}, Finish.UNKNOWN, "", "no", False),
        ({"type": "response.in_progress", "response": {"status": "completed"}}, Finish.UNKNOWN, "", "", False),
        ("[DONE]", Finish.UNKNOWN, "", "", False),
    ],
    ids=str,
)
def test_ends(ending, finish, said, error, complete):
    found = heard(RESPONSES, unnamed(delta("output_text", "Hi"), ending))
    choice = found.choices[0]
    assert (found.text, choice.finish, choice.said, found.error, found.complete) == (
        "Hi",
        finish,
        said,
        error,
        complete,
    )


def test_the_output_of_the_last_event_counts_where_nothing_else_said_it():
    item = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
    assert heard(RESPONSES, unnamed(end(output=[item]))).text == "Hi"


@pytest.mark.parametrize(
    ("status", "finish", "complete"),
    [
        ("completed", Finish.STOP, True),
        ("incomplete", Finish.OTHER, True),
        ("failed", Finish.ERROR, False),
        ("cancelled", Finish.OTHER, False),
        ("in_progress", Finish.UNKNOWN, False),
        ("queued", Finish.UNKNOWN, False),
    ],
)
def test_documents_by_their_status(status, finish, complete):
    found = RESPONSES.whole({"id": "r", "created_at": 5.0, "status": status, "output": [], "error": None})
    assert (found.choices[0].finish, found.complete, found.created) == (finish, complete, 5)


def test_a_call_is_why_it_ended():
    item = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    assert RESPONSES.whole({"status": "completed", "output": [item]}).choices[0].finish is Finish.CALLS


def test_other_documents():
    count = RESPONSES.whole({"object": "response.input_tokens", "input_tokens": 18})
    assert (count.usage, count.choices, count.complete) == (Usage(18), (), True)
    failed = RESPONSES.whole({"error": {"message": "no"}})
    assert (failed.error, failed.choices, failed.complete) == ("no", (), False)


@pytest.mark.parametrize("ending", [b"completed", b"incomplete", b"failed"])
@pytest.mark.parametrize(
    "shape",
    [
        b'event: response.%b\ndata: {"type":"x"}\n\n',
        b"event: response.%b\r\ndata: {}\r\n\r\n",
        b'data: {"type":"response.%b","a":1}\n\n',
        b'data: {"sequence_number":5,"type": "response.%b"}\n\n',
    ],
)
def test_terminal_marks(ending, shape):
    assert RESPONSES.ends_with_terminal(shape % ending)
    assert not RESPONSES.ends_with_terminal(shape % b"created")
    assert not RESPONSES.ends_with_terminal(b'data: {"text":"\\"type\\":\\"response.%b\\""}\n\n' % ending)
