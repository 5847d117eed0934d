"""Pipelined requests: each has its turn of the reactor, as the requests of other clients have theirs."""

import pytest
from octets import GET, head, post
from wires import DONE, Front

PIPELINES = {
    "answered": GET,
    "with a body": post(b"{}"),
    "refused": head(b"GET /v1/x HTTP/1.1", fields=((b"Host", b"evil.example"),)),
    "our own page": head(b"GET /_llmproxy HTTP/1.1"),
}


def turn(clock):
    """One turn: what is to be called after it waits for the next, as in a real reactor and unlike in `advance`."""
    due, clock.calls = clock.calls, []
    for call in due:
        call.func(*call.args, **call.kw)


class TestTurns:
    """A thousand requests in one read held up all other clients for a third of a second."""

    @pytest.mark.parametrize("request_", PIPELINES.values(), ids=PIPELINES.keys())
    def test_one_of_a_pipeline_is_answered_in_each_turn_of_the_reactor(self, request_):
        front = Front()
        channel, wire = front.connect(turns=False)
        channel.dataReceived(request_ * 5)
        for number in range(1, 6):
            assert wire.taken().count(b"HTTP/1.1 ") == 1, number
            turn(front.clock)
        assert wire.value() == b""
        assert front.clock.getDelayedCalls() == []

    def test_what_comes_meanwhile_is_behind_it_and_not_too_much_is_read(self):
        front = Front()
        channel, wire = front.connect(turns=False)
        channel.dataReceived(post(b"1") + post(b"2"))
        channel.dataReceived(post(b"3"))
        channel.dataReceived(post(b"x" * 900) * 50)
        assert wire.producerState == "paused"
        front.turn()
        bodies = [body for *_, body in front.root.seen]
        assert (bodies[:3], len(bodies), wire.producerState) == ([b"1", b"2", b"3"], 53, "producing")

    def test_who_has_gone_is_not_answered(self):
        front = Front()
        channel, _ = front.connect(turns=False)
        channel.dataReceived(GET + GET)
        channel.connectionLost(DONE)
        front.turn()
        assert len(front.root.requests) == 1

    def test_a_drain_answers_it_and_closes(self):
        front = Front()
        channel, wire = front.connect(turns=False)
        channel.dataReceived(GET + GET)
        front.site.drain()
        channel.leave()
        assert not wire.disconnecting
        front.turn()
        assert (wire.value().count(b"HTTP/1.1 200 "), wire.disconnecting) == (2, True)
