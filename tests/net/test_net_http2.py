"""HTTP/2 in memory: requests, streams, back-pressure, the ends, and what is refused."""

import pytest

pytest.importorskip("h2")

from h2.errors import ErrorCodes
from h2.events import InformationalResponseReceived, StreamReset
from h2.exceptions import TooManyStreamsError
from h2.settings import SettingCodes
from h2_wires import FIELDS, POST, Flow, begun, gateway
from wires import Front

from proxy_daemon.net.http2 import STREAMS


class TestRequests:
    def test_it_comes_to_the_site_as_any_other(self, connect_h2):
        client = connect_h2()
        client.ask([*FIELDS, ("cookie", "a=b"), ("cookie", "c=d"), ("x-api-key", "k")])
        assert client.front.root.seen == [
            (b"GET", b"/v1/models", ((b"host", b"localhost"), (b"x-api-key", b"k"), (b"cookie", b"a=b; c=d")), b"")
        ]

    @pytest.mark.parametrize("length", [(), (("content-length", "6"),)])
    def test_its_body(self, connect_h2, length):
        client = connect_h2()
        number = client.ask([*POST, *length], end=False)
        client.send(number, b"abc")
        client.send(number, b"def", end=True)
        assert client.front.root.seen[0][3] == b"abcdef"

    def test_a_body_beyond_the_window_is_taken_in(self, connect_h2):
        client = connect_h2(Front(max_body=1_000_000))
        number = client.ask(POST, end=False)
        for _ in range(20):
            client.send(number, b"x" * 16_000)
        client.send(number, b"", end=True)
        assert client.front.root.requests[0].spool.size == 320_000

    def test_many_at_a_time(self, connect_h2):
        client = connect_h2()
        numbers = [client.ask() for _ in range(5)]
        for at in reversed(range(5)):
            answer = begun(client, at)
            answer.write(b"%d" % at)
            answer.finish()
        client.turn()
        assert [client.bodies[number] for number in numbers] == [b"0", b"1", b"2", b"3", b"4"]
        assert all(client.ended(number) for number in numbers)


class TestAnswers:
    def test_head_and_body(self, connect_h2):
        client = connect_h2()
        number = client.ask()
        answer = begun(client)
        assert client.status(number) == "200"
        for part in (b"one", b"two"):  # each comes when it is written
            answer.write(part)
            client.turn()
            assert client.bodies.pop(number) == part
        answer.finish()
        client.turn()
        assert client.ended(number)
        assert client.reset(number) == []

    def test_fields_of_one_hop_stay_here(self, connect_h2):
        client = connect_h2()
        client.ask()
        begun(client)
        names = [name for event in client.events if hasattr(event, "headers") for name, _ in event.headers]
        assert names == [":status", "x-one", "x-own"]

    def test_a_body_is_invited(self, connect_h2):
        """curl waits a second for it."""
        client = connect_h2()
        client.ask([*POST, ("expect", "100-continue"), ("content-length", "3")], end=False)
        [invitation] = client.of(InformationalResponseReceived)
        assert invitation.headers == [(":status", "100")]

    def test_a_body_that_is_too_large_is_not(self, connect_h2):
        client = connect_h2()
        number = client.ask([*POST, ("expect", "100-continue"), ("content-length", "100000")], end=False)
        assert client.of(InformationalResponseReceived) == []
        assert client.status(number) == "413"

    def test_head_has_no_body(self, connect_h2):
        client = connect_h2(Front())
        number = client.ask([(":method", "HEAD"), *FIELDS[1:]])
        assert client.ended(number)
        assert client.bodies[number] == b""

    def test_an_answer_that_is_broken_off_is_seen(self, connect_h2):
        client = connect_h2()
        number = client.ask()
        answer = begun(client)
        answer.write(b"half")
        answer.break_off()
        client.turn()
        assert client.bodies[number] == b"half"
        assert client.reset(number) == [ErrorCodes.INTERNAL_ERROR]


class TestBackPressure:
    def test_the_window_of_the_client_holds_up_its_stream_only(self, connect_h2):
        client = connect_h2()
        client.acknowledge = False
        numbers, flows, answers = [client.ask(), client.ask()], [Flow(), Flow()], []
        for at in (0, 1):
            answers.append(begun(client, at))
            answers[at].feed_from(flows[at])
        client.h2.increment_flow_control_window(1_000_000)
        client.turn()
        answers[0].write(b"x" * 100_000)
        answers[1].write(b"y" * 1000)
        client.turn()
        assert [flow.held for flow in flows] == [True, False]
        assert len(client.bodies[numbers[0]]) == 65_535
        client.h2.increment_flow_control_window(1_000_000, numbers[0])
        client.turn()
        assert not flows[0].held
        assert client.bodies[numbers[0]] == b"x" * 100_000

    def test_a_socket_that_is_full_holds_up_all(self, connect_h2):
        client = connect_h2()
        client.ask()
        answer, flow = begun(client), Flow()
        answer.feed_from(flow)
        client.wire.wire.producer.pauseProducing()
        answer.write(b"held")
        client.turn()
        assert flow.held
        assert client.bodies == {}
        client.wire.wire.producer.resumeProducing()
        client.turn()
        assert not flow.held
        assert list(client.bodies.values()) == [b"held"]

    def test_a_window_that_grows_by_the_settings_lets_it_go_on(self, connect_h2):
        """RFC 9113 section 6.9.2."""
        client = connect_h2()
        client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 0})
        client.turn()
        number = client.ask()
        begun(client).write(b"held")
        client.turn()
        assert client.bodies == {}
        client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 100})
        client.turn()
        assert client.bodies[number] == b"held"

    def test_a_body_that_nobody_wants_takes_no_window_from_the_others(self, connect_h2):
        client = connect_h2(strict=False)
        for _ in range(20):
            number = client.h2.get_next_available_stream_id()
            client.h2.send_headers(number, [(":method", "CONNECT"), (":authority", "localhost")])
            client.h2.send_data(number, b"x" * 12_000)
            client.turn()
        assert len(client.of(StreamReset)) == 20
        assert client.h2.outbound_flow_control_window > 32_000

    def test_a_body_that_waits_for_its_channel_gives_its_window_back(self, connect_h2):
        """The stream is reset meanwhile."""
        client = connect_h2()
        for _ in range(5):
            number = client.ask(POST, end=False)
            [stream] = [stream for stream in gateway(client)._streams.values() if stream.number == number]
            stream.pauseProducing()
            client.send(number, b"x" * 16_000)
            client.h2.reset_stream(number)
            client.turn()
        assert client.h2.outbound_flow_control_window > 32_000


REFUSED = [
    ("foreign host", [(":authority", "example.com")], "403"),
    ("origin", [("origin", "https://example.com")], "403"),
    ("too large", [("content-length", "100000")], "413"),
]


@pytest.mark.parametrize(("more", "status"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_the_rules_of_the_front_hold(connect_h2, more, status):
    client = connect_h2(strict=False)
    given = [name for name, _ in more]
    number = client.ask([*[pair for pair in POST if pair[0] not in given], *more], end="content-length" not in given)
    assert client.status(number) == status
    assert client.ended(number)
    assert client.front.root.requests == []


def test_no_more_streams_than_there_may_be(connect_h2):
    client = connect_h2()
    for _ in range(STREAMS):
        client.ask()
    with pytest.raises(TooManyStreamsError):
        client.ask()


def test_a_stream_for_which_there_is_no_room_is_told(connect_h2):
    client = connect_h2(Front(at_once=False, max_connections=2))  # the first is the connection itself
    client.ask()
    assert client.status(client.ask()) == "503"


def test_a_request_that_is_reset_in_the_same_read(connect_h2):
    """The answer finds its stream closed; the connection goes on."""
    client = connect_h2(Front())
    number = client.h2.get_next_available_stream_id()
    client.h2.send_headers(number, FIELDS, end_stream=True)
    client.h2.reset_stream(number)
    client.turn()
    assert client.status(client.ask()) == "200"


def test_an_early_refusal_asks_the_client_to_stop(connect_h2):
    client = connect_h2()
    number = client.ask([*POST, ("content-length", "100000")], end=False)
    assert client.status(number) == "413"
    assert client.ended(number)
    assert client.reset(number) == [ErrorCodes.NO_ERROR]
