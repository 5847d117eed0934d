"""One response on a client's connection: its head, its framing, and how a client can tell that it was broken off."""

import pytest
from wires import DONE, Front

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import ResponseHead
from proxy_daemon.net.client import FrontClient

OWN = b"Cache-Status: llmproxy; hit\r\n"


def head(status=200, *fields):
    return ResponseHead(status, b"Fine", Headers(((b"X-a", b"1"), *fields)))


def length(number):
    return b"content-length", b"%d" % number


def asked(method=b"GET", version=b"1.1", *fields):
    """(client, wire, channel) of a request that waits for its answer."""
    front = Front(at_once=False)
    channel, wire = front.connect()
    lines = [b"%b /v1/x HTTP/%b" % (method, version), b"Host: localhost", *fields, b"", b""]
    channel.dataReceived(b"\r\n".join(lines))
    return FrontClient(front.root.requests[0]), wire, channel


LINES = b"HTTP/1.1 %d Fine\r\nX-a: 1\r\n" + OWN
WHOLE = {
    "a length": (b"GET", 200, length(3), b"Content-Length: 3\r\n\r\nabc"),
    "chunks": (b"GET", 200, None, b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"),
    "HEAD with a length": (b"HEAD", 200, length(3), b"Content-Length: 3\r\n\r\n"),
    "HEAD without": (b"HEAD", 200, None, b"\r\n"),
    "204": (b"GET", 204, None, b"\r\n"),
    "204 with a length": (b"GET", 204, length(3), b"\r\n"),
    "HEAD and 204 with a length": (b"HEAD", 204, length(3), b"\r\n"),
    "304": (b"GET", 304, None, b"\r\n"),
    "304 with a length": (b"GET", 304, length(3), b"Content-Length: 3\r\n\r\n"),
    "404": (b"GET", 404, length(3), b"Content-Length: 3\r\n\r\nabc"),
}


class TestFraming:
    @pytest.mark.parametrize(("method", "status", "field", "expected"), WHOLE.values(), ids=WHOLE.keys())
    @pytest.mark.parametrize("more", [False, True])
    @pytest.mark.parametrize("flush", [False, True])
    def test_what_the_client_gets(self, method, status, field, expected, more, flush):
        client, wire, _ = asked(method)
        client.begin(head(status, *([field] if field else [])), OWN)
        if flush:
            client.flush()
        for piece in (b"ab", b"", b"c"):
            client.write(piece, more=more)
        client.finish()
        assert wire.value() == LINES % status + expected
        assert not wire.disconnecting

    def test_http_1_0_reads_to_the_end(self):
        client, wire, _ = asked(version=b"1.0")
        client.begin(head(), OWN)
        client.write(b"abc")
        client.finish()
        assert wire.value() == LINES % 200 + b"Connection: close\r\n\r\nabc"
        assert wire.disconnecting

    @pytest.mark.parametrize("more", [(b"1.1", b"Connection: close"), (b"1.0",)], ids=["close", "1.0"])
    def test_a_connection_that_ends_says_so(self, more):
        client, wire, _ = asked(b"GET", *more)
        client.begin(head(200, length(0)), OWN)
        client.finish()
        assert b"Connection: close\r\n" in wire.value()
        assert wire.disconnecting

    def test_fields_of_upstream_that_frame_are_not_passed(self):
        client, wire, _ = asked()
        client.begin(head(200, (b"Transfer-Encoding", b"chunked"), (b"Connection", b"close")), b"")
        assert wire.value() == b""
        client.flush()
        assert (
            wire.value()
            == b"HTTP/1.1 200 Fine\r\nX-a: 1\r\nX-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\n\r\n"
        )


class TestWhatIsHeld:
    def test_the_head_waits_for_the_body(self):
        client, wire, _ = asked()
        client.begin(head(200, length(2)), OWN)
        client.write(b"a", more=True)
        assert wire.value() == b""
        client.write(b"b")
        assert wire.value().endswith(b"\r\n\r\nab")

    def test_a_flush_sends_it_once(self):
        client, wire, _ = asked()
        client.begin(head(200, length(2)), OWN)
        client.flush()
        assert wire.taken().endswith(b"\r\n\r\n")
        client.flush()
        client.write(b"ab")
        assert wire.taken() == b"ab"


class TestBreakingOff:
    @pytest.mark.parametrize(
        ("version", "field", "aborted"),
        [(b"1.1", length(9), False), (b"1.1", None, False), (b"1.0", length(9), False), (b"1.0", None, True)],
        ids=["a length", "chunks", "1.0 with a length", "1.0 to the end"],
    )
    def test_the_client_can_tell(self, version, field, aborted):
        """Where a clean end would look like a whole body, the connection is reset."""
        client, wire, _ = asked(b"GET", version)
        client.begin(head(200, *([field] if field else [])), OWN)
        client.write(b"abc", more=True)
        client.break_off()
        assert b"abc" in wire.value()
        assert not wire.value().endswith(b"0\r\n\r\n")
        assert (wire.disconnecting, wire.disconnected) == (True, aborted)

    def test_before_the_head(self):
        client, wire, _ = asked()
        client.break_off()
        assert (wire.value(), wire.disconnected) == (b"", True)

    @pytest.mark.parametrize("field", [length(9), None], ids=["a length", "chunks"])
    def test_a_second_head_aborts(self, field):
        """An answer that failed under way cannot become another one, nor end like a whole one."""
        client, wire, _ = asked()
        client.begin(head(200, *([field] if field else [])), OWN)
        client.write(b"abc")
        written = wire.value()
        client.begin(head(502, length(1)), OWN)
        assert (wire.value(), wire.disconnected) == (written, True)

    @pytest.mark.parametrize("field", [length(9), None], ids=["a length", "chunks"])
    def test_a_client_that_reads_slowly_is_let_go_too(self, field):
        """A transport with a producer that is held up stays open until that is resumed: there must be none."""
        client, wire, channel = asked()
        client.begin(head(200, *([field] if field else [])), OWN)
        client.write(b"abc")
        wire.producer.pauseProducing()
        client.break_off()
        assert (wire.disconnecting, wire.producer) == (True, None)
        assert b"0\r\n\r\n" not in wire.value()
        channel.dataReceived(b"GET /v1/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert wire.value().count(b"HTTP/1.1 ") == 1


class TestAfterTheEnd:
    @pytest.mark.parametrize("how", ["gone", "finished"])
    def test_nothing_is_written(self, how):
        client, wire, channel = asked()
        if how == "gone":
            channel.connectionLost(DONE)
        else:
            client.begin(head(200, length(0)), OWN)
            client.finish()
        wire.clear()
        client.begin(head(), OWN)
        client.write(b"x")
        client.flush()
        client.finish()
        client.break_off()
        client.feed_from(None)
        assert wire.value() == b""
        assert not wire.disconnecting

    def test_gone_under_way(self):
        client, wire, channel = asked()
        client.begin(head(), OWN)
        channel.connectionLost(DONE)
        client.write(b"x")
        client.finish()
        assert wire.value() == b""


class TestPace:
    class Flow:
        paused = 0

        def pause(self):
            self.paused += 1

        def resume(self):
            self.paused -= 1

    def test_the_flow_follows_the_transport(self):
        client, wire, _ = asked()
        flow = self.Flow()
        client.feed_from(flow)
        wire.producer.pauseProducing()
        assert flow.paused == 1
        wire.producer.resumeProducing()
        assert flow.paused == 0

    def test_who_comes_while_it_is_full_is_held_up_at_once(self):
        client, wire, _ = asked()
        flow = self.Flow()
        wire.producer.pauseProducing()
        client.feed_from(flow)
        assert flow.paused == 1

    def test_who_has_left_is_not_called(self):
        client, wire, _ = asked()
        flow = self.Flow()
        client.feed_from(flow)
        client.feed_from(None)
        wire.producer.pauseProducing()
        assert flow.paused == 0
