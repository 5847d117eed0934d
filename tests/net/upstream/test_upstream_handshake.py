"""TLS to an upstream: done within the connect timeout before anything is asked, and in plain words where it fails."""

import ssl

import pytest
from authorities import Authority
from talks import DONE, LOST, Ears, http
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from wires import Wire

from proxy_daemon.core.messages import Ending, Request
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.net.upstream import client as module
from proxy_daemon.net.upstream.client import Upstreams
from proxy_daemon.net.upstream.connection import Connection
from proxy_daemon.pipeline.faults import UpstreamFault
from proxy_daemon.settings import Settings

LIMIT = 10.0
NAME = "default (https://api.test)"
GOOD = http(b"Content-Length: 3", body=b"abc")
SENT = b"GET /v1/x HTTP/1.1\r\nHost: api.test\r\n\r\n"
REQUEST = Request(b"GET", b"/v1/x")
OPEN = "https://api.test:443"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def trusting(authority, monkeypatch):
    """The authority is one that this machine trusts, and a name is connected to without a look-up."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    monkeypatch.setattr(module, "_endpoint_kind", lambda host: TCP4ClientEndpoint)


class Server:
    """One TCP connection that upstream has accepted, and real TLS on its side of it."""

    def __init__(self, play):
        _, _, factory, _, _ = play.reactor.tcpClients.pop(0)
        self.play, self.protocol, self.wire, self.said = play, factory.buildProtocol(None), Wire(), b""
        self.protocol.makeConnection(self.wire)

    @property
    def connection(self):
        return self.protocol._wrappedProtocol.wrappedProtocol

    def starts(self, context):
        self.read, self.written = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.read, self.written, server_side=True)
        return self

    def flight(self):
        """What the server says to all that it has got so far."""
        self.read.write(self.wire.taken())
        try:
            self.tls.do_handshake()
            self.said += self.tls.read()
        except ssl.SSLError:
            pass
        return self.written.read()

    def goes_on(self):
        """Both sides until neither has anything to say."""
        while octets := self.flight():
            self.says(octets)
        return self

    def answers(self, octets):
        self.tls.write(octets)
        self.says(self.written.read())

    def says(self, octets):
        """As a reactor does: nothing is read from a connection that is closed, and an exception ends it."""
        if not octets or self.closed:
            return
        try:
            self.protocol.dataReceived(octets)
        except IndexError:  # of Twisted's, where the server says goodbye in the midst
            self.wire.abortConnection()
            self.ends(Failure())

    @property
    def closed(self):
        return self.wire.disconnecting or self.wire.disconnected

    def ends(self, reason=DONE):
        """Once: a socket is lost once."""
        lost, self.protocol.connectionLost = self.protocol.connectionLost, lambda reason: None
        lost(reason)


class Sending:
    """One call of `send` and what came of it."""

    def __init__(self, upstreams, url):
        self.fault, self.ears = None, Ears()
        self.running = Deferred.fromCoroutine(upstreams.send(parse_upstream(url), REQUEST))
        self.running.addCallbacks(lambda answer: answer.start(self.ears), self._failed)

    def _failed(self, failure):
        self.fault = failure.value


class Play:
    """`Upstreams` on a reactor in memory."""

    def __init__(self, **settings):
        self.reactor = MemoryReactorClock()
        self.upstreams = Upstreams(self.reactor, self.reactor, Settings(connect_timeout=LIMIT, **settings))

    def send(self, url="https://api.test"):
        return Sending(self.upstreams, url)

    def accept(self):
        return Server(self)

    @property
    def clean(self):
        """Nothing is open, nothing waits, no timer is left."""
        return (set(self.upstreams.stats().values()), self.reactor.tcpClients, self.reactor.getDelayedCalls()) == (
            {0},
            [],
            [],
        )


class TestDone:
    def test_the_request_goes_out_behind_it_and_the_answer_comes(self, authority):
        play = Play()
        sending = play.send()
        server = play.accept().starts(authority.server("api.test"))
        server.says(server.flight())
        play.reactor.advance(0)
        server.goes_on()
        assert server.said == SENT
        server.answers(GOOD)
        assert (sending.ears.body, sending.ears.endings) == (b"abc", [Ending.COMPLETE])

    def test_nothing_is_asked_before(self, authority):
        play = Play()
        play.send()
        server = play.accept().starts(authority.server("api.test"))
        first = server.flight()
        server.says(first[:-1])
        assert server.connection.usable  # nobody has asked
        server.says(first[-1:])
        assert not server.connection.usable

    def test_its_time_is_over_with_it(self, authority):
        play = Play(first_byte_timeout=1000.0)
        sending = play.send()
        server = play.accept().starts(authority.server("api.test")).goes_on()
        play.reactor.advance(2 * LIMIT)
        server.goes_on().answers(GOOD)
        assert sending.ears.body == b"abc"

    def test_a_kept_connection_needs_no_other(self, authority):
        play = Play()
        play.send()
        server = play.accept().starts(authority.server("api.test")).goes_on()
        for sending in (None, play.send):
            again = sending and sending()
            play.reactor.advance(0)
            server.goes_on().answers(GOOD)
        assert (again.ears.body, server.said, play.reactor.tcpClients) == (b"abc", SENT * 2, [])

    def test_an_address_is_a_name_too(self, authority):
        play = Play()
        sending = play.send("https://192.0.2.1")
        server = play.accept().starts(authority.server("192.0.2.1")).goes_on()
        play.reactor.advance(0)
        server.goes_on().answers(GOOD)
        assert sending.ears.body == b"abc"


class TestNotInTime:
    @pytest.mark.parametrize("share", [0, 1, 200, -1], ids=["nothing", "an octet", "a part", "all but one octet"])
    def test_504_when_the_connect_timeout_has_passed(self, authority, share):
        play = Play()
        sending = play.send()
        server = play.accept().starts(authority.server("api.test"))
        server.says(server.flight()[:share])
        play.reactor.advance(LIMIT - 0.1)
        assert (sending.fault, server.closed) == (None, False)
        play.reactor.advance(0.1)
        assert (type(sending.fault), sending.fault.status) == (UpstreamFault, 504)
        assert sending.fault.message == f"upstream {NAME} did not finish the TLS handshake in 10 s (--connect-timeout)"
        assert server.wire.disconnected
        server.ends(LOST)
        assert play.clean

    def test_tcp_and_tls_share_it(self):
        play = Play()
        sending = play.send()
        play.reactor.advance(4)
        play.accept()
        play.reactor.advance(LIMIT - 4.1)
        assert sending.fault is None
        play.reactor.advance(0.1)
        assert sending.fault.status == 504

    def test_octets_do_not_prolong_it(self, authority):
        play = Play()
        sending = play.send()
        server = play.accept().starts(authority.server("api.test"))
        for octet in server.flight()[:20]:
            play.reactor.advance(LIMIT / 20)
            server.says(bytes([octet]))
        assert sending.fault.status == 504

    def test_what_comes_afterwards_is_passed_over(self, authority):
        play = Play()
        sending = play.send()
        server = play.accept().starts(authority.server("api.test"))
        flight = server.flight()
        play.reactor.advance(LIMIT)
        server.protocol.dataReceived(flight)
        server.ends(LOST)
        assert (sending.fault.status, server.goes_on().said, play.clean) == (504, b"", True)


ALERT = b"\x15\x03\x03\x00\x02\x02"
SERVERS = {
    "self-signed": (("api.test",), {"own": True}, ["its certificate is self-signed"]),
    "expired": (("api.test",), {"days": (-2, -1)}, ["its certificate has expired on 2"]),
    "not yet valid": (("api.test",), {"days": (1, 2)}, ["its certificate is not valid before 2"]),
    "another name": (("a.test",), {}, ["its certificate is for a.test, not for api.test"]),
    "many other names": (tuple("abcde"), {}, ["for a, b, c and 2 more, not for api.test"]),
    "an address": (("192.0.2.1",), {}, ["for 192.0.2.1, not for api.test"]),
    "no name": ((), {}, ["its certificate names no host"]),
}
OCTETS = {
    "plain HTTP": (b"HTTP/1.1 400 Bad Request\r\n\r\n", ["does not speak TLS on that port", "http:// rather than"]),
    "SSH": (b"SSH-2.0-OpenSSH_9\r\n", ["does not speak TLS on that port"]),
    "refused": (ALERT + b"\x28", ["TLS with upstream", "alert handshake failure"]),
    "name refused": (ALERT + b"\x70", ["TLS with upstream", "unrecognized name"]),
    "said goodbye": (b"\x15\x03\x03\x00\x02\x01\x00", ["during the TLS handshake"]),
}


def assert_failed(play, sending, server, words):
    """502 with these words; the connection is closed, and nobody has seen a request."""
    server.ends()
    assert (type(sending.fault), sending.fault.status) == (UpstreamFault, 502)
    assert all(part in sending.fault.message for part in [NAME, *words])
    assert (server.said, server.closed, play.clean) == (b"", True, True)


class TestFailed:
    @pytest.mark.parametrize(("names", "more", "words"), SERVERS.values(), ids=SERVERS.keys())
    def test_by_the_certificate(self, authority, names, more, words):
        play = Play()
        sending = play.send()
        server = play.accept().starts(authority.server(*names, **more)).goes_on()
        assert_failed(play, sending, server, [*words, "TLS with upstream"])

    def test_by_an_authority_that_nobody_knows(self, tmp_path):
        play = Play()
        sending = play.send()
        other = Authority(tmp_path, "Someone's, else")
        server = play.accept().starts(other.server("api.test")).goes_on()
        assert_failed(play, sending, server, ["issued by", "Someone's", "is not trusted on this machine"])

    @pytest.mark.parametrize(("octets", "words"), OCTETS.values(), ids=OCTETS.keys())
    def test_by_what_the_server_says(self, octets, words):
        play = Play()
        sending = play.send()
        server = play.accept()
        server.says(octets)
        assert_failed(play, sending, server, words)

    @pytest.mark.parametrize("reason", [DONE, LOST], ids=["closed", "reset"])
    @pytest.mark.parametrize("octets", [b"", b"\x16\x03\x03"], ids=["at once", "in the midst"])
    def test_by_the_end_of_the_connection(self, reason, octets):
        play = Play()
        sending = play.send()
        server = play.accept()
        server.says(octets)
        server.ends(reason)
        assert (type(sending.fault), sending.fault.status) == (UpstreamFault, 502)
        assert f"upstream {NAME} closed the connection during the TLS handshake" in sending.fault.message
        assert play.clean


class TestLeaving:
    def test_it_aborts_the_handshake(self, authority):
        play = Play()
        sending = play.send()
        server = play.accept().starts(authority.server("api.test"))
        sending.running.cancel()
        assert (type(sending.fault), server.wire.disconnected) == (CancelledError, True)
        server.protocol.dataReceived(server.flight())
        server.ends(LOST)
        assert (server.said, play.clean) == (b"", True)

    def leave(self, play, first, server):
        first.running.cancel()

    def be_late(self, play, first, server):
        play.reactor.advance(LIMIT)

    def close(self, play, first, server):
        server.ends()

    @pytest.mark.parametrize("how", [leave, be_late, close])
    def test_the_next_in_line_has_its_turn(self, how, authority):
        play = Play(upstream_connections=1)
        first, second = play.send(), play.send()
        server = play.accept()
        assert (play.upstreams.stats(), play.reactor.tcpClients) == ({OPEN: 1}, [])
        how(self, play, first, server)
        server = play.accept().starts(authority.server("api.test")).goes_on()
        play.reactor.advance(0)
        server.goes_on().answers(GOOD)
        assert (second.ears.body, play.upstreams.stats()) == (b"abc", {OPEN: 1})


def test_plain_connections_know_nothing_of_it(monkeypatch):
    monkeypatch.setattr(Connection, "secured", None)
    play = Play()
    sending = play.send("http://api.test")
    _, _, factory, _, _ = play.reactor.tcpClients.pop(0)
    protocol = factory.buildProtocol(None)
    protocol.makeConnection(Wire())
    assert len(play.reactor.getDelayedCalls()) == 1  # of the silence
    protocol.dataReceived(GOOD)
    assert sending.ears.body == b"abc"
