"""Which live answers are served again: streams of each dialect, whole, cut off and with an error in them."""

import gzip

import orjson
import pytest
from twisted.internet.defer import Deferred, succeed

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.conversation import Answer, Choice, Finish, Text, Usage
from proxy_daemon.core.dialects import BUILT_IN, GENERIC, recognise
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.dialects.glance import PART, is_good_stream
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Exchange, Request, Response, ResponseHead
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.net.bodies import Spool
from proxy_daemon.pipeline.good_ends import SMALL, GoodEnds
from proxy_daemon.pipeline.tape import Tape
from proxy_daemon.settings import Settings

ANSWER = Answer(
    choices=(Choice((Text("Paris is the capital of France."),), Finish.STOP),),
    id="a1",
    model="m",
    created=1,
    usage=Usage(5, 7, 12),
)
USER = [{"role": "user", "content": "hi"}]
# path, body, header fields: one of each API that streams
ASKED = {
    "chat": ("/v1/chat/completions", {"model": "m", "messages": USER, "stream": True}, ()),
    "completions": ("/v1/completions", {"model": "m", "prompt": "hi", "stream": True}, ()),
    "responses": ("/v1/responses", {"model": "m", "input": "hi", "stream": True}, ()),
    "anthropic": ("/v1/messages", {"model": "m", "messages": USER, "max_tokens": 9, "stream": True}, ()),
    "gemini": ("/v1beta/models/m:streamGenerateContent?alt=sse", {"contents": [{"parts": [{"text": "hi"}]}]}, ()),
    "bedrock": ("/model/m/converse-stream", {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}, ()),
    "ollama": ("/api/chat", {"model": "m", "messages": USER}, ()),
    "cohere": ("/v2/chat", {"model": "m", "messages": USER, "stream": True}, ()),
    "cohere-v1": ("/v1/chat", {"model": "m", "message": "hi", "stream": True}, ()),
    "tgi": ("/generate_stream", {"inputs": "hi"}, ()),
}
SSE = ((b"Content-Type", b"text/event-stream"),)


class Worker:
    """Calls at once, and counts."""

    def __init__(self):
        self.calls = 0

    def run(self, function, *args):
        self.calls += 1
        return succeed(function(*args))


def asked(name):
    path, body, fields = ASKED[name]
    headers = Headers(((b"Content-Type", b"application/json"), *fields))
    return Request(b"POST", path.encode(), headers, Bytes(orjson.dumps(body)))


def told(name):
    """Content type and octets of a whole stream, as the dialect writes it."""
    request = asked(name)
    rendered = recognise(request, BUILT_IN).render(ANSWER, request)
    return rendered.content_type, [piece.octets for piece in rendered.pieces]


def judged(request, head, octets, *, ending=Ending.COMPLETE, dialect=None, mode="new_episodes", **settings):
    """Whether it is good, the exchange's detail, and how often the worker was asked."""
    worker = Worker()
    ends = GoodEnds.of(Settings(mode=mode, **settings), worker)
    here = parse_upstream("http://localhost/v1")
    exchange = Exchange(7, request, here, dialect or recognise(request, BUILT_IN), 1.0)
    tape = Tape(Spool(1 << 20), 1 << 24)
    tape.add(octets, 0)
    found = Deferred.fromCoroutine(ends.is_good(exchange, Response(head, tape.body, tape.pieces), tape, ending))
    return found.result, exchange.detail, worker.calls


def head(content_type=b"text/event-stream", *fields, status=200):
    return ResponseHead(status, b"OK", Headers(((b"Content-Type", content_type), *fields)))


CHUNKED = (b"Transfer-Encoding", b"chunked")


@pytest.mark.parametrize("name", ASKED)
def test_a_whole_stream_is_good(name):
    kind, pieces = told(name)
    assert judged(asked(name), head(kind, CHUNKED), b"".join(pieces))[:2] == (True, "")


@pytest.mark.parametrize("name", ASKED)
def test_a_stream_without_its_last_event_is_not(name):
    kind, pieces = told(name)
    # Bedrock's usage, which older models leave out, stands behind the end
    cut = next(size for size in range(len(pieces) - 1, 0, -1) if name != "bedrock" or b"messageStop" in pieces[size])
    good, why, _ = judged(asked(name), head(kind, CHUNKED), b"".join(pieces[:cut]))
    assert not good
    assert why.startswith("not to be replayed: ")


@pytest.mark.parametrize("name", [name for name in ASKED if name != "bedrock"])
def test_a_stream_with_an_error_in_it_is_not(name):
    """In the place of its end, as APIs do, and before it."""
    kind, pieces = told(name)
    error = recognise(asked(name), BUILT_IN).error_event(529, "overloaded_error", "Overloaded")
    for before in (len(pieces) - 1, 1):
        good, why, _ = judged(asked(name), head(kind, CHUNKED), b"".join([*pieces[:before], error]))
        assert not good
        assert why.startswith("not to be replayed: ")


def test_an_error_before_the_last_event_is_seen():
    """As Groq writes it, and OpenRouter."""
    _, pieces = told("chat")
    for error in (b'event: error\ndata: {"error":{"message":"failed"}}\n\n', b'data: {"error": {"code": 502}}\n\n'):
        assert judged(asked("chat"), head(), b"".join([pieces[0], error, *pieces[1:]]))[0] is False


@pytest.mark.parametrize(
    "words",
    [
        b'data: {"choices":[{"delta":{"content":"an \\"error\\" occurred: failed"}}],"error":null}\n\n',
        b'data: {"choices":[{"delta":{"content":"error"}}],"error" : null}\n\n',
    ],
)
def test_words_about_errors_are_no_error(words):
    _, pieces = told("chat")
    good, why, calls = judged(asked("chat"), head(), b"".join([pieces[0], words, *pieces[1:]]))
    assert (good, why, calls) == (True, "", 0)


def test_a_good_stream_is_known_without_reading_it(monkeypatch):
    monkeypatch.setattr("proxy_daemon.pipeline.good_ends.fault", lambda *_: pytest.fail("it was read"))
    for name in ("chat", "anthropic", "responses"):
        kind, pieces = told(name)
        assert judged(asked(name), head(kind, CHUNKED), b"".join(pieces))[0] is True


def test_what_is_long_or_coded_is_read_in_a_thread():
    kind, pieces = told("gemini")
    long = b"".join([*pieces[:1] * (SMALL // len(pieces[0]) + 1), *pieces])
    assert judged(asked("gemini"), head(kind), long) == (True, "", 1)
    kind, pieces = told("chat")
    coded = head(kind, (b"Content-Encoding", b"gzip"), CHUNKED)
    assert judged(asked("chat"), coded, gzip.compress(b"".join(pieces))) == (True, "", 1)
    assert judged(asked("chat"), coded, gzip.compress(b"".join(pieces[:-1])))[0] is False


@pytest.mark.parametrize(
    ("octets", "fields", "good"),
    [
        (b"data: 1\n\n", (), False),  # its end is that of the connection
        (b"data: 1\n\n", (CHUNKED,), True),
        (b"data: 1\n\ndata: [DONE]\n\n", (), True),
    ],
)
def test_a_stream_of_an_unknown_api_ends_where_its_framing_says(octets, fields, good):
    request = Request(b"POST", b"/unknown", Headers(()), Bytes(b"{}"))
    assert judged(request, head(b"text/event-stream", *fields), octets, dialect=GENERIC)[0] is good


def test_a_page_in_the_place_of_an_answer_is_not_good():
    page = b"<html>Please log in to the hotel's network</html>"
    good, why, _ = judged(asked("chat"), head(b"text/html"), page)
    assert (good, bool(why)) == (False, True)
    state = Request(b"GET", b"/v1/models", Headers(()))
    assert judged(state, head(b"text/html"), page)[0] is True  # nobody takes it for an answer of a model


def test_other_answers_are_as_whole_as_their_framing_says():
    assert judged(asked("chat"), head(b"application/json"), b'{"odd": true}') == (True, "", 0)


@pytest.mark.parametrize("setting", ["record", "skip"])
def test_broken_streams_are_replayed_where_that_is_asked_for_by_name(setting):
    found = judged(asked("anthropic"), head(), b"data: 1\n\n", on_broken_stream=setting)
    assert found[0] is (setting == "record")
    assert judged(asked("chat"), head(), b"", ending=Ending.BROKEN_OFF, on_broken_stream=setting)[0] is False


def test_a_dialect_that_fails_costs_the_replay_only(defects):
    class Broken(Dialect):
        name = "broken"

        def generates(self, request):
            raise KeyError("boom")

    good, why, _ = judged(asked("chat"), head(b"text/event-stream", CHUNKED), b"data: [DONE]\n\n", dialect=Broken())
    assert (good, why) == (False, "not to be replayed: its dialect failed")
    assert defects == ["the dialect {name} cannot tell whether an answer is whole"]


@pytest.mark.parametrize("error", [b"", b'data: {"error": {"code": 502}}\n\n'])
@pytest.mark.parametrize("place", [0, 100, PART - 10, 2 * PART - 20])
def test_a_stream_on_the_disk_is_looked_at_as_one_in_memory(place, error):
    filler = b": waiting\n\n" * (3 * PART // 11)
    octets = filler[: place - place % 11] + error + filler[place - place % 11 :] + b"data: [DONE]\n\n"
    tape = Tape(Spool(1000), 1 << 30)
    tape.add(octets, 0)
    assert tape.body.whole() is None
    dialect = recognise(asked("chat"), BUILT_IN)
    assert is_good_stream(dialect, head().headers, tape.body) is (not error)
    assert is_good_stream(dialect, head().headers, Bytes(octets)) is (not error)
