"""Clients that do not take their answers, and exchanges that take too long: what becomes of them, without sockets."""

import math

import pytest
from octets import GET
from twisted.internet.defer import CancelledError, Deferred
from wires import Front, answer

from proxy_daemon.core.dialects import GENERIC
from proxy_daemon.core.messages import Ending, Exchange, Request
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.net import eager, watched
from proxy_daemon.net.front import Front as Door
from proxy_daemon.net.front import FrontResource

STALL = 300.0
MOST = 3600.0


class Admission:
    """Admits all."""

    def admit(self, method, target, headers, body, *_):
        upstream = parse_upstream("http://127.0.0.1:1")
        return Exchange(1, Request(method, target, headers, body), upstream, GENERIC, 0.0)


class Pipeline:
    """Runs exchanges until they are cancelled, and remembers them."""

    def __init__(self):
        self.exchanges, self.cancelled = [], []

    async def run(self, exchange, client):
        self.exchanges.append(exchange)
        try:
            await Deferred()
        except CancelledError:
            self.cancelled.append(exchange)


@pytest.fixture
def pipeline():
    return Pipeline()


@pytest.fixture
def front(pipeline):
    return Front(FrontResource(Door(Admission(), pipeline), {}), stall_timeout=STALL, request_timeout=MOST)


def asked(front):
    channel, wire = front.connect()
    channel.dataReceived(GET)
    return channel, wire


def look(front, seconds):
    front.clock.advance(seconds)
    front.site.look()


def counted(front):
    return {kind: count for kind, count in front.site.met.numbers().items() if count}


class TestStalls:
    def test_who_takes_nothing_is_let_go_with_a_word_in_the_record(self, front, pipeline):
        channel, wire = asked(front)
        channel.pauseProducing()
        look(front, 1)
        look(front, STALL)
        assert not wire.disconnected
        look(front, 1)
        channel.connectionLost()
        assert wire.disconnected
        (exchange,) = pipeline.cancelled
        assert exchange.if_cancelled is Ending.CLIENT_GONE
        assert "nothing of the answer for 5m (--stall-timeout)" in exchange.detail
        assert counted(front) == {"stalled": 1}

    def test_who_takes_all_begins_anew(self, front, pipeline):
        channel, wire = asked(front)
        for _ in range(5):
            channel.pauseProducing()
            look(front, 1)
            look(front, STALL)
            channel.resumeProducing()
        assert not wire.disconnected
        assert pipeline.cancelled == []

    def test_who_takes_a_little_begins_anew(self, front, monkeypatch):
        channel, wire = asked(front)
        channel.pauseProducing()
        for waiting in (500, 400, 300, 299):
            monkeypatch.setattr(watched.eager, "unsent", lambda _, waiting=waiting: waiting)
            look(front, STALL)
        assert not wire.disconnected
        look(front, STALL + 1)
        assert wire.disconnected

    def test_an_answer_that_is_whole_and_not_taken(self):
        """Its request is done; what waits is more than a socket takes."""
        front = Front(at_once=False, timeout=60.0, stall_timeout=STALL)
        channel, wire = asked(front)
        channel.pauseProducing()
        answer(front.root.requests[0])
        look(front, 1)
        look(front, STALL)
        assert (wire.disconnecting, wire.disconnected) == (False, False)
        look(front, 1)
        assert wire.disconnected
        assert counted(front) == {"stalled": 1}

    def test_the_end_of_an_answer_that_waits_is_no_silence(self, monkeypatch):
        """It was closed as idle, and its client lost the end of an answer that it was still reading."""
        front = Front(timeout=60.0, stall_timeout=STALL)
        _, wire = asked(front)
        for waiting in range(9, 1, -1):
            monkeypatch.setattr(watched.eager, "unsent", lambda _, waiting=waiting: waiting)
            look(front, 100)
        assert not wire.disconnecting
        monkeypatch.setattr(watched.eager, "unsent", lambda _: 0)
        look(front, 100)
        assert wire.disconnecting

    def test_a_stall_begins_anew_with_each_request(self, monkeypatch):
        """What waits now is another answer than what waited then."""
        front = Front(timeout=60.0, stall_timeout=STALL)
        channel, wire = asked(front)
        monkeypatch.setattr(watched.eager, "unsent", lambda _: 9)
        look(front, 61)
        front.clock.advance(STALL)
        channel.dataReceived(GET)
        look(front, 61)
        assert not wire.disconnected
        look(front, STALL + 1)
        assert wire.disconnected

    def test_who_has_taken_all_has_time_for_the_next_request(self):
        front = Front(at_once=False, timeout=60.0)
        channel, wire = asked(front)
        channel.pauseProducing()
        answer(front.root.requests[0])
        look(front, 200)
        channel.resumeProducing()
        look(front, 60)
        assert not wire.disconnecting
        look(front, 1)
        assert wire.disconnecting

    def test_one_that_is_being_closed_and_takes_nothing(self, front, monkeypatch):
        channel, wire = asked(front)
        monkeypatch.setattr(watched.eager, "unsent", lambda _: 9)
        channel.loseConnection()
        look(front, 1)
        look(front, STALL + 1)
        assert wire.disconnected


class TestOverdue:
    def test_it_is_cancelled_once_as_a_timeout(self, front, pipeline):
        asked(front)
        look(front, MOST)
        assert pipeline.cancelled == []
        look(front, 1)
        look(front, 1)
        (exchange,) = pipeline.cancelled
        assert exchange.if_cancelled is Ending.TIMEOUT
        assert exchange.detail == "The exchange has taken longer than 1h (--request-timeout)."
        assert counted(front) == {"request_timeout": 1}

    def test_its_time_begins_with_it(self, front, pipeline):
        """Neither with the connection nor with what was asked before."""
        channel, _ = front.connect()
        for _ in range(3):
            look(front, 50)
            channel.dataReceived(b"GET /_llmproxy HTTP/1.1\r\nHost: localhost\r\n\r\n")
        front.clock.advance(40)
        channel.dataReceived(GET)
        look(front, MOST - 1)
        assert pipeline.cancelled == []
        look(front, 2)
        assert len(pipeline.cancelled) == 1

    def test_octets_of_the_next_request_do_not_prolong_it(self, front, pipeline):
        channel, _ = asked(front)
        front.clock.advance(MOST - 1)
        channel.dataReceived(GET)
        look(front, 2)
        assert len(pipeline.cancelled) == 1

    def test_without_a_limit_it_takes_as_long_as_it_takes(self, pipeline):
        front = Front(FrontResource(Door(Admission(), pipeline), {}), request_timeout=math.inf)
        asked(front)
        look(front, 1e9)
        assert pipeline.cancelled == []

    def test_our_own_pages_take_their_time(self):
        """One of them may be a stream of events."""
        front = Front(at_once=False, request_timeout=MOST)
        _, wire = asked(front)
        look(front, 2 * MOST)
        assert (wire.disconnecting, wire.disconnected) == (False, False)


def test_what_waits_in_a_transport_of_another_kind_is_not_known():
    assert eager.unsent(Front().connect()[1]) == 0
