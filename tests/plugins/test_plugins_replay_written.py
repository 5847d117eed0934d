"""What a person wrote answers its request streaming and not, without a pattern; of others nothing is asked."""

from types import SimpleNamespace

import orjson
import pytest
from attrs import evolve

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.anew import Anew
from proxy_daemon.core.matching.either_form import EitherForm
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.matching.patterns.written import UNFIT
from proxy_daemon.core.matching.sequence import OUTDATED
from proxy_daemon.core.messages import SCOPE, Ending, Exchange, Outcome, Recording, Request, Response, ResponseHead
from proxy_daemon.core.modes import MODES
from proxy_daemon.core.pattern import Pattern
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.shelves import OnlyStore, Shelf
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.plugins.replay import Replay
from proxy_daemon.settings import Settings
from proxy_daemon.testing import Kit, MemoryStore

CHAT = "/v1/chat/completions"
HOME = parse_upstream("https://api.openai.com/v1")
DOCUMENT = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}}]}
MATCHER = Matcher()


def chat(**more):
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **more}
    return Request(b"POST", CHAT.encode(), Headers(), Bytes(orjson.dumps(body)))


def calling(call, **more):
    return chat(messages=[{"role": "assistant", "tool_calls": [{"id": call}]}], **more)


def taken(request, scope=b""):
    return MATCHER.fingerprint(request, recognise(request, BUILT_IN), HOME, scope)


def recording(number=1, request=None, document=DOCUMENT, **changes):
    request = request or chat()
    head = ResponseHead(200, b"OK", Headers([(b"Content-Type", b"application/json")]))
    answer = Response(head, Bytes(orjson.dumps(document)))
    fields = {"fingerprint": taken(request, changes.get("scope", b"")), "replayable": True, "written": True} | changes
    return evolve(Recording(number, request, answer, HOME, Ending.COMPLETE, Outcome.MISS, 1000.0), **fields)


def plugin(*found, either_form=None, **settings):
    made, store = Replay(), MemoryStore()
    store.recordings = {each.id: each for each in found}
    clock, facts = SimpleNamespace(wall=lambda: 1000.0), {}
    form = either_form or EitherForm(Anew(MATCHER))
    known = Settings(**settings)
    shelves = OnlyStore(Shelf(store, MODES[known.mode]))
    parts = {"store": store, "clock": clock, "redactor": Redactor(), "facts": facts, "either_form": form}
    made.llmproxy_configure(known, SimpleNamespace(**parts, shelves=shelves))
    return made


def asking(request, scope=b"", **more):
    dialect = recognise(request, BUILT_IN)
    made = Exchange(900, request, HOME, dialect, 1000.0, fingerprint=taken(request, scope), **more)
    made.notes[SCOPE] = scope
    return made


def content(found):
    return found and found.response.head.headers.get(b"content-type").partition(b";")[0]


STREAM, WHOLE = chat(stream=True, stream_options={"include_usage": True}), chat(stream=False)


@pytest.mark.parametrize(
    ("written", "asked", "kind"),
    [
        (chat(), chat(), b"application/json"),
        (chat(), STREAM, b"text/event-stream"),
        (chat(), WHOLE, b"application/json"),
        (STREAM, chat(), b"application/json"),
        (STREAM, STREAM, b"text/event-stream"),
        (chat(), chat(stream=True, seed=1), None),
    ],
    ids=range(6),
)
def test_it_answers_in_the_form_that_is_asked_for(written, asked, kind):
    found = plugin(recording(request=written)).llmproxy_lookup(asking(asked))
    assert content(found) == kind
    assert found is None or b"hello" in found.response.body.whole()


def test_what_an_upstream_said_answers_in_its_own_form_only():
    made = plugin(recording(written=False), recording(2, chat(seed=1)))
    assert made.llmproxy_lookup(asking(chat())).id == 1
    assert made.llmproxy_lookup(asking(STREAM)) is None


def test_nobody_gets_what_is_somebody_elses():
    made = plugin(recording(scope=b"a"))
    assert [bool(made.llmproxy_lookup(asking(STREAM, scope))) for scope in (b"a", b"b", b"")] == [True, False, False]
    other = plugin(recording(upstream=parse_upstream("https://api.example.com/v1")))
    assert other.llmproxy_lookup(asking(STREAM)) is None


def test_several_follow_each_other():
    said = [{"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]} for text in ("one", "two")]
    made = plugin(recording(1, document=said[0]), recording(2, document=said[1]))
    assert [made.llmproxy_lookup(asking(STREAM)).id for _ in range(3)] == [1, 2, 2]


def test_ids_of_this_conversation_are_in_it():
    call = {"id": "call_old1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    document = {"choices": [{"index": 0, "message": {"role": "assistant", "tool_calls": [call]}}]}
    made = plugin(recording(request=calling("call_old1"), document=document))
    found = made.llmproxy_lookup(asking(calling("call_new1", stream=True)))
    assert b"call_new1" in found.response.body.whole()
    assert b"call_old1" not in found.response.body.whole()


def test_a_pattern_comes_behind_it():
    pattern = recording(1, chat(seed=9), pattern=Pattern(path=CHAT))
    made = plugin(pattern, recording(2))
    assert made.llmproxy_lookup(asking(STREAM)).id == 2
    assert made.llmproxy_lookup(asking(chat(stream=True, seed=3))).id == 1


def test_what_is_too_old_does_not_count():
    made, exchange = plugin(recording(started=0.0), replay_max_age=60), asking(STREAM)
    assert made.llmproxy_lookup(exchange) is None
    assert OUTDATED in exchange.notes
    assert plugin(recording(started=0.0), replay_max_age=60, mode="none").llmproxy_lookup(asking(STREAM)).id == 1


def test_one_that_cannot_be_written_in_that_form_is_not_served_and_says_why():
    made, exchange = plugin(recording(document={"unheard": "of"})), asking(STREAM)
    assert made.llmproxy_lookup(exchange) is None
    assert "cannot be read" in exchange.notes[UNFIT] or "says nothing" in exchange.notes[UNFIT]


def test_one_that_a_dialect_fails_on_answers_in_one_form_and_the_others_in_both():
    class Failing(Dialect):
        def recognises(self, request):
            if b"bad" in request.body.whole():
                raise RuntimeError("a fault")
            return False

        def left_to_ask(self, path):
            return self.recognises

    form = EitherForm(Anew(MATCHER, (Failing(), *BUILT_IN)))
    made = plugin(recording(1, chat(model="bad")), recording(2), either_form=form)
    assert made.llmproxy_lookup(asking(STREAM)).id == 2
    assert made.llmproxy_lookup(asking(chat(model="bad", stream=True))) is None
    assert made.llmproxy_lookup(asking(chat(model="bad"))).id == 1


class Counting(EitherForm):
    """Counts what it is asked."""

    asked = 0

    def of_request(self, *args):
        type(self).asked += 1
        return super().of_request(*args)


@pytest.mark.parametrize(
    ("found", "times"),
    [
        ((), 0),
        ((recording(written=False),), 0),
        ((recording(written=False, pattern=Pattern(path="/x")),), 0),
        ((recording(),), 1),
    ],
    ids=range(4),
)
def test_it_is_asked_only_where_there_are_such(found, times):
    Counting.asked = 0
    made = plugin(*found, either_form=Counting(Anew(MATCHER)))
    made.llmproxy_lookup(asking(chat(stream=True, seed=5)))
    assert Counting.asked == times


def test_through_the_pipeline():
    kit = Kit(mode="none")
    request = Request(b"POST", CHAT.encode(), Headers(), chat().body)
    kit.store.recordings = {1: recording(request=request, upstream=parse_upstream("demo:"))}
    streamed = kit.send(CHAT, orjson.loads(STREAM.body.whole()))
    assert (streamed.status, streamed.exchange.outcome, streamed.exchange.fitted) == (200, Outcome.HIT, True)
    assert b"text/event-stream" in streamed.headers.get(b"content-type")
    assert b"hello" in streamed.body
    assert kit.send(CHAT, orjson.loads(chat(seed=1).body.whole())).status == 424


EVENTS = b'data: {"choices":[{"index":0,"delta":{"content":"hello"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
BY_TYPE = {b"application/json": orjson.dumps(DOCUMENT), b"text/event-stream": EVENTS}


def by_pattern(kind, status=200, body=None, **changes):
    """What an upstream said to a request that is not known, as of a file with nothing but an answer."""
    head = ResponseHead(status, b"", Headers([(b"Content-Type", kind)]))
    answer = Response(head, Bytes(BY_TYPE[kind] if body is None else body))
    fields = {"fingerprint": b"", "pattern": Pattern(), "written": False, "response": answer}
    return recording(**fields | changes)


@pytest.mark.parametrize(
    ("found", "asked", "served"),
    [
        (by_pattern(b"application/json"), chat(), True),
        (by_pattern(b"application/json"), STREAM, False),
        (by_pattern(b"text/event-stream"), STREAM, True),
        (by_pattern(b"text/event-stream"), chat(), False),
        (by_pattern(b"text/event-stream", written=True), chat(), True),
        (by_pattern(b"application/json", status=429), STREAM, True),
        (by_pattern(b"application/json", body=b""), STREAM, True),
        (by_pattern(b"text/event-stream"), Request(b"GET", b"/v1/files/x/content"), True),
    ],
    ids=range(8),
)
def test_by_a_pattern_too_a_recorded_document_answers_no_request_for_a_stream(found, asked, served):
    exchange = asking(asked)
    assert bool(plugin(found).llmproxy_lookup(exchange)) is served
    assert ("was recorded" in exchange.notes.get(UNFIT, "")) is not served
