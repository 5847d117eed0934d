"""From a request to an exchange: upstream, dialect, wishes, credential and id; which fields go upstream."""

import orjson
import pytest
from attrs import define
from exchanges import Watch, plugin

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.cache_control import Directives
from proxy_daemon.core.dialects import BUILT_IN, GENERIC
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.ids import COUNTER_BITS, EPOCH, Ids
from proxy_daemon.core.messages import KNOWN, Request
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.pipeline.admission import LONGEST_KNOWN, Admission
from proxy_daemon.pipeline.faults import Refusal
from proxy_daemon.testing import Kit

LOCAL, OTHER = parse_upstream("local=http://127.0.0.1:11434/v1"), parse_upstream("other=http://other/")
CHAT = b"/v1/chat/completions"


@define
class FakeClock:
    mono: float = 5.0
    time: float = 1_800_000_000.0

    def seconds(self):
        return self.mono

    def wall(self):
        return self.time


@pytest.fixture
def clock():
    return FakeClock()


def admission(clock, upstreams=(), dialects=BUILT_IN, key=b"k" * 32):
    return Admission(upstreams, dialects, clock, key, Ids(clock))


def admit(clock, target=CHAT, headers=(), body=b"", **parts):
    return admission(clock, **parts).admit(b"POST", target, Headers(headers), Bytes(body), "127.0.0.1:5")


def test_an_exchange_has_what_is_known_of_its_request(clock):
    exchange = admit(clock, body=b"{}")
    assert (exchange.request.method, exchange.request.target) == (b"POST", CHAT)
    assert (exchange.request.body.whole(), exchange.request_size) == (b"{}", 2)
    assert (exchange.client, exchange.started, exchange.began) == ("127.0.0.1:5", clock.time, clock.mono)
    assert exchange.ending is None
    assert exchange.notes == {KNOWN: {}}


def test_what_is_worked_out_for_its_octets_is_kept_from_the_second_time_on(clock):
    made = admission(clock)
    asked = [made.admit(b"POST", CHAT, Headers(), Bytes(body), "127.0.0.1:5") for body in (b"{}", b"{ }") * 3]
    for number, each in enumerate(asked):
        each.notes[KNOWN][number] = number
    assert [set(each.notes[KNOWN]) for each in asked] == [{0}, {1}, {2, 4}, {3, 5}, {2, 4}, {3, 5}]


def test_of_a_large_body_nothing_is_kept(clock):
    made = admission(clock)
    body = b" " * (LONGEST_KNOWN + 1)
    first, *others = [made.admit(b"POST", CHAT, Headers(), Bytes(body), "127.0.0.1:5") for _ in range(3)]
    first.notes[KNOWN][1] = 1
    assert [each.notes[KNOWN] for each in others] == [{}, {}]


@pytest.mark.parametrize(
    ("target", "upstreams", "name"),
    [
        (CHAT, (), "openai"),
        (b"/v1/messages", (), "anthropic"),
        (b"/v1beta/models/gemini-2.5-pro:generateContent", (), "google"),
        (CHAT, (LOCAL, OTHER), "local"),
        (CHAT, (LOCAL, parse_upstream("http://d")), "default"),
        (b"/_llmproxy/to/other" + CHAT, (LOCAL, OTHER), "other"),
        (b"/_llmproxy/to/anthropic" + CHAT, (), "anthropic"),
    ],
)
def test_the_upstream(clock, target, upstreams, name):
    exchange = admit(clock, target, upstreams=upstreams)
    assert exchange.upstream.name == name
    assert not exchange.request.target.startswith(b"/_llmproxy/")


@pytest.mark.parametrize(
    ("target", "goes_on"),
    [
        (b"/_llmproxy/to/local/v1/models?a=/_llmproxy/to/other/", b"/v1/models?a=/_llmproxy/to/other/"),
        (b"/_llmproxy/to/local", b"/"),
        (b"/_llmproxy/to/local?x=1", b"/?x=1"),
        (b"/v1/models?x=%20", b"/v1/models?x=%20"),
    ],
)
def test_the_target_that_goes_on(clock, target, goes_on):
    assert admit(clock, target, upstreams=(LOCAL,)).request.target == goes_on


@pytest.mark.parametrize(
    "target", [b"/_llmproxy/to/b@d/v1", b"/_llmproxy/to/", b"/_llmproxy/to", b"/%5Fllmproxy/to/local/"]
)
def test_what_is_ours_and_names_no_upstream_goes_to_none(clock, target):
    with pytest.raises(Refusal, match=r"^No upstream is named") as caught:
        admit(clock, target, upstreams=(LOCAL,))
    assert caught.value.status == 404


@pytest.mark.parametrize("upstreams", [(), (LOCAL, OTHER)])
def test_an_upstream_that_does_not_exist_is_refused(clock, upstreams):
    with pytest.raises(Refusal, match=r"No upstream is called 'nowhere'; there are: ") as refusal:
        admit(clock, b"/_llmproxy/to/nowhere" + CHAT, upstreams=upstreams)
    assert (refusal.value.status, refusal.value.kind) == (404, "llmproxy_refused")
    assert all(upstream.name in str(refusal.value) for upstream in upstreams)


def test_the_dialect_is_that_of_the_target_behind_the_name(clock):
    assert admit(clock, b"/_llmproxy/to/local/v1/messages", upstreams=(LOCAL,)).dialect.name == "anthropic"


def test_dialects_are_asked_in_order_and_the_generic_one_is_last(clock):
    class Mine(Dialect):
        def recognises(self, request):
            return request.path == CHAT

    mine = Mine()
    assert admit(clock, dialects=(mine, *BUILT_IN), upstreams=(LOCAL,)).dialect is mine
    assert admit(clock, b"/elsewhere", dialects=(mine, *BUILT_IN), upstreams=(LOCAL,)).dialect is GENERIC


@pytest.mark.parametrize(
    ("fields", "directives", "passed"),
    [
        ([], Directives(), []),
        ([(b"Cache-Control", b"no-cache")], Directives(no_cache=True), []),
        (
            [(b"Cache-Control", b"No-Store, max-age=0"), (b"A", b"1")],
            Directives(no_store=True),
            [(b"A", b"1"), (b"Cache-Control", b"max-age=0")],
        ),
        ([(b"cache-control", b"only-if-cached")], Directives(only_if_cached=True), []),
        ([(b"Expect", b"100-continue"), (b"B", b"2")], Directives(), [(b"B", b"2")]),
        ([(b"X-LLMProxy-Session", b"s"), (b"X-LLMPROXY-TOKEN", b"t")], Directives(), []),
        ([(b"x-llmproxy-cassette", b"c")], Directives(), []),
        ([(b"Connection", b"close, X-Hop"), (b"X-Hop", b"1"), (b"X-End", b"2")], Directives(), [(b"X-End", b"2")]),
        # Who says that Cache-Control is of this hop only has said nothing that lasts.
        ([(b"Connection", b"cache-control"), (b"Cache-Control", b"no-store")], Directives(), []),
    ],
)
def test_wishes_are_read_and_fields_that_speak_to_the_daemon_stay_here(clock, fields, directives, passed):
    exchange = admit(clock, headers=fields)
    assert exchange.directives == directives
    assert list(exchange.request.headers.pairs) == passed


class TestCredential:
    def of(self, clock, headers=(), target=CHAT, key=b"k" * 32):
        return admit(clock, target, headers, key=key).credential

    def test_none_without_one(self, clock):
        assert self.of(clock, [(b"A", b"1")]) == b""

    @pytest.mark.parametrize(
        "headers",
        [
            [(b"Authorization", b"Bearer sk-1")],
            [(b"X-Api-Key", b"sk-1")],
            [(b"Authorization", b"Bearer sk-1"), (b"Connection", b"authorization")],
        ],
    )
    def test_of_the_fields_as_the_client_sent_them(self, clock, headers):
        hashed = self.of(clock, headers)
        assert len(hashed) == 16
        assert b"sk-1" not in hashed
        assert hashed == self.of(clock, headers)
        assert hashed != self.of(clock, [(headers[0][0], b"Bearer sk-2")])
        assert hashed != self.of(clock, headers, key=b"j" * 32)

    def test_of_the_query_too(self, clock):
        assert self.of(clock, target=CHAT + b"?key=a") != self.of(clock, target=CHAT + b"?key=b")

    def test_the_same_under_a_named_upstream(self, clock):
        named = b"/_llmproxy/to/openai" + CHAT + b"?key=a"
        assert self.of(clock, target=named) == self.of(clock, target=CHAT + b"?key=a")


class TestTurnedAway:
    """A request that may not come in: it has no upstream, but an id, an answer, and a line in the log."""

    REQUEST = Request(b"POST", b"/v1/messages", Headers(((b"Host", b"evil.example"),)), Bytes(b"12345"))

    def test_an_exchange_of_it(self, clock):
        exchange = admission(clock, (LOCAL,)).turned_away(self.REQUEST, "10.0.0.1")
        assert (exchange.request, exchange.client, exchange.request_size) == (self.REQUEST, "10.0.0.1", 5)
        assert (exchange.started, exchange.began, exchange.dialect.name) == (clock.time, clock.mono, "anthropic")
        assert exchange.upstream.name == ""
        assert exchange.id >> COUNTER_BITS == int((clock.time - EPOCH) * 1000)

    @pytest.mark.parametrize("error", [KeyError("x"), AttributeError("y")])
    def test_a_dialect_that_raises_is_passed_over(self, clock, error):
        class Broken(Dialect):
            def recognises(self, request):
                raise error

        made = admission(clock, dialects=(Broken(), *BUILT_IN))
        first, second = (made.turned_away(self.REQUEST, "10.0.0.1") for _ in range(2))
        assert first.dialect is second.dialect is GENERIC
        assert first.id != second.id

    @pytest.mark.parametrize("no_store", [False, True])
    def test_it_is_answered_and_told_of_but_not_stored(self, no_store):
        watch, seen = Watch(), []
        kit = Kit(watch, plugin("llmproxy_log", lambda self, exchange: seen.append(exchange)))
        exchange = kit._admission.turned_away(self.REQUEST, "10.0.0.1")
        exchange.directives = Directives(no_store=no_store)
        kit.clock.advance(0.5)
        refusal = Refusal(403, "This host is not allowed.\nSecond line.")
        refusal.headers = ((b"X-Why", b"host"),)
        head, own, body = kit.pipeline.turn_away(exchange, refusal)
        assert (head.status, head.headers.get(b"x-why")) == (403, b"host")
        assert head.headers.get(b"content-type") == b"application/json"
        error = orjson.loads(body)["error"]
        assert error == {"type": "permission_error", "message": refusal.message}
        fields = own.split(b"\r\n")
        assert fields.count(b"Cache-Status: llmproxy; fwd=bypass; detail=refused") == 1
        assert b"X-LLMProxy-Exchange: %016x" % exchange.id in fields
        assert watch.of(exchange) == ["begun", "ended"]
        assert seen == [exchange] * 2
        assert (exchange.outcome, exchange.ending, exchange.status) == ("refused", "refused", 403)
        assert exchange.detail == ("This host is not allowed." if no_store else refusal.message)
        assert (exchange.response_size, exchange.duration) == (len(body), 500_000)
        assert not kit.store.recordings
        assert not kit.sent

    def test_a_dialect_that_cannot_write_an_error(self, defects):
        class Broken(Dialect):
            def error(self, *_):
                raise KeyError

        kit = Kit(plugin("llmproxy_dialects", lambda self: [Broken()]))
        exchange = kit._admission.turned_away(self.REQUEST, "10.0.0.1")
        head, _, body = kit.pipeline.turn_away(exchange, Refusal(413, "too large"))
        assert (head.status, orjson.loads(body)["error"]["message"]) == (413, "too large")
        assert defects == ["the dialect {name} cannot write an error"]


@pytest.mark.parametrize(
    ("field", "name"), [(b"x-goog-api-key", "google"), (b"x-api-key", "anthropic"), (b"authorization", "openai")]
)
def test_the_field_of_a_key_tells_the_api_also_where_it_is_a_token_of_ours(clock, field, name):
    headers = ((field, b"llmp_red"), *([(b"anthropic-version", b"1")] if name == "anthropic" else []))
    exchange = admit(clock, b"/v1beta/models" if name == "google" else b"/v1/models", headers)
    assert exchange.dialect.upstream_name == name
    assert field not in exchange.request.headers


class TestIds:
    def test_later_ones_are_larger_once_the_clock_has_moved(self, clock):
        ids = Ids(clock)
        first = ids.next()
        clock.time += 0.001
        assert ids.next() > first

    def test_within_a_millisecond_all_differ(self, clock):
        ids = Ids(clock)
        assert len({ids.next() for _ in range(1000)}) == 1000

    def test_they_tell_the_time(self, clock):
        assert Ids(clock).next() >> COUNTER_BITS == int((clock.time - EPOCH) * 1000)

    def test_the_counter_stays_in_its_bits(self, clock, monkeypatch):
        monkeypatch.setattr("proxy_daemon.core.ids.secrets.randbits", lambda bits: (1 << bits) - 1)
        ids = Ids(clock)
        last, first = ids.next(), ids.next()
        assert last >> COUNTER_BITS == first >> COUNTER_BITS
        assert (last & ((1 << COUNTER_BITS) - 1), first & ((1 << COUNTER_BITS) - 1)) == ((1 << COUNTER_BITS) - 1, 0)

    def test_a_clock_that_was_never_set_makes_no_negative_ones(self, clock):
        clock.time = 0.0
        assert 0 <= Ids(clock).next() < 1 << COUNTER_BITS

    def test_a_store_can_hold_them_until_2094(self, clock):
        clock.time = EPOCH + ((1 << 41) - 1) / 1000
        assert (1 << 62) < Ids(clock).next() < 1 << 63


@pytest.mark.parametrize(
    ("name", "session"),
    [(None, ""), (b"", ""), (b"tests/test_a.py::test_b[x y]", "tests/test_a.py::test_b[x y]"), (b"a" * 400, "a" * 400)],
)
def test_a_session_is_named_by_the_client(clock, name, session):
    headers = () if name is None else ((b"X-LLMProxy-Session", name),)
    exchange = admit(clock, headers=headers)
    assert exchange.session == session
    assert b"x-llmproxy-session" not in exchange.request.headers


@pytest.mark.parametrize("name", [b"a" * 401, b"a\tb", "é".encode(), b"\x7f"])
def test_a_session_that_has_no_name_is_refused(clock, name):
    with pytest.raises(Refusal, match="X-LLMProxy-Session must be") as caught:
        admit(clock, headers=((b"X-LLMProxy-Session", name),))
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("target", "headers", "session", "cassette"),
    [
        (CHAT, [], "", ""),
        (b"/_llmproxy/cassette/c" + CHAT, [], "c", "c"),
        (CHAT, [(b"X-LLMProxy-Cassette", b"c")], "c", "c"),
        (b"/_llmproxy/cassette/c" + CHAT, [(b"X-LLMProxy-Session", b"mine")], "mine", "c"),
    ],
)
def test_a_named_cassette_is_a_run_of_its_own(clock, target, headers, session, cassette):
    exchange = admit(clock, target, headers)
    assert (exchange.session, exchange.cassette) == (session, cassette)
