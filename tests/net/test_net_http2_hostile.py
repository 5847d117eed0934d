"""Clients of HTTP/2 that mean no good: header lists that are no requests, limits, floods, and who may not ask.

The answers are those of `docs/serving-tls.md`. What a client does to itself alone may end its connection.
"""

import pytest

pytest.importorskip("h2")

from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated
from h2_wires import FIELDS, POST
from hyperframe.frame import (
    SettingsFrame,
)
from wires import Front

from proxy_daemon.net.limits import MAX_FIELDS

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SettingsFrame(0).serialize()
STREAM, CONNECTION = "the stream is reset", "the connection is ended"


def outcome(client, number):
    """A status, or how the client was told that it is none."""
    if client.of(ConnectionTerminated):
        return CONNECTION
    return STREAM if client.reset(number) == [ErrorCodes.PROTOCOL_ERROR] else client.status(number)


M, S, A, P = FIELDS
HEADER_LISTS = [
    ("good", FIELDS, "200"),
    ("Host for :authority", [M, S, P, ("host", "localhost")], "200"),
    ("both, the same", [*FIELDS, ("host", "localhost")], "200"),
    ("both, different", [*FIELDS, ("host", "example.com")], CONNECTION),
    ("two Hosts", [M, S, P, ("host", "localhost"), ("host", "localhost")], CONNECTION),
    ("neither", [M, S, P], CONNECTION),
    ("a foreign :authority", [M, S, (":authority", "example.com"), P], "403"),
    ("an empty :authority", [M, S, (":authority", ""), P], "400"),
    ("a user in :authority", [M, S, (":authority", "me@localhost"), P], "400"),
    ("no :method", [S, A, P], CONNECTION),
    ("no :scheme", [M, A, P], CONNECTION),
    ("no :path", [M, S, A], CONNECTION),
    ("an empty :path", [M, S, A, (":path", "")], CONNECTION),
    ("a :path without a slash", [M, S, A, (":path", "v1")], "400"),
    ("a URL as :path", [M, S, A, (":path", "http://169.254.169.254/")], "400"),
    ("dots in :path", [M, S, A, (":path", "/v1/../x")], "400"),
    ("a space in :path", [M, S, A, (":path", "/ HTTP/1.1")], "400"),
    ("a line in :path", [M, S, A, (":path", "/ HTTP/1.1\r\nHost: x")], CONNECTION),
    ("* as :path", [(":method", "OPTIONS"), S, A, (":path", "*")], "400"),
    ("a line in :method", [(":method", "GET / HTTP/1.1\r\n\r\nGET"), S, A, P], CONNECTION),
    ("a space in :method", [(":method", "GET /x"), S, A, P], "400"),
    ("an empty :method", [(":method", ""), S, A, P], "400"),
    ("two :method", [M, *FIELDS], CONNECTION),
    ("two :path", [*FIELDS, P], CONNECTION),
    ("two :authority", [*FIELDS, A], CONNECTION),
    ("a pseudo-field behind a field", [M, S, A, ("x", "1"), P], CONNECTION),
    ("a pseudo-field of answers", [*FIELDS, (":status", "200")], CONNECTION),
    ("an unknown pseudo-field", [*FIELDS, (":x", "1")], CONNECTION),
    ("CONNECT", [(":method", "CONNECT"), A], STREAM),
    ("CONNECT with a path", [(":method", "CONNECT"), S, A, P], CONNECTION),
    ("a WebSocket", [(":method", "CONNECT"), (":protocol", "websocket"), S, A, P], "400"),
    ("an upper-case name", [*FIELDS, ("X-One", "1")], CONNECTION),
    ("no name", [*FIELDS, ("", "1")], CONNECTION),
    ("a colon in a name", [*FIELDS, ("x:y", "1")], CONNECTION),
    ("a parenthesis in a name", [*FIELDS, ("x(y", "1")], "400"),
    ("a line in a name", [*FIELDS, ("x: 1\r\ny", "1")], CONNECTION),
    ("a line in a value", [*FIELDS, ("x", "a\r\nevil: 1")], CONNECTION),
    ("NUL in a value", [*FIELDS, ("x", "a\0")], CONNECTION),
    ("another control octet in a value", [*FIELDS, ("x", "a\1")], "400"),
    ("a space around a value", [*FIELDS, ("x", " a")], CONNECTION),
    ("connection", [*FIELDS, ("connection", "close")], CONNECTION),
    ("keep-alive", [*FIELDS, ("keep-alive", "1")], CONNECTION),
    ("proxy-connection", [*FIELDS, ("proxy-connection", "close")], CONNECTION),
    ("upgrade", [*FIELDS, ("upgrade", "websocket")], CONNECTION),
    ("transfer-encoding", [*FIELDS, ("transfer-encoding", "chunked")], CONNECTION),
    ("te: trailers", [*FIELDS, ("te", "trailers")], "200"),
    ("te: gzip", [*FIELDS, ("te", "gzip")], CONNECTION),
    ("a length without a body", [*POST, ("content-length", "5")], STREAM),
    ("a length that is none", [*POST, ("content-length", "0x5")], CONNECTION),
    ("two lengths", [*POST, ("content-length", "0"), ("content-length", "0")], "400"),
    ("transfer_encoding", [*FIELDS, ("transfer_encoding", "chunked")], "400"),
    ("another expectation", [*FIELDS, ("expect", "x")], "417"),
]


@pytest.mark.parametrize(
    ("fields", "expected"), [row[1:] for row in HEADER_LISTS], ids=[row[0] for row in HEADER_LISTS]
)
def test_header_lists(connect_h2, fields, expected):
    client = connect_h2(Front(), strict=False)
    assert outcome(client, client.ask(fields)) == expected
    assert len(client.front.root.requests) == (expected == "200")
    if expected != CONNECTION:
        assert client.status(client.ask()) == "200"  # the others go on


def of_size(size):
    """A head of about so many octets."""
    return [*FIELDS, *[(f"x{number}", "v" * 4000) for number in range(size // 4000)]]


HEADS = [
    ("within the limit", of_size(60_000), "200", None),
    ("beyond it", of_size(80_000), "431", "head_too_large"),
    ("far beyond it", of_size(300_000), CONNECTION, "http2_flood"),
    ("many fields", [*FIELDS, *[("x", "1")] * (MAX_FIELDS + 1)], "431", "too_many_fields"),
    ("a long target", [*FIELDS[:3], (":path", "/" + "x" * 80_000)], "414", "target_too_long"),
]


@pytest.mark.parametrize(("fields", "expected", "kind"), [row[1:] for row in HEADS], ids=[row[0] for row in HEADS])
def test_heads_that_are_too_large(connect_h2, fields, expected, kind):
    client = connect_h2(Front(max_head=64 * 1024))
    assert outcome(client, client.ask(fields)) == expected
    assert counted(client) == ({kind: 1} if kind else {})


def counted(client):
    return {kind: number for kind, number in client.front.site.met.numbers().items() if number}


class TestBodies:
    def test_a_body_that_is_too_large_by_its_octets(self, connect_h2):
        client = connect_h2(Front(max_body=1000))
        number = client.ask(POST, end=False)
        client.send(number, b"x" * 1001)
        assert client.status(number) == "413"
        assert client.ended(number)
        assert client.reset(number) == [ErrorCodes.NO_ERROR]
        assert client.status(client.ask()) == "200"

    @pytest.mark.parametrize(("length", "sent"), [("5", b"123456"), ("5", b"1234")])
    def test_a_body_that_is_not_as_long_as_it_says(self, connect_h2, length, sent):
        client = connect_h2(Front(), strict=False)
        number = client.ask([*POST, ("content-length", length)], end=False)
        client.send(number, sent, end=True)
        assert outcome(client, number) == CONNECTION
        assert client.front.root.requests == []

    def test_a_body_that_stops(self, connect_h2):
        client = connect_h2(Front(timeout=60.0))
        number = client.ask(POST, end=False)
        client.send(number, b"x")
        client.front.clock.advance(61)
        client.front.site.look()
        client.turn()
        assert client.status(number) == "408"
        assert counted(client) == {"body_timeout": 1}

    def test_a_body_that_comes_too_slowly(self, connect_h2):
        client = connect_h2(Front(timeout=60.0, request_timeout=300.0))
        number = client.ask(POST, end=False)
        for _ in range(31):
            client.send(number, b"x")
            client.front.clock.advance(10)
            client.front.site.look()
        client.turn()
        assert client.status(number) == "408"

    def test_trailers_are_passed_over(self, connect_h2):
        client = connect_h2(Front())
        number = client.ask(POST, end=False)
        client.send(number, b"abc")
        client.h2.send_headers(number, [("x-sum", "1")], end_stream=True)
        client.turn()
        assert client.status(number) == "200"
        assert client.front.root.seen[0][3] == b"abc"


class TestConnections:
    def test_each_request_under_way_counts_as_one_of_its_client(self, connect_h2):
        client = connect_h2(Front(at_once=False, max_connections_per_client=3), peer="192.0.2.1")
        client.ask()
        client.ask()
        assert client.status(client.ask()) == "503"
        assert counted(client) == {"too_many_connections_of_client": 1}

    def test_what_has_ended_counts_no_more(self, connect_h2):
        client = connect_h2(Front(max_connections_per_client=2), peer="192.0.2.1")
        assert [client.status(client.ask()) for _ in range(5)] == ["200"] * 5
        assert len(client.front.site.channels) == 1
