"""Recordings as filters see them: whatever their bodies hold, nothing raises, and no secret is found."""

import gzip
import json
import os
import zlib

import corpus
import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import EMPTY, Bytes
from proxy_daemon.core.conversation import Answer
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.filtering import TERMS, holds, parse
from proxy_daemon.core.filtering.recorded import MOST_DECODED, Recorded, decoded, error_of
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import (
    JSON_LIMIT,
    Delivered,
    Ending,
    Outcome,
    Recording,
    Request,
    Response,
    ResponseHead,
    Unknown,
)
from proxy_daemon.core.upstreams import parse_upstream

JSON, SSE = (b"Content-Type", b"application/json"), (b"Content-Type", b"text/event-stream")
KEY = "sk-proj-" + "aB3" * 14
ASKED = {
    "model": "gpt-4o-mini",
    "messages": [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "an old question"},
        {"role": "assistant", "content": "an old answer"},
        {"role": "user", "content": "How warm is it in Rome?"},
    ],
}
CALL = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Rome"}'}}
TOLD = {
    "id": "x",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Let me see.", "tool_calls": [CALL]},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 30, "completion_tokens": 12, "total_tokens": 42},
}
PACKED = gzip.compress(json.dumps(TOLD).encode())


def recording(asked=ASKED, told=TOLD, *, status=200, headers=(JSON,), fields=(JSON,), **more):
    """``asked``, ``told``: JSON, or octets; ``told``: None for no response."""
    said, answer = (each if isinstance(each, bytes) else json.dumps(each).encode() for each in (asked, told))
    response = None if told is None else Response(ResponseHead(status, b"OK", Headers(headers)), Bytes(answer))
    rest = {"outcome": Outcome.MISS, "ending": Ending.COMPLETE, "model": "gpt-4o-mini", "status": status} | more
    request = Request(b"POST", b"/v1/chat/completions", Headers(fields), Bytes(said))
    return Recording(
        id=1,
        request=request,
        response=response,
        upstream=parse_upstream("https://api.openai.com/v1"),
        started=1.0,
        duration=2_500_000,
        session="nightly",
        **rest,
    )


def selected(text, *given, **more):
    return holds(parse(text), Recorded(*(given or (recording(),)), **more))


@pytest.mark.parametrize(
    "text",
    [
        "~u ^https://api.openai.com/v1/chat/completions$",
        "~m ^post$",
        "~d ^api.openai.com$",
        "~c 200",
        "~s !~q !~e",
        "~hq '^content-type: application/json$' ~hs ^content-type:",
        "~tq json ~ts json",
        "~bq '\"an old question' ~bs prompt_tokens",
        "~model mini",
        "~dialect ^openai-chat$",
        "~outcome miss",
        "~tool ^get_weather$",
        "~tokens =42",
        "~slow =2.5",
        "~session ^nightly$",
        "~said 'how warm is it in rome?' ~said 'LET ME SEE' ~said '\"city\"'",
        "!~said 'old question' !~said 'old answer' !~said 'be short'",
        "!~marked !~pinned !~edited !~cassette .",
    ],
)
def test_an_exchange(text):
    assert selected(text)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("~e ~bs 'no such model'", recording(told={"error": {"message": "no such model"}}, status=404)),
        ("~e ~c 404 ~s", recording(told=b"", status=404)),
        ("~e ~q ~slow >2", recording(told=None, status=0, ending=Ending.FAILED, outcome=Outcome.FAILED)),
        ("~e ~said Rome", recording(ending=Ending.BROKEN_OFF)),
        ("~e", recording(told=b'data: {"error":{"message":"overloaded"}}\n\n', headers=(SSE,))),
        ("~pinned ~edited", recording(pinned=True, written=True)),
        ("!~slow !~slow <=10 !~d . ~u ^/v1/chat", recording(unknown=frozenset((Unknown.DURATION, Unknown.HOST)))),
        ("~bs prompt_tokens ~tokens 41", recording(told=PACKED, headers=(JSON, (b"content-encoding", b"gzip")))),
        ("~bq Rome ~said Rome", recording(fields=(JSON, (b"Content-Encoding", b"deflate")), asked=ASKED)),
        ("~hs '^x-a: 1$' ~hs '^x-a: 2$'", recording(headers=((b"X-A", b"1"), (b"X-A", b"2")))),
    ],
)  # fmt: skip
def test_other_exchanges(text, made):
    assert selected(text, made)


def test_a_hit_is_seen_with_the_answer_that_it_got():
    hit = evolve(recording(asked=b"", told=None, outcome=Outcome.HIT), served_from=7)
    assert selected("~outcome hit ~s !~said Rome", hit)
    assert selected(
        "~said 'warm is it in Rome' ~tool get_weather ~bq Rome ~bs prompt_tokens ~ts json", hit, answering=recording()
    )


def test_a_refusal_is_seen_as_the_client_got_it():
    body = Bytes(b'{"error":{"message":"no recording matches"}}')
    delivered = Delivered(ResponseHead(424, b"", Headers([JSON, (b"x-should-retry", b"false")])), body)
    refused = recording(told=None, status=424, outcome=Outcome.REFUSED, ending=Ending.REFUSED, delivered=delivered)
    assert selected("~s ~c 424 ~e ~bs 'no recording' ~hs x-should-retry ~ts json", refused)
    assert selected("~s !~bs .", evolve(refused, delivered=evolve(delivered, body=None)))


def test_what_stands_beside_the_recording():
    beside = {"mark": "red", "comment": "to do"}
    assert selected("~marked ~marker red ~comment 'to do'", recording(), **beside)
    assert selected("~cassette login", recording(cassette="login.yaml"))


@pytest.mark.parametrize(
    "made",
    [
        recording(fields=(JSON, (b"Authorization", b"Bearer " + KEY.encode()))),
        recording(asked=ASKED | {"user": KEY}),
        recording(told=TOLD | {"note": KEY}),
    ],
)
def test_a_secret_is_not_found(made):
    """What a filter selects tells what stands there: secrets do not, also where they were stored before a rule."""
    for name in ("~u", "~h", "~b", "~said", ""):
        assert not selected(f"{name} {KEY[8:20]}", made)


@pytest.mark.parametrize(
    ("answer", "changes", "error"),
    [
        (None, {}, ""),
        (Answer(), {}, ""),
        (Answer(error="overloaded"), {"status": 529}, "overloaded"),
        (None, {"ending": Ending.TIMEOUT, "detail": "no answer for 5 s"}, "no answer for 5 s"),
        (None, {"ending": Ending.CLIENT_GONE}, "client gone"),
        (Answer(), {"status": 400}, "status 400"),
        (Answer(), {"status": 399}, ""),
    ],
)
def test_errors(answer, changes, error):
    assert error_of(evolve(recording(), **changes), answer) == error


@frozen
class Lost:
    """A body that the store has lost."""

    size: int = 10

    def whole(self):
        return None

    def read(self, offset, size):
        raise OSError("the page is damaged")


@pytest.mark.parametrize("size", [10, JSON_LIMIT + 1])
def test_a_body_that_is_lost(size):
    made = recording()
    body = Lost(size)
    lost = evolve(made, request=evolve(made.request, body=body), response=evolve(made.response, body=body))
    for spec in TERMS.values():
        assert holds(parse(spec.example), Recorded(lost)) in (True, False)
    assert selected("~hq json ~hs json ~m post !~b . !~said . !~tool . ~model mini", lost)
    half = evolve(lost, response=made.response)
    assert selected("~hq json !~bq . ~model mini !~bs nothing", half)


class Broken(Dialect):
    """A plugin's."""

    name = "broken"

    def conversation(self, request):
        raise KeyError("messages")

    def whole(self, document):
        raise SystemExit

    model = streams = operation = conversation


def test_a_dialect_that_fails():
    subject = Recorded(recording(), (Broken(),))
    assert holds(parse("~dialect broken !~said Rome !~tool . ~model mini"), subject)


def coded(coding, data):
    return decoded(Headers([(b"content-encoding", coding)]), Bytes(data))


@pytest.mark.parametrize(
    ("coding", "data", "seen"),
    [
        (b"", b"plain", b"plain"),
        (b"gzip", gzip.compress(b"x" * 100_000), b"x" * 100_000),
        (b"GZIP, identity", gzip.compress(b"words"), b"words"),
        (b"gzip", b"words", b"words"),  # stored decoded, beside the head of the encoded one
        (b"", gzip.compress(b"words"), b"words"),
        (b"gzip", gzip.compress(b"words")[:-4], b"words"),
        (b"zstd", b"\x28\xb5\x2f\xfd\xff\xff\xff", b""),
        (b"nothing-known", b"\x00\x01\x02\x03\x04", b""),
        (b"deflate", zlib.compress(b"a b c"), b"a b c"),
    ],
)
def test_decoded(coding, data, seen):
    assert coded(coding, data) == seen


@pytest.mark.parametrize("coding", [b"", b"gzip"])
def test_a_large_body_is_seen_up_to_the_limit(coding):
    data = b"first" + b" " * MOST_DECODED + b"last"
    seen = coded(coding, gzip.compress(data) if coding else data)
    assert len(seen) <= MOST_DECODED + 4096
    assert coding or (seen.startswith(b"first") and len(seen) >= MOST_DECODED - 4096)


def test_a_bomb_is_bounded():
    bomb = gzip.compress(gzip.compress(bytes(64 * 1024 * 1024), 1), 1)
    assert len(coded(b"gzip, gzip", bomb)) <= MOST_DECODED


PARTS = st.binary(max_size=60) | st.sampled_from(
    [
        b'{"messages":[{"role":"user","content":',
        b'{"choices":[[]]}',
        b"data: {}\n\n",
        b"\x1f\x8b\x08",
        b'{"messages":{}}',
        b"[" * 9999,
    ]
)
CODINGS = st.sampled_from([b"", b"gzip", b"br", b"zstd", b"deflate", b"gzip, br", b"\xff"])


@given(PARTS, PARTS, CODINGS, st.integers(0, 999))
def test_no_body_raises(asked, told, coding, status):
    fields = (JSON, (b"Content-Encoding", coding), (b"\xff", b"\x00"))
    made = recording(asked, told, status=status, headers=fields, fields=fields)
    made = evolve(made, request=evolve(made.request, method=b"\xff", target=b"/v1/messages?\xff"))
    subject = Recorded(made)
    for spec in TERMS.values():
        assert holds(parse(spec.example), subject) in (True, False)


def test_the_corpus():
    """Each recorded interaction answers to each term."""
    if reason := corpus.missing():
        assert not os.environ.get("LLMPROXY_REQUIRE_ALL"), reason
        pytest.skip(reason)
    trees = [parse(spec.example) for spec in TERMS.values()]
    said = 0
    for number, each in enumerate(corpus.interactions()):
        if number % 25:  # some 100 of them
            continue
        made = evolve(recording(), request=each.request, response=each.response, status=each.response.head.status)
        subject = Recorded(made)
        assert [holds(tree, subject) for tree in trees].count(True) >= 2
        said += bool(subject.said)
        passages = [passage[:40] for passage in subject.said if passage.isascii() and passage.isprintable()]
        assert all(holds(parse(f"~said {json.dumps(passage[:40])}"), subject) for passage in passages)
    assert said > 50


def test_nothing_is_read_before_it_is_asked():
    made = recording()
    lost = evolve(made, request=evolve(made.request, body=Lost()), response=evolve(made.response, body=EMPTY))
    subject = Recorded(lost)
    assert holds(parse("~m post ~c 200 ~outcome miss ~session nightly ~d openai ~slow 2"), subject)
    assert set(vars(subject)) <= {field.name for field in Recorded.__attrs_attrs__} | {"_whole"}
