"""What a socket takes goes at once, or with the turn; the rest goes Twisted's way, in order, and nothing goes twice."""

import errno
import socket
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from twisted.internet import main
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.task import Clock
from twisted.internet.tcp import Connection
from twisted.internet.testing import StringTransport
from twisted.protocols.tls import TLSMemoryBIOFactory

from proxy_daemon.net import eager

LOST = "lost"  # what a socket says that is


class Reactor:
    """Remembers who waits to write."""

    def __init__(self):
        self.writers = set()

    def addWriter(self, writer):
        self.writers.add(writer)

    def removeWriter(self, writer):
        self.writers.discard(writer)

    def removeReader(self, reader):
        pass


class NoSocket:
    """Takes, call by call, as many octets as ``takes`` says, or fails."""

    def __init__(self, takes):
        self.takes, self.got, self.calls = list(takes), b"", 0

    def setblocking(self, flag):
        pass

    def fileno(self):
        return -1

    def send(self, data):
        self.calls += 1
        take = self.takes.pop(0) if self.takes else len(data)
        if take is LOST:
            raise BrokenPipeError(errno.EPIPE, "lost")
        if take == 0 and data:
            raise BlockingIOError(errno.EWOULDBLOCK, "full")
        self.got += bytes(data[:take])
        return min(take, len(data))


class Socket(Connection):
    """A TCP connection on such a socket."""

    def __init__(self, *takes):
        super().__init__(NoSocket(takes), None, Reactor())
        self.connected = True

    @property
    def takes(self):
        return self.socket.takes

    @takes.setter
    def takes(self, takes):
        self.socket.takes = takes

    @property
    def got(self):
        return self.socket.got

    @property
    def calls(self):
        return self.socket.calls

    @property
    def waits(self):
        return self in self.reactor.writers

    def turn(self, most=100):
        """Let the reactor write until nothing waits."""
        for _ in range(most):
            if not self.waits:
                return
            self.doWrite()
        raise AssertionError("it never ends")


@pytest.mark.parametrize(
    ("takes", "at_once"),
    [([], b"abcdef"), ([6], b"abcdef"), ([4], b"abcd"), ([1], b"a"), ([0], b"")],
)
def test_what_is_taken_goes_at_once_and_the_rest_later(takes, at_once):
    wire = Socket(*takes)
    eager.send(wire, b"abcdef")
    assert (wire.got, wire.waits) == (at_once, at_once != b"abcdef")
    wire.turn()
    assert wire.got == b"abcdef"


def test_what_is_taken_whole_never_reaches_the_reactor():
    wire = Socket()
    eager.send(wire, b"abc")
    eager.send(wire, b"def")
    assert (wire.got, wire.calls, wire.waits) == (b"abcdef", 2, False)


def test_a_lost_connection_is_twisteds_to_find():
    wire = Socket(LOST, LOST)
    eager.send(wire, b"abc")
    assert (wire.got, wire.waits) == (b"", True)
    assert wire.doWrite() is main.CONNECTION_LOST


@given(st.lists(st.tuples(st.binary(max_size=20), st.integers(0, 25), st.booleans()), max_size=20))
def test_nothing_is_lost_doubled_or_turned_round(writes):
    """Whatever the socket takes, call by call, and whenever the reactor gets its turn."""
    wire = Socket(*[take for _, take, _ in writes])
    for data, _, turn in writes:
        eager.send(wire, data)
        if turn and wire.waits:
            wire.doWrite()
    wire.takes = []
    wire.turn()
    assert wire.got == b"".join(data for data, _, _ in writes)


WAITING = {
    "octets wait": lambda wire: wire.write(b"before "),
    "octets wait that were looked at": lambda wire: (wire.takes.append(0), wire.write(b"before "), wire.doWrite()),
    "part of them wait": lambda wire: (wire.takes.append(1), wire.write(b"xbefore "), wire.doWrite()),
    "TLS": lambda wire: setattr(wire, "TLS", True),
    "the connection is being closed": lambda wire: setattr(wire, "disconnecting", True),
    "our side is ended": lambda wire: setattr(wire, "_writeDisconnected", True),
    "our side is being ended": lambda wire: setattr(wire, "_writeDisconnecting", True),
    "it is not connected": lambda wire: setattr(wire, "connected", False),
}


@pytest.mark.parametrize("prepare", WAITING.values(), ids=WAITING.keys())
def test_never_past_what_waits_or_what_has_ended(prepare, monkeypatch):
    wire = Socket()
    prepare(wire)
    calls, handed = wire.calls, []
    monkeypatch.setattr(wire, "write", handed.append)
    eager.send(wire, b"abc")
    assert (wire.calls, handed) == (calls, [b"abc"])


class Wrapped:
    """TLS stands on the transport below, perhaps by way of another one."""

    def __init__(self, transport):
        self.transport = transport


@pytest.mark.parametrize("wrap", [lambda wire: wire, Wrapped, lambda wire: Wrapped(Wrapped(wire))])
@pytest.mark.parametrize(
    ("takes", "data", "idle"),
    [([], b"", True), ([], b"abc", True), ([1], b"abc", False), ([0], b"abc", False)],
    ids=["nothing", "all", "a part", "none"],
)
def test_it_is_idle_where_all_is_on_its_way(wrap, takes, data, idle):
    wire = Socket(*takes)
    eager.send(wire, data)
    assert eager.is_idle(wrap(wire)) is idle
    wire.turn()
    assert eager.is_idle(wrap(wire))


class TestTheEnd:
    def test_where_nothing_waits_it_comes_at_once_and_reading_goes_on(self):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            wire = Connection(ours, None, Reactor())
            wire.connected = True
            eager.send(wire, b"last")
            eager.end(wire)
            assert (theirs.recv(10), theirs.recv(10)) == (b"last", b"")
            assert wire.reactor.writers == set()
            wire.write(b"more")
            assert (wire.reactor.writers, eager.unsent(wire)) == (set(), 0)
            theirs.send(b"still heard")
            assert ours.recv(20) == b"still heard"

    def test_what_waits_goes_before_it(self):
        wire = Socket(0)
        eager.send(wire, b"abc")
        eager.end(wire)
        assert (wire._writeDisconnecting, wire._writeDisconnected, wire.waits) == (True, False, True)

    def test_what_cannot_be_ended_on_one_side_is_closed(self):
        wire = SimpleNamespace(loseConnection=lambda: setattr(wire, "closed", True))
        eager.end(wire)
        assert wire.closed


class TestOverTLS:
    """What a layer above the socket holds waits too: a connection with such octets is neither idle nor free again."""

    @pytest.fixture
    def wire(self):
        return Socket()

    @pytest.fixture
    def clock(self):
        return Clock()

    @pytest.fixture
    def tls(self, wire, clock):
        factory = TLSMemoryBIOFactory(optionsForClientTLS("localhost"), True, Factory.forProtocol(Protocol), clock)
        tls = factory.buildProtocol(None)
        tls.makeConnection(wire)
        wire.turn()
        assert eager.unsent(tls) == 0
        return tls

    def test_what_is_gathered_in_this_turn(self, tls):
        eager.send(tls, b"abc")
        assert (eager.unsent(tls), eager.is_idle(tls)) == (3, False)

    def test_what_waits_for_the_handshake(self, tls, wire, clock):
        eager.send(tls, b"abc")
        clock.advance(0)
        wire.turn()
        assert (eager.unsent(tls), eager.is_idle(tls)) == (3, False)

    def test_what_the_socket_does_not_take(self, tls, wire):
        eager.send(tls, b"abc")
        wire.write(b"12345")
        assert eager.unsent(tls) == 8

    def test_what_waits_in_a_stream_of_http2(self):
        assert eager.unsent(SimpleNamespace(waiting=7)) == 7


class TestTogether:
    """What leaves at the end of a turn, where the reactor tells it."""

    @pytest.fixture
    def reactor(self):
        return Reactor()

    @pytest.fixture
    def turn(self, reactor):
        return eager.gather(reactor)

    @pytest.fixture
    def wire(self, reactor, turn):
        return self.on(reactor)

    @staticmethod
    def on(reactor, *takes):
        wire = Socket(*takes)
        wire.reactor = reactor
        return wire

    def test_it_leaves_at_the_end_of_the_turn_and_once(self, wire, turn):
        eager.send_together(wire, b"abc")
        assert (wire.got, wire.waits, eager.unsent(wire), eager.is_idle(wire)) == (b"", False, 3, False)
        for _ in range(2):
            turn()
            assert (wire.got, wire.calls, wire.waits, eager.unsent(wire)) == (b"abc", 1, False, 0)

    def test_where_nobody_tells_the_turns_it_leaves_at_once(self):
        wire = Socket()
        eager.send_together(wire, b"abc")
        assert (wire.got, wire.calls) == (b"abc", 1)

    def test_the_turn_of_one_reactor_is_none_of_another(self, wire):
        eager.send_together(wire, b"abc")
        eager.gather(Reactor())()
        assert wire.got == b""

    def test_nobody_waits_for_more_than_a_few(self, reactor, turn):
        wires = [self.on(reactor) for _ in range(eager.MOST)]
        for wire in wires[:-1]:
            eager.send_together(wire, b"abc")
        assert [wire.got for wire in wires] == [b""] * eager.MOST
        eager.send_together(wires[-1], b"abc")
        assert [wire.got for wire in wires] == [b"abc"] * eager.MOST

    def test_what_comes_behind_stays_behind(self, wire, turn):
        eager.send_together(wire, b"abc")
        eager.send(wire, b"def")
        eager.send_together(wire, b"ghi")
        wire.write(b"jkl")
        turn()
        wire.turn()
        assert wire.got == b"abcdefghijkl"

    @pytest.mark.parametrize("takes", [(0,), (1,), (LOST, LOST)])
    def test_what_is_not_taken_goes_twisteds_way(self, reactor, turn, takes):
        wire = self.on(reactor, *takes)
        eager.send_together(wire, b"abc")
        turn()
        assert wire.waits
        if takes[0] is not LOST:
            wire.turn()
            assert wire.got == b"abc"
        else:
            assert wire.doWrite() is main.CONNECTION_LOST

    def test_a_close_in_the_same_turn_comes_behind_it(self, wire, turn):
        closed = []
        wire._postLoseConnection = lambda: closed.append(wire.got)
        eager.send_together(wire, b"abc")
        wire.loseConnection()
        turn()
        wire.doWrite()
        assert (wire.got, closed) == (b"abc", [b"abc"])

    def test_the_end_of_our_side_in_the_same_turn_comes_behind_it_at_once(self, reactor, turn):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            wire = Connection(ours, None, reactor)
            wire.connected = True
            eager.send_together(wire, b"last")
            eager.end(wire)
            assert (theirs.recv(10), theirs.recv(10)) == (b"last", b"")
            turn()
            assert reactor.writers == set()

    def test_pushed_it_leaves_before_the_turn_ends(self, wire, turn):
        eager.send_together(wire, b"abc")
        eager.push(wire)
        assert wire.got == b"abc"
        turn()
        assert (wire.got, wire.calls) == (b"abc", 1)

    @pytest.mark.parametrize("other", [StringTransport, Socket, SimpleNamespace])
    def test_where_nothing_is_due_a_push_does_nothing(self, other):
        eager.push(other())

    def test_a_connection_that_is_lost_meanwhile_is_passed_over(self, wire, turn):
        eager.send_together(wire, b"abc")
        wire.connected = False
        turn()
        assert (wire.got, wire.calls, wire.waits) == (b"", 0, False)

    def test_what_was_sent_before_an_abort_leaves_before_it(self, wire, turn):
        lost = []
        wire.reactor.callLater = lambda delay, *what: lost.append((delay, wire.got))
        eager.send_together(wire, b"abc")
        wire.abortConnection()
        turn()
        assert (wire.got, lost) == (b"abc", [(0, b"")])  # Twisted lets go of it in the next turn

    def test_who_sends_while_others_leave_leaves_with_the_next(self, reactor, turn):
        first, second = self.on(reactor), self.on(reactor)
        first.socket.send = lambda data: (eager.send_together(second, b"more"), len(data))[1]
        eager.send_together(first, b"abc")
        turn()
        assert second.got == b""
        turn()
        assert second.got == b"more"

    def test_what_is_no_socket_is_written_to_as_ever(self):
        wire = StringTransport()
        eager.send_together(wire, b"abc")
        assert wire.value() == b"abc"

    @given(
        st.lists(
            st.tuples(
                st.sampled_from((eager.send, eager.send_together, Socket.write)),
                st.binary(max_size=20),
                st.integers(0, 25),
                st.sampled_from(("", "turn", "write", "push")),
            ),
            max_size=20,
        )
    )
    @example([(eager.send_together, b"1", 0, ""), (eager.send, b"2", 0, "write"), (eager.send, b"3", 0, "")])
    def test_nothing_is_lost_doubled_or_turned_round(self, writes):
        """Whatever the socket takes, whoever writes, and whenever the turn ends."""
        reactor = Reactor()
        turn = eager.gather(reactor)
        wire = self.on(reactor, *[take for _, _, take, _ in writes])
        for write, data, _, then in writes:
            write(wire, data)
            if then == "turn":
                turn()
            elif then == "push":
                eager.push(wire)
            elif then == "write" and wire.waits:
                wire.doWrite()
        wire.takes = []
        turn()
        wire.turn()
        assert wire.got == b"".join(data for _, data, _, _ in writes)


def test_what_was_looked_at_and_not_taken_waits_too():
    """Twisted keeps it in another place then."""
    wire = Socket(0, 0)
    eager.send(wire, b"abc")
    assert wire._tempDataLen
    wire.doWrite()
    assert (wire.dataBuffer, wire._tempDataLen) == (b"abc", 0)
    assert not eager.is_idle(wire)


def test_transports_that_nobody_can_look_into_are_idle():
    assert eager.is_idle(StringTransport())


def test_other_transports_are_written_to_as_ever():
    wire = StringTransport()
    eager.send(wire, b"abc")
    assert wire.value() == b"abc"


def test_a_real_socket():
    """The private names that are asked exist, and mean what is meant."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        wire = Connection(ours, None, Reactor())
        wire.connected = True
        eager.send(wire, b"abc")
        assert theirs.recv(10) == b"abc"
        assert wire.reactor.writers == set()
        eager.send(wire, b"x" * 10_000_000)
        assert wire.reactor.writers == {wire}
        eager.send(wire, b"last")
        assert wire.dataBuffer or wire._tempDataLen
        assert _drained(wire, theirs) == b"x" * 10_000_000 + b"last"


def _drained(wire, peer):
    got = []
    while wire.reactor.writers:
        got.append(peer.recv(1_000_000))
        wire.doWrite()
    peer.setblocking(False)
    try:
        while data := peer.recv(1_000_000):
            got.append(data)
    except BlockingIOError:
        return b"".join(got)


@pytest.mark.parametrize("wrap", [lambda wire: wire, Wrapped, lambda wire: Wrapped(Wrapped(wire))])
@pytest.mark.parametrize(
    ("do", "unread"),
    [
        (lambda ours, theirs: None, False),
        (lambda ours, theirs: theirs.sendall(b"a"), True),
        (lambda ours, theirs: (theirs.sendall(b"a"), theirs.close()), True),
        (lambda ours, theirs: (theirs.sendall(b"a"), ours.recv(1)), False),
        (lambda ours, theirs: theirs.close(), False),
        (lambda ours, theirs: ours.close(), False),
    ],
    ids=["nothing", "octets", "octets and the end", "octets that were read", "the end", "lost"],
)
def test_whether_octets_have_come_is_seen_and_they_stay(wrap, do, unread):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire = wrap(Connection(ours, None, Reactor()))  # which makes the socket non-blocking
        do(ours, theirs)
        assert [eager.unread(wire) for _ in range(2)] == [unread, unread]


def test_of_other_transports_it_is_not_known():
    assert not eager.unread(StringTransport())
