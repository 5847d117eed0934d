"""HTTP/2 in memory: clients that take nothing, and how streams and connections end."""

import pytest

pytest.importorskip("h2")

from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated
from h2_wires import FIELDS, Flow, begun
from hyperframe.frame import GoAwayFrame, HeadersFrame, PingFrame, WindowUpdateFrame
from wires import Front

from proxy_daemon.net.http2 import GOODBYE_SECONDS


class TestStalls:
    """`--stall-timeout` is about clients that take nothing, not about slow ones."""

    @pytest.fixture
    def client(self, connect_h2):
        client = connect_h2(Front(at_once=False, timeout=9999.0, stall_timeout=300.0))
        client.acknowledge = False
        client.number = client.ask()
        answer = begun(client)
        answer.feed_from(Flow())
        answer.write(b"x" * 100_000)
        client.turn()
        return client

    @staticmethod
    def pass_time(client, seconds):
        for _ in range(seconds):
            client.front.clock.advance(1)
            client.front.site.look()
        client.turn()

    def test_one_that_opens_its_window_bit_by_bit_goes_on(self, client):
        for _ in range(5):
            self.pass_time(client, 250)
            client.h2.increment_flow_control_window(100)
            client.h2.increment_flow_control_window(100, client.number)
            client.turn()
        assert client.reset(client.number) == []
        assert len(client.bodies[client.number]) == 65_535 + 500

    def test_one_that_never_opens_it_is_broken_off(self, client):
        self.pass_time(client, 310)
        assert client.reset(client.number) == [ErrorCodes.INTERNAL_ERROR]
        assert client.front.site.met.numbers()["stalled"] == 1

    def test_so_is_one_that_opens_only_that_of_the_connection(self, client):
        for _ in range(5):
            self.pass_time(client, 100)
            client.h2.increment_flow_control_window(100)
            client.turn()
        assert client.reset(client.number) == [ErrorCodes.INTERNAL_ERROR]

    @pytest.mark.parametrize("takes", [True, False])
    def test_a_window_that_is_open_waits_for_the_socket(self, client, takes):
        """Where that takes something, perhaps of another stream, this one will have its turn."""
        client.wire.wire.stop_taking(1_000_000)
        client.h2.increment_flow_control_window(1_000_000)
        client.h2.increment_flow_control_window(1_000_000, client.number)
        client.turn()
        for _ in range(5):
            self.pass_time(client, 100)
            client.wire.wire.waiting -= takes
        assert bool(client.front.root.requests[0].gone) != takes


class TestTheEnd:
    def test_a_stream_that_is_reset_is_a_client_that_is_gone(self, connect_h2):
        client = connect_h2()
        number = client.ask()
        client.h2.reset_stream(number)
        client.turn()
        assert client.front.root.requests[0].gone
        assert client.ask()

    def test_a_connection_that_is_lost_takes_all_with_it(self, connect_h2):
        client = connect_h2()
        client.ask()
        client.ask()
        client.wire.end()
        client.wire.server.connectionLost(None)
        assert all(request.gone for request in client.front.root.requests)
        assert client.front.site.channels == set()

    def test_when_the_daemon_stops_the_last_answer_comes(self, connect_h2):
        client = connect_h2()
        number = client.ask()
        answer = begun(client)
        for channel in tuple(client.front.site.channels):
            channel.leave(new_too=True)
        answer.write(b"last")
        answer.finish()
        client.turn()
        assert client.bodies[number] == b"last"
        assert client.ended(number)
        assert client.of(ConnectionTerminated)[0].last_stream_id == number
        client.front.clock.advance(GOODBYE_SECONDS)
        assert client.wire.wire.closed

    def test_a_request_that_crosses_the_goaway_may_be_sent_again_elsewhere(self, connect_h2):
        """It finds the connection open: a reset could take the GOAWAY away, which tells that it was not taken."""
        client = connect_h2(Front())
        number = client.ask()
        crossing = client.h2.get_next_available_stream_id()
        client.h2.send_headers(crossing, FIELDS, end_stream=True)
        for channel in tuple(client.front.site.channels):
            channel.leave(new_too=True)
        client.turn()
        assert client.of(ConnectionTerminated)[0].last_stream_id == number
        assert len(client.front.root.requests) == 1
        assert not client.wire.wire.closed

    def test_a_client_that_says_goodbye_gets_what_it_has_asked(self, connect_h2):
        client = connect_h2()
        number = client.ask()
        answer = begun(client)
        client.wire.send(
            GoAwayFrame(0, last_stream_id=0).serialize() + WindowUpdateFrame(1, window_increment=1).serialize()
        )
        answer.write(b"last")
        answer.finish()
        client.turn()
        assert client.bodies[number] == b"last"
        assert client.ended(number)
        client.front.clock.advance(GOODBYE_SECONDS)
        assert client.wire.wire.closed

    def test_a_client_that_complains_is_gone(self, connect_h2):
        client = connect_h2()
        client.ask()
        client.wire.send(GoAwayFrame(0, last_stream_id=0, error_code=ErrorCodes.INTERNAL_ERROR).serialize())
        assert client.front.root.requests[0].gone
        assert client.wire.wire.closed

    def test_a_client_that_asks_no_more_and_waits_for_nothing_is_gone(self, connect_h2):
        client = connect_h2(Front())
        client.ask()
        client.wire.send(GoAwayFrame(0, last_stream_id=0).serialize())
        client.front.clock.advance(GOODBYE_SECONDS)
        assert client.wire.wire.closed

    @pytest.mark.parametrize("sent", [None, PingFrame(0, opaque_data=b"12345678"), HeadersFrame(1)])
    def test_an_idle_connection_is_closed_whatever_else_is_sent(self, connect_h2, sent):
        """A PING, or a head that is never whole."""
        client = connect_h2(Front(timeout=60.0))
        for _ in range(3):
            client.front.clock.advance(21)
            client.front.site.look()
            client.wire.send(sent.serialize() if sent else b"")
            sent = PingFrame(0, opaque_data=b"12345678") if isinstance(sent, PingFrame) else None
        client.front.site.look()
        client.front.clock.advance(GOODBYE_SECONDS)
        assert client.wire.wire.closed
        assert client.front.site.met.numbers()["idle_timeout"] == 1

    def test_a_connection_with_a_request_is_not_idle(self, connect_h2):
        client = connect_h2(Front(at_once=False, timeout=60.0))
        number = client.ask()
        client.front.clock.advance(61)
        client.front.site.look()
        begun(client).finish()
        client.turn()
        assert client.ended(number)
        client.front.site.look()
        assert client.ask()

    def test_one_that_takes_nothing_is_cut_off_after_the_end(self, connect_h2):
        """What it does not take would hold the connection for ever."""
        client = connect_h2(Front(timeout=60.0, stall_timeout=300.0))
        client.wire.wire.stop_taking()
        for seconds in (61, GOODBYE_SECONDS, 1, 299):
            client.front.clock.advance(seconds)
            client.front.site.look()
        assert not client.wire.wire.disconnected
        client.front.clock.advance(2)
        client.front.site.look()
        assert client.wire.wire.disconnected


def test_while_the_daemon_stops_new_requests_may_be_sent_elsewhere(connect_h2):
    client = connect_h2()
    client.ask()
    for channel in tuple(client.front.site.channels):
        channel.leave(new_too=True)
    assert client.reset(client.ask()) == [ErrorCodes.REFUSED_STREAM]
