"""The request that is made in fewer steps than Twisted's: nothing of that is missing, and nothing is shared."""

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.testing import StringTransport
from twisted.web import server
from twisted.web.resource import Resource

from proxy_daemon.net.lean_request import LeanRequest


def made(kind):
    """One request of this kind on a connection of its own."""
    there, here = IPv4Address("TCP", "127.0.0.1", 7), IPv4Address("TCP", "127.0.0.2", 8)
    channel = server.Site(Resource()).buildProtocol(None)
    channel.makeConnection(StringTransport(hostAddress=here, peerAddress=there))
    return kind(getattr(channel, "_channel", channel), 0)


def told(value):
    """What can be compared of an attribute: what Twisted compares by itself, and of other objects what they are."""
    plain = isinstance(value, (list, dict, bool, int, bytes, str, IPv4Address, type(None)))
    return value if plain else dict(value.getAllRawHeaders()) if hasattr(value, "getAllRawHeaders") else type(value)


def attributes():
    """Of an instance of Twisted's own."""
    request = made(server.Request)
    names = sorted(vars(request))
    request.channel.loseConnection()
    return names


@pytest.mark.parametrize("name", attributes())
def test_it_has_what_twisteds_own_has(name):
    theirs, ours = made(server.Request), made(LeanRequest)
    assert told(getattr(ours, name)) == told(getattr(theirs, name))


@pytest.mark.parametrize(
    "name", ["requestHeaders", "responseHeaders", "cookies", "received_cookies", "notifications", "_adapterCache"]
)
def test_what_is_made_late_is_kept_and_is_nobody_elses(name):
    one, other = made(LeanRequest), made(LeanRequest)
    assert getattr(one, name) is getattr(one, name)
    assert getattr(one, name) is not getattr(other, name)


def test_the_fields_of_requests_and_of_answers_are_two():
    request = made(LeanRequest)
    request.responseHeaders.setRawHeaders(b"x-a", [b"1"])
    assert not request.requestHeaders.hasHeader(b"x-a")
    assert request.responseHeaders.getRawHeaders(b"x-a") == [b"1"]
