"""The pool of one upstream: never more than the cap, in turn, the last used first, and what rests too long goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from talks import DONE, http
from twisted.internet import error
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from wires import Wire

from proxy_daemon.core.bodies import EMPTY
from proxy_daemon.net.upstream import connection as connection_module
from proxy_daemon.net.upstream.pool import Pool
from proxy_daemon.pipeline.faults import UpstreamFault

GOOD = http(b"Content-Length: 0")
REST = 15.0


class Door:
    """An endpoint: connections are made when the test says so."""

    def __init__(self):
        self.asked = []

    def connect(self, factory):
        self.asked.append((factory, Deferred()))
        return self.asked[-1][1]


class Taking:
    """One call of `take` and what came of it."""

    def __init__(self, pool, *, fresh=False):
        self.connection, self.fault = None, None
        self.running = Deferred.fromCoroutine(pool.take(fresh=fresh))
        self.running.addCallbacks(self._got, self._failed)

    def _got(self, connection):
        assert connection.usable
        self.connection = connection
        connection.ask(b"ASK", EMPTY, head_only=False).addErrback(lambda _: None)

    def _failed(self, failure):
        self.fault = failure.value

    def answered(self):
        """Upstream answers: the connection is free again."""
        self.connection.dataReceived(GOOD)

    def lost(self):
        self.connection.connectionLost(DONE)


class Play:
    """A pool with everything that the test turns by hand."""

    def __init__(self, cap=2):
        self.door, self.clock = Door(), Clock()
        self.pool = Pool(self.door, self.clock, "test (http://upstream)", cap, REST, 1000.0)

    def take(self, *, fresh=False):
        return Taking(self.pool, fresh=fresh)

    def made(self):
        """The connection that was asked for first is there."""
        factory, waiting = self.door.asked.pop(0)
        connection = factory.buildProtocol(None)
        connection.makeConnection(Wire())
        waiting.callback(connection)
        return connection

    def taken(self):
        """A request that has a connection of its own."""
        taking = self.take()
        if taking.connection is None:
            self.made()
        return taking

    def rested(self, number):
        """So many connections that rest; the last used last."""
        taken = [self.taken() for _ in range(number)]
        for taking in taken:
            taking.answered()
        return [taking.connection for taking in taken]


class TestReuse:
    def test_one_that_rests_is_taken(self):
        play = Play()
        first = play.taken()
        first.answered()
        assert play.take().connection is first.connection
        assert (play.pool.open, play.door.asked) == (1, [])

    def test_the_last_used_first(self):
        play = Play(cap=3)
        connections = play.rested(3)
        assert [play.take().connection for _ in range(3)] == connections[::-1]

    def test_fresh_is_a_new_one(self):
        play = Play()
        (rested,) = play.rested(1)
        taking = play.take(fresh=True)
        assert taking.connection is None
        assert play.made() is taking.connection
        assert taking.connection is not rested

    @pytest.mark.parametrize("how", ["lost", "garbage"])
    def test_one_that_died_at_rest_is_not_taken(self, how):
        play = Play()
        (rested,) = play.rested(1)
        rested.connectionLost(DONE) if how == "lost" else rested.dataReceived(b"x")
        taking = play.take()
        assert taking.connection is None
        assert play.made() is taking.connection


@pytest.fixture
def unread(monkeypatch):
    """Wires on which something waits that the reactor has not read yet."""
    wires = set()

    class Unread:
        def __init__(self, wire):
            self.wire = wire

        def __bool__(self):
            return self.wire in wires

    monkeypatch.setattr(connection_module, "Unread", Unread)
    return wires


class TestUnread:
    """What has come already must not be taken for the answer to the next request."""

    def test_one_that_rests_is_closed_and_the_next_is_taken(self, unread):
        play = Play(cap=2)
        clean, dirty = play.rested(2)
        unread.add(dirty.transport)
        assert play.take().connection is clean
        assert dirty.transport.disconnected

    def test_where_none_is_clean_a_new_one_is_made(self, unread):
        play = Play(cap=2)
        (dirty,) = play.rested(1)
        unread.add(dirty.transport)
        taking = play.take()
        assert play.made() is taking.connection

    def test_who_waits_in_line_does_not_get_it_either(self, unread):
        play = Play(cap=1)
        first, second = play.taken(), play.take()
        unread.add(first.connection.transport)
        first.answered()
        assert (second.connection, first.connection.transport.disconnected) == (None, True)
        first.connection.connectionLost(DONE)
        assert play.made() is second.connection
        assert play.pool.open == 1


class TestCap:
    def test_beyond_it_requests_wait_in_turn(self):
        play = Play(cap=2)
        first, second = play.taken(), play.taken()
        waiting = [play.take() for _ in range(3)]
        assert (play.pool.open, play.door.asked) == (2, [])
        second.answered()
        first.answered()
        waiting[0].answered()
        expected = [second.connection, first.connection, second.connection]
        assert [taking.connection for taking in waiting] == expected

    def test_those_under_way_count(self):
        play = Play(cap=2)
        takings = [play.take() for _ in range(3)]
        assert (play.pool.open, len(play.door.asked)) == (2, 2)
        play.made()
        assert [taking.connection is not None for taking in takings] == [True, False, False]

    def test_where_one_is_lost_a_new_one_is_made(self):
        play = Play(cap=1)
        first, second = play.taken(), play.take()
        first.lost()
        assert play.made() is second.connection
        assert play.pool.open == 1

    def test_where_one_cannot_be_made_the_next_tries(self):
        play = Play(cap=1)
        first, second = play.take(), play.take()
        play.door.asked.pop(0)[1].errback(error.ConnectionRefusedError())
        assert isinstance(first.fault, UpstreamFault)
        assert play.made() is second.connection

    def test_who_leaves_the_line_is_not_served(self):
        play = Play(cap=1)
        first, second, third = play.taken(), play.take(), play.take()
        second.running.cancel()
        assert isinstance(second.fault, CancelledError)
        first.answered()
        assert (second.connection, third.connection) == (None, first.connection)

    def test_who_leaves_while_connecting_makes_room(self):
        play = Play(cap=1)
        first, second = play.take(), play.take()
        first.running.cancel()
        assert isinstance(first.fault, CancelledError)
        del play.door.asked[0]
        assert play.made() is second.connection

    def test_fresh_takes_the_place_of_one_that_rests(self):
        play = Play(cap=2)
        oldest, newest = play.rested(2)
        play.take(fresh=True)
        assert (oldest.transport.disconnected, newest.transport.disconnected) == (True, False)
        oldest.connectionLost(DONE)
        play.made()
        assert play.pool.open == 2

    def test_fresh_waits_where_none_rests(self):
        play = Play(cap=1)
        first, second = play.taken(), play.take(fresh=True)
        first.answered()
        assert second.connection is None
        first.connection.connectionLost(DONE)
        assert play.made() is second.connection

    def test_one_that_died_at_rest_makes_no_room_for_fresh(self):
        play = Play(cap=2)
        dead, _ = play.rested(2)
        play.take()
        dead.connectionLost(DONE)
        play.take(fresh=True)
        assert play.pool.open == 2
        waiting = play.take(fresh=True)
        assert (waiting.connection, len(play.door.asked), play.pool.open) == (None, 1, 2)

    @given(st.data())
    def test_whatever_happens_nobody_is_forgotten_and_the_cap_holds(self, data):
        cap = data.draw(st.integers(1, 3))
        play, takings = Play(cap), []
        for step in data.draw(st.lists(st.sampled_from(["take", "fresh", "made", "refused", "answer", "lose", "die"]))):
            busy = [taking for taking in takings if taking.connection is not None and not taking.connection.usable]
            busy = [taking for taking in busy if not taking.connection.transport.disconnected]
            if step in ("take", "fresh"):
                takings.append(play.take(fresh=step == "fresh"))
            elif step == "made" and play.door.asked:
                play.made()
            elif step == "refused" and play.door.asked:
                play.door.asked.pop(0)[1].errback(error.ConnectionRefusedError())
            elif step in ("answer", "lose") and busy:
                {"answer": busy[0].answered, "lose": busy[0].lost}[step]()
            elif step == "die":
                for taking in takings:
                    if taking.connection is not None and taking.connection.usable:
                        taking.lost()
            self.close_the_aborted(takings)
            assert play.pool.open <= cap
        self.finish(play, takings)
        assert all(taking.connection is not None or taking.fault is not None for taking in takings)

    @staticmethod
    def close_the_aborted(takings):
        """What a reactor does in its next turn."""
        for taking in takings:
            connection = taking.connection
            if connection is not None and connection.transport.disconnected and not hasattr(connection, "closed"):
                connection.closed = True
                connection.connectionLost(DONE)

    def finish(self, play, takings):
        """Let all that is under way end well."""
        for _ in range(1000):
            if play.door.asked:
                play.made()
            for taking in takings:
                if taking.connection is not None and taking.connection._waiter is not None:
                    taking.answered() if not taking.connection._lost else None
            self.close_the_aborted(takings)
            if all(taking.connection is not None or taking.fault is not None for taking in takings):
                return


class TestRest:
    def test_what_rests_too_long_is_closed(self):
        play = Play()
        (connection,) = play.rested(1)
        play.clock.advance(REST - 0.1)
        assert not connection.transport.disconnected
        play.clock.advance(0.1)
        assert connection.transport.disconnected
        connection.connectionLost(DONE)
        assert play.pool.open == 0

    def test_each_in_its_own_time(self):
        play = Play()
        first, second = play.taken(), play.taken()
        first.answered()
        play.clock.advance(10)
        second.answered()
        play.clock.advance(REST - 10)
        closed = [taking.connection.transport.disconnected for taking in (first, second)]
        assert closed == [True, False]
        play.clock.advance(10)
        assert second.connection.transport.disconnected

    def test_use_begins_the_rest_anew(self):
        play = Play()
        first = play.taken()
        for _ in range(5):
            first.answered()
            play.clock.advance(REST - 1)
            first = play.take()
        assert first.connection is not None
        assert (play.pool.open, play.door.asked) == (1, [])

    def test_one_in_use_is_not_closed(self):
        play = Play()
        play.rested(1)
        used = play.take()
        play.clock.advance(REST)
        assert not used.connection.transport.disconnected

    def test_close_closes_what_rests_and_leaves_no_timer(self):
        play = Play(cap=3)
        connections = play.rested(2)
        used = play.take()
        play.pool.close()
        assert [connection.transport.disconnected for connection in connections] == [True, False]
        assert used.connection is connections[1]
        for connection in connections:
            connection.connectionLost(DONE)
        assert (play.pool.open, play.clock.getDelayedCalls()) == (0, [])


FAULTS = [
    (error.ConnectionRefusedError(), 502, "refuses connections"),
    (error.DNSLookupError("no such name"), 502, "does not resolve"),
    (error.TimeoutError(), 504, "in time (--connect-timeout)"),
    (error.TCPTimedOutError(), 504, "in time (--connect-timeout)"),
    (error.NoRouteError(), 502, "no connection to upstream"),
    (ValueError("odd"), 502, "odd"),
]


@pytest.mark.parametrize(("problem", "status", "words"), FAULTS)
def test_why_there_is_no_connection(problem, status, words):
    play = Play()
    taking = play.take()
    play.door.asked[0][1].errback(problem)
    assert (type(taking.fault), taking.fault.status) == (UpstreamFault, status)
    assert words in taking.fault.message
    assert "test (http://upstream)" in taking.fault.message
    assert play.pool.open == 0
