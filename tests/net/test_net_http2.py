"""HTTP/2 in memory: requests, streams, back-pressure, the ends, and what is refused."""

import pytest

pytest.importorskip("h2")

from authorities import Authority
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated
from h2.exceptions import TooManyStreamsError
from h2_wires import FIELDS, POST, H2Client
from wires import Front

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import ResponseHead
from proxy_daemon.net.certificates import Files
from proxy_daemon.net.client import FrontClient
from proxy_daemon.net.http2 import RESETS, STREAMS
from proxy_daemon.net.http2_stream import BadRequest, request_head
from proxy_daemon.net.serving_tls import Certificates

HEAD = ResponseHead(200, b"OK", Headers(((b"X-One", b"1"), (b"Connection", b"keep-alive"))))


@pytest.fixture
def connect(tmp_path):
    authority = Authority(tmp_path)
    path = authority.write(tmp_path / "own.pem", "localhost")

    def start(front=None, **how):
        front = front or Front(at_once=False)
        return H2Client(front, Certificates(Files(path, path), front.clock), authority.path, **how)

    return start


class Flow:
    held = False

    def pause(self):
        self.held = True

    def resume(self):
        self.held = False


def begun(client, number=-1):
    """The answer to a request, its head sent."""
    answer = FrontClient(client.front.root.requests[number])
    answer.begin(HEAD, b"X-Own: 2\r\n")
    answer.flush()
    client.turn()
    return answer


class TestRequests:
    def test_it_comes_to_the_site_as_any_other(self, connect):
        client = connect()
        client.ask([*FIELDS, ("cookie", "a=b"), ("cookie", "c=d"), ("x-api-key", "k")])
        assert client.front.root.seen == [
            (b"GET", b"/v1/models", ((b"host", b"localhost"), (b"x-api-key", b"k"), (b"cookie", b"a=b; c=d")), b"")
        ]

    @pytest.mark.parametrize("length", [(), (("content-length", "6"),)])
    def test_its_body(self, connect, length):
        client = connect()
        number = client.ask([*POST, *length], end=False)
        client.send(number, b"abc")
        client.send(number, b"def", end=True)
        assert client.front.root.seen[0][3] == b"abcdef"

    def test_a_body_beyond_the_window_is_taken_in(self, connect):
        client = connect(Front(max_body=1_000_000))
        number = client.ask(POST, end=False)
        for _ in range(20):
            client.send(number, b"x" * 16_000)
        client.send(number, b"", end=True)
        assert client.front.root.requests[0].spool.size == 320_000

    def test_many_at_a_time(self, connect):
        client = connect()
        numbers = [client.ask() for _ in range(5)]
        for at in reversed(range(5)):
            answer = begun(client, at)
            answer.write(b"%d" % at)
            answer.finish()
        client.turn()
        assert [client.bodies[number] for number in numbers] == [b"0", b"1", b"2", b"3", b"4"]
        assert all(client.ended(number) for number in numbers)


class TestAnswers:
    def test_head_and_body(self, connect):
        client = connect()
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

    def test_fields_of_one_hop_stay_here(self, connect):
        client = connect()
        client.ask()
        begun(client)
        names = [name for event in client.events if hasattr(event, "headers") for name, _ in event.headers]
        assert names == [":status", "x-one", "x-own"]

    def test_head_has_no_body(self, connect):
        client = connect(Front())
        number = client.ask([(":method", "HEAD"), *FIELDS[1:]])
        assert client.ended(number)
        assert client.bodies[number] == b""

    def test_an_answer_that_is_broken_off_is_seen(self, connect):
        client = connect()
        number = client.ask()
        answer = begun(client)
        answer.write(b"half")
        answer.break_off()
        client.turn()
        assert client.bodies[number] == b"half"
        assert client.reset(number) == [ErrorCodes.INTERNAL_ERROR]


class TestBackPressure:
    def test_the_window_of_the_client_holds_up_its_stream_only(self, connect):
        client = connect()
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

    def test_a_socket_that_is_full_holds_up_all(self, connect):
        client = connect()
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


class TestTheEnd:
    def test_a_stream_that_is_reset_is_a_client_that_is_gone(self, connect):
        client = connect()
        number = client.ask()
        client.h2.reset_stream(number)
        client.turn()
        assert client.front.root.requests[0].gone
        assert client.ask()

    def test_a_connection_that_is_lost_takes_all_with_it(self, connect):
        client = connect()
        client.ask()
        client.ask()
        client.wire.end()
        client.wire.server.connectionLost(None)
        assert all(request.gone for request in client.front.root.requests)
        assert client.front.site.channels == set()

    def test_when_the_daemon_stops_the_last_answer_comes(self, connect):
        client = connect()
        number = client.ask()
        answer = begun(client)
        for channel in tuple(client.front.site.channels):
            channel.leave(new_too=True)
        answer.write(b"last")
        answer.finish()
        client.turn()
        assert client.bodies[number] == b"last"
        assert client.ended(number)
        assert client.of(ConnectionTerminated)
        assert client.wire.wire.closed

    def test_an_idle_connection_is_closed(self, connect):
        client = connect(Front(timeout=60.0))
        client.front.clock.advance(61)
        client.front.site.look()
        client.turn()
        assert client.wire.wire.closed


REFUSED = [
    ("foreign host", [(":authority", "example.com")], "403"),
    ("origin", [("origin", "https://example.com")], "403"),
    ("too large", [("content-length", "100000")], "413"),
]


@pytest.mark.parametrize(("more", "status"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_the_rules_of_the_front_hold(connect, more, status):
    client = connect(strict=False)
    given = [name for name, _ in more]
    number = client.ask([*[pair for pair in POST if pair[0] not in given], *more], end="content-length" not in given)
    assert client.status(number) == status
    assert client.ended(number)
    assert client.front.root.requests == []


SMUGGLED = [
    ("line in a value", [*FIELDS, ("x", "a\r\nevil: 1")]),
    ("line in the path", [*FIELDS[:3], (":path", "/ HTTP/1.1\r\nHost: x")]),
    ("line in the method", [(":method", "GET / HTTP/1.1\r\n\r\nGET"), *FIELDS[1:]]),
    ("line in a name", [*FIELDS, ("x: 1\r\ny", "2")]),
    ("coding", [*FIELDS, ("transfer-encoding", "chunked")]),
    ("two hosts", [*FIELDS, ("host", "example.com")]),
    ("nul", [*FIELDS, ("x", "a\0")]),
    ("colon in a name", [*FIELDS, ("x:y", "2")]),
]


@pytest.mark.parametrize("fields", [row[1] for row in SMUGGLED], ids=[row[0] for row in SMUGGLED])
def test_no_field_becomes_another_one(connect, fields):
    client = connect(strict=False)
    client.ask(fields)
    assert client.front.root.requests == []
    assert client.events[-1].error_code == ErrorCodes.PROTOCOL_ERROR


@pytest.mark.parametrize("fields", [row[1] for row in SMUGGLED if row[0] not in ("coding", "two hosts")])
def test_nor_where_h2_lets_it_pass(fields):
    with pytest.raises(BadRequest):
        request_head([(name.encode(), value.encode()) for name, value in fields], chunked=False)


@pytest.mark.parametrize("missing", [0, 3])
def test_a_request_without_a_method_or_a_path_is_none(missing):
    fields = [(name.encode(), value.encode()) for name, value in FIELDS]
    del fields[missing]
    with pytest.raises(BadRequest):
        request_head(fields, chunked=False)


def test_no_more_streams_than_there_may_be(connect):
    client = connect()
    for _ in range(STREAMS):
        client.ask()
    with pytest.raises(TooManyStreamsError):
        client.ask()


def test_a_stream_for_which_there_is_no_room_is_told(connect):
    client = connect(Front(at_once=False, max_connections=2))  # the first is the connection itself
    client.ask()
    assert client.status(client.ask()) == "503"


def test_a_request_that_is_reset_in_the_same_read(connect):
    """The answer finds its stream closed; the connection goes on."""
    client = connect(Front())
    number = client.h2.get_next_available_stream_id()
    client.h2.send_headers(number, FIELDS, end_stream=True)
    client.h2.reset_stream(number)
    client.turn()
    assert client.status(client.ask()) == "200"


def test_an_early_refusal_asks_the_client_to_stop(connect):
    client = connect()
    number = client.ask([*POST, ("content-length", "100000")], end=False)
    assert client.status(number) == "413"
    assert client.ended(number)
    assert client.reset(number) == [ErrorCodes.NO_ERROR]


def test_while_the_daemon_stops_new_requests_may_be_sent_elsewhere(connect):
    client = connect()
    client.ask()
    for channel in tuple(client.front.site.channels):
        channel.leave(new_too=True)
    assert client.reset(client.ask()) == [ErrorCodes.REFUSED_STREAM]


def test_who_resets_for_ever_is_cut_off(connect):
    client = connect()
    for _ in range(RESETS + 1):
        client.h2.reset_stream(client.ask())
        client.turn(1)
        if client.wire.wire.closed:
            break
    assert client.of(ConnectionTerminated)[0].error_code == ErrorCodes.ENHANCE_YOUR_CALM
