"""Clients that leave and requests that meet, by the kit: cancelled at each await, deserted, collapsed, not shared."""

import pytest
from exchanges import CHAT, MISSED, OTHER, PATH, WHOLE_MISS, Gate, answering, in_turn, plugin, recordings
from twisted.internet.defer import Deferred

from proxy_daemon.core.messages import Ending, Outcome
from proxy_daemon.core.speed import Speed
from proxy_daemon.pipeline.faults import UpstreamFault
from proxy_daemon.testing import Kit, Script, script

PIECES = answering(pieces=[(1.0, b"one"), (1.0, b"two"), (1.0, b"three")])


def ended(running):
    """Whether it has ended, and without a failure."""
    failures = []
    running.addErrback(failures.append)
    assert not failures
    return bool(running.called)


def gone(exchange):
    return exchange.ending is Ending.CLIENT_GONE


# --- a client that leaves while something is awaited -----------------------------------------------------------------

AWAITS = {
    "llmproxy_request": ({}, ["begun"], "live", 0),
    "llmproxy_lookup": ({}, ["begun"], "live", 0),
    "llmproxy_fuzzy_match": ({"mode": "none"}, MISSED, "refused", 0),
    "llmproxy_route": ({}, MISSED, "miss", 0),
    "llmproxy_response_head": ({}, [*MISSED, "first_byte"], "miss", 1),
    "llmproxy_transform": ({}, [*MISSED, "first_byte"], "miss", 1),
    "llmproxy_observe": ({}, [*MISSED, "first_byte"], "miss", 1),
}


@pytest.mark.parametrize(("hook", "case"), AWAITS.items(), ids=AWAITS)
def test_a_client_that_leaves_during_a_hook(watch, defects, hook, case):
    settings, told, outcome, sent = case
    cancelled = []
    hanging = plugin(hook, lambda self, exchange: Deferred(cancelled.append))
    kit = Kit(watch, hanging, answer=PIECES, **settings)
    exchange, client, running = kit.begin(PATH, CHAT)
    assert watch.of(exchange) == told
    running.cancel()
    assert ended(running)
    assert len(cancelled) == 1
    assert client.head is None
    assert (gone(exchange), exchange.outcome, len(kit.sent)) == (True, outcome, sent)
    assert watch.of(exchange) == [*told, "ended"]
    (recording,) = recordings(kit)
    assert (recording.ending, recording.replayable, recording.id) == (Ending.CLIENT_GONE, False, exchange.id)
    assert not kit.hooks.faults
    assert not defects
    assert not kit.clock.getDelayedCalls()


def test_a_client_that_leaves_before_the_body(watch):
    kit = Kit(watch, answer=PIECES)
    exchange, client, running = kit.begin(PATH, CHAT)
    assert client.head.status == 200
    running.cancel()
    assert ended(running)
    assert (client.pieces, client.broken_off, client.finished) == ([], True, False)
    assert gone(exchange)
    assert watch.of(exchange) == WHOLE_MISS
    assert [(each.ending, each.replayable) for each in recordings(kit)] == [(Ending.CLIENT_GONE, False)]


@pytest.mark.parametrize("replayed", [False, True], ids=["live", "replayed"])
def test_a_client_that_leaves_within_the_body(watch, replayed):
    kit = Kit(watch, answer=PIECES, replay_speed=Speed(1))
    if replayed:
        kit.send(PATH, CHAT)
    exchange, client, running = kit.begin(PATH, CHAT)
    kit.clock.advance(1.5)
    assert client.pieces == [b"one"]
    running.cancel()
    assert ended(running)
    kit.clock.pump([1] * 5)
    assert client.pieces == [b"one"]
    assert (gone(exchange), exchange.response_size, exchange.outcome) == (True, 3, "hit" if replayed else "miss")
    assert watch.of(exchange)[-2:] == ["first_byte", "ended"]
    assert not recordings(kit)[-1].replayable
    assert len(recordings(kit)) == 1 + replayed


def test_a_client_that_leaves_while_a_plugin_looks_at_the_record(watch, defects):
    """The body is over for this client, but the exchange has not ended yet."""
    looked = []

    def look(self, exchange, recording):
        looked.append(exchange.id)
        return Deferred()

    kit = Kit(watch, plugin("llmproxy_record", look), mode="none")
    exchange, client, running = kit.begin(PATH, CHAT)
    assert (client.head.status, client.finished, looked) == (424, True, [exchange.id])
    assert watch.of(exchange) == MISSED
    running.cancel()
    assert ended(running)
    assert watch.of(exchange) == [*MISSED, "ended"]
    assert not recordings(kit)
    assert not defects


# --- what happens to an answer that nobody waits for -----------------------------------------------------------------


def test_an_answer_that_nobody_waits_for_is_ended(watch):
    kit = Kit(watch, answer=PIECES)
    *_, running = kit.begin(PATH, CHAT)
    kit.clock.advance(1)
    running.cancel()
    assert not kit.clock.getDelayedCalls()
    (recording,) = recordings(kit)
    assert recording.response.body.whole() == b"one"
    assert kit.send(PATH, CHAT).exchange.outcome is Outcome.MISS


def test_an_answer_that_nobody_waits_for_is_drained_where_that_is_wanted(watch):
    kit = Kit(watch, answer=PIECES, on_client_abort="drain")
    exchange, _, running = kit.begin(PATH, CHAT)
    kit.clock.advance(1)
    running.cancel()
    assert watch.of(exchange) == WHOLE_MISS
    assert not recordings(kit)
    kit.clock.pump([1, 1])
    (recording,) = recordings(kit)
    assert (recording.response.body.whole(), recording.replayable) == (b"onetwothree", True)
    assert kit.send(PATH, CHAT).exchange.outcome is Outcome.HIT


def test_an_answer_that_a_plugin_refuses_is_not_drained(watch):
    breaking = plugin("llmproxy_transform", lambda self, exchange: 1 / 0)
    kit = Kit(watch, breaking, answer=PIECES, on_client_abort="drain")
    assert kit.send(PATH, CHAT).status == 502
    assert not kit.clock.getDelayedCalls()
    assert [(each.ending, each.replayable) for each in recordings(kit)] == [(Ending.FAILED, False)]


# --- requests that meet ----------------------------------------------------------------------------------------------


def begin_both(kit, body=CHAT, **other):
    return kit.begin(PATH, CHAT), kit.begin(PATH, body, **other)


def test_equal_requests_in_flight_are_one(watch):
    gate = Gate()
    kit = Kit(watch, gate, answer=PIECES)
    (first, client, _), (second, other, _) = begin_both(kit)
    assert len(gate.waiting) == 1
    gate.open()
    kit.clock.pump([1, 1, 1])
    assert client.pieces == other.pieces == [b"one", b"two", b"three"]
    assert (client.finished, other.finished) == (True, True)
    assert [each.outcome for each in (first, second)] == ["miss", "collapsed"]
    assert other.head.headers.get(b"cache-status") == b"llmproxy; fwd=miss; collapsed"
    assert [watch.of(each) for each in (first, second)] == [WHOLE_MISS, WHOLE_MISS]
    assert len(kit.sent) == 1
    stored = kit.store.recordings
    assert [(stored[each.id].outcome, stored[each.id].replayable) for each in (first, second)] == [
        ("miss", True),
        ("collapsed", False),
    ]
    assert stored[second.id].response is None


def test_one_who_comes_within_the_body_gets_it_from_the_beginning(watch):
    kit = Kit(watch, answer=PIECES)
    first = kit.begin(PATH, CHAT)[1]
    kit.clock.pump([1, 1])
    late, client, _ = kit.begin(PATH, CHAT)
    assert (first.pieces, b"".join(client.pieces)) == ([b"one", b"two"], b"onetwo")
    kit.clock.advance(1)
    assert (b"".join(client.pieces), client.finished, late.outcome) == (b"onetwothree", True, "collapsed")
    assert len(kit.sent) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"body": OTHER},
        {"headers": {"Authorization": "Bearer sk-2"}},
        {"headers": {"Cache-Control": "no-cache"}},
        {"headers": {"Cache-Control": "no-store"}},
    ],
    ids=["body", "credential", "no-cache", "no-store"],
)
def test_requests_that_differ_do_not_meet(watch, other):
    gate = Gate()
    kit = Kit(watch, gate, answer=answering())
    (first, *_), (second, *_) = begin_both(kit, **other)
    assert len(gate.waiting) == 2
    for number in range(2):
        gate.open(number)
    assert Outcome.COLLAPSED not in (first.outcome, second.outcome)
    assert len(kit.sent) == 2


@pytest.mark.parametrize("when", ["before the head", "within the body"])
def test_the_first_ones_leaving_does_not_end_the_other(watch, when):
    gate = Gate()
    kit = Kit(watch, gate, answer=PIECES)
    (first, _, running), (second, client, _) = begin_both(kit)
    if when == "before the head":
        running.cancel()
        gate.open()
    else:
        gate.open()
        kit.clock.advance(1)
        running.cancel()
    assert ended(running)
    assert (gone(first), gate.cancelled) == (True, 0)
    kit.clock.pump([1, 1, 1])
    assert (b"".join(client.pieces), client.finished) == (b"onetwothree", True)
    assert (second.ending, second.outcome) == (Ending.COMPLETE, "collapsed")
    whole = kit.store.recordings[first.id]
    assert (whole.response.body.whole(), whole.replayable) == (b"onetwothree", True)
    assert kit.send(PATH, CHAT).exchange.served_from == first.id


def test_the_others_leaving_does_not_end_the_first(watch):
    gate = Gate()
    kit = Kit(watch, gate, answer=PIECES)
    (first, client, _), (second, _, running) = begin_both(kit)
    running.cancel()
    gate.open()
    kit.clock.pump([1, 1, 1])
    assert (client.finished, first.outcome, first.ending) == (True, "miss", Ending.COMPLETE)
    assert (gone(second), watch.of(second)) == (True, [*MISSED, "ended"])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_when_the_last_one_leaves_the_request_is_cancelled(watch, order):
    gate = Gate()
    kit = Kit(watch, gate, answer=PIECES)
    both = begin_both(kit)
    for number, cancelled in zip(order, (0, 1), strict=True):
        both[number][2].cancel()
        assert gate.cancelled == cancelled
    assert all(gone(exchange) for exchange, *_ in both)
    assert {recording.id for recording in recordings(kit)} == {exchange.id for exchange, *_ in both}
    assert not kit.sent


@pytest.mark.parametrize("bad", [UpstreamFault(502, "down"), script(b"no", status=429)], ids=["fault", "error status"])
def test_what_fails_for_the_first_is_not_shared(watch, bad):
    gate = Gate()
    kit = Kit(watch, gate, answer=in_turn(bad, script(b"good")))
    (first, client, _), (second, other, _) = begin_both(kit)
    gate.open()
    assert client.finished
    assert (client.head.status, other.head) == (502 if isinstance(bad, Exception) else 429, None)
    gate.open(1)
    assert (other.head.status, other.pieces, other.finished) == (200, [b"good"], True)
    assert (second.outcome, second.ending) == ("miss", Ending.COMPLETE)
    assert other.head.headers.get(b"cache-status") == b"llmproxy; fwd=miss"
    assert watch.of(first)[-1] == ("failed" if isinstance(bad, Exception) else "ended")
    assert watch.of(second) == WHOLE_MISS
    assert kit.store.recordings[second.id].replayable


def test_each_that_was_not_shared_asks_for_itself(watch):
    gate = Gate()
    kit = Kit(watch, gate, answer=in_turn(UpstreamFault(502, "down"), script(b"a"), UpstreamFault(504, "slow")))
    exchanges = [kit.begin(PATH, CHAT) for _ in range(3)]
    gate.open()
    assert len(gate.waiting) == 3
    gate.open(1)
    gate.open(2)
    assert [exchange.status for exchange, *_ in exchanges] == [502, 200, 504]
    assert [watch.of(exchange)[-1] for exchange, *_ in exchanges] == ["failed", "ended", "failed"]


def test_the_first_has_left_when_the_request_fails(watch):
    gate = Gate()
    kit = Kit(watch, gate, answer=in_turn(UpstreamFault(502, "down"), script(b"good")))
    (first, _, running), (second, other, _) = begin_both(kit)
    running.cancel()
    assert not recordings(kit)  # it is written when it is known what came of it
    gate.open()
    assert kit.store.recordings[first.id].ending is Ending.CLIENT_GONE
    gate.open(1)
    assert (other.pieces, second.ending) == ([b"good"], Ending.COMPLETE)


def test_one_who_was_not_shared_leaves(watch):
    gate = Gate()
    kit = Kit(watch, gate, answer=in_turn(UpstreamFault(502, "down")))
    _, (second, _, running) = begin_both(kit)
    gate.open()
    running.cancel()
    assert (gone(second), gate.cancelled) == (True, 1)
    assert {recording.id for recording in recordings(kit)} >= {second.id}


def breaking_off_once(*pieces):
    """The first answer breaks off behind these pieces; later ones are whole."""
    left = iter([True])

    def source():
        yield from ((1.0, piece) for piece in pieces)
        raise EOFError("cut")

    return lambda request: Script(script(b"").head, source()) if next(left, False) else script(b"whole")


def test_an_answer_that_was_broken_off_is_not_joined(watch):
    kit = Kit(watch, answer=breaking_off_once(b"one", b"two"))
    first, slow, _ = kit.begin(PATH, CHAT)
    joined, other, _ = kit.begin(PATH, CHAT)
    slow.flow.pause()
    kit.clock.pump([1, 1, 1])
    assert (joined.outcome, joined.ending, other.broken_off) == ("collapsed", Ending.BROKEN_OFF, True)
    assert first.ending is None  # it still has to read: the flight is not over
    later = kit.send(PATH, CHAT)
    assert (later.exchange.outcome, later.body, later.whole) == ("miss", b"whole", True)
    slow.flow.resume()
    assert (b"".join(slow.pieces), slow.broken_off, first.ending) == (b"onetwo", True, Ending.BROKEN_OFF)


@pytest.mark.parametrize("leaves", [False, True])
def test_one_who_is_held_back_by_a_plugin_misses_nothing_that_is_not_recorded(watch, leaves):
    """Here the answer is more than may be kept, so nothing can be read back: upstream is held up."""
    held = []

    def hold(self, exchange):
        if exchange.outcome is not Outcome.COLLAPSED:
            return None
        held.append(Deferred(lambda _: None))
        return held[0]

    kit = Kit(watch, plugin("llmproxy_response_head", hold), answer=PIECES, record_max_body=4)
    (_, client, _), (late, other, running) = begin_both(kit)
    kit.clock.pump([1] * 9)
    assert (client.finished, other.head, len(held)) == (False, None, 1)
    running.cancel() if leaves else held[0].callback(None)
    kit.clock.pump([1] * 9)
    assert (b"".join(client.pieces), client.finished) == (b"onetwothree", True)
    if leaves:
        assert gone(late)
    else:
        assert (b"".join(other.pieces), other.finished, late.ending) == (b"onetwothree", True, Ending.COMPLETE)
