"""A name with several addresses, of both families: each is tried, and one that hangs holds up no other (RFC 8305)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from talks import http
from test_upstream_client import REQUEST, Sending
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.error import NoRouteError
from twisted.internet.interfaces import IHostnameResolver, IReactorPluggableNameResolver
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from wires import Wire
from zope.interface import implementer

from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.net.upstream.client import Upstreams
from proxy_daemon.net.upstream.names import HEAD_START, alternating
from proxy_daemon.settings import Settings

NAMED = parse_upstream("http://llm.example:8000/v1")
SIXES = [IPv6Address("TCP", f"2001:db8::{number}", 0) for number in range(1, 4)]
FOURS = [IPv4Address("TCP", f"192.0.2.{number}", 0) for number in range(1, 4)]
SIX, FOUR = SIXES[0], FOURS[0]
LIMIT = 10.0


@implementer(IReactorPluggableNameResolver, IHostnameResolver)
class Reactor(MemoryReactorClock):
    """Its names have the addresses that the test says; with None, they are being looked up."""

    def __init__(self, *addresses):
        super().__init__()
        self.addresses, self.nameResolver, self.asked = list(addresses), self, []

    def resolveHostName(self, receiver, host, port=0, *_, **__):
        self.asked.append(host)
        self.receiver, self.port = receiver, port
        receiver.resolutionBegan(self)
        if self.addresses != [None]:
            self.resolve(*self.addresses)

    def resolve(self, *addresses):
        for address in addresses:
            self.receiver.addressResolved(type(address)("TCP", address.host, self.port))
        self.receiver.resolutionComplete()

    def tried(self):
        return [client[0] for client in self.tcpClients]

    def accept(self, number=-1):
        """One that was tried takes the connection."""
        protocol = self.tcpClients[number][2].buildProtocol(None)
        protocol.makeConnection(Wire())
        return protocol

    def refuse(self, number=-1, error=Refused):
        self.tcpClients[number][2].clientConnectionFailed(None, Failure(error()))

    def stopped(self):
        """Which of the attempts were told to stop."""
        return [connector.stoppedConnecting for connector in self.connectors]


def sending(*addresses):
    reactor = Reactor(*addresses)
    upstreams = Upstreams(reactor, reactor, Settings(upstream_idle=30.0, connect_timeout=LIMIT))
    return reactor, upstreams, Sending(upstreams, NAMED, REQUEST)


def good(protocol):
    protocol.dataReceived(http(b"Content-Length: 3", body=b"abc"))


def hosts(addresses):
    return [address.host for address in addresses]


class TestAttempts:
    @pytest.mark.parametrize("addresses", [(SIX, FOUR), (FOUR, SIX)])
    def test_one_that_hangs_is_overtaken_and_stopped(self, addresses):
        reactor, _, sent = sending(*addresses)
        reactor.advance(HEAD_START - 0.01)
        assert reactor.tried() == hosts(addresses[:1])
        reactor.advance(0.01)
        assert reactor.tried() == hosts(addresses)
        good(reactor.accept())
        assert (sent.ears.body, reactor.stopped()) == (b"abc", [True, False])

    def test_the_first_may_win_although_the_second_runs(self):
        reactor, _, sent = sending(SIX, FOUR, SIXES[1])
        reactor.advance(HEAD_START)
        good(reactor.accept(0))
        reactor.advance(HEAD_START)
        assert (sent.ears.body, reactor.stopped()) == (b"abc", [False, True])

    def test_behind_one_that_refuses_nobody_waits(self):
        """As `localhost` where the server listens on 127.0.0.1 only."""
        reactor, _, sent = sending(SIX, FOUR)
        reactor.refuse()
        assert reactor.tried() == hosts([SIX, FOUR])
        good(reactor.accept())
        assert sent.ears.body == b"abc"

    def test_families_take_turns(self):
        reactor, _, _ = sending(*SIXES, *FOURS[:2])
        reactor.pump([HEAD_START] * 10)
        assert reactor.tried() == hosts([SIX, FOUR, SIXES[1], FOURS[1], SIXES[2]])

    def test_where_all_fail_the_first_reason_is_told(self):
        reactor, _, sent = sending(FOUR, SIX, FOURS[1])
        reactor.refuse()
        reactor.refuse(error=NoRouteError)
        assert sent.fault is None
        reactor.refuse(error=NoRouteError)
        assert (sent.fault.status, "refuses connections" in sent.fault.message) == (502, True)
        assert reactor.getDelayedCalls() == []

    def test_one_that_still_runs_is_waited_for(self):
        reactor, _, sent = sending(SIX, FOUR)
        reactor.advance(HEAD_START)
        reactor.refuse()
        assert sent.fault is None
        good(reactor.accept(0))
        assert sent.ears.body == b"abc"

    def test_all_have_one_limit_together(self):
        reactor, upstreams, sent = sending(*SIXES, *FOURS)
        reactor.pump([HEAD_START] * 10)
        reactor.advance(LIMIT - 10 * HEAD_START - 0.01)
        assert sent.fault is None
        reactor.advance(0.02)
        assert (sent.fault.status, "did not accept a connection in time" in sent.fault.message) == (504, True)
        assert (reactor.stopped(), reactor.getDelayedCalls()) == ([True] * 6, [])
        assert set(upstreams.stats().values()) == {0}

    def test_who_leaves_stops_all(self):
        reactor, upstreams, sent = sending(SIX, FOUR, FOURS[1])
        reactor.advance(HEAD_START)
        sent.running.cancel()
        assert (type(sent.fault), reactor.stopped()) == (CancelledError, [True] * 2)
        assert (reactor.getDelayedCalls(), set(upstreams.stats().values())) == ([], {0})


class TestLookUp:
    def test_a_name_without_addresses(self):
        reactor, _, sent = sending()
        assert (sent.fault.status, "does not resolve" in sent.fault.message) == (502, True)
        assert reactor.getDelayedCalls() == []

    def test_it_has_the_limit_too(self):
        reactor, _, sent = sending(None)
        reactor.advance(LIMIT)
        assert (sent.fault.status, "was not resolved in time" in sent.fault.message) == (504, True)
        reactor.resolve(FOUR)
        assert (reactor.tried(), reactor.getDelayedCalls()) == ([], [])

    def test_who_leaves_meanwhile_has_left(self):
        """It is no fault of the name."""
        reactor, _, sent = sending(None)
        sent.running.cancel()
        assert isinstance(sent.fault, CancelledError)
        reactor.resolve(FOUR)
        assert (reactor.tried(), reactor.getDelayedCalls()) == ([], [])

    def test_what_is_no_name(self):
        reactor = Reactor(FOUR)
        upstreams = Upstreams(reactor, reactor, Settings())
        sent = Sending(upstreams, parse_upstream("http://a..example"), REQUEST)
        assert (sent.fault.status, "unusable host" in sent.fault.message, reactor.asked) == (502, True, [])

    def test_a_name_that_has_moved_is_asked_for_with_each_connection(self):
        """Nothing of DNS is kept here: a new connection goes where the name leads now."""
        reactor, upstreams, _ = sending(FOUR)
        good(reactor.accept())
        reactor.advance(31.0)  # it has rested for too long
        reactor.addresses = [FOURS[1]]
        sent = Sending(upstreams, NAMED, REQUEST)
        assert (reactor.asked, reactor.tried()) == (["llm.example"] * 2, ["192.0.2.1", "192.0.2.2"])
        good(reactor.accept())
        assert sent.ears.body == b"abc"


@given(st.lists(st.sampled_from(SIXES + FOURS)))
def test_taking_turns_loses_nobody(addresses):
    found = alternating(addresses)
    assert sorted(hosts(found)) == sorted(hosts(addresses))
    assert found[:1] == addresses[:1]
    for kind in (IPv4Address, IPv6Address):
        assert [each for each in found if isinstance(each, kind)] == [each for each in addresses if type(each) is kind]
