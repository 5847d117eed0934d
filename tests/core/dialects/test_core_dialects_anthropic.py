"""Anthropic's Messages API: what a request says, how pieces make an answer, and what is written is read again."""

import orjson
import pytest
from answers import alternating, answers, assemble, calls, counts, ending, ids, post, read_back, texts, thoughts
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.conversation import (
    Answer,
    Choice,
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
    Vector,
)
from proxy_daemon.core.dialects.anthropic.messages import Anthropic
from proxy_daemon.core.dialects.anthropic.parts import FINISHES
from proxy_daemon.core.dialects.anthropic.vertex import VertexClaude
from proxy_daemon.core.dialects.dialect import CannotRender
from proxy_daemon.core.messages import Request

ANTHROPIC = Anthropic()
VERTEX = VertexClaude()
CLAUDE_ON_VERTEX = b"/v1/projects/p/locations/l/publishers/anthropic/models/claude-3@1:"


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        (b"POST", b"/v1/messages", Operation.CHAT),
        (b"POST", b"/anthropic/v1/messages", Operation.CHAT),
        (b"GET", b"/v1/messages", Operation.STATE),
        (b"POST", b"/v1/messages/count_tokens", Operation.COUNT_TOKENS),
        (b"POST", b"/v1/messages/batches", Operation.BATCHES),
        (b"GET", b"/v1/messages/batches/b/results", Operation.BATCHES),
        (b"POST", b"/v1/complete", Operation.COMPLETION),
        (b"GET", b"/v1/models/claude", Operation.MODELS),
        (b"POST", b"/v1/files", Operation.FILES),
        (b"HEAD", b"/api/hello", Operation.OTHER),
    ],
)
def test_operation(method, path, operation):
    assert ANTHROPIC.operation(Request(method, path)) is operation


@pytest.mark.parametrize(
    ("request_", "known"),
    [
        (post(b"/v1/complete", {"prompt": "", "max_tokens_to_sample": 1}), True),
        (post(b"/v1/complete", {"prompt": ""}), False),
        (post(b"/complete", []), False),
        (post(b"/v1/files/file_011C"), True),
        (post(b"/v1/files/file-1"), False),
        (post(b"/v1/models", fields=[(b"anthropic-beta", b"x")]), True),
        (post(b"/v1/models"), False),
        (post(b"/v1/chat/completions", {"messages": []}), False),
    ],
)
def test_recognises(request_, known):
    assert ANTHROPIC.recognises(request_) is known


def image(**source):
    return {"type": "image", "source": source}


# (a block, the parts that it is)
BLOCKS = [
    ({"type": "text", "text": "a", "citations": [{"cited_text": "b"}]}, [Text("a")]),
    ({"type": "text"}, [Text("")]),
    ({"type": "thinking", "thinking": "a", "signature": "s"}, [Reasoning("a", "s")]),
    ({"type": "redacted_thinking", "data": "d"}, [Reasoning("", "d")]),
    ({"type": "tool_use", "id": "1", "name": "n", "input": {"é": 1}}, [ToolCall("1", "n", '{"é":1}')]),
    ({"type": "tool_use", "id": "1", "name": "n"}, [ToolCall("1", "n", "{}")]),
    ({"type": "server_tool_use", "id": "1", "name": "n", "input": {}}, [ToolCall("1", "n", "{}")]),
    ({"type": "mcp_tool_use", "id": "1", "name": "n", "input": []}, [ToolCall("1", "n", "[]")]),
    ({"type": "tool_result", "tool_use_id": "1", "content": "a"}, [ToolResult("1", "a")]),
    ({"type": "tool_result", "tool_use_id": "1", "is_error": True}, [ToolResult("1", "", failed=True)]),
    (
        {
            "type": "tool_result",
            "tool_use_id": "1",
            "content": [{"type": "text", "text": "a"}, image(media_type="image/png", data="QQ==")],
        },
        [ToolResult("1", "a"), Media("image", "image/png", size=4)],
    ),
    (
        {"type": "web_search_tool_result", "tool_use_id": "1", "content": {"type": "web_search_tool_result_error"}},
        [ToolResult("1", '{"type":"web_search_tool_result_error"}', failed=True)],
    ),
    (image(type="url", url="http://a"), [Media("image", "", "http://a")]),
    (image(type="file", file_id="file_1"), [Media("image", "", "file_1")]),
    ({"type": "document", "source": {"media_type": "text/plain", "data": "é"}}, [Media("file", "text/plain", size=2)]),
    ({"type": "container_upload", "file_id": "f"}, [Media("file", source="f")]),
    ({"type": "search_result", "content": [{"type": "text", "text": "a"}]}, [Text("a")]),
    ({"type": "novelty", "text": "a"}, [Other("novelty")]),
    ({}, [Other("")]),
]


@pytest.mark.parametrize(("block", "parts"), BLOCKS)
def test_blocks_are_parts_in_documents_and_in_requests(block, parts):
    assert list(ANTHROPIC.whole({"content": [block]}).choices[0].parts) == parts
    said = ANTHROPIC.conversation(post(b"/v1/messages", {"messages": [{"role": "assistant", "content": [block]}]}))
    assert said.messages == (Message("assistant", tuple(parts)),)


@pytest.mark.parametrize(("block", "parts"), BLOCKS)
def test_blocks_that_come_whole_in_a_stream_are_the_same(block, parts):
    answer = assemble(ANTHROPIC, ("content_block_start", {"index": 0, "content_block": block}))
    assert list(answer.choices[0].parts) == parts


def test_a_request_is_a_conversation():
    body = {
        "system": [{"type": "text", "text": "x-anthropic-billing-header: cch=1;"}, {"type": "text", "text": "Be."}],
        "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "n", "input": {}}]},
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "1", "content": "r"}, {"type": "text", "text": "b"}],
            },
        ],
        "tools": [
            {"name": "n", "description": "d", "input_schema": {"type": "object"}},
            {"type": "bash_20250124", "name": "bash"},
        ],
    }
    said = ANTHROPIC.conversation(post(b"/v1/messages", body))
    assert said.messages == (
        Message("system", (Text("x-anthropic-billing-header: cch=1;"), Text("Be."))),
        Message("user", (Text("a"),)),
        Message("assistant", (ToolCall("1", "n", "{}"),)),
        Message("tool", (ToolResult("1", "r"),)),
        Message("user", (Text("b"),)),
    )
    assert said.tools == (Tool("n", "d", {"type": "object"}), Tool("bash", "bash_20250124"))


def test_a_legacy_prompt_is_the_users():
    said = ANTHROPIC.conversation(post(b"/v1/complete", {"prompt": "\n\nHuman: a"}))
    assert said.messages == (Message("user", (Text("\n\nHuman: a"),)),)


# (document, the answer)
DOCUMENTS = [
    (
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude",
            "content": [{"type": "text", "text": "a"}],
            "stop_reason": "max_tokens",
            "usage": {
                "input_tokens": 1,
                "output_tokens": 2,
                "cache_read_input_tokens": 3,
                "cache_creation_input_tokens": 4,
                "output_tokens_details": {"thinking_tokens": 5},
            },
        },
        Answer(
            (Choice((Text("a"),), Finish.LENGTH, "max_tokens"),), "msg_1", "claude", None, Usage(1, 2, None, 3, 4, 5)
        ),
    ),
    ({"input_tokens": 7}, Answer(usage=Usage(input=7))),
    ({"type": "error", "error": {"type": "x", "message": "no"}}, Answer(error="no", complete=False)),
    (
        {"type": "completion", "completion": "a", "stop_reason": "stop_sequence", "model": "claude-2"},
        Answer((Choice((Text("a"),), Finish.STOP_SEQUENCE, "stop_sequence"),), model="claude-2"),
    ),
    (
        {"custom_id": "1", "result": {"type": "errored", "error": {"type": "error", "error": {"message": "no"}}}},
        Answer((Choice((), Finish.ERROR, "errored"),)),
    ),
    ({"custom_id": "1", "result": {"type": "expired"}}, Answer((Choice((), Finish.OTHER, "expired"),))),
    ({"id": "msgbatch_1", "type": "message_batch"}, Answer(id="msgbatch_1")),
    ([], Answer()),
    (None, Answer()),
]


@pytest.mark.parametrize(("document", "answer"), DOCUMENTS)
def test_documents(document, answer):
    assert ANTHROPIC.whole(document) == answer


def started(**message):
    return "message_start", {"type": "message_start", "message": message}


def delta(kind, index=0, **said):
    return "content_block_delta", {"index": index, "delta": {"type": kind, **said}}


ENDED = ("message_delta", {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}})
STOP = ("message_stop", {"type": "message_stop"})
# (items of a stream, the answer)
STREAMS = [
    ([], Answer(complete=False)),
    (
        [
            started(id="m", model="c", usage={"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 3}),
            ("content_block_start", {"index": 0, "content_block": {"type": "thinking", "thinking": "a"}}),
            ("ping", {"type": "ping"}),
            delta("thinking_delta", thinking="b"),
            delta("signature_delta", signature="s"),
            ("content_block_stop", {"index": 0}),
            ("content_block_start", {"index": 1, "content_block": {"type": "tool_use", "id": "1", "name": "n"}}),
            delta("input_json_delta", 1, partial_json='{"a":'),
            delta("input_json_delta", 1, partial_json=" 1}"),
            ENDED,
            STOP,
        ],
        Answer(
            (Choice((Reasoning("ab", "s"), ToolCall("1", "n", '{"a": 1}')), Finish.STOP, "end_turn"),),
            "m",
            "c",
            usage=Usage(1, 9, cached=3),
        ),
    ),
    (
        [started(), delta("text_delta", text="a"), delta("citations_delta", citation={}), ENDED],
        Answer((Choice((Text("a"),), Finish.STOP, "end_turn"),), usage=Usage(output=9), complete=False),
    ),
    (
        [started(), ("error", {"type": "error", "error": {"message": "overloaded"}}), STOP],
        Answer((Choice(),), error="overloaded", complete=False),
    ),
    ([("error", "gone")], Answer(error="gone", complete=False)),
    ([delta("input_json_delta", partial_json="{}")], Answer((Choice((ToolCall("", "", "{}"),)),), complete=False)),
    ([delta("novel_delta")], Answer((Choice((Other("novel_delta"),)),), complete=False)),
    ([("", "[DONE]"), ("", None), ("", [1])], Answer(complete=False)),
    (
        [("completion", {"completion": " a", "id": "x"}), ("", {"completion": "b", "stop_reason": "max_tokens"})],
        Answer((Choice((Text(" ab"),), Finish.LENGTH, "max_tokens"),), "x"),
    ),
    (
        [
            ("", {"custom_id": "1", "result": {"type": "succeeded", "message": DOCUMENTS[0][0]}}),
            ("", {"custom_id": "2", "result": {"type": "succeeded", "message": DOCUMENTS[0][0]}}),
        ],
        Answer(DOCUMENTS[0][1].choices * 2, model="claude", usage=Usage(2, 4, None, 6, 8, 10)),
    ),
]


@pytest.mark.parametrize(("items", "answer"), STREAMS)
def test_streams(items, answer):
    assert assemble(ANTHROPIC, *items) == answer


def test_the_type_in_the_data_does_without_the_events_name():
    assert assemble(ANTHROPIC, *(("", data) for _, data in [started(), STOP])).complete


@pytest.mark.parametrize(("said", "finish"), FINISHES.items())
def test_endings(said, finish):
    answer = ANTHROPIC.whole({"content": [], "stop_reason": said})
    assert (answer.choices[0].finish, answer.choices[0].said) == (finish, said)


def test_counts_that_are_null_later_stay_what_they_were():
    ended = ("message_delta", {"delta": {}, "usage": {"input_tokens": None, "output_tokens": 2}})
    assert assemble(ANTHROPIC, started(usage={"input_tokens": 1}), ended).usage == Usage(1, 2)


def test_events_are_named_and_opaque_thoughts_are_redacted():
    answer = Answer((Choice((Reasoning("", "d"),), Finish.STOP, "end_turn"),))
    events = ANTHROPIC.render(answer, post(b"/v1/messages", {"stream": True})).pieces
    read = [event.octets.removeprefix(b"event: ").split(b"\ndata: ") for event in events]
    assert [name.decode() for name, _ in read] == [orjson.loads(data)["type"] for _, data in read]
    assert orjson.loads(read[1][1])["content_block"] == {"type": "redacted_thinking", "data": "d"}


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("target", [b"/v1/messages", b"/v1/complete"])
def test_the_sequence_that_stopped_it_is_kept(target, streams):
    answer = Answer((Choice((Text("a"),), Finish.STOP_SEQUENCE, "stop_sequence", "END"),), "m", "c")
    request = post(target, {"stream": streams, "max_tokens_to_sample": 1})
    (again,) = read_back(ANTHROPIC, request, ANTHROPIC.render(answer, request)).choices
    assert again == answer.choices[0]


def test_an_error_within_a_stream_is_an_event():
    assert ANTHROPIC.error_event(529, "x", "no").startswith(b"event: error\ndata: {")
    data = orjson.loads(ANTHROPIC.error_event(529, "x", "no").split(b"data: ")[1])
    assert data == {"type": "error", "error": {"type": "overloaded_error", "message": "no"}}


PARTS = (
    st.builds(Text, texts)
    | thoughts(opaque=ids(""))
    | st.builds(Reasoning, st.just(""), ids(""))
    | calls("toolu_")
    | calls("srvtoolu_")
)
SENT = answers(
    st.tuples(ending(alternating(PARTS), FINISHES.items())),
    st.builds(Usage, counts, counts, cached=st.none() | counts, cache_written=st.none() | counts),
    id=ids("msg_"),
    model=st.just("claude"),
)


@given(SENT, st.booleans())
def test_what_is_written_is_read_again(answer, streams):
    request = post(b"/v1/messages", {"model": "x", "stream": streams})
    rendered = ANTHROPIC.render(answer, request)
    assert read_back(ANTHROPIC, request, rendered) == answer
    assert ANTHROPIC.ends_with_terminal(rendered.pieces[-1].octets) is streams


@given(SENT)
def test_claude_on_vertex_writes_the_same(answer):
    for operation in (b"rawPredict", b"streamRawPredict"):
        request = post(CLAUDE_ON_VERTEX + operation, {"anthropic_version": "vertex-2023-10-16"})
        assert read_back(VERTEX, request, VERTEX.render(answer, request)) == answer


@pytest.mark.parametrize("streams", [True, False])
def test_a_legacy_completion_is_written(streams):
    answer = Answer((Choice((Text("a b"),), Finish.LENGTH, "max_tokens"),), "compl_1", "claude-2")
    request = post(b"/v1/complete", {"stream": streams, "max_tokens_to_sample": 2})
    assert read_back(ANTHROPIC, request, ANTHROPIC.render(answer, request)) == answer


def test_a_count_and_an_error_are_written():
    request = post(b"/v1/messages/count_tokens", {})
    assert ANTHROPIC.render(Answer(usage=Usage(input=7)), request).body == b'{"input_tokens": 7}'
    failed = Answer(error="no", complete=False)
    assert read_back(ANTHROPIC, request, ANTHROPIC.render(failed, request)) == failed


def test_a_stream_that_broke_off_is_written_as_one():
    request = post(b"/v1/messages", {"stream": True})
    for error in ("", "gone"):
        answer = Answer((Choice((Text("a"),)),), "m", "c", usage=Usage(1, 0), error=error, complete=False)
        assert read_back(ANTHROPIC, request, ANTHROPIC.render(answer, request)) == answer


@pytest.mark.parametrize(
    "answer",
    [
        Answer((Choice(), Choice())),
        Answer((Choice((Vector((1.0,)),)),)),
        Answer((Choice((ToolCall("1", "n", "{"),)),)),
        Answer((Choice((ToolCall("1", "n", "[" * 2000 + "]" * 2000),)),)),
    ],
)
@pytest.mark.parametrize("streams", [True, False])
def test_what_the_api_has_no_words_for_is_refused(answer, streams):
    with pytest.raises(CannotRender):
        ANTHROPIC.render(answer, post(b"/v1/messages", {"stream": streams}))


@pytest.mark.parametrize(
    ("path", "operation", "model", "streams"),
    [
        (CLAUDE_ON_VERTEX + b"rawPredict", Operation.CHAT, "claude-3@1", False),
        (CLAUDE_ON_VERTEX + b"streamRawPredict", Operation.CHAT, "claude-3@1", True),
        (CLAUDE_ON_VERTEX.replace(b"@", b"%40") + b"streamRawPredict", Operation.CHAT, "claude-3@1", True),
        (CLAUDE_ON_VERTEX.replace(b"claude-3@1", b"count-tokens") + b"rawPredict", Operation.COUNT_TOKENS, "m", False),
    ],
)
def test_claude_on_vertex(path, operation, model, streams):
    request = post(path, {"model": "m"})
    assert VERTEX.recognises(request)
    assert (VERTEX.operation(request), VERTEX.model(request), VERTEX.streams(request)) == (operation, model, streams)
    assert VERTEX.operation(Request(b"GET", path)) is Operation.STATE


def test_other_publishers_are_none_of_claudes():
    other = post(CLAUDE_ON_VERTEX.replace(b"anthropic", b"mistralai") + b"rawPredict")
    assert not VERTEX.recognises(other)
    assert VERTEX.operation(other) is Operation.OTHER
    assert VERTEX.model(other) == ""
