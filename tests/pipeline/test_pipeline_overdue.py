"""Exchanges that are ended because they take too long (`--request-timeout`): what their client and their record say."""

import orjson
import pytest
from exchanges import CHAT, MISSED, PATH, answering, plugin, recordings
from twisted.internet.defer import Deferred

from proxy_daemon.core.messages import Ending, Outcome
from proxy_daemon.testing import Kit

WHY = "The exchange has taken longer than 1h (--request-timeout)."
PIECES = answering(pieces=[(1.0, b"one"), (1.0, b"two"), (1.0, b"three")])


def end(exchange, running):
    """What the front does."""
    exchange.if_cancelled, exchange.detail = Ending.TIMEOUT, WHY
    running.cancel()


@pytest.mark.parametrize("hook", ["llmproxy_request", "llmproxy_lookup", "llmproxy_route", "llmproxy_transform"])
def test_before_the_head_the_client_gets_a_504(watch, defects, hook):
    kit = Kit(watch, plugin(hook, lambda self, exchange: Deferred()), answer=PIECES)
    exchange, client, running = kit.begin(PATH, CHAT)
    end(exchange, running)
    assert running.called
    assert client.head.status == 504
    error = orjson.loads(b"".join(client.pieces))["error"]
    assert error["message"] == WHY
    assert (exchange.ending, exchange.outcome, exchange.detail) == (Ending.TIMEOUT, Outcome.FAILED, WHY)
    assert watch.of(exchange)[-1] == "failed"
    (recording,) = recordings(kit)
    assert (recording.ending, recording.replayable, recording.id) == (Ending.TIMEOUT, False, exchange.id)
    assert not defects


@pytest.mark.parametrize("on_client_abort", ["cancel", "drain"])
def test_under_way_the_answer_is_broken_off(watch, defects, on_client_abort):
    """It is not drained: it was ended because it takes too long."""
    kit = Kit(watch, answer=PIECES, on_client_abort=on_client_abort)
    exchange, client, running = kit.begin(PATH, CHAT)
    kit.clock.advance(1)
    end(exchange, running)
    assert running.called
    assert (client.head.status, client.pieces, client.finished, client.broken_off) == (200, [b"one"], False, True)
    assert (exchange.ending, exchange.detail) == (Ending.TIMEOUT, WHY)
    assert watch.of(exchange) == [*MISSED, "first_byte", "ended"]
    (recording,) = recordings(kit)
    assert (recording.ending, recording.replayable, recording.detail) == (Ending.TIMEOUT, False, WHY)
    assert not kit.clock.getDelayedCalls()
    assert not defects


def test_others_that_wait_for_the_same_answer_get_all_of_it(watch):
    kit = Kit(watch, answer=PIECES)
    first, client, running = kit.begin(PATH, CHAT)
    _, other, other_running = kit.begin(PATH, CHAT)
    kit.clock.advance(1)
    end(first, running)
    kit.clock.pump([1, 1, 1])
    assert (client.pieces, first.ending) == ([b"one"], Ending.TIMEOUT)
    assert other_running.called
    assert b"".join(other.pieces) == b"onetwothree"
