"""A name with several addresses, of both families: each is tried, and one that hangs holds up no other (RFC 8305)."""

import pytest
from talks import http
from test_upstream_client import REQUEST, Sending
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.interfaces import IHostnameResolver, IReactorPluggableNameResolver
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from wires import Wire
from zope.interface import implementer

from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.net.upstream.client import Upstreams
from proxy_daemon.settings import Settings

NAMED = parse_upstream("http://llm.example:8000/v1")
SIX, FOUR = IPv6Address("TCP", "2001:db8::1", 0), IPv4Address("TCP", "192.0.2.1", 0)
SECOND_FOUR = IPv4Address("TCP", "192.0.2.2", 0)


@implementer(IReactorPluggableNameResolver, IHostnameResolver)
class Reactor(MemoryReactorClock):
    """Its names have the addresses that the test says."""

    def __init__(self, *addresses):
        super().__init__()
        self.addresses, self.nameResolver, self.asked = list(addresses), self, []

    def resolveHostName(self, receiver, host, port=0, *_, **__):
        self.asked.append(host)
        receiver.resolutionBegan(self)
        for address in self.addresses:
            receiver.addressResolved(type(address)("TCP", address.host, port))
        receiver.resolutionComplete()

    def tried(self):
        return [client[0] for client in self.tcpClients]

    def accept(self):
        """The last that was tried takes the connection."""
        protocol = self.tcpClients[-1][2].buildProtocol(None)
        protocol.makeConnection(Wire())
        return protocol


def sending(*addresses):
    reactor = Reactor(*addresses)
    upstreams = Upstreams(reactor, reactor, Settings(upstream_idle=30.0))
    return reactor, upstreams, Sending(upstreams, NAMED, REQUEST)


def good(protocol):
    protocol.dataReceived(http(b"Content-Length: 3", body=b"abc"))


@pytest.mark.parametrize("addresses", [(SIX, FOUR), (FOUR, SIX)])
def test_one_that_hangs_is_overtaken(addresses):
    reactor, _, sent = sending(*addresses)
    reactor.pump([0.1])
    assert len(reactor.tried()) == 1
    reactor.pump([0.3])
    assert sorted(reactor.tried()) == ["192.0.2.1", "2001:db8::1"]
    good(reactor.accept())
    assert sent.ears.body == b"abc"


def test_each_is_tried_where_all_before_refuse():
    reactor, _, sent = sending(SIX, FOUR, SECOND_FOUR)
    for number in range(3):
        reactor.pump([0.3])
        reactor.tcpClients[number][2].clientConnectionFailed(None, Failure(Refused()))
    reactor.pump([0.3] * 3)
    assert (sorted(reactor.tried()), sent.fault.status) == (["192.0.2.1", "192.0.2.2", "2001:db8::1"], 502)
    assert "refuses connections" in sent.fault.message


def test_a_name_without_addresses():
    reactor, _, sent = sending()
    reactor.pump([0.3])
    assert (sent.fault.status, "does not resolve" in sent.fault.message) == (502, True)


def test_a_name_that_has_moved_is_asked_for_with_each_connection():
    """Nothing of DNS is kept here: a new connection goes where the name leads now."""
    reactor, upstreams, _ = sending(FOUR)
    reactor.pump([0.3])
    good(reactor.accept())
    reactor.pump([31.0])  # it has rested for too long
    reactor.addresses = [SECOND_FOUR]
    sent = Sending(upstreams, NAMED, REQUEST)
    reactor.pump([0.3])
    assert (reactor.asked, reactor.tried()) == (["llm.example"] * 2, ["192.0.2.1", "192.0.2.2"])
    good(reactor.accept())
    assert sent.ears.body == b"abc"
