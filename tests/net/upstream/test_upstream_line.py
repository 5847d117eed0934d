"""Who waits for a connection: for how long, what is said, and who makes room. And how old a connection may become."""

import pytest
from talks import DONE
from test_upstream_client import Play as Clients
from test_upstream_pool import Play
from twisted.internet.defer import CancelledError

from proxy_daemon.net.upstream import pool as module
from proxy_daemon.pipeline.faults import Busy

WORDS = (
    "upstream test (http://upstream) is busy: each of its 1 connections (--upstream-connections) was in use for "
    "1m (--queue-timeout)"
)


class TestPatience:
    def test_who_waits_too_long_is_told(self):
        play = Play(cap=1)
        first, second = play.taken(), play.take()
        play.clock.advance(59.9)
        assert second.fault is None
        play.clock.advance(0.1)
        assert (type(second.fault), second.fault.status, second.fault.message) == (Busy, 503, WORDS)
        assert second.fault.headers == ((b"Retry-After", b"5"),)
        first.answered()
        assert play.take().connection is first.connection

    def test_each_from_its_own_beginning(self):
        play = Play(cap=1)
        first, second = play.taken(), play.take()
        play.clock.advance(30)
        third = play.take()
        play.clock.advance(30)
        assert (type(second.fault), third.fault, len(play.pool.line)) == (Busy, None, 1)
        first.answered()
        assert third.connection is first.connection

    @pytest.mark.parametrize("how", ["served", "left"])
    def test_whose_wait_has_ended_leaves_no_timer(self, how):
        play = Play(cap=1)
        first, second = play.taken(), play.take()
        if how == "left":
            second.running.cancel()
            assert isinstance(second.fault, CancelledError)
        first.answered()
        assert (second.connection is first.connection) is (how == "served")
        play.clock.advance(60)
        assert (len(play.pool.line), play.pool.line.given_up) == (0, 0)

    def test_a_connection_that_is_not_made_in_time_is_not_the_lines_fault(self):
        """Only the line is timed here: the way to upstream has `--connect-timeout`."""
        play = Play(cap=1)
        first = play.take()
        play.clock.advance(100)
        assert play.made() is first.connection

    def test_the_numbers(self):
        play = Clients(upstream_connections=1, queue_timeout=7.0, first_byte_timeout=1000.0)
        assert play.upstreams.queues() == {"waiting": {}, "given_up": 0}
        _, second, third = play.send(), play.send(), play.send()
        assert play.upstreams.queues() == {"waiting": {"http://192.0.2.1:8000": 2}, "given_up": 0}
        third.running.cancel()
        assert play.upstreams.queues()["waiting"] == {"http://192.0.2.1:8000": 1}
        play.reactor.advance(7.0)
        assert play.upstreams.queues() == {"waiting": {}, "given_up": 1}
        assert "7s (--queue-timeout)" in second.fault.message


class TestAge:
    """A name may have moved: whoever is connected does not see it."""

    def test_an_old_connection_is_not_asked_again(self, monkeypatch):
        monkeypatch.setattr(module, "MAX_AGE", 40.0)
        play = Play()
        first = play.taken()
        for _ in range(4):
            play.clock.advance(9)
            first.answered()
            last, first = first, play.take()
            assert first.connection is last.connection
        play.clock.advance(5)
        first.answered()
        assert first.connection.transport.disconnected
        assert play.take().connection is None

    def test_who_waits_gets_a_new_one_in_its_place(self, monkeypatch):
        monkeypatch.setattr(module, "MAX_AGE", 40.0)
        play = Play(cap=1)
        first, second = play.taken(), play.take()
        play.clock.advance(41)
        first.answered()
        assert second.connection is None
        first.connection.connectionLost(DONE)
        assert play.made() is second.connection
        assert play.pool.open == 1

    def test_an_answer_may_take_longer(self, monkeypatch):
        monkeypatch.setattr(module, "MAX_AGE", 40.0)
        play = Play()
        first = play.taken()
        play.clock.advance(500)
        assert not first.connection.transport.disconnected

    def test_none_rests_for_longer(self):
        assert module.Pool(None, None, "x", 1, module.MAX_AGE * 24, 1.0)._rest == module.MAX_AGE
