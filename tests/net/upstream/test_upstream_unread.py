"""A connection that rests is looked at once more before it is asked: what the reactor has not read yet is seen."""

import socket

import pytest
from twisted.internet.tcp import Connection
from wires import Wire

from proxy_daemon.net.upstream.unread import Unread


class Around:
    """A transport that stands on another one, as TLS does."""

    def __init__(self, transport):
        self.transport = transport


@pytest.fixture
def ends():
    """(our end as a transport, the socket of upstream)."""
    ours, theirs = socket.socketpair()
    yield Connection(ours, None, None), theirs
    ours.close()
    theirs.close()


WHAT = [
    ("nothing", lambda theirs: None, False),
    ("an octet", lambda theirs: theirs.send(b"H"), True),
    ("the end", lambda theirs: theirs.shutdown(socket.SHUT_WR), True),
    ("a close", lambda theirs: theirs.close(), True),
]


@pytest.mark.parametrize("around", [lambda transport: transport, Around, lambda transport: Around(Around(transport))])
@pytest.mark.parametrize(("happens", "seen"), [what[1:] for what in WHAT], ids=[what[0] for what in WHAT])
def test_what_waits_is_seen(ends, around, happens, seen):
    transport, theirs = ends
    happens(theirs)
    assert bool(Unread(around(transport))) is seen


def test_a_reset_is_seen(ends):
    transport, theirs = ends
    transport.socket.send(b"request")
    theirs.close()
    assert Unread(transport)


def test_one_look_serves_for_as_long_as_it_stands(ends):
    transport, theirs = ends
    unread = Unread(transport)
    for _ in range(2):
        assert not unread
        theirs.send(b"abc")
        assert unread
        transport.socket.recv(10)


def test_nothing_is_taken_away(ends):
    transport, theirs = ends
    theirs.send(b"abc")
    assert Unread(transport)
    assert transport.socket.recv(10) == b"abc"


def test_of_other_transports_nothing_is_known():
    assert not Unread(Wire())
    assert not Unread(Around(Wire()))


def test_a_system_without_poll_does_without(ends, monkeypatch):
    transport, theirs = ends
    theirs.close()
    monkeypatch.delattr("select.poll")
    assert not Unread(transport)
