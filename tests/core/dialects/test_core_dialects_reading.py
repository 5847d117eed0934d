"""Answers from octets: every framing, whatever the type says, in any cut; damage is a problem, never raised."""

import base64
import collections
import itertools
import json
import os
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.conversation import Answer, Choice, Media, Text
from proxy_daemon.core.dialects import BUILT_IN, GENERIC, recognise
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.dialects.reading import AnswerReader, read_answer
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request, Response, ResponseHead
from proxy_daemon.core.wire.coding import encode
from proxy_daemon.core.wire.event_stream import Header, Kind, event, exception, write_frame
from tests import corpus

POST = Request(b"POST", b"/v1/chat")
STREAMED = Request(b"POST", b"/v1/chat", body=Bytes(b'{"stream":true}'))
SSE, JSON, NDJSON, AWS = (
    b"text/event-stream",
    b"application/json",
    b"application/x-ndjson",
    b"application/vnd.amazon.eventstream",
)
ONE, TWO = {"text": "caf\xe9"}, {"text": "two", "end": True}
EVENTS = 'event: a\ndata: {"text":"café"}\n\n: ping\n\ndata:{"text":"two","end":true}\r\n\r\ndata: [DONE]\n\n'.encode()
LINES = '{"text":"café"}\n\n{"text":"two","end":true}\n'.encode()
ARRAY = '[{"text":"café"}\n,\r\n{"text":"two","end":true}]'.encode()
FRAMES = event("a", '{"text":"café"}'.encode()) + event("b", b'{"text":"two","end":true}')
DOCUMENT = b'{\n  "error": {\n    "message": "no"\n  }\n}\n'
TOLD = [("a", ONE), ("", TWO), ("", "[DONE]")]


class Telling(Dialect):
    """Tells what it was given."""

    def whole(self, document):
        return Answer((Choice(),), id="whole", model=repr(document))

    def assembler(self):
        return Items()


class Items:
    def __init__(self):
        self.items = []

    def add(self, name, data):
        self.items.append((name, data))

    def answer(self):
        return Answer(id="items", model=repr(self.items))


def head_of(content_type=b"", status=200, coding=b""):
    pairs = [(b"Content-Type", content_type)] if content_type else []
    return ResponseHead(status, b"", Headers([*pairs, *([(b"Content-Encoding", coding)] if coding else [])]))


def read(body, content_type=b"", *, request=POST, status=200, coding=b"", cuts=(), dialect=None, limit=10**6):
    reader = AnswerReader(dialect or Telling(), request, head_of(content_type, status, coding), limit=limit)
    for begin, end in itertools.pairwise([0, *sorted(cuts), len(body)]):
        reader.feed(body[begin:end])
        reader.answer()
    reader.end()
    return reader.answer(), reader.problem


def items(body, content_type=b"", **options):
    answer, problem = read(body, content_type, **options)
    assert (problem, answer.id) == ("", "items")
    return eval(answer.model)  # what `Items` wrote


def whole(body, content_type=b"", **options):
    answer, problem = read(body, content_type, **options)
    assert (problem, answer.id) == ("", "whole")
    return eval(answer.model)  # what `Telling` wrote


@pytest.mark.parametrize("content_type", [SSE, JSON, NDJSON, b"", b"**REDACTED**", b"text/plain", AWS])
def test_events_under_any_type(content_type):
    assert items(EVENTS, content_type) == TOLD
    assert items(EVENTS, content_type, cuts=range(len(EVENTS))) == TOLD


@pytest.mark.parametrize(
    "content_type", [NDJSON, b"application/jsonl", b"application/x-jsonl", b"application/stream+json"]
)
def test_lines(content_type):
    assert items(LINES, content_type) == items(LINES, content_type, cuts=range(len(LINES))) == [("", ONE), ("", TWO)]
    assert items(b'{"text":"two","end":true}', content_type) == [("", TWO)]
    assert items(b"\xef\xbb\xbf\n\n" + LINES, content_type) == [("", ONE), ("", TWO)]


@pytest.mark.parametrize("content_type", [JSON, b"", b"**REDACTED**", b"application/octet-stream", b"text/plain"])
def test_lines_under_another_type(content_type):
    assert items(LINES, content_type) == items(b"\xef\xbb\xbf" + LINES, content_type) == [("", ONE), ("", TWO)]


@pytest.mark.parametrize("content_type", [JSON, SSE, b""])
def test_arrays(content_type):
    for body in (ARRAY, b"\r\n" + ARRAY, b"\xef\xbb\xbf" + ARRAY):
        assert items(body, content_type, request=STREAMED, cuts=range(len(body))) == [("", ONE), ("", TWO)]
        assert whole(body, content_type) == [ONE, TWO]


@pytest.mark.parametrize("content_type", [AWS, b"**REDACTED**", b"", JSON])
def test_frames(content_type):
    assert items(FRAMES, content_type, cuts=range(len(FRAMES))) == [("a", ONE), ("b", TWO)]


@pytest.mark.parametrize("content_type", [JSON, SSE, NDJSON, AWS, b"", b"**REDACTED**", b"application/stream+json"])
def test_a_document_under_any_type(content_type):
    for body in (DOCUMENT, b" \n" + DOCUMENT, b"\xef\xbb\xbf" + DOCUMENT):
        assert whole(body, content_type, status=400) == {"error": {"message": "no"}}
        assert whole(body, content_type, status=400, cuts=range(len(body))) == {"error": {"message": "no"}}


@pytest.mark.parametrize("body", [b"1", b'"a"', b"null", b"[]", b"[1,{}]", b"{}"])
def test_small_documents(body):
    assert whole(body, JSON) == json.loads(body)


def test_an_answer_grows():
    reader = AnswerReader(Telling(), POST, head_of(SSE))
    assert reader.answer() == Answer(complete=False)
    reader.feed(EVENTS[: EVENTS.index(b": ping")])
    assert reader.answer() == Answer(id="items", model=repr(TOLD[:1]))
    reader.feed(EVENTS[EVENTS.index(b": ping") :])
    assert reader.answer().model == repr(TOLD)
    reader = AnswerReader(Telling(), POST, head_of(JSON))
    reader.feed(DOCUMENT)
    assert reader.answer() == Answer(complete=False)
    reader.end()
    reader.end()
    assert reader.answer().complete


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd", b"gzip, br"])
def test_codings_are_undone(coding):
    packed = encode(coding, EVENTS)
    assert items(packed, SSE, coding=coding) == items(packed, SSE, coding=coding, cuts=range(len(packed))) == TOLD
    assert items(EVENTS, SSE, coding=coding) == TOLD  # a recorder has undone it, and left the field


def test_a_coding_without_its_field():
    assert items(encode(b"gzip", EVENTS)) == TOLD


@pytest.mark.parametrize(
    ("content_type", "octets", "media"),
    [
        (b"image/png", b"\x89PNG\r\n\x1a\n", Media("image", "image/png", size=8)),
        (b"Audio/PCM; rate=24000", b"{" * 10, Media("audio", "audio/pcm", size=10)),
        (b"video/mp4", b"a", Media("video", "video/mp4", size=1)),
        (b"application/pdf", b"%PDF", Media("file", "application/pdf", size=4)),
        (b"application/octet-stream", b"\0\1", Media("file", "application/octet-stream", size=2)),
        (b"application/octet-stream", b"{\xff\xfe", Media("file", "application/octet-stream", size=3)),
        (b"", b"\xff\xf3" * 9, Media("file", "", size=18)),
        (b"audio/mpeg", b"\xff\xf3" * 2**20, Media("audio", "audio/mpeg", size=2**21)),
        (b"text/plain", b"a" * (2**20 + 1), Media("file", "text/plain", size=2**20 + 1)),
    ],
)
def test_octets_are_told_by_type_and_size(content_type, octets, media):
    assert read(octets, content_type, limit=2**22) == (Answer((Choice((media,)),)), "")


@pytest.mark.parametrize("content_type", [b"text/plain; charset=utf-8", b"text/vtt", b"", b"application/octet-stream"])
def test_words(content_type):
    assert whole("Grüße".encode(), content_type) == "Grüße"
    assert read("Grüße".encode(), content_type, dialect=GENERIC) == (Answer((Choice((Text("Grüße"),)),)), "")
    error = Answer(error="bad gateway", complete=False)
    assert read(b"bad gateway\n", content_type, dialect=GENERIC, status=502) == (error, "")
    assert read(b" \n", content_type, dialect=GENERIC) == (Answer(), "")


def test_words_that_begin_like_json():
    assert whole(b"{curly} words", b"text/plain") == "{curly} words"
    assert whole(b"[00:01] words", b"text/vtt") == "[00:01] words"


@pytest.mark.parametrize("content_type", [JSON, SSE, NDJSON, AWS, b"", b"image/png"])
def test_an_empty_body(content_type):
    assert read(b"", content_type) == read(b"", content_type, coding=b"gzip") == (Answer(), "")


@pytest.mark.parametrize(
    ("body", "content_type", "match", "told"),
    [
        (b'{"a":', JSON, "octet|line|JSON|column|character", None),
        (b'{"a":"\xff"}', JSON, "UTF-8|utf-8", None),
        (b"[" * 10_000, JSON, "ends within", []),
        (b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", JSON, "deep|recursion|depth", None),
        (b'{"a":' * 10_000, b"", "deep|recursion|depth", None),
        (b"no JSON", JSON, "JSON|character|line", None),
        (b'{"text":', SSE, "character|line|end", None),
        (b'{"text":1}\n{"te', NDJSON, "octet 11 is no JSON", [("", {"text": 1}), ("", '{"te')]),
        (ARRAY[:-1], JSON, "ends within", [("", ONE), ("", TWO)]),
        (b"[1 2]", JSON, "neither a comma", []),
        (FRAMES + b"\0", AWS, "ends within", [("a", ONE), ("b", TWO)]),
        (FRAMES + b"\0" * 12, AWS, "checksum", [("a", ONE), ("b", TWO)]),
        (FRAMES[:-1] + b"\0", AWS, "checksum", [("a", ONE)]),
        (EVENTS + b'data: {"te', SSE, "ends within", TOLD),
        (b"data: {no}\n\n" + EVENTS, SSE, "octet 0 is no JSON", [("", "{no}"), *TOLD]),
    ],
)
def test_damage_is_a_problem(body, content_type, match, told):
    for cuts in ((), range(len(body))):
        answer, problem = read(body, content_type, request=STREAMED, cuts=cuts)
        assert problem.startswith("not decodable: ")
        assert any(word in problem for word in match.split("|")), problem
        assert answer.id == ("" if told is None else "items")
        assert not told or eval(answer.model) == told  # what `Items` wrote
        assert answer.complete is ("is no JSON" in problem)


@pytest.mark.parametrize("last", [b"data: [DONE]", b"data: [DONE]\n", b"event: a\ndata: {}\r\n", b"data: half a word"])
def test_a_last_event_may_lack_its_blank_line(last):
    """Recorders strip it."""
    name, data = ("a", {}) if last[:1] == b"e" else ("", last[6:].strip().decode())
    assert items(EVENTS + last, SSE) == [*TOLD, (name, data)]


def test_an_end_is_told_once():
    reader = AnswerReader(Telling(), POST, head_of(SSE))
    reader.feed(b"data: the one event")
    reader.end()
    reader.end()
    assert reader.answer().model == repr([("", "the one event")])


def test_the_first_problem_is_told():
    for content_type in (JSON, SSE, b""):
        packed = encode(b"gzip", b'{"a":' * 9)
        assert read(packed[:-9], content_type, coding=b"gzip") == (
            Answer(complete=False),
            "not decodable: the gzip data is cut",
        )


def test_a_cut_coding():
    packed = encode(b"gzip", EVENTS)
    answer, problem = read(packed[:-4], SSE, coding=b"gzip")
    assert problem == "not decodable: the gzip data is cut"
    assert (eval(answer.model), answer.complete) == (TOLD, False)  # what `Items` wrote
    assert read(packed[:2] + b"\xff" * 9, SSE, coding=b"gzip")[0] == Answer(complete=False)
    assert "unknown" in read(DOCUMENT, JSON, coding=b"compress")[1]


def test_the_limit():
    zeros = encode(b"gzip", b"\0" * 2_000_000)
    for content_type in (JSON, SSE, b"image/png", b""):
        answer, problem = read(zeros, content_type, coding=b"gzip")
        assert (problem, answer.complete) == (
            "not decodable: the decoded body is over the limit of 1000000 octets",
            False,
        )
    reader = AnswerReader(Telling(), POST, head_of(JSON), limit=10)
    for _ in range(5):
        reader.feed(b"[1,2,3,")
    assert "over the limit" in reader.problem


def test_exceptions_among_frames():
    """Whatever the dialect makes of them; nothing good can come behind."""
    slow = exception("throttlingException", b'{"message":"slow down"}')
    answer, problem = read(FRAMES + slow, AWS)
    assert (problem, answer.error, answer.complete) == ("", "slow down", False)
    assert eval(answer.model)[2] == ("throttlingException", {"message": "slow down"})  # what `Items` wrote
    said = {":message-type": "error", ":error-code": "500", ":error-message": "broken"}
    error = write_frame([Header(name, Kind.TEXT, value) for name, value in said.items()], b"")
    assert read(FRAMES + error + slow, AWS)[0].error == "broken"
    assert read(exception("a", b"[1]") + FRAMES, AWS)[0].error == "[1]"


def test_the_generic_dialect_sees_errors():
    assert read(DOCUMENT, SSE, dialect=GENERIC, status=429)[0].error == "no"
    event_of_it = b"event: error\ndata: " + DOCUMENT.replace(b"\n", b"") + b"\n\n"
    assert read(EVENTS + event_of_it, SSE, dialect=GENERIC)[0].error == "no"


def test_read_answer():
    response = Response(head_of(SSE, coding=b"br"), Bytes(encode(b"br", EVENTS)))
    answer, problem = read_answer(Telling(), POST, response)
    assert (eval(answer.model), problem) == (TOLD, "")  # what `Items` wrote
    assert "over the limit" in read_answer(Telling(), POST, response, limit=10)[1]


def test_very_many_tiny_items_in_tiny_pieces():
    """A quadratic reader would not end here."""
    many = b"data: 1\n\n" * 30_000
    assert read(many, SSE, dialect=GENERIC, cuts=range(0, len(many), 7)) == (Answer(), "")
    blanks = b"\n" * 100_000 + b"{}\n{}"
    assert read(blanks, NDJSON, dialect=GENERIC, cuts=range(0, len(blanks), 3)) == (Answer(), "")
    long = b'{"a":"' + b"a" * 300_000 + b'"}'
    for content_type in (JSON, NDJSON):
        assert read(long, content_type, dialect=GENERIC, cuts=range(0, len(long), 9)) == (Answer(), "")


SEEDS = [EVENTS, LINES, ARRAY, FRAMES, DOCUMENT, encode(b"gzip", EVENTS), encode(b"br", LINES), b"words", b"\x89PNG"]
TYPES = [SSE, JSON, NDJSON, AWS, b"", b"x", b"text/plain", b"image/png"]


@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 200), st.binary(max_size=3)), max_size=3),
    st.sampled_from(TYPES),
    st.sampled_from([b"", b"gzip", b"br", b"deflate", b"zstd"]),
    st.sampled_from([POST, STREAMED]),
    st.lists(st.integers(0, 100), max_size=5),
)
def test_any_damage_in_any_cut(seed, edits, content_type, coding, request_, cuts):
    body = seed
    for at, octets in edits:
        body = body[:at] + octets + body[at + len(octets) + 1 :]
    cuts = [cut for cut in cuts if cut <= len(body)]
    outcomes = [
        read(body, content_type, coding=coding, request=request_, cuts=each) for each in ((), cuts, range(len(body)))
    ]
    assert len({problem == "" for _, problem in outcomes}) == 1
    if not outcomes[0][1]:
        assert outcomes[0] == outcomes[1] == outcomes[2]


@pytest.mark.skipif(bool(corpus.missing()) and not os.environ.get("LLMPROXY_REQUIRE_ALL"), reason=corpus.missing())
@pytest.mark.parametrize("dialects", [(), BUILT_IN], ids=["generic", "built-in"])
def test_the_corpus(dialects):
    """Every answer is read, without a problem, and to the same end in random cuts."""
    chance = random.Random(4)
    counts = collections.Counter()
    for one in corpus.interactions():
        dialect = recognise(one.request, dialects)
        answer, problem = read_answer(dialect, one.request, one.response)
        assert not problem, (one.file, one.index, problem)
        body = one.response.body.whole()
        if len(body) < 100_000:
            reader = AnswerReader(dialect, one.request, one.response.head)
            at = 0
            while at < len(body):
                size = chance.choice([1, 2, 3, 100, 5000])
                reader.feed(body[at : at + size])
                at += size
            reader.end()
            assert (repr(reader.answer()), reader.problem) == (repr(answer), "")  # NaN equals nothing
        counts[dialect.name] += 1
        counts["errors"] += bool(answer.error)
        counts["media"] += any(isinstance(part, Media) for choice in answer.choices for part in choice.parts)
        counts["incomplete"] += not answer.complete
        counts["all"] += 1
    print(dict(sorted(counts.items())))
    assert counts["all"] > 2000
    assert counts["media"] >= 28
    assert counts["errors"] >= 70


def test_bedrock_chunks_reach_the_dialect_as_they_are():
    """What stands within is the dialect's to unpack."""
    chunk = json.dumps({"bytes": base64.b64encode(b'{"type":"ping"}').decode()}).encode()
    assert items(event("chunk", chunk), AWS) == [("chunk", {"bytes": "eyJ0eXBlIjoicGluZyJ9"})]


@pytest.mark.parametrize(
    ("body", "content_type", "dialect", "as_it_is"),
    [
        (b"words", b"text/plain", GENERIC, True),
        (b"<html>", b"text/html", GENERIC, True),
        (b"{curly} words", b"text/plain", GENERIC, True),
        (b"\0\1", b"image/png", None, True),
        (b"", JSON, None, False),
        (b"{}", JSON, None, False),
        (b"{", JSON, None, False),
        (b"data: {}\n\n", SSE, None, False),
        (b"{}\n{}\n", NDJSON, None, False),
    ],
)
def test_whether_an_answer_is_the_body_as_it_is(body, content_type, dialect, as_it_is):
    reader = AnswerReader(dialect or Telling(), POST, head_of(content_type))
    assert not reader.as_it_is
    reader.feed(body)
    reader.end()
    assert reader.as_it_is is as_it_is
