"""Gemini's API: what paths and bodies say, how items of a stream make an answer, and what is written is read again."""

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
from proxy_daemon.core.dialects.dialect import CannotRender
from proxy_daemon.core.dialects.google.answers import seconds
from proxy_daemon.core.dialects.google.gemini import Google
from proxy_daemon.core.messages import Request

GOOGLE = Google()
GEMINI = b"/v1beta/models/gemini-2.5-pro:"
VERTEX = b"/v1/projects/p/locations/l/publishers/google/models/"


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        (b"POST", GEMINI + b"generateContent", Operation.CHAT),
        (b"POST", b"/v1beta/models/g%3AgenerateContent", Operation.CHAT),
        (b"POST", b"/v1beta/tunedModels/g:generateContent", Operation.CHAT),
        (b"GET", GEMINI + b"generateContent", Operation.STATE),
        (b"POST", GEMINI + b"countTokens", Operation.COUNT_TOKENS),
        (b"POST", GEMINI + b"batchEmbedContents", Operation.EMBEDDINGS),
        (b"POST", GEMINI + b"batchGenerateContent", Operation.BATCHES),
        (b"GET", b"/v1beta/batches/1", Operation.BATCHES),
        (b"GET", b"/v1beta/models", Operation.MODELS),
        (b"POST", b"/upload/v1beta/files", Operation.FILES),
        (b"POST", b"/v1beta/cachedContents", Operation.STATE),
        (b"POST", b"/upload/v1beta/fileSearchStores/x:uploadToFileSearchStore", Operation.STATE),
        (b"DELETE", b"/v1beta1/projects/p/locations/l/cachedContents/1", Operation.STATE),
        (b"POST", VERTEX + b"text-embedding-004:predict", Operation.EMBEDDINGS),
        (b"POST", VERTEX + b"imagen-4:predict", Operation.IMAGE),
        (b"POST", VERTEX + b"text-bison:predict", Operation.COMPLETION),
    ],
)
def test_operation(method, path, operation):
    request = Request(method, path)
    assert GOOGLE.recognises(request)
    assert GOOGLE.operation(request) is operation


@pytest.mark.parametrize(
    "path",
    [
        b"/v1/models/llama3:latest",
        b"/v1/models/ft:gpt-4:org::id",
        b"/v1/models",
        b"/v1/files",
        b"/v1/batches/1",
        b"/x:y",
    ],
)
def test_what_others_have_too_is_not_its_own(path):
    assert not GOOGLE.recognises(Request(b"GET", path))


def test_the_key_does_not_make_openais_paths_its_own():
    assert not GOOGLE.recognises(post(b"/v1beta/openai/chat/completions", fields=[(b"x-goog-api-key", b"k")]))


# (a part, the parts that it is)
PARTS = [
    ({"text": "a"}, [Text("a")]),
    ({"text": ""}, []),
    ({"text": "a", "thought": True}, [Reasoning("a")]),
    ({"text": "a", "thought": True, "thoughtSignature": "s"}, [Reasoning("a", "s")]),
    ({"thought": True}, []),
    ({"text": "", "thoughtSignature": "s"}, [Reasoning("", "s")]),
    ({"text": "a", "thought_signature": "s"}, [Reasoning("", "s"), Text("a")]),
    ({"functionCall": {"name": "n", "args": {"é": 1}}}, [ToolCall("", "n", '{"é":1}')]),
    ({"function_call": {"id": "1", "name": "n"}}, [ToolCall("1", "n", "{}")]),
    ({"functionCall": {"name": "n"}, "thoughtSignature": "s"}, [Reasoning("", "s"), ToolCall("", "n", "{}")]),
    ({"executableCode": {"code": "1"}}, [ToolCall("", "executableCode", '{"code":"1"}')]),
    (
        {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "no"}},
        [ToolResult("", "no", "codeExecutionResult", failed=True)],
    ),
    ({"inlineData": {"mimeType": "image/png", "data": "QQ=="}}, [Media("image", "image/png", size=4)]),
    (
        {"file_data": {"mime_type": "application/pdf", "file_uri": "gs://a"}},
        [Media("file", "application/pdf", "gs://a")],
    ),
    ({"toolCall": {"toolType": "URL_CONTEXT", "id": "1"}}, [ToolCall("1", "URL_CONTEXT", "{}")]),
    ({"toolResponse": {"tool_type": "URL_CONTEXT", "id": "1", "response": 1}}, [ToolResult("1", "1", "URL_CONTEXT")]),
    ({"novelty": 1}, [Other("novelty")]),
    ({"functionCall": "not an object"}, [Other("functionCall")]),
    ({}, []),
]


@pytest.mark.parametrize(("part", "parts"), PARTS)
def test_parts_are_the_same_in_documents_streams_and_requests(part, parts):
    document = {"candidates": [{"content": {"parts": [part], "role": "model"}}]}
    assert list(GOOGLE.whole(document).choices[0].parts) == parts
    assert list(assemble(GOOGLE, ("", document)).choices[0].parts) == parts
    said = GOOGLE.conversation(post(GEMINI + b"generateContent", {"contents": [{"role": "model", "parts": [part]}]}))
    assert [each for message in said.messages for each in message.parts] == parts
    assert all(message.role == "assistant" for message in said.messages)


def test_a_request_is_a_conversation():
    body = {
        "system_instruction": {"parts": {"text": "s"}},
        "contents": [
            {"parts": [{"text": "a"}, {"inline_data": {"mime_type": "audio/wav", "data": "QQ=="}}]},
            {"role": "model", "parts": [{"functionCall": {"name": "n", "args": {}}}]},
            {
                "role": "user",
                "parts": [
                    {
                        "functionResponse": {
                            "name": "n",
                            "response": {"a": 1},
                            "parts": [{"inlineData": {"mimeType": "image/png", "data": ""}}, {"text": "x"}],
                        }
                    },
                    {"text": "b"},
                ],
            },
        ],
        "tools": [{"functionDeclarations": [{"name": "n", "description": "d", "parameters": {"type": "OBJECT"}}]}],
    }
    said = GOOGLE.conversation(post(GEMINI + b"generateContent", body))
    assert said.messages == (
        Message("system", (Text("s"),)),
        Message("user", (Text("a"), Media("audio", "audio/wav", size=4))),
        Message("assistant", (ToolCall("", "n", "{}"),)),
        Message("tool", (ToolResult("", '{"a":1}', "n"), Media("image", "image/png", size=0))),
        Message("user", (Text("b"),)),
    )
    assert said.tools == (Tool("n", "d", {"type": "OBJECT"}),)
    counted = GOOGLE.conversation(post(GEMINI + b"countTokens", {"generateContentRequest": body}))
    assert counted == said


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"content": {"parts": [{"text": "a"}]}}, ["a"]),
        ({"requests": [{"content": {"parts": [{"text": "a"}]}}, {"content": {"parts": [{"text": "b"}]}}]}, ["a", "b"]),
        ({"instances": [{"content": "a"}, {"prompt": "b"}, {}]}, ["a", "b"]),
        ({"contents": {"parts": [{"text": "a"}]}}, ["a"]),
        ({"contents": "a"}, ["a"]),
        ({"contents": 1, "instances": 1, "requests": [1]}, []),
        ([], []),
    ],
)
def test_what_is_embedded_or_predicted_is_the_users(body, words):
    said = GOOGLE.conversation(post(GEMINI + b"embedContent", body))
    assert [(message.role, message.text) for message in said.messages] == [("user", word) for word in words]


def chunk(text, reason=None, index=0, **more):
    candidate = {"content": {"parts": [{"text": text}] if text else [], "role": "model"}, "index": index}
    return {"candidates": [{**candidate, **({"finishReason": reason} if reason else {})}], **more}


USAGE = {
    "promptTokenCount": 1,
    "candidatesTokenCount": 2,
    "totalTokenCount": 6,
    "cachedContentTokenCount": 4,
    "thoughtsTokenCount": 3,
}
STATED = Usage(1, 2, 6, 4, None, 3)


@pytest.mark.parametrize(
    ("document", "answer"),
    [
        (
            chunk(
                "a", "STOP", responseId="r", modelVersion="g", usageMetadata=USAGE, createTime="1970-01-01T00:01:00.5Z"
            ),
            Answer((Choice((Text("a"),), Finish.STOP, "STOP"),), "r", "g", 60, STATED),
        ),
        ({"promptFeedback": {"blockReason": "SAFETY"}}, Answer((Choice((), Finish.FILTERED, "SAFETY"),))),
        (chunk("", "MALFORMED_FUNCTION_CALL"), Answer((Choice((), Finish.ERROR, "MALFORMED_FUNCTION_CALL"),))),
        (chunk("a", "NOVELTY"), Answer((Choice((Text("a"),), Finish.OTHER, "NOVELTY"),))),
        (chunk("a"), Answer((Choice((Text("a"),)),))),
        ({"totalTokens": 7, "cachedContentTokenCount": 2}, Answer(usage=Usage(input=7, cached=2))),
        ({"embedding": {"values": [1, 0.5]}}, Answer((Choice((Vector((1, 0.5)),)),))),
        (
            {"embeddings": [{"values": [1]}, {"values": [2]}]},
            Answer((Choice((Vector((1,)),)), Choice((Vector((2,)),)))),
        ),
        (
            {"predictions": [{"embeddings": {"values": [1], "statistics": {"token_count": 3}}}]},
            Answer((Choice((Vector((1,)),)),), usage=Usage(input=3)),
        ),
        (
            {"predictions": [{"bytesBase64Encoded": "QQ==", "mimeType": "image/png"}, {"content": "a"}, {}]},
            Answer((Choice((Media("image", "image/png", size=4),)), Choice((Text("a"),)))),
        ),
        ({"error": {"code": 400, "message": "no"}}, Answer(error="no", complete=False)),
        ([{"error": {"code": 400, "message": "no"}}], Answer(error="no", complete=False)),
        ([chunk("a"), chunk("b", "STOP")], Answer((Choice((Text("ab"),), Finish.STOP, "STOP"),))),
        ({"models": []}, Answer()),
        (None, Answer()),
    ],
)
def test_documents(document, answer):
    assert GOOGLE.whole(document) == answer


@pytest.mark.parametrize(
    ("items", "answer"),
    [
        ([], Answer(complete=False)),
        ([chunk("a"), chunk("b")], Answer((Choice((Text("ab"),)),), complete=False)),
        (
            [chunk("a", usageMetadata={"promptTokenCount": 1}), chunk("b", "MAX_TOKENS", usageMetadata=USAGE)],
            Answer((Choice((Text("ab"),), Finish.LENGTH, "MAX_TOKENS"),), usage=STATED),
        ),
        (
            [chunk("a", "STOP", 0), chunk("b", None, 1)],
            Answer((Choice((Text("a"),), Finish.STOP, "STOP"), Choice((Text("b"),))), complete=False),
        ),
        (
            [chunk("b", "STOP", 1), chunk("a", "STOP", 0)],
            Answer((Choice((Text("a"),), Finish.STOP, "STOP"), Choice((Text("b"),), Finish.STOP, "STOP"))),
        ),
        (
            [chunk("a"), {"error": {"code": 503, "message": "overloaded"}}],
            Answer((Choice((Text("a"),)),), error="overloaded", complete=False),
        ),
        (
            [{"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": USAGE}],
            Answer((Choice((), Finish.FILTERED, "PROHIBITED_CONTENT"),), usage=STATED),
        ),
    ],
)
def test_streams(items, answer):
    assert assemble(GOOGLE, *(("", item) for item in items)) == answer


def test_thoughts_go_on_until_they_are_signed():
    pieces = [
        {"text": "a", "thought": True},
        {"text": "b", "thought": True, "thoughtSignature": "s"},
        {"text": "c", "thought": True},
        {"text": "d"},
        {"functionCall": {"name": "n"}, "thoughtSignature": "t"},
    ]
    items = [("", {"candidates": [{"content": {"parts": [piece]}}]}) for piece in pieces]
    items.append(("", {"candidates": [{"finishReason": "STOP"}]}))
    parts = Reasoning("ab", "s"), Reasoning("c"), Text("d"), Reasoning("", "t"), ToolCall("", "n", "{}")
    assert assemble(GOOGLE, *items) == Answer((Choice(parts, Finish.CALLS, "STOP"),))


def test_what_google_runs_itself_is_no_call_for_the_client():
    for part in ({"executableCode": {"code": "1"}}, {"toolCall": {"toolType": "URL_CONTEXT"}}):
        document = {"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]}
        assert GOOGLE.whole(document).choices[0].finish is Finish.STOP


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:01Z", 1),
        ("1970-01-01T01:00:00+01:00", 0),
        ("2026-01-01T00:00:00.123456Z", 1767225600),
        ("1970-01-01T00:00:01", None),
        ("Z", None),
        ("", None),
    ],
)
def test_times(text, expected):
    assert seconds(text) == expected


WHOLE = (
    st.builds(Text, texts)
    | thoughts(opaque=st.just("") | ids(""))
    | st.builds(
        ToolCall,
        st.just("") | ids(""),
        st.from_regex(r"[a-z]{1,9}", fullmatch=True),
        calls("x").map(lambda each: each.arguments),
    )
)
STOPPED = [("MAX_TOKENS", Finish.LENGTH), ("SAFETY", Finish.FILTERED), ("LANGUAGE", Finish.OTHER)]


def stopped_or_called(parts):
    called = any(isinstance(part, ToolCall) for part in parts)
    return Choice(parts, Finish.CALLS if called else Finish.STOP, "STOP")


SENT = answers(
    st.lists(
        ending(alternating(WHOLE), STOPPED) | alternating(WHOLE).map(stopped_or_called), min_size=1, max_size=3
    ).map(tuple),
    st.builds(Usage, counts, counts, counts, st.none() | counts, st.none(), st.none() | counts) | st.none(),
    id=ids(""),
    model=st.just("gemini-2.5-pro"),
    created=st.none() | st.integers(0, 2**31),
)


@given(SENT.filter(lambda answer: answer.usage != Usage()))
@pytest.mark.parametrize("how", [b"generateContent", b"streamGenerateContent?alt=sse", b"streamGenerateContent"])
def test_what_is_written_is_read_again(how, answer):
    request = post(GEMINI + how, {})
    assert read_back(GOOGLE, request, GOOGLE.render(answer, request)) == answer


def test_a_signature_stands_at_the_part_behind_it():
    parts = Reasoning("a"), Reasoning("", "s"), ToolCall("", "n", "{}"), Reasoning("", "t"), Reasoning("", "u")
    answer = Answer((Choice(parts, Finish.CALLS, "STOP"),), model="g")
    written = orjson.loads(GOOGLE.render(answer, post(GEMINI + b"generateContent")).body)
    assert written["candidates"][0]["content"]["parts"] == [
        {"text": "a", "thought": True},
        {"functionCall": {"name": "n", "args": {}}, "thoughtSignature": "s"},
        {"text": "", "thoughtSignature": "t"},
        {"text": "", "thoughtSignature": "u"},
    ]
    assert GOOGLE.whole(written) == answer


@pytest.mark.parametrize(
    ("path", "number"),
    [(GEMINI + b"embedContent", 1), (GEMINI + b"batchEmbedContents", 3), (VERTEX + b"text-embedding-004:predict", 2)],
)
def test_embeddings_are_written(path, number):
    answer = Answer(tuple(Choice((Vector((float(each), 0.5)),)) for each in range(number)))
    assert read_back(GOOGLE, post(path), GOOGLE.render(answer, post(path))) == answer


def test_a_count_an_error_and_a_stream_broken_off_are_written():
    request = post(GEMINI + b"countTokens")
    assert GOOGLE.render(Answer(usage=Usage(input=7)), request).body == b'{"totalTokens": 7}'
    failed = Answer(error="no", complete=False)
    assert read_back(GOOGLE, request, GOOGLE.render(failed, request)) == failed
    for how in (b"streamGenerateContent?alt=sse", b"streamGenerateContent?x=1&alt=sse", b"streamGenerateContent"):
        broken = Answer((Choice((Text("a"),)),), model="g", error="gone", complete=False)
        request = post(GEMINI + how)
        assert read_back(GOOGLE, request, GOOGLE.render(broken, request)) == broken


@pytest.mark.parametrize(
    ("how", "answer"),
    [
        (b"generateContent", Answer((Choice((Vector((1.0,)),)),))),
        (b"generateContent", Answer((Choice((Media("image"),)),))),
        (b"generateContent", Answer((Choice((ToolCall("", "n", "{"),)),))),
        (b"generateContent", Answer((Choice(),), created=10**18)),
        (b"embedContent", Answer()),
    ],
)
def test_what_the_api_has_no_words_for_is_refused(how, answer):
    with pytest.raises(CannotRender):
        GOOGLE.render(answer, post(GEMINI + how))
