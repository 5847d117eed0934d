"""Bedrock: what paths and bodies say, how frames make an answer, and what is written is read again."""

from base64 import b64encode

import orjson
import pytest
from answers import assemble, post

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
from proxy_daemon.core.dialects.bedrock.bedrock import Bedrock, vendor_of
from proxy_daemon.core.dialects.bedrock.converse import FINISHES
from proxy_daemon.core.messages import Request
from proxy_daemon.core.wire.event_stream import EventStreamReader

BEDROCK = Bedrock()
NOVA = b"/model/us.amazon.nova-lite-v1%3A0/"
CLAUDE = b"/model/anthropic.claude-v2:1/"
ARN = b"arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.anthropic.claude-3-v1%3A0"


@pytest.mark.parametrize(
    ("path", "model", "operation", "streams"),
    [
        (NOVA + b"converse", "us.amazon.nova-lite-v1:0", Operation.CHAT, False),
        (NOVA + b"converse-stream", "us.amazon.nova-lite-v1:0", Operation.CHAT, True),
        (b"/bedrock" + NOVA + b"converse/", "us.amazon.nova-lite-v1:0", Operation.CHAT, False),
        (CLAUDE + b"invoke", "anthropic.claude-v2:1", Operation.COMPLETION, False),
        (CLAUDE + b"invoke-with-response-stream", "anthropic.claude-v2:1", Operation.COMPLETION, True),
        (CLAUDE + b"count-tokens", "anthropic.claude-v2:1", Operation.COUNT_TOKENS, False),
        (
            b"/model/" + ARN + b"/invoke",
            "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-3-v1:0",
            Operation.COMPLETION,
            False,
        ),
        (b"/model/arn:aws:x/y.z/invoke", "arn:aws:x/y.z", Operation.COMPLETION, False),
        (b"/model/amazon.titan-embed-text-v2:0/invoke", "amazon.titan-embed-text-v2:0", Operation.EMBEDDINGS, False),
        (b"/model/cohere.rerank-v3-5:0/invoke", "cohere.rerank-v3-5:0", Operation.RERANK, False),
        (b"/model/amazon.nova-canvas-v1:0/invoke", "amazon.nova-canvas-v1:0", Operation.IMAGE, False),
        (b"/foundation-models", "", Operation.MODELS, False),
        (b"/inference-profiles/x", "", Operation.OTHER, False),
    ],
)
def test_the_path_says_it(path, model, operation, streams):
    request = post(path, {"stream": not streams, "model": "not this one"})
    assert BEDROCK.recognises(request)
    assert (BEDROCK.model(request), BEDROCK.operation(request), BEDROCK.streams(request)) == (model, operation, streams)


def test_invoking_with_messages_is_a_chat():
    assert BEDROCK.operation(post(CLAUDE + b"invoke", {"messages": []})) is Operation.CHAT
    assert BEDROCK.operation(post(CLAUDE + b"invoke", {"message": ""})) is Operation.CHAT
    assert BEDROCK.operation(Request(b"GET", CLAUDE + b"invoke")) is Operation.STATE


@pytest.mark.parametrize(
    "path", [b"/model//invoke", b"/model/x", b"/models/x/invoke", b"/model/x/invokes", b"/v1/messages", b"", b"/invoke"]
)
def test_what_is_not_its_own(path):
    assert not BEDROCK.recognises(post(path))


@pytest.mark.parametrize(
    ("model", "vendor"),
    [
        ("anthropic.claude-v2", "anthropic"),
        ("us.anthropic.claude-v2", "anthropic"),
        ("global.anthropic.claude-v2", "anthropic"),
        ("arn:aws:bedrock:us-east-1::foundation-model/meta.llama3", "meta"),
        ("us.amazon.nova-lite-v1:0", "nova"),
        ("amazon.nova-2-multimodal-embeddings-v1:0", "amazon"),
        ("amazon.titan-text-lite-v1", "amazon"),
        ("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", ""),
        ("notmeta.x", ""),
    ],
)
def test_vendor(model, vendor):
    assert vendor_of(model) == vendor


# (a block of Converse, the parts that it is)
BLOCKS = [
    ({"text": "a"}, [Text("a")]),
    ({"reasoningContent": {"reasoningText": {"text": "a", "signature": "s"}}}, [Reasoning("a", "s")]),
    ({"reasoningContent": {"redactedContent": "QQ=="}}, [Reasoning("", "QQ==")]),
    ({"toolUse": {"toolUseId": "1", "name": "n", "input": {"é": 1}}}, [ToolCall("1", "n", '{"é":1}')]),
    (
        {
            "toolResult": {
                "toolUseId": "1",
                "status": "error",
                "content": [
                    {"text": "a"},
                    {"json": {"b": 1}},
                    {"image": {"format": "png", "source": {"bytes": "QQ=="}}},
                ],
            }
        },
        [ToolResult("1", 'a{"b":1}', failed=True), Media("image", "image/png", size=4)],
    ),
    (
        {"document": {"format": "pdf", "name": "x", "source": {"s3Location": {"uri": "s3://a"}}}},
        [Media("file", "pdf", "s3://a")],
    ),
    ({"citationsContent": {"content": [{"text": "a"}, {"text": "b"}]}}, [Text("ab")]),
    ({"guardContent": {"text": {"text": "a"}}}, [Text("a")]),
    ({"cachePoint": {"type": "default"}}, []),
    ({"novelty": 1}, [Other("novelty")]),
    ({"toolUse": 1, "text": 2}, [ToolCall("", "", "{}"), Text("")]),
]


@pytest.mark.parametrize(("block", "parts"), BLOCKS)
def test_blocks_are_parts_in_documents_and_in_requests(block, parts):
    document = {"output": {"message": {"role": "assistant", "content": [block]}}, "stopReason": "end_turn"}
    assert BEDROCK.whole(document) == Answer((Choice(tuple(parts), Finish.STOP, "end_turn"),))
    said = BEDROCK.conversation(post(NOVA + b"converse", {"messages": [{"role": "assistant", "content": [block]}]}))
    assert [part for message in said.messages for part in message.parts] == parts


CONVERSED = {
    "system": [{"text": "s"}, {"cachePoint": {"type": "default"}}],
    "messages": [
        {"role": "user", "content": [{"text": "a"}]},
        {"role": "assistant", "content": [{"toolUse": {"toolUseId": "1", "name": "n", "input": {}}}]},
        {"role": "user", "content": [{"toolResult": {"toolUseId": "1", "content": [{"text": "r"}]}}, {"text": "b"}]},
    ],
    "toolConfig": {"tools": [{"toolSpec": {"name": "n", "description": "d", "inputSchema": {"json": {"a": 1}}}}]},
}


def test_a_request_is_a_conversation():
    said = BEDROCK.conversation(post(NOVA + b"converse", CONVERSED))
    assert said.messages == (
        Message("system", (Text("s"),)),
        Message("user", (Text("a"),)),
        Message("assistant", (ToolCall("1", "n", "{}"),)),
        Message("tool", (ToolResult("1", "r"),)),
        Message("user", (Text("b"),)),
    )
    assert said.tools == (Tool("n", "d", {"a": 1}),)
    assert BEDROCK.conversation(post(NOVA + b"count-tokens", {"input": {"converse": CONVERSED}})) == said
    packed = b64encode(orjson.dumps(CONVERSED)).decode()
    assert BEDROCK.conversation(post(NOVA + b"count-tokens", {"input": {"invokeModel": {"body": packed}}})) == said


# (body of `invoke`, the roles and words)
BODIES = [
    ({"anthropic_version": "bedrock-2023-05-31", "messages": [{"role": "user", "content": "a"}]}, [("user", "a")]),
    ({"prompt": "\n\nHuman: a", "max_tokens_to_sample": 1}, [("user", "\n\nHuman: a")]),
    ({"prompt": "a", "max_gen_len": 1}, [("user", "a")]),
    ({"inputText": "a"}, [("user", "a")]),
    ({"system": "s", "messages": [{"role": "user", "content": [{"text": "a"}]}]}, [("system", "s"), ("user", "a")]),
    ({"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}]}, [("user", "a")]),
    (
        {"message": "b", "preamble": "s", "chat_history": [{"role": "CHATBOT", "message": "a"}]},
        [("system", "s"), ("assistant", "a"), ("user", "b")],
    ),
    ({"texts": ["a", "b", 1]}, [("user", "a"), ("user", "b")]),
    ({"singleEmbeddingParams": {"text": {"value": "a"}}}, [("user", "a")]),
    ({"input": {"invokeModel": {"body": "no base64"}}}, []),
    ([], []),
]


@pytest.mark.parametrize(("body", "said"), BODIES)
def test_bodies_of_all_makers(body, said):
    conversation = BEDROCK.conversation(post(CLAUDE + b"invoke", body))
    assert [(message.role, message.text) for message in conversation.messages] == said


def one(text, finish, said, usage=None, **more):
    return Answer((Choice((Text(text),) if text else (), finish, said),), usage=usage, **more)


CLAUDES = {"type": "message", "content": [{"type": "text", "text": "a"}], "stop_reason": "end_turn"}
METRICS = {"inputTokenCount": 5, "outputTokenCount": 6, "cacheReadInputTokenCount": 7}
BLOCKED = {"amazon-bedrock-guardrailAction": "INTERVENED"}
# (a document of `invoke`, the answer)
DOCUMENTS = [
    (CLAUDES, one("a", Finish.STOP, "end_turn")),
    ({"completion": " a", "stop_reason": "stop_sequence"}, one(" a", Finish.STOP_SEQUENCE, "stop_sequence")),
    (
        {"inputTextTokenCount": 1, "results": [{"tokenCount": 2, "outputText": "a", "completionReason": "LENGTH"}]},
        one("a", Finish.LENGTH, "LENGTH", Usage(1, 2)),
    ),
    (
        {"results": [{"outputText": "no", "completionReason": "FINISH"}], **BLOCKED},
        one("no", Finish.FILTERED, "INTERVENED"),
    ),
    (
        {"generation": "a", "prompt_token_count": 1, "generation_token_count": 2, "stop_reason": "stop"},
        one("a", Finish.STOP, "stop", Usage(1, 2)),
    ),
    ({"outputs": [{"text": "a", "stop_reason": "length"}]}, one("a", Finish.LENGTH, "length")),
    (
        {
            "id": "x",
            "generations": [{"text": "a", "finish_reason": "COMPLETE"}, {"text": "b", "finish_reason": "ERROR"}],
        },
        Answer((Choice((Text("a"),), Finish.STOP, "COMPLETE"), Choice((Text("b"),), Finish.ERROR, "ERROR")), "x"),
    ),
    ({"text": "a", "response_id": "x", "finish_reason": "COMPLETE"}, one("a", Finish.STOP, "COMPLETE", id="x")),
    (
        {"completions": [{"data": {"text": "a"}, "finishReason": {"reason": "endoftext"}}]},
        one("a", Finish.STOP, "endoftext"),
    ),
    (
        {
            "id": "x",
            "model": "jamba",
            "choices": [{"message": {"content": "a", "tool_calls": None}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
        },
        one("a", Finish.STOP, "stop", Usage(1, 2, 3), id="x", model="jamba"),
    ),
    (
        {"choices": [{"message": {"tool_calls": [{"id": "1", "function": {"name": "n", "arguments": "{}"}}]}}]},
        Answer((Choice((ToolCall("1", "n", "{}"),)),)),
    ),
    ({"embedding": [1, 2.5], "inputTextTokenCount": 3}, Answer((Choice((Vector((1, 2.5)),)),), usage=Usage(input=3))),
    ({"embeddings": [[1], [2]]}, Answer((Choice((Vector((1,)),)), Choice((Vector((2,)),))))),
    ({"embeddings": {"float": [[1]]}}, Answer((Choice((Vector((1,)),)),))),
    ({"embeddings": [{"embedding": [1]}]}, Answer((Choice((Vector((1,)),)),))),
    ({"images": ["QQ==", 1]}, Answer((Choice((Media("image", size=4),)),))),
    ({"results": [{"index": 0, "relevance_score": 0.5}]}, Answer()),
    ({"inputTokens": 7}, Answer(usage=Usage(input=7))),
    ({"message": "no"}, Answer(error="no", complete=False)),
    ({"Message": "no"}, Answer(error="no", complete=False)),
    ({"__type": "UnknownOperationException"}, Answer(error="UnknownOperationException", complete=False)),
    ({"Output": {"__type": "Unknown"}, "Version": "1.0"}, Answer(error="Unknown", complete=False)),
    (None, Answer()),
]


@pytest.mark.parametrize(("document", "answer"), DOCUMENTS)
def test_documents(document, answer):
    assert BEDROCK.whole(document) == answer


def packed(**event):
    return "chunk", {"bytes": b64encode(orjson.dumps(event)).decode(), "p": "abcd"}


def metrics(**event):
    return packed(**event, **{"amazon-bedrock-invocationMetrics": METRICS})


TEXT = ("contentBlockDelta", {"delta": {"text": "a"}, "contentBlockIndex": 0})
COUNTED = Usage(5, 6, cached=7)
# (frames of a stream, the answer)
STREAMS = [
    ([], Answer(complete=False)),
    ([("messageStart", {"role": "assistant"}), TEXT], Answer((Choice((Text("a"),)),), complete=False)),
    (
        [
            TEXT,
            ("contentBlockStart", {"start": {"toolUse": {"toolUseId": "1", "name": "n"}}, "contentBlockIndex": 1}),
            ("contentBlockDelta", {"delta": {"toolUse": {"input": '{"a"'}}, "contentBlockIndex": 1}),
            ("contentBlockDelta", {"delta": {"toolUse": {"input": ": 1}"}}, "contentBlockIndex": 1}),
            ("contentBlockStop", {"contentBlockIndex": 1}),
            ("messageStop", {"stopReason": "tool_use"}),
            ("metadata", {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}}),
        ],
        Answer((Choice((Text("a"), ToolCall("1", "n", '{"a": 1}')), Finish.CALLS, "tool_use"),), usage=Usage(1, 2, 3)),
    ),
    (
        [
            ("contentBlockDelta", {"delta": {"reasoningContent": {"text": "a"}}}),
            ("contentBlockDelta", {"delta": {"reasoningContent": {"signature": "s"}}}),
            ("messageStop", {"stopReason": "guardrail_intervened"}),
        ],
        Answer((Choice((Reasoning("a", "s"),), Finish.FILTERED, "guardrail_intervened"),)),
    ),
    (
        [TEXT, ("throttlingException", {"message": "slow down"}), ("messageStop", {"stopReason": "end_turn"})],
        one("a", Finish.STOP, "end_turn", error="slow down", complete=False),
    ),
    ([("internalServerException", "")], Answer(error="internalServerException", complete=False)),
    (
        [
            packed(type="message_start", message={"id": "m", "usage": {"input_tokens": 1}}),
            packed(type="content_block_delta", index=0, delta={"type": "text_delta", "text": "a"}),
            packed(type="message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 2}),
            metrics(type="message_stop"),
        ],
        one("a", Finish.STOP, "end_turn", Usage(1, 2, cached=7), id="m"),
    ),
    (
        [packed(completion=" a", stop_reason=None), packed(completion="", stop_reason="max_tokens"), metrics()],
        one(" a", Finish.LENGTH, "max_tokens", COUNTED),
    ),
    (
        [packed(messageStart={}), packed(contentBlockDelta=TEXT[1]), packed(messageStop={"stopReason": "end_turn"})],
        one("a", Finish.STOP, "end_turn"),
    ),
    ([packed(outputText="a", index=0.0), metrics(outputText="b")], one("ab", Finish.UNKNOWN, "", COUNTED)),
    ([packed(outputText="no", **BLOCKED)], one("no", Finish.FILTERED, "INTERVENED")),
    ([packed(outputText="a")], one("a", Finish.UNKNOWN, "", complete=False)),
    (
        [
            packed(generation="a", prompt_token_count=1, generation_token_count=1, stop_reason=None),
            packed(generation="b", prompt_token_count=None, generation_token_count=2, stop_reason="stop"),
        ],
        one("ab", Finish.STOP, "stop", Usage(1, 2)),
    ),
    (
        [packed(text="a", index=0), packed(text="b", index=1), packed(index=0, finish_reason="COMPLETE"), metrics()],
        Answer((Choice((Text("a"),), Finish.STOP, "COMPLETE"), Choice((Text("b"),))), usage=COUNTED),
    ),
    ([("chunk", {"bytes": "!"}), ("chunk", {"bytes": "QQ=="}), ("chunk", [])], Answer(complete=False)),
    ([("chunk", {"bytes": "é"})], Answer(complete=False)),
]


@pytest.mark.parametrize(("items", "answer"), STREAMS)
def test_streams(items, answer):
    assert assemble(BEDROCK, *items) == answer


@pytest.mark.parametrize(("said", "finish"), FINISHES.items())
def test_endings(said, finish):
    assert BEDROCK.whole({"output": {"message": {}}, "stopReason": said}).choices[0].finish is finish


@pytest.mark.parametrize(
    ("status", "name"),
    [(429, "throttlingException"), (500, "internalServerException"), (299, "internalServerException")],
)
def test_an_error_within_a_stream_is_a_frame(status, name):
    (frame,) = EventStreamReader().feed(BEDROCK.error_event(status, "x", "no"))
    assert (frame.name, frame.failure, orjson.loads(frame.data)) == (name, '{"message": "no"}', {"message": "no"})


def test_an_error_states_its_type():
    assert orjson.loads(BEDROCK.error(429, "x", "no")) == {"__type": "ThrottlingException", "message": "no"}
    assert orjson.loads(BEDROCK.error(424, "x", "no"))["__type"] == "ModelErrorException"
    assert orjson.loads(BEDROCK.error(299, "x", "no"))["__type"] == "x"
