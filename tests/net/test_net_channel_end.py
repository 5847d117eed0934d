"""How a client's connection ends: behind the last request, behind a refusal, at a stop. And how it is held up."""

import json

import pytest
from octets import BEGUN, CHUNKED, GET, head, post
from wires import HEAD_200, Front, answer

from proxy_daemon.net import channel as module
from proxy_daemon.net.client import FrontClient


class TestTheEndOfAConnection:
    CLOSE = head(b"GET /v1/last HTTP/1.1", (b"Connection", b"close"))

    @pytest.mark.parametrize("at_once", [True, False])
    @pytest.mark.parametrize("joined", [True, False])
    def test_nothing_is_read_behind_connection_close(self, at_once, joined):
        front = Front(at_once=at_once)
        front.connect()[0].dataReceived(GET)  # known
        front.root.requests.clear()
        channel, wire = front.connect()
        for octets in [self.CLOSE + GET] if joined else [self.CLOSE, GET, post()]:
            channel.dataReceived(octets)
        if not at_once:
            answer(front.root.requests[0])
        channel.dataReceived(GET)
        assert [target for _, target, *_ in front.root.seen] == [b"/v1/last"]
        assert wire.disconnecting
        assert wire.value().count(b"HTTP/1.1 200") == 1

    @pytest.mark.parametrize("behind", [[GET], [b"\r\n", GET], [post()], [b"0\r\n\r\n", GET]])
    @pytest.mark.parametrize("bad", [b"GET\r\n\r\n", BEGUN + b"odd\r\n", CHUNKED[:-13] + b"zz\r\n"])
    def test_nothing_is_read_behind_a_400(self, bad, behind):
        front = Front()
        front.connect()[0].dataReceived(GET)  # known
        front.root.requests.clear()
        channel, wire = front.connect()
        channel.dataReceived(bad + behind[0])
        for octets in behind:
            channel.dataReceived(octets)
        assert wire.value().startswith(b"HTTP/1.1 400 ")
        assert wire.value().count(b"\r\n\r\n") == 1
        assert wire.half_closed
        assert front.root.requests == []

    def test_who_lingers_is_half_closed_then_aborted(self):
        front = Front()
        channel, wire = front.connect()
        channel.dataReceived(post(b"x" * 1001))
        assert wire.half_closed
        assert not wire.disconnecting
        assert wire.value().startswith(b"HTTP/1.1 413 ")
        channel.dataReceived(GET)
        front.clock.advance(module.LINGER_SECONDS - 0.1)
        assert not wire.disconnected
        front.clock.advance(0.2)
        assert wire.disconnected
        assert front.root.requests == []

    def test_a_400_says_all_and_lingers(self):
        """A close would reset the connection before the client has read why."""
        front = Front()
        channel, wire = front.connect()
        channel.dataReceived(b"GET\r\n\r\n")
        head, _, body = wire.value().partition(b"\r\n\r\n")
        assert head.split(b"\r\n") == [
            *(b"HTTP/1.1 400 Bad Request", b"Content-Type: application/json"),
            b"Cache-Status: llmproxy; fwd=bypass; detail=refused",
            *(b"Content-Length: %d" % len(body), b"Connection: close"),
        ]
        assert "request line is malformed" in json.loads(body)["error"]["message"]
        assert (wire.half_closed, wire.disconnecting) == (True, False)
        front.clock.advance(module.LINGER_SECONDS)
        assert wire.disconnected

    @pytest.mark.parametrize("octets", [b"GET\r\n\r\n", post(b"x" * 1001)], ids=["400", "413"])
    def test_who_lingers_is_let_go_though_it_reads_slowly(self, octets):
        """A producer that is held up would keep our side open."""
        front = Front()
        channel, wire = front.connect()
        wire.producer.pauseProducing()
        channel.dataReceived(octets)
        assert (wire.half_closed, wire.producer) == (True, None)

    @pytest.mark.parametrize("octets", [b"GET\r\n\r\n", post(b"x" * 1001)], ids=["400", "413"])
    def test_who_lingers_is_not_closed_for_its_silence(self, octets):
        front = Front(timeout=1.0)
        channel, wire = front.connect()
        channel.dataReceived(octets)
        front.clock.advance(module.LINGER_SECONDS - 1)
        front.site.look()
        assert not wire.disconnecting
        assert len(front.clock.getDelayedCalls()) == 1

    @pytest.mark.parametrize("behind", [b"", GET, b"\r\n"], ids=["alone", "get", "a line"])
    @pytest.mark.parametrize(
        "octets",
        [
            *(post(b"x" * 1001), post(fields=((b"Host", b"evil.example"),)), post(b"{}", (b"Upgrade", b"websocket"))),
            CHUNKED.replace(b"localhost", b"evil.example"),
            CHUNKED.replace(b"3\r\nabc", b"3e9\r\n" + b"x" * 1001),
        ],
        ids=["too large", "a foreign host", "an upgrade", "a foreign host and chunks", "chunks too large"],
    )
    def test_one_refused_early_is_answered_once(self, octets, behind):
        """Its whole body came in the same read: the end of that must not answer again."""
        front = Front()
        channel, wire = front.connect()
        channel.dataReceived(octets + behind)
        channel.dataReceived(GET)
        assert wire.value().count(b"HTTP/1.1 ") == len(front.root.turned_away) == 1
        assert (front.root.requests, wire.half_closed) == ([], True)

    def test_a_refusal_behind_an_answer_that_is_not_taken(self):
        """So much waited that nothing was read any more; to linger is to read."""
        front = Front(at_once=False)
        channel, wire = front.connect()
        channel.dataReceived(GET + post(b"x" * 70_000))
        assert wire.producerState == "paused"
        wire.producer.pauseProducing()
        answer(front.root.requests[0])
        front.turn()
        assert (wire.half_closed, wire.producerState) == (False, "paused")
        wire.producer.resumeProducing()
        front.turn()
        assert wire.value().count(b"HTTP/1.1 ") == 2
        assert (wire.half_closed, wire.producerState) == (True, "producing")

    def test_who_goes_while_it_lingers_leaves_no_timer(self):
        front = Front()
        channel, _ = front.connect()
        channel.dataReceived(post(b"x" * 1001))
        channel.connectionLost()
        assert front.clock.getDelayedCalls() == []

    def test_leaving_closes_what_is_idle(self):
        front = Front()
        channel, wire = front.connect()
        channel.dataReceived(GET)
        front.clock.advance(module.QUIET_SECONDS)
        channel.leave()
        assert wire.disconnecting
        channel.dataReceived(GET)  # known, and too late
        assert len(front.root.requests) == 1

    def test_leaving_waits_for_the_answer(self):
        front = Front(at_once=False)
        channel, wire = front.connect()
        channel.dataReceived(GET)
        channel.leave()
        assert not wire.disconnecting
        answer(front.root.requests[0])
        assert wire.disconnecting
        assert b"Connection: close\r\n" in wire.value()

    @pytest.mark.parametrize("begun", [False, True], ids=["answered", "with an answer under way"])
    def test_leaving_gives_a_busy_client_one_more_answer_which_says_that_it_is_the_last(self, begun):
        """The last one did not say so: its client may be asking at this moment."""
        front = Front(at_once=False)
        channel, wire = front.connect()
        channel.dataReceived(GET)
        client = FrontClient(front.root.requests[0])
        client.begin(HEAD_200, b"")
        client.write(b"ok")
        if not begun:
            client.finish()
        front.site.drain()
        channel.leave()
        if begun:
            client.finish()
        front.clock.advance(module.QUIET_SECONDS / 2)
        channel.leave()
        assert (wire.disconnecting, b"Connection: close" in wire.taken()) == (False, False)
        channel.dataReceived(GET)
        answer(front.root.requests[1])
        assert (wire.disconnecting, b"Connection: close" in wire.taken()) == (True, True)

    def test_leaving_does_not_close_before_what_has_come_is_read(self, monkeypatch):
        front = Front()
        channel, wire = front.connect()
        channel.dataReceived(GET)
        front.clock.advance(module.QUIET_SECONDS)
        monkeypatch.setattr(module.eager, "unread", lambda transport: transport is channel.transport)
        channel.leave()
        assert not wire.disconnecting

    def test_the_site_forgets_who_is_gone(self):
        front = Front()
        channel, _ = front.connect()
        assert front.site.channels == {channel}
        channel.connectionLost()
        assert front.site.channels == set()


class TestPace:
    class Flow:
        def __init__(self):
            self.calls = []

        def pause(self):
            self.calls.append("pause")

        def resume(self):
            self.calls.append("resume")

    def test_the_flow_is_held_up_and_goes_on(self):
        channel, _ = Front(at_once=False).connect()
        channel.dataReceived(GET)
        channel.flow = flow = self.Flow()
        channel.pauseProducing()
        assert (channel.held_up, flow.calls) == (True, ["pause"])
        channel.resumeProducing()
        assert (channel.held_up, flow.calls) == (False, ["pause", "resume"])

    @pytest.mark.parametrize("known", [False, True])
    def test_no_request_is_read_while_the_last_answer_is_not_taken(self, known):
        """Else a client that only asks would fill the memory with answers."""
        front = Front(at_once=False)
        if known:
            front.connect()[0].dataReceived(GET)
        channel, wire = front.connect()
        channel.dataReceived(GET)
        wire.producer.pauseProducing()
        answer(front.root.requests[-1])
        assert wire.producerState == "paused"
        wire.producer.resumeProducing()
        assert wire.producerState == "producing"

    def test_one_that_came_before_waits_until_the_answer_is_taken(self):
        """Else a thousand large answers would wait in memory for who sent a thousand small requests at once."""
        front = Front(at_once=False)
        channel, wire = front.connect()
        channel.dataReceived(GET + GET)
        for number in (1, 2):
            wire.producer.pauseProducing()
            answer(front.root.requests[-1])
            front.turn()
            assert (wire.producerState, len(front.root.requests)) == ("paused", number)
            wire.producer.resumeProducing()
            front.turn()
        assert (wire.producerState, wire.value().count(b"HTTP/1.1 200 ")) == ("producing", 2)

    def test_no_flow_is_told_of_a_lost_connection(self):
        channel, _ = Front(at_once=False).connect()
        channel.dataReceived(GET)
        channel.flow = self.Flow()
        channel.connectionLost()
        assert channel.flow is None
