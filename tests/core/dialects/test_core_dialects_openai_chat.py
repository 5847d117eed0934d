"""Chat completions: what is asked, and what all the vendors who speak them answer."""

import pytest
from openai_saying import ask, heard, unnamed

from proxy_daemon.core.conversation import (
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
from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.core.dialects.openai.choices import Choices

CHAT = OpenAIChat()
CALL = {"id": "c1", "type": "function", "function": {"name": "get", "arguments": '{"a":1}'}}


@pytest.mark.parametrize(
    ("target", "method", "recognised", "operation", "generates"),
    [
        ("/v1/chat/completions", b"POST", True, Operation.CHAT, True),
        ("/chat/completions?x=1", b"POST", True, Operation.CHAT, True),
        ("/v1/chat/completions/", b"POST", True, Operation.CHAT, True),
        ("/api/paas/v4/chat/completions", b"POST", True, Operation.CHAT, True),
        ("/v1/chat/completions", b"GET", True, Operation.STATE, False),
        ("/v1/chat/completions/chatcmpl-1", b"POST", True, Operation.STATE, False),
        ("/v1/chat/completions/chatcmpl-1/messages", b"GET", True, Operation.STATE, False),
        ("/v1/chat/completionsx", b"POST", False, Operation.OTHER, False),
        ("/v1/completions", b"POST", False, Operation.OTHER, False),
        ("/x?path=/chat/completions", b"POST", False, Operation.OTHER, False),
    ],
)
def test_recognises_and_generates(target, method, recognised, operation, generates):
    request = ask(target, {"model": "m"}, method)
    assert CHAT.recognises(request) is recognised
    assert CHAT.operation(request) is operation
    assert CHAT.generates(request) is generates


BLOCKS = [
    ("Hi", (Text("Hi"),)),
    ("", ()),
    (None, ()),
    (["Hi", {"type": "text", "text": "x"}, {"type": "text", "text": ""}], (Text("Hi"), Text("x"))),
    ([{"type": "image_url", "image_url": {"url": "https://x/y.png"}}], (Media("image", "", "https://x/y.png"),)),
    ([{"type": "image_url", "image_url": "data:image/png;base64,AAAA"}], (Media("image", "image/png", size=4),)),
    (
        [{"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}],
        (Media("audio", "audio/wav", size=4),),
    ),
    ([{"type": "input_audio", "input_audio": "https://x/y.mp3"}], (Media("audio", source="https://x/y.mp3"),)),
    ([{"type": "file", "file": {"file_id": "file-1"}}], (Media("file", source="file-1"),)),
    (
        [{"type": "file", "file": {"file_data": "data:application/pdf;base64,AA"}}],
        (Media("file", "application/pdf", size=2),),
    ),
    ([{"type": "document_url", "document_url": "https://x/y"}], (Media("file", source="https://x/y"),)),
    ([{"type": "file_url", "file_url": {"url": "https://x/y"}}], (Media("file", source="https://x/y"),)),
    ([{"type": "video_url", "video_url": {"url": "https://x/y"}}], (Media("video", source="https://x/y"),)),
    ([{"type": "refusal", "refusal": "no"}], (Declined("no"),)),
    ([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}], (Reasoning("hm"),)),
    ([{"type": "thinking", "thinking": "hm", "signature": "s"}], (Reasoning("hm", "s"),)),
    ([{"type": "new_kind"}, 5, None], (Other("new_kind"),)),
    (5, ()),
]


@pytest.mark.parametrize(("content", "parts"), BLOCKS, ids=lambda one: str(one)[:40])
def test_content(content, parts):
    request = ask(body={"messages": [{"role": "user", "content": content}]})
    assert CHAT.conversation(request) == Conversation((Message("user", parts),))


def test_a_conversation():
    messages = [
        {"role": "developer", "content": "Be short."},
        {"role": "user", "content": "Get it.", "name": "ann"},
        {"role": "assistant", "content": None, "reasoning_content": "hm", "tool_calls": [CALL, CALL]},
        {
            "role": "tool",
            "tool_call_id": "c1",
            "content": [{"type": "text", "text": "4"}, {"type": "text", "text": "2"}],
        },
        {"role": "function", "name": "old", "content": "x"},
        {"role": "assistant", "content": "42", "refusal": None, "audio": {"id": "audio_1"}},
        "nothing",
    ]
    tools = [{"type": "function", "function": {"name": "get", "description": "d", "parameters": {"type": "object"}}}]
    body = {"messages": messages, "tools": tools, "functions": [{"name": "old"}]}
    call = ToolCall("c1", "get", '{"a":1}')
    assert CHAT.conversation(ask(body=body)) == Conversation(
        (
            Message("system", (Text("Be short."),)),
            Message("user", (Text("Get it."),)),
            Message("assistant", (Reasoning("hm"), call, call)),
            Message("tool", (ToolResult("c1", "42"),)),
            Message("tool", (ToolResult("", "x", "old"),)),
            Message("assistant", (Text("42"), Media("audio", size=0))),
        ),
        (Tool("get", "d", {"type": "object"}), Tool("old")),
    )


MESSAGES = [
    ({"content": "Hi", "reasoning_content": "hm"}, (Reasoning("hm"), Text("Hi"))),
    ({"content": "Hi", "reasoning": "hm"}, (Reasoning("hm"), Text("Hi"))),
    ({"content": "Hi", "reasoning": "hm", "reasoning_content": "hm"}, (Reasoning("hm"), Text("Hi"))),
    (
        {"reasoning": "hm", "reasoning_details": [{"type": "reasoning.text", "text": "hm", "signature": "s"}]},
        (Reasoning("hm", "s"),),
    ),
    (
        {"reasoning": "hm", "reasoning_details": [{"type": "reasoning.encrypted", "data": "e"}]},
        (Reasoning("hm", "e"),),
    ),
    ({"reasoning_details": [{"type": "reasoning.summary", "summary": "sum"}]}, (Reasoning("sum"),)),
    ({"refusal": "I must not"}, (Declined("I must not"),)),
    ({"content": "", "tool_calls": [CALL]}, (ToolCall("c1", "get", '{"a":1}'),)),
    ({"tool_calls": [{"id": "c", "function": {"name": "g", "arguments": {"a": 1}}}]}, (ToolCall("c", "g", '{"a":1}'),)),
    ({"tool_calls": [{"id": "c", "custom": {"name": "g", "input": "x"}}]}, (ToolCall("c", "g", "x"),)),
    ({"function_call": {"name": "g", "arguments": "{}"}}, (ToolCall("", "g", "{}"),)),
    ({"content": None, "audio": {"id": "a", "data": "AAAA", "transcript": "Hi"}}, (Text("Hi"), Media("audio", size=4))),
    ({"images": [{"image_url": {"url": "data:image/png;base64,AA"}}]}, (Media("image", "image/png", size=2),)),
    (
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                {"type": "text", "text": "x"},
            ]
        },
        (Reasoning("hm"), Text("x")),
    ),
    ({"content": "Hi", "annotations": [{"type": "url_citation"}]}, (Text("Hi"),)),
]


@pytest.mark.parametrize(("message", "parts"), MESSAGES, ids=lambda one: str(one)[:40])
def test_an_answer_says_the_same_as_a_document_and_as_one_delta(message, parts):
    document = {"id": "x", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    chunk = {"id": "x", "choices": [{"index": 0, "delta": message, "finish_reason": "stop"}]}
    assert CHAT.whole(document).choices[0].parts == parts
    assert heard(CHAT, unnamed(chunk, "[DONE]")) == CHAT.whole(document)


@pytest.mark.parametrize(
    ("said", "more", "finish"),
    [
        ("stop", {}, Finish.STOP),
        ("eos", {}, Finish.STOP),
        ("stop", {"stop_reason": "\n\n"}, Finish.STOP_SEQUENCE),
        ("stop", {"stop_reason": None}, Finish.STOP),
        ("length", {}, Finish.LENGTH),
        ("model_length", {}, Finish.LENGTH),
        ("tool_calls", {}, Finish.CALLS),
        ("function_call", {}, Finish.CALLS),
        ("content_filter", {}, Finish.FILTERED),
        ("error", {}, Finish.ERROR),
        ("new_reason", {}, Finish.OTHER),
        (None, {}, Finish.UNKNOWN),
    ],
)
def test_finish(said, more, finish):
    choice = CHAT.whole({"choices": [{"message": {}, "finish_reason": said, **more}]}).choices[0]
    assert (choice.finish, choice.said) == (finish, said or "")


TOTALS = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


@pytest.mark.parametrize(
    ("stated", "usage"),
    [
        (TOTALS, Usage(1, 2, 3)),
        (
            TOTALS
            | {
                "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 5},
                "completion_tokens_details": {"reasoning_tokens": 6},
            },
            Usage(1, 2, 3, 4, 5, 6),
        ),
        (TOTALS | {"prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 9}, Usage(1, 2, 3, 4)),  # DeepSeek
        (TOTALS | {"cached_tokens": 4, "prompt_tokens_details": None}, Usage(1, 2, 3, 4)),  # Moonshot
        (TOTALS | {"reasoning_tokens": 6}, Usage(1, 2, 3, reasoning=6)),  # Perplexity
        ({"prompt_tokens": 7.0}, Usage(7)),
        ({"prompt_tokens": -1, "completion_tokens": "2", "total_tokens": True}, None),
        ({}, None),
        (None, None),
        ([], None),
    ],
)
def test_usage(stated, usage):
    assert CHAT.whole({"choices": [], "usage": stated}).usage == usage
    assert heard(CHAT, unnamed({"choices": [], "usage": stated}, "[DONE]")).usage == usage
    assert heard(CHAT, unnamed({"choices": [], "x_groq": {"usage": stated}})).usage == usage
    assert heard(CHAT, unnamed({"choices": [{"delta": {}, "usage": stated}]})).usage == usage


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ({"error": {"message": "no", "code": "x"}}, "no"),
        ({"error": "no"}, "no"),
        ({"error": {"code": 5}}, '{"code": 5}'),
        ({"object": "error", "message": "no", "type": "BadRequestError"}, "no"),  # vLLM
        ({"detail": "Not Found"}, "Not Found"),  # FastAPI
        ({"detail": [{"loc": ["body"], "msg": "no"}]}, '[{"loc":["body"],"msg":"no"}]'),
        ({"choices": [], "detail": "fine"}, ""),
        ({"choices": [], "error": None}, ""),
        ({"choices": [{"message": {}, "error": {"message": "no"}}]}, "no"),
        ({"choices": [], "x_groq": {"error": "no"}}, "no"),
    ],
)
def test_errors(document, error):
    found = CHAT.whole(document)
    assert (found.error, found.complete) == (error, not error)
    streamed = heard(CHAT, unnamed(document, "[DONE]"))
    assert (streamed.error, streamed.complete) == (error, not error)


def delta(content, **more):
    return {"id": "x", "model": "m", "created": 5, "choices": [{"index": 0, "delta": {"content": content}, **more}]}


def test_a_stream_is_whole_with_its_mark_only():
    told = unnamed(delta("Hi"), delta(" there"), delta("", finish_reason="stop"))
    before = heard(CHAT, told)
    assert (before.text, before.complete, before.choices[0].finish) == ("Hi there", False, Finish.STOP)
    after = heard(CHAT, [*told, ("", "[DONE]")])
    assert (after.text, after.complete, after.id, after.model, after.created) == ("Hi there", True, "x", "m", 5)


def test_an_error_event_in_a_good_stream_is_seen():
    """As Groq sends it; OpenRouter sends a chunk."""
    groq = heard(CHAT, [("", delta("Hi")), ("error", {"error": {"message": "tool failed"}}), ("", "[DONE]")])
    assert (groq.text, groq.error, groq.complete) == ("Hi", "tool failed", False)
    chunk = delta("", finish_reason="error") | {"provider": "p", "error": {"code": 502, "message": "lost"}}
    router = heard(CHAT, unnamed(delta("Hi"), chunk, "[DONE]"))
    assert (router.text, router.error, router.complete) == ("Hi", "lost", False)
    assert router.choices[0].finish is Finish.ERROR
    assert heard(CHAT, [("error", "plain words"), ("", "[DONE]")]).error == "plain words"
    assert heard(CHAT, [("error", {"message": "no"})]).error == "no"


def test_azures_first_chunk_says_nothing():
    first = {"id": "", "model": "", "created": 0, "object": "", "choices": [], "prompt_filter_results": [{}]}
    found = heard(
        CHAT, unnamed(first, delta("Hi"), {"id": "", "choices": [{"index": 0, "content_filter_offsets": {}}]})
    )
    assert (found.id, found.model, found.created, found.text, len(found.choices)) == ("x", "m", 5, "Hi", 1)


def test_perplexity_ends_with_an_object_of_its_own():
    done = delta("") | {"object": "chat.completion.done"}
    assert heard(CHAT, unnamed(delta("Hi"), done)).complete
    assert CHAT.ends_with_terminal(b'data: {"object":"chat.completion.done"}\r\n\r\n')


def test_choices_grow_beside_each_other():
    told = [{"choices": [{"index": at, "delta": {"content": word}}]} for at, word in [(1, "b"), (0, "a"), (1, "c")]]
    assert [choice.text for choice in heard(CHAT, unnamed(*told)).choices] == ["a", "bc"]


def calls(*fragments):
    told = [{"choices": [{"index": 0, "delta": {"tool_calls": [each]}}]} for each in fragments]
    return heard(CHAT, unnamed(*told)).choices[0].parts


def test_calls_come_in_fragments():
    def fragment(index, arguments, **more):
        named = {"name": more.pop("name")} if "name" in more else {}
        return {**({} if index is None else {"index": index}), "function": {"arguments": arguments, **named}, **more}

    two = (ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", "{}"))
    plain = [
        fragment(0, "", id="a", name="f"),
        fragment(0, '{"x"'),
        fragment(1, "{}", id="b", name="g"),
        fragment(0, ":1}"),
    ]
    assert calls(*plain) == two
    same_index = [fragment(0, '{"x":1}', id="a", name="f"), fragment(0, "{}", id="b", name="g")]  # Gemini
    assert calls(*same_index) == two
    no_index = [fragment(None, '{"x":1}', id="a", name="f"), fragment(None, "{}", id="b", name="g")]
    assert calls(*no_index) == two
    repeated = [fragment(0, '{"x"', id="a", name="f"), fragment(0, ":1}", id="a", name="f")]
    assert calls(*repeated) == two[:1]
    other_ids = [fragment(0, '{"x"', id="a", name="f"), fragment(0, ":1}", id="new")]
    assert calls(*other_ids) == two[:1]


def test_a_legacy_call_comes_in_fragments():
    told = [{"function_call": {"name": "f", "arguments": ""}}, {"function_call": {"arguments": "{}"}}]
    chunks = [{"choices": [{"index": 0, "delta": each}]} for each in told]
    assert heard(CHAT, unnamed(*chunks)).choices[0].parts == (ToolCall("", "f", "{}"),)


def test_details_of_thoughts_grow_by_their_index():
    told = [
        {"reasoning": "a", "reasoning_details": [{"type": "reasoning.text", "text": "a", "index": 0}]},
        {"reasoning": "b", "reasoning_details": [{"type": "reasoning.text", "text": "b", "index": 0}]},
        {"reasoning_details": [{"type": "reasoning.text", "signature": "s", "index": 0}]},
        {"reasoning_details": [{"type": "reasoning.encrypted", "data": "e", "index": 1}]},
    ]
    chunks = [{"choices": [{"index": 0, "delta": each}]} for each in told]
    assert heard(CHAT, unnamed(*chunks)).choices[0].parts == (Reasoning("ab", "s"), Reasoning("", "e"))


def test_what_is_volatile_and_what_decides():
    assert {"metadata", "user"} <= set(CHAT.volatile)
    assert not {"model", "messages", "seed", "temperature", "stream"} & set(CHAT.volatile)
    assert "messages.*.tool_calls.*.id" in CHAT.ids
    assert CHAT.deciding_fields == (b"openai-beta",)
    assert CHAT.upstream_name == "openai"


def test_an_answer_that_grows_is_joined_once_however_often_it_is_looked_at():
    found = Choices()
    for word in ("One ", "two "):
        found.add("", {"choices": [{"index": 0, "delta": {"content": word}}]})
    first = found.answer().choices[0].parts[0]
    assert first == Text("One two ")
    assert found.answer().choices[0].parts[0] is first  # not joined again
    found.add("", {"choices": [{"index": 0, "delta": {"content": "three"}}]})
    assert found.answer().choices[0].parts == (Text("One two three"),)
