"""What the pipeline asks: pools by origin, one retry, TLS where it belongs, and the built-in model."""

import pytest
from attrs import evolve
from talks import DONE, LOST, Ears, http
from twisted.internet.address import IPv4Address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.testing import MemoryReactorClock
from wires import Wire

from proxy_daemon.core.bodies import EMPTY, Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Request
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.net.upstream.client import RACE, Upstreams, _endpoint_kind
from proxy_daemon.net.upstream.names import Named
from proxy_daemon.pipeline.faults import Refusal, UpstreamFault
from proxy_daemon.settings import Settings

ONE = parse_upstream("http://192.0.2.1:8000/v1")
GOOD = http(b"Content-Length: 3", body=b"abc")
REQUEST = Request(b"POST", b"/v1/x", Headers(((b"Host", b"localhost"), (b"Content-Length", b"2"))), Bytes(b"{}"))
GET = Request(b"GET", b"/v1/x", Headers(((b"Host", b"localhost"),)))
LAST = b"Connection: close\r\n"  # of a body where few upstreams expect one
SENT = b"POST /v1/x HTTP/1.1\r\nHost: 192.0.2.1:8000\r\nContent-Length: 2\r\n\r\n{}"


class Sending:
    """One call of `send` and what came of it."""

    def __init__(self, upstreams, upstream, request):
        self.answer, self.fault = None, None
        self.running = Deferred.fromCoroutine(upstreams.send(upstream, request))
        self.running.addCallbacks(self._answered, self._failed)

    def _answered(self, answer):
        self.answer = answer
        answer.start(ears := Ears())
        self.ears = ears

    def _failed(self, failure):
        self.fault = failure.value


class Play:
    """`Upstreams` on a reactor in memory."""

    def __init__(self, **settings):
        self.reactor = MemoryReactorClock()
        self.upstreams = Upstreams(self.reactor, self.reactor, Settings(**settings))

    def send(self, upstream=ONE, request=REQUEST):
        return Sending(self.upstreams, upstream, request)

    def accept(self):
        """(protocol, wire) of the connection that was asked for first."""
        _, _, factory, _, _ = self.reactor.tcpClients.pop(0)
        protocol, wire = factory.buildProtocol(None), Wire()
        protocol.makeConnection(wire)
        return protocol, wire

    def kept(self):
        """A connection that has answered once and rests."""
        self.send()
        protocol, wire = self.accept()
        protocol.dataReceived(GOOD)
        wire.clear()
        return protocol, wire


def test_a_request_goes_out_and_its_answer_comes():
    play = Play()
    sending = play.send()
    assert play.reactor.tcpClients[0][:2] == ("192.0.2.1", 8000)
    protocol, wire = play.accept()
    assert wire.value() == SENT
    protocol.dataReceived(GOOD)
    assert (sending.answer.head.status, sending.ears.body, sending.ears.endings) == (200, b"abc", [Ending.COMPLETE])


def test_head_is_asked_as_such():
    play = Play()
    sending = play.send(request=Request(b"HEAD", b"/v1/x"))
    protocol, _ = play.accept()
    protocol.dataReceived(http(b"Content-Length: 3"))
    assert sending.ears.endings == [Ending.COMPLETE]


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"DELETE", b"OPTIONS"])
@pytest.mark.parametrize("body", [EMPTY, Bytes(b"GET /hidden HTTP/1.1\r\n\r\n")])
def test_nothing_follows_a_body_that_upstream_may_not_read(method, body):
    """It would take it for the next request, and its answer would be somebody else's."""
    play = Play()
    play.send(request=Request(method, b"/v1/x", Headers(), body))
    protocol, wire = play.accept()
    protocol.dataReceived(http(b"Content-Length: 0"))
    assert (LAST in wire.value(), wire.disconnected) == (bool(body.size), bool(body.size))
    play.send()
    assert len(play.reactor.tcpClients) == bool(body.size)


class TestPools:
    def test_one_for_an_origin_whatever_its_name_and_path(self):
        play = Play()
        _, wire = play.kept()
        play.send(parse_upstream("other=http://192.0.2.1:8000/v2"))
        assert wire.value().startswith(b"POST /v2/v1/x ")
        assert play.upstreams.stats() == {"http://192.0.2.1:8000": 1}

    @pytest.mark.parametrize("url", ["http://192.0.2.1:8001", "http://192.0.2.2:8000"])
    def test_another_origin_has_its_own(self, url):
        play = Play()
        _, wire = play.kept()
        play.send(parse_upstream(url))
        assert (wire.value(), len(play.reactor.tcpClients)) == (b"", 1)
        assert play.upstreams.stats() == {"http://192.0.2.1:8000": 1, url: 1}

    def test_the_settings_bound_them(self):
        play = Play(upstream_connections=1, connect_timeout=7.0)
        first, second = play.send(), play.send()
        assert [client[3] for client in play.reactor.tcpClients] == [7.0]
        protocol, _ = play.accept()
        assert second.answer is None
        protocol.dataReceived(GOOD)
        protocol.dataReceived(GOOD)
        assert (first.ears.body, second.ears.body) == (b"abc", b"abc")

    def test_close_closes_what_rests(self):
        play = Play()
        _, wire = play.kept()
        play.upstreams.close()
        assert wire.disconnected


class TestRetry:
    """Once, where upstream has not read it; and at any time where coming twice changes nothing (RFC 9110 9.2.2)."""

    @pytest.mark.parametrize(
        ("method", "seconds"),
        [*((method, 60.0) for method in (b"GET", b"OPTIONS", b"TRACE", b"PUT", b"DELETE")), (b"POST", RACE)],
    )
    @pytest.mark.parametrize("reason", [DONE, LOST], ids=["closed", "reset"])
    def test_a_stale_connection_is_replaced_once(self, method, seconds, reason):
        play = Play()
        old, old_wire = play.kept()
        sending, sent = play.send(request=evolve(GET, method=method)), b"%b /v1/x HTTP/1.1\r\n" % method
        assert old_wire.value().startswith(sent)
        play.reactor.advance(seconds)
        old.connectionLost(reason)
        new, new_wire = play.accept()
        assert new_wire.value().startswith(sent)
        new.dataReceived(GOOD)
        assert sending.ears.body == b"abc"

    @pytest.mark.parametrize("method", [b"POST", b"PATCH", b"get", b"QUERYALL"])
    @pytest.mark.parametrize("reason", [DONE, LOST], ids=["closed", "reset"])
    def test_what_may_have_been_done_is_not_sent_twice(self, method, reason):
        """An end that was under way would have been here by now: upstream has read it, and died over it."""
        play = Play()
        old, old_wire = play.kept()
        sending = play.send(request=evolve(REQUEST, method=method))
        assert old_wire.value().replace(LAST, b"") == method + SENT[4:]
        play.reactor.advance(RACE + 0.01)
        old.connectionLost(reason)
        assert (type(sending.fault), sending.fault.status) == (UpstreamFault, 502)
        assert f"the {method.decode()} may have reached it, so it is not sent a second time" in sending.fault.message
        assert play.reactor.tcpClients == []

    def test_not_by_another_that_rests(self):
        """It may be as stale as the first one."""
        play = Play()
        play.send()
        play.send()
        (first, _), (second, wire) = play.accept(), play.accept()
        for protocol in (second, first):
            protocol.dataReceived(GOOD)
        wire.clear()
        play.send(request=GET)
        first.connectionLost(DONE)
        assert (wire.value(), len(play.reactor.tcpClients)) == (b"", 1)

    def test_and_not_again(self):
        play = Play()
        old, _ = play.kept()
        sending = play.send(request=GET)
        old.connectionLost(DONE)
        play.accept()[0].connectionLost(DONE)
        assert (type(sending.fault), sending.fault.status) == (UpstreamFault, 502)
        assert play.reactor.tcpClients == []

    @pytest.mark.parametrize("octets", [b"H", b"HTTP/1.1 100 Continue\r\n\r\n"])
    def test_not_where_an_octet_came(self, octets):
        play = Play()
        old, _ = play.kept()
        sending = play.send(request=GET)
        old.dataReceived(octets)
        old.connectionLost(DONE)
        assert isinstance(sending.fault, UpstreamFault)
        assert play.reactor.tcpClients == []

    def test_not_where_the_connection_was_new(self):
        play = Play()
        sending = play.send(request=GET)
        play.accept()[0].connectionLost(DONE)
        assert isinstance(sending.fault, UpstreamFault)
        assert play.reactor.tcpClients == []


class TestCancelling:
    def test_the_answer_that_is_waited_for(self):
        play = Play()
        sending = play.send()
        protocol, wire = play.accept()
        sending.running.cancel()
        assert isinstance(sending.fault, CancelledError)
        assert wire.disconnected
        protocol.connectionLost(DONE)
        assert play.upstreams.stats() == {"http://192.0.2.1:8000": 0}

    def test_the_connection_that_is_waited_for(self):
        play = Play()
        sending = play.send()
        sending.running.cancel()
        assert isinstance(sending.fault, CancelledError)
        assert play.upstreams.stats() == {"http://192.0.2.1:8000": 0}


class TestWhatCannotBeSent:
    def test_a_line_break_in_a_field(self):
        play = Play()
        sending = play.send(request=Request(b"GET", b"/", Headers(((b"A", b"1\r\nB: 2"),))))
        assert (type(sending.fault), sending.fault.status) == (Refusal, 400)
        assert play.upstreams.stats() == {}

    @pytest.mark.parametrize("url", ["https://" + "x" * 64 + ".example", "https://a..example"])
    def test_a_host_that_is_none(self, url):
        sending = Play().send(parse_upstream(url))
        assert (type(sending.fault), sending.fault.status) == (UpstreamFault, 502)
        assert "unusable host" in sending.fault.message


class TestTheBuiltInModel:
    def test_it_answers_without_a_connection(self):
        play = Play()
        sending = play.send(parse_upstream("demo:"), Request(b"GET", b"/v1/models"))
        play.reactor.pump([1.0] * 5)
        assert sending.answer.head.status == 200
        assert sending.ears.endings == [Ending.COMPLETE]
        assert (play.reactor.tcpClients, play.upstreams.stats()) == ([], {})


KINDS = [
    ("127.0.0.1", TCP4ClientEndpoint),
    ("::1", TCP6ClientEndpoint),
    ("localhost", Named),
    ("api.example", Named),
    ("127.0.0.1.example", Named),
]


@pytest.mark.parametrize(("host", "kind"), KINDS)
def test_a_name_is_resolved_and_an_address_is_not(host, kind):
    assert _endpoint_kind(host) is kind


def test_https_begins_with_a_handshake():
    play = Play()
    sending = play.send(parse_upstream("https://192.0.2.1"))
    assert play.reactor.tcpClients[0][:2] == ("192.0.2.1", 443)
    _, wire = play.accept()
    assert wire.value()[:3] == b"\x16\x03\x01"
    assert b"POST" not in wire.value()
    assert sending.answer is None


OURS = ("127.0.0.1", 40001, "192.0.2.1", 8000)


@pytest.mark.parametrize(
    ("ends", "ours"),
    [
        (OURS, True),
        (("::ffff:127.0.0.1", 40001, "::ffff:192.0.2.1", 8000), True),  # as a socket for both families shows them
        # The system gives one port to several connections with different other ends: a client's may be like ours.
        (("127.0.0.1", 40001, "192.0.2.1", 8910), False),
        (("127.0.0.1", 40001, "192.0.2.2", 8000), False),
        (("127.0.0.1", 40002, "192.0.2.1", 8000), False),
        (("127.0.0.2", 40001, "192.0.2.1", 8000), False),
    ],
)
def test_it_knows_its_own_connections_by_both_ends(ends, ours, monkeypatch):
    monkeypatch.setattr(Wire, "getHost", lambda _: IPv4Address("TCP", *OURS[:2]))
    monkeypatch.setattr(Wire, "getPeer", lambda _: IPv4Address("TCP", *OURS[2:]))
    play = Play()
    play.send()
    protocol, _ = play.accept()
    assert play.upstreams.has(*ends) is ours
    protocol.dataReceived(GOOD)
    assert play.upstreams.has(*ends) is ours, "it rests, and stands"
    protocol.connectionLost(DONE)
    assert not play.upstreams.has(*ends)
