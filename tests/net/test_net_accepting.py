"""New connections come in by few at a time, in whichever way a port was opened."""

import socket
from contextlib import ExitStack

from twisted.internet.protocol import Factory, Protocol
from twisted.internet.tcp import Port

from proxy_daemon.net import listening
from proxy_daemon.net.accepting import A_TURN, in_parts

MANY = 3 * A_TURN


class Reactor:
    """Takes what Twisted registers."""

    def addReader(self, reader):
        pass

    removeReader = addWriter = removeWriter = addReader


class Crowd(Factory):
    noisy = False

    def __init__(self):
        self.came = []

    def buildProtocol(self, addr):
        self.came.append(Protocol())
        return self.came[-1]

    def close(self):
        for protocol in self.came:
            protocol.transport.getHandle().close()


def test_so_many_in_one_turn_and_the_others_in_the_next_ones():
    factory = Crowd()
    port = Port(0, factory, MANY, "127.0.0.1", Reactor())
    port.startListening()
    in_parts(port)
    with ExitStack() as stack:
        stack.callback(port.socket.close)
        stack.callback(factory.close)
        for _ in range(MANY):
            stack.enter_context(socket.create_connection(port.socket.getsockname()))
        came = []
        for _ in range(4):
            port.doRead()
            came.append(len(factory.came))
    assert came == [A_TURN, 2 * A_TURN, MANY, MANY]


def test_ports_of_other_kinds_stay_as_they_are():
    port = object()
    assert in_parts(port) is port


class TestTheQueue:
    """Those who wait are lost for a second each where the kernel's queue is full."""

    def backlog(self, description):
        return listening.endpoint(Reactor(), description)._backlog

    def test_it_is_long(self, tmp_path):
        assert self.backlog("tcp:8910:interface=127.0.0.1") == listening.BACKLOG
        assert self.backlog(f"unix:{tmp_path}/s") == listening.BACKLOG

    def test_who_says_how_long_it_is_gets_that(self):
        assert self.backlog("tcp:8910:backlog=7") == 7
