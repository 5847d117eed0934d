"""Which answers are good: whole, and of the operation that was asked for, as far as the dialect can tell."""

import gzip
import json

import corpus
import pytest
import recorded
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import BUILT_IN, GENERIC, recognise
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.dialects.judging import fault
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request, Response, ResponseHead

JSON, SSE, HTML, PLAIN = b"application/json", b"text/event-stream", b"text/html", b"text/plain"
PAGE = b"<!DOCTYPE html><title>Sign in</title>"
CHAT = "openai-chat (chat)"
ASKED = b'{"model":"m","messages":[]}'
STREAM = b'data: {"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
VECTOR = b'{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5]}],"model":"m"}'
MESSAGE = b'{"type":"message","role":"assistant","content":[{"type":"text","text":"x"}],"stop_reason":"end_turn"}'


def judged(path, body, kind=JSON, *, method=b"POST", asked=ASKED, fields=(), dialects=BUILT_IN):
    request = Request(method, path, Headers([(b"Content-Type", JSON)]), Bytes(asked))
    heads = [(b"Content-Type", kind)] if kind else []
    response = Response(ResponseHead(200, b"OK", Headers([*heads, *fields])), Bytes(body))
    return fault(recognise(request, dialects), request, response)


def no(what):
    return f"not decodable as an answer of {what}"


CHATS, MESSAGES = b"/v1/chat/completions", b"/v1/messages"
BODIES = [
    # of a chat
    (CHATS, b'{"choices":[{"index":0,"message":{"content":"x"},"finish_reason":"stop"}]}', JSON, ""),
    (CHATS, b'{"choices":[{"index":0,"message":{"content":""},"finish_reason":"stop"}]}', JSON, ""),
    (CHATS, PAGE, HTML, no(CHAT)),
    (CHATS, PAGE, b"", no(CHAT)),
    (CHATS, b"OK", PLAIN, no(CHAT)),
    (CHATS, b"{}", JSON, no(CHAT)),
    (CHATS, b"{}", b"", no(CHAT)),
    (CHATS, b"[]", JSON, None),
    (CHATS, b"null", JSON, None),
    (CHATS, b'{"status":"ok"}', JSON, no(CHAT)),
    (CHATS, b"\x89PNG\r\n", b"image/png", no(CHAT)),
    (CHATS, b" \n", JSON, None),
    (CHATS, STREAM, SSE, ""),
    (CHATS, STREAM.partition(b"\n\n")[2], SSE, None),  # the mark alone
    (MESSAGES, MESSAGE, JSON, ""),
    (MESSAGES, b"{}", JSON, None),
    (MESSAGES, PAGE, HTML, no("anthropic (chat)")),
    (CHATS, b'{"choices":[],"model":"m"}', JSON, ""),
    (CHATS, b'{"choices":[]}', JSON, no(CHAT)),
    (b"/v1beta/models/g:generateContent", b'{"usageMetadata":{"promptTokenCount":3}}', JSON, ""),
    (b"/v1beta/models/g:generateContent", b'{"promptFeedback":{"blockReason":"SAFETY"}}', JSON, ""),
    (b"/v1beta/models/g:generateContent", b"{}", JSON, no("google (chat)")),
    # of a model that brings its own words
    (b"/model/mine/invoke", b'{"any":"thing"}', JSON, ""),
    (b"/v1/projects/p/locations/l/publishers/x/models/m:predict", b'{"predictions":[1]}', JSON, ""),
    (b"/model/mine/converse", b'{"any":"thing"}', JSON, no("bedrock (chat)")),
    # of other operations
    (b"/v1/embeddings", VECTOR, JSON, ""),
    (b"/v1/embeddings", b"{}", JSON, None),
    (b"/v1/embeddings", PAGE, HTML, None),
    (b"/v1/moderations", b'{"id":"m","results":[{"flagged":false}]}', JSON, ""),
    (b"/v1/moderations", PAGE, HTML, None),
    (b"/v1/audio/speech", b"ID3\x04\0", b"audio/mpeg", ""),
    (b"/v1/audio/transcriptions", b"What was heard.", PLAIN, ""),
    (b"/v1/audio/transcriptions", b"{}", JSON, None),
]


@pytest.mark.parametrize(("path", "body", "kind", "why"), BODIES, ids=range(len(BODIES)))
def test_what_is_asked_for(path, body, kind, why):
    """None: it is no good answer, in whatever words."""
    said = judged(path, body, kind)
    assert bool(said) if why is None else said == why
    packed = judged(path, gzip.compress(body, mtime=0), kind, fields=[(b"Content-Encoding", b"gzip")])
    assert packed == said


def test_states_and_lists():
    assert judged(b"/v1/models", b'{"object":"list","data":[]}', method=b"GET", asked=b"") == ""
    assert "not decodable" in judged(b"/v1/models", PAGE, HTML, method=b"GET", asked=b"")
    assert judged(b"/v1/files/file-1/content", b"anything", PLAIN, method=b"GET", asked=b"") == ""
    assert judged(b"/v1/files/file-1", b"{}", method=b"DELETE", asked=b"") == ""


@pytest.mark.parametrize("body", [PAGE, b"{}", b"{", b"", b"\xff\0", b"data: x"])
@pytest.mark.parametrize("kind", [HTML, JSON, SSE, b""])
def test_of_an_api_that_is_not_known_every_answer_is_good(body, kind):
    """Nobody knows what it should look like; whether it came to its end is judged by others."""
    assert recognise(Request(b"POST", b"/else/where"), BUILT_IN) is GENERIC
    assert judged(b"/else/where", body, kind) == ""


def test_what_a_plugins_dialect_makes_of_words_counts():
    """Its API may answer in plain words: then they are not the body as it is."""
    words = b'{"role":"assistant"}'

    class Spoken(type(recognise(Request(b"POST", CHATS), BUILT_IN))):
        name = "spoken"

        def recognises(self, request):
            return True

        left_to_ask = Dialect.left_to_ask

        def whole(self, document):
            if isinstance(document, str):
                document = {"choices": [{"index": 0, "message": {"content": document}, "finish_reason": "stop"}]}
            return super().whole(document)

    assert judged(CHATS, b"hello", PLAIN, dialects=[Spoken()]) == ""
    assert judged(CHATS, words, JSON, dialects=[Spoken()]) != ""


@pytest.mark.parametrize("streams", [False, True])
def test_a_plugins_dialect_that_reads_no_answers_has_none_that_is_wrong(streams):
    class Known(Dialect):
        name = "known"

        def recognises(self, request):
            return True

    class Reading(Known):
        """The one or the other, as the test below asks for it."""

        def assembler(self):
            return super().assembler()

        def whole(self, document):
            return super().whole(document)

    asked = b'{"stream":%b}' % json.dumps(streams).encode()
    told = (STREAM, SSE) if streams else (b'{"any":"thing"}', JSON)
    assert judged(CHATS, *told, asked=asked, dialects=[Known()]) == ""
    assert judged(CHATS, *told, asked=asked, dialects=[Reading()]) == no("known (chat)")


@given(st.binary(max_size=200), st.sampled_from([JSON, SSE, HTML, b""]), st.sampled_from([CHATS, MESSAGES]))
def test_octets_of_any_kind_are_judged_and_never_raise(body, kind, path):
    assert isinstance(judged(path, body, kind), str)


@given(st.recursive(st.none() | st.booleans() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)))
def test_json_that_is_no_answer_is_none(value):
    assert judged(CHATS, json.dumps(value).encode())


# Its recorder's tests are of answers that are none.
NONE = ["test_openai/test_invalid_response.yaml", "test_openai/test_text_response.yaml"]


def test_of_the_corpus_nothing_good_is_refused():
    recorded.needed()
    refused = []
    for each in corpus.interactions():
        if each.response.head.status == 200 and each.response.body.size:
            said = fault(recognise(each.request, BUILT_IN), each.request, each.response)
            refused += [each.file] if "not decodable as" in said else []
    assert [file.split("/cassettes/")[-1] for file in refused] == NONE
