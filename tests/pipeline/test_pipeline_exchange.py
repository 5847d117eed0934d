"""The story of an exchange, by the kit: hits, misses, refusals and failures, each with one beginning and one end."""

import pytest
from attrs import evolve
from exchanges import CHAT, MISSED, OTHER, PATH, WHOLE_MISS, Gate, answering, in_turn, plugin, recordings

from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.messages import Ending, Outcome
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.hookspecs import NearMiss
from proxy_daemon.pipeline.exchange import SCOPED
from proxy_daemon.pipeline.faults import UpstreamFault
from proxy_daemon.testing import Kit, script

HERE, THERE = parse_upstream("here=http://here/v1"), parse_upstream("there=http://there/v1")


# --- forwarded -------------------------------------------------------------------------------------------------------


def test_a_miss_is_forwarded_and_recorded(watch):
    kit = Kit(watch, answer=answering(b'{"a": 1}'))
    result = kit.send(PATH, CHAT)
    exchange = result.exchange
    assert (result.status, result.body, result.whole) == (200, b'{"a": 1}', True)
    assert (exchange.outcome, exchange.ending, exchange.status, exchange.response_size) == ("miss", "complete", 200, 8)
    assert watch.of(exchange) == WHOLE_MISS
    (recording,) = recordings(kit)
    assert (recording.id, recording.replayable, recording.outcome) == (exchange.id, True, "miss")
    assert result.headers.all(b"cache-status") == [b"llmproxy; fwd=miss"]


@pytest.mark.parametrize(
    ("settings", "path", "headers", "replayable"),
    [
        ({"mode": "off"}, PATH, {}, False),
        ({"mode": "all"}, PATH, {}, True),
        ({}, PATH, {"Cache-Control": "no-cache"}, True),
        ({}, "/v1/files", {}, True),
    ],
    ids=["off", "all", "no-cache", "not generating"],
)
def test_what_is_not_looked_up_is_live(watch, settings, path, headers, replayable):
    kit = Kit(watch, answer=answering(), **settings)
    for _ in range(2):
        result = kit.send(path, CHAT, headers=headers)
        assert (result.exchange.outcome, result.headers.get(b"cache-status")) == ("live", b"llmproxy; fwd=bypass")
        assert watch.of(result.exchange) == WHOLE_MISS
    assert len(kit.sent) == 2
    assert [each.replayable for each in recordings(kit)] == [replayable] * 2


def test_what_is_live_is_not_shared(watch):
    gate = Gate()
    kit = Kit(watch, gate, mode="all", answer=answering())
    running = [kit.begin(PATH, CHAT)[2] for _ in range(2)]
    assert len(gate.waiting) == 2
    for number in range(2):
        gate.open(number)
    assert all(each.called for each in running)


def test_no_store_leaves_no_more_than_a_line(watch):
    kit = Kit(watch, answer=answering(b'{"a": 1}'))
    for _ in range(2):
        result = kit.send(PATH, CHAT, headers={"Cache-Control": "no-store"})
        assert (result.body, result.exchange.outcome) == (b'{"a": 1}', "miss")
    assert len(kit.sent) == 2
    assert [(each.response, each.request.body.size, each.replayable) for each in recordings(kit)] == [
        (None, 0, False)
    ] * 2


def test_a_plugin_routes(watch):
    kit = Kit(watch, answer=answering(), upstream=(HERE, THERE))
    route = plugin("llmproxy_route", lambda self, exchange: THERE)
    rerouted = Kit(watch, route, answer=answering(), upstream=(HERE, THERE))
    kit.send(PATH, CHAT)
    result = rerouted.send(PATH, CHAT)
    assert [upstream for upstream, _ in kit.sent + rerouted.sent] == [HERE, THERE]
    assert result.exchange.upstream is HERE
    assert recordings(rerouted)[0].upstream is THERE


def test_a_rewritten_request_goes_upstream_and_is_looked_up(watch):
    def rewrite(self, exchange):
        return evolve(exchange.request, target=b"/v1/chat/completions?x=1")

    kit = Kit(watch, plugin("llmproxy_request", rewrite), answer=answering())
    kit.send(PATH, CHAT)
    assert kit.sent[0][1].target == b"/v1/chat/completions?x=1"
    assert kit.send(PATH + "?x=2", CHAT).exchange.outcome is Outcome.HIT


# --- from the store --------------------------------------------------------------------------------------------------


class Looks:
    """An observer or a transform that changes nothing: with one of these a hit goes the long way."""

    def __init__(self):
        self.seen = []

    def piece(self, data):
        self.seen.append(data)
        return data

    def end(self):
        return b""


@pytest.mark.parametrize("hook", ["", "llmproxy_transform", "llmproxy_observe"], ids=["short", "edited", "seen"])
@pytest.mark.parametrize("path", [PATH, "/v1/messages"])
def test_a_hit(watch, hook, path):
    answer = answering(pieces=[(0.0, b"{"), (3.0, b"}")])
    looks = []

    def look(self, exchange):
        looks.append(Looks())
        return looks[-1]

    kit = Kit(watch, *([plugin(hook, look)] if hook else []), answer=answer)
    miss = kit.send(path, CHAT)
    kit.clock.advance(70)
    hit = kit.send(path, CHAT)
    assert (hit.status, hit.pieces, hit.whole) == (200, (b"{", b"}"), True)
    assert [each.seen for each in looks] == ([[b"{", b"}"]] * 2 if hook else [])
    exchange = hit.exchange
    assert (exchange.outcome, exchange.ending, exchange.served_from) == ("hit", "complete", miss.exchange.id)
    assert (exchange.status, exchange.response_size) == (200, 2)
    assert watch.of(exchange) == ["begun", "matched hit", "first_byte", "ended"]
    assert hit.headers.get(b"cache-status") == b"llmproxy; hit"
    assert int(hit.headers.get(b"age")) >= 70
    assert len(kit.sent) == 1
    assert [(each.outcome, each.replayable, each.served_from) for each in recordings(kit)] == [
        ("miss", True, 0),
        ("hit", False, miss.exchange.id),
    ]


def test_a_hit_does_not_store_its_request_again(watch):
    kit = Kit(watch, answer=answering())
    for _ in range(2):
        kit.send(PATH, CHAT)
    assert [each.request.body.size > 0 for each in recordings(kit)] == [True, False]


def test_another_request_is_no_hit(watch):
    kit = Kit(watch, answer=answering())
    assert [kit.send(PATH, body).exchange.outcome for body in (CHAT, OTHER, CHAT)] == ["miss", "miss", "hit"]


def test_mode_none_answers_from_the_store_whatever_is_asked(watch):
    recorded = Kit(watch, answer=answering(b"list"), mode="all")
    recorded.send("/v1/files", CHAT)
    kit = Kit(watch, mode="none")
    kit.store.recordings.update(recorded.store.recordings)
    for headers in ({}, {"Cache-Control": "no-cache"}, {"Cache-Control": "only-if-cached"}):
        assert kit.send("/v1/files", CHAT, headers=headers).body == b"list"
    assert not kit.sent


def test_mode_all_replaces(watch):
    kit = Kit(watch, mode="all", answer=in_turn(script(b"old"), script(b"new")))
    kit.send(PATH, CHAT)
    kit.send(PATH, CHAT)
    assert kit.store.get(kit.store.candidates(recordings(kit)[0].fingerprint)[-1].id).response.body.whole() == b"new"


def test_a_plugin_may_answer(watch):
    kit = Kit(watch, answer=answering(b"first"))
    kit.send(PATH, CHAT)
    (recording,) = recordings(kit)
    other = Kit(watch, plugin("llmproxy_lookup", lambda self, exchange: recording))
    result = other.send(PATH, OTHER)
    assert (result.body, result.exchange.served_from) == (b"first", recording.id)
    assert recordings(other)[0].request.json == OTHER


def test_a_damaged_recording_is_a_broken_answer(watch):
    kit = Kit(watch, answer=answering(b"whole"))
    kit.send(PATH, CHAT)
    (recording,) = recordings(kit)
    recording.response.pieces.sizes[0] += 3
    result = kit.send(PATH, CHAT)
    assert (result.body, result.whole) == (b"whole", False)
    assert (result.exchange.outcome, result.exchange.ending) == ("hit", Ending.BROKEN_OFF)
    assert "3 octets are missing" in result.exchange.detail


# --- refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "headers", "words"),
    [
        ({"mode": "none"}, {}, "no recording answers this request, in mode none."),
        ({"mode": "none"}, {"Cache-Control": "only-if-cached"}, "in mode none."),
        ({}, {"Cache-Control": "only-if-cached"}, "and the request says only-if-cached."),
        ({"mode": "off"}, {"Cache-Control": "only-if-cached"}, "and the request says only-if-cached."),
        ({}, {"Cache-Control": "only-if-cached, no-cache"}, "and the request says only-if-cached."),
    ],
)
def test_a_miss_that_may_not_go_on(watch, settings, headers, words):
    kit = Kit(watch, **settings)
    result = kit.send(PATH, CHAT, headers=headers)
    assert (result.status, result.whole, result.json["error"]["type"]) == (424, True, "llmproxy_miss")
    assert words in result.json["error"]["message"]
    assert result.json["error"]["message"].endswith("\nNothing recorded is near it.")
    assert result.headers.get(b"x-should-retry") == b"false"
    assert result.exchange.response_size == len(result.body)
    assert (result.exchange.outcome, result.exchange.ending, result.exchange.status) == ("refused", "refused", 424)
    assert watch.of(result.exchange) == [*MISSED, "ended"]
    assert not kit.sent
    (recording,) = recordings(kit)
    assert (recording.outcome, recording.status, recording.response, recording.replayable) == (
        "refused",
        424,
        None,
        False,
    )


def test_the_nearest_is_named(watch):
    kit = Kit(watch, answer=answering())
    kit.send(PATH, CHAT)
    result = kit.send(PATH, OTHER, headers={"Cache-Control": "only-if-cached"})
    _, nearest, *differences = result.json["error"]["message"].splitlines()
    assert nearest.startswith(f"Nearest: exchange {recordings(kit)[0].id:016x} (")
    assert any("temperature" in line for line in differences)


@pytest.mark.parametrize("fuzzy", ["diff", "off"])
def test_a_plugin_explains_unless_it_is_off(watch, fuzzy):
    kit = Kit(watch, answer=answering())
    kit.send(PATH, CHAT)
    near = NearMiss(recordings(kit)[0], 0.5, ("by the plugin",))
    other = Kit(watch, plugin("llmproxy_fuzzy_match", lambda self, exchange: near), mode="none", fuzzy=fuzzy)
    message = other.send(PATH, OTHER).json["error"]["message"]
    assert ("(50% alike)" in message) is ("by the plugin" in message) is (fuzzy != "off")
    assert ("Nothing recorded is near it." in message) is (fuzzy == "off")


@pytest.mark.parametrize("settings", [{"mode": "none"}, {}], ids=["none", "only-if-cached"])
@pytest.mark.parametrize("scope", ["key", "all"])
def test_scoped_by_key_no_recording_is_quoted(watch, scope, settings):
    """The nearest one may hold what somebody else asked."""
    kit, asked = Kit(answer=answering()), []
    kit.send(PATH, CHAT, headers={"Authorization": "Bearer sk-1"})
    ask = plugin("llmproxy_fuzzy_match", lambda self, exchange: asked.append(exchange.id))
    other = Kit(watch, ask, replay_scope=scope, **settings)
    other.store.recordings.update(kit.store.recordings)
    headers = {"Authorization": "Bearer sk-2", "Cache-Control": "only-if-cached"}
    result = other.send(PATH, CHAT | {"messages": "secret"}, headers=headers)
    assert result.status == 424
    first, *lines = result.json["error"]["message"].splitlines()
    assert first.startswith("llmproxy: no recording answers this request, ")
    if scope == "key":
        assert (lines, asked) == ([SCOPED], [])
    else:
        assert (lines[0][:8], asked) == ("Nearest:", [result.exchange.id])


@pytest.mark.parametrize("private", [False, True])
def test_under_no_store_the_words_of_a_miss_are_not_kept(watch, private):
    kit = Kit(watch, answer=answering())
    kit.send(PATH, CHAT)
    headers = {"Cache-Control": "only-if-cached, no-store" if private else "only-if-cached"}
    result = kit.send(PATH, CHAT | {"messages": "very private"}, headers=headers)
    message = result.json["error"]["message"]
    assert "very private" in message  # the one who asks is told
    kept = message.splitlines()[0] if private else message
    assert result.exchange.detail == recordings(kit)[-1].detail == kept
    assert "very private" not in kept or not private


# --- failed ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["new_episodes", "all", "off"])
@pytest.mark.parametrize(("status", "ending"), [(502, Ending.FAILED), (504, Ending.TIMEOUT)])
def test_an_upstream_that_gives_no_answer(watch, defects, mode, status, ending):
    kit = Kit(watch, mode=mode, answer=in_turn(UpstreamFault(status, "it is down")))
    result = kit.send(PATH, CHAT)
    assert (result.status, result.whole) == (status, True)
    assert result.json["error"] == {
        "message": "it is down",
        "type": "llmproxy_upstream",
        "param": None,
        "code": "llmproxy_upstream",
    }
    assert (result.exchange.outcome, result.exchange.ending, result.exchange.detail) == ("failed", ending, "it is down")
    assert watch.of(result.exchange) == [*MISSED, "failed"]
    (recording,) = recordings(kit)
    assert (recording.outcome, recording.ending, recording.status, recording.detail) == (
        "failed",
        ending,
        status,
        "it is down",
    )
    assert not defects


def test_what_failed_is_asked_for_again(watch):
    kit = Kit(watch, answer=in_turn(UpstreamFault(502, "down"), script(b"up")))
    assert [kit.send(PATH, CHAT).status for _ in range(2)] == [502, 200]


@pytest.mark.parametrize(
    ("policy", "statuses", "outcomes", "asked"),
    [
        ("pass", [500, 500], ["miss", "miss"], 2),
        ("record", [500, 500], ["miss", "hit"], 1),
        ("refuse", [424, 424], ["refused", "refused"], 2),
    ],
)
def test_an_error_for_an_answer(watch, policy, statuses, outcomes, asked):
    kit = Kit(watch, answer=answering(b"oops", status=500), on_error_response=policy)
    results = [kit.send(PATH, CHAT) for _ in range(2)]
    assert [result.status for result in results] == statuses
    assert [result.exchange.outcome for result in results] == outcomes
    assert len(kit.sent) == asked
    if policy == "refuse":
        assert "upstream answered 500" in results[0].json["error"]["message"]


class Broken(Dialect):
    """A dialect of a plugin's that fails in what the test says."""

    name = "broken"

    def recognises(self, request):
        return True


@pytest.mark.parametrize("defect", [RuntimeError("a defect"), SystemExit(1)], ids=repr)
@pytest.mark.parametrize("method", ["model", "generates", "streams"])
def test_a_defect_is_an_answer_and_a_line_in_the_log(watch, defects, method, defect):
    def raising(self, *_):
        raise defect

    dialect = type("Defect", (Broken,), {method: raising})()
    kit = Kit(watch, plugin("llmproxy_dialects", lambda self: [dialect]), answer=answering())
    result = kit.send(PATH, CHAT)
    assert (result.status, result.whole) == (502, True)
    assert "llmproxy failed on this request" in result.json["error"]["message"]
    assert watch.of(result.exchange)[-1] == "failed"
    assert defects == ["exchange {id}: a defect in llmproxy or in a plugin's dialect"]


def test_a_dialect_that_cannot_write_an_error(watch, defects):
    def defect(self, *_):
        raise RuntimeError("a defect")

    dialect = type("Defect", (Broken,), {"error": defect})()
    kit = Kit(watch, plugin("llmproxy_dialects", lambda self: [dialect]), mode="none")
    result = kit.send(PATH, CHAT)
    assert (result.status, result.json["error"]["type"]) == (424, "llmproxy_miss")
    assert watch.of(result.exchange) == [*MISSED, "ended"]
    assert defects == ["the dialect {name} cannot write an error"]


def test_a_store_that_fails_costs_the_line(watch, defects, monkeypatch):
    kit = Kit(watch, mode="none")

    def note(recording):
        raise OSError("no store")

    monkeypatch.setattr(kit.store, "note", note)
    result = kit.send(PATH, CHAT)
    assert watch.of(result.exchange) == [*MISSED, "ended"]
    assert defects == ["exchange {id} was not written: a defect of the store"]


def test_a_plugins_fault_ends_it_with_its_name(watch, defects):
    kit = Kit(watch, plugin("llmproxy_request", lambda self, exchange: 1 / 0))
    result = kit.send(PATH, CHAT)
    assert "'Plugin' failed in llmproxy_request: ZeroDivisionError" in result.exchange.detail
    assert watch.of(result.exchange) == ["begun", "failed"]
    assert recordings(kit)[0].outcome is Outcome.FAILED
