"""What passes the front and goes upstream, and back: header fields, targets and bodies, octet for octet."""

import hashlib

import pytest
from rig import answering, json_answer

GOOD = json_answer({"ok": True})
MIB = 1024 * 1024


@pytest.fixture
def pair(daemon, upstream):
    server = upstream(answering(GOOD))
    return daemon("--upstream", server.url, "--mode", "off"), server


def ask(proxy, *lines):
    """Send a request of these lines; (lines of the response's head, body)."""
    client = proxy.connect()
    client.send(b"\r\n".join([*lines, b"", b""]))
    head, body = client.response()
    return head.split(b"\r\n")[:-2], body


def seen(server, number=0):
    """The lines of a request's head as upstream got it."""
    return server.requests[number][0].split(b"\r\n")[:-2]


class TestRequestFields:
    def test_case_order_and_repetitions_stay(self, pair):
        proxy, server = pair
        fields = [
            b"x-API-key: sk-1",
            b"User-Agent: Test/1",
            b"X-Multi: one",
            b"accept: */*",
            b"X-Multi: two, three",
            b"X-Empty:",
            b"authorization: Bearer \xe4\xf6",
            b"Accept-Encoding: gzip;q=0.5, br",
            b"Cookie: a=b",
            b"Cookie: c=d",
            b"x_under_score: kept",
        ]
        ask(proxy, b"GET /v1/models HTTP/1.1", b"hOST: localhost", *fields)
        expected = [b"X-Empty: " if field == b"X-Empty:" else field for field in fields]
        assert seen(server) == [b"GET /v1/models HTTP/1.1", b"hOST: 127.0.0.1:%d" % server.port, *expected]

    def test_hop_by_hop_fields_and_those_that_connection_names_are_stripped(self, pair):
        proxy, server = pair
        ask(
            proxy,
            b"GET /v1/models HTTP/1.1",
            b"Host: localhost",
            b"Connection: keep-alive, X-Private",
            b"Keep-Alive: timeout=5",
            b"x-private: secret",
            b"Proxy-Authorization: Basic eDp5",
            b"Proxy-Connection: keep-alive",
            b"Proxy-Authenticate: Basic",
            b"TE: trailers",
            b"Trailer: X-Sum",
            b"X-Stays: yes",
        )
        assert seen(server)[2:] == [b"X-Stays: yes"]

    def test_fields_for_the_daemon_are_stripped(self, pair):
        proxy, server = pair
        ask(
            proxy,
            b"GET /v1/models HTTP/1.1",
            b"Host: localhost",
            b"Cache-Control: no-cache, max-age=0",
            b"X-LLMProxy-Session: s",
            b"X-Stays: yes",
        )
        assert sorted(seen(server)[2:]) == [b"Cache-Control: max-age=0", b"X-Stays: yes"]

    def test_many_and_long_fields(self, pair):
        proxy, server = pair
        fields = [b"X-Long-%d: %b" % (number, b"x" * 1000) for number in range(100)]
        ask(proxy, b"GET /v1/models HTTP/1.1", b"Host: localhost", *fields)
        assert seen(server)[2:] == fields

    def test_connection_cannot_take_the_length_or_the_host_away(self, pair):
        """A request whose length is gone would be read as two. More in `test_hostile_front.py`."""
        proxy, server = pair
        client = proxy.connect()
        client.send(
            b"POST /v1/files HTTP/1.1\r\nHost: localhost\r\nConnection: Content-Length, Host\r\n"
            b"Content-Length: 5\r\n\r\n12345"
        )
        assert client.rest().startswith(b"HTTP/1.1 400 ")
        assert server.requests == []


class TestResponseFields:
    def test_case_order_and_repetitions_stay_and_ours_follow(self, daemon, upstream):
        fields = [
            b"X-Request-ID: 1",
            b"content-type: text/plain; charset=latin1",
            b"Set-Cookie: a=b",
            b"X-Ratelimit-limit: 1",
            b"Set-Cookie: c=d; Path=/",
            b"server: \xe4",
            b"Date: Thu, 01 Jan 1970 00:00:00 GMT",
        ]
        answer = b"\r\n".join([b"HTTP/1.1 218 This is fine", *fields, b"Content-Length: 2", b"", b"ok"])
        proxy = daemon("--upstream", upstream(answering(answer)).url, "--mode", "off")
        lines, body = ask(proxy, b"GET /v1/x HTTP/1.1", b"Host: localhost")
        assert lines[: len(fields) + 1] == [b"HTTP/1.1 218 This is fine", *fields]
        assert [line.partition(b":")[0] for line in lines[len(fields) + 1 :]] == [
            b"Cache-Status",
            b"X-LLMProxy-Exchange",
            b"X-LLMProxy-Body",
            b"Content-Length",
        ]
        assert body == b"ok"

    def test_hop_by_hop_fields_are_stripped(self, daemon, upstream):
        answer = (
            b"HTTP/1.1 200 OK\r\nConnection: X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\n"
            b"Proxy-Authenticate: Basic\r\nTrailer: X-Sum\r\nUpgrade: h2c\r\nX-Stays: yes\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
        )
        proxy = daemon("--upstream", upstream(answering(answer)).url, "--mode", "off")
        lines, body = ask(proxy, b"GET /v1/x HTTP/1.1", b"Host: localhost")
        names = [line.partition(b":")[0].lower() for line in lines[1:]]
        ours = [b"x-accel-buffering", b"cache-status", b"x-llmproxy-exchange", b"x-llmproxy-body"]
        assert names == [b"x-stays", *ours, b"transfer-encoding"]
        assert body == b"ok"


TARGETS = [
    b"/",
    b"//",
    b"//evil.example/v1",
    b"/v1//chat///x",
    b"/v1/.a/..b/...",
    b"/v1/%252e%252e/x",
    b"/v1/a%2Fb%2fc%20d%zz%",
    b"/v1/m%C3%BCller",
    b"/v1/models/org:model@1;v=2",
    b"/v1/x?",
    b"/v1/x?a=1&a=2&b=%26&c=a+b&d",
    b"/v1/x?url=http://evil.example/?x=1",
    b"/v1/x?a=b%23c&d=\\",
    b"/v1/'\"<>[]{}|^`",
    b"/v1/x?" + b"q" * 8000,
    b"/_llmproxyish/x",
]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target[:40].decode())
def test_targets_are_unchanged(pair, target):
    proxy, server = pair
    ask(proxy, b"GET %b HTTP/1.1" % target, b"Host: localhost")
    assert seen(server)[0] == b"GET %b HTTP/1.1" % target


@pytest.mark.parametrize("method", [b"GET", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"PROPFIND", b"x-odd"])
def test_all_methods_pass(pair, method):
    proxy, server = pair
    ask(proxy, b"%b /v1/x HTTP/1.1" % method, b"Host: localhost", b"Content-Length: 0")
    assert seen(server)[0] == b"%b /v1/x HTTP/1.1" % method


BASES = [
    ("", b"/v1/messages?x=1", b"/v1/messages?x=1"),
    ("/", b"/v1/messages", b"/v1/messages"),
    ("/v1", b"/v1/chat/completions", b"/v1/chat/completions"),
    ("/v1", b"/chat/completions", b"/v1/chat/completions"),
    ("/v1", b"/v1beta/models", b"/v1/v1beta/models"),
    ("/api/v1", b"/v1/x", b"/api/v1/x"),
    ("/api/v1/", b"/api/v1/x", b"/api/v1/x"),
    ("/azure", b"/openai/x", b"/azure/openai/x"),
    ("/azure", b"/azureish/x", b"/azure/azureish/x"),
]


@pytest.mark.parametrize(("base", "asked", "expected"), BASES)
def test_the_base_path(daemon, upstream, base, asked, expected):
    server = upstream(answering(GOOD))
    ask(daemon("--upstream", server.url + base), b"GET %b HTTP/1.1" % asked, b"Host: localhost")
    assert seen(server)[0] == b"GET %b HTTP/1.1" % expected


def test_named_upstreams(daemon, upstream):
    first, second = upstream(answering(GOOD)), upstream(answering(GOOD))
    proxy = daemon("--upstream", first.url, "--upstream", f"other={second.url}/api/v1")
    ask(proxy, b"GET /_llmproxy/to/other/v1/models?a=/b HTTP/1.1", b"Host: localhost")
    ask(proxy, b"GET /_llmproxy/to/default/v1/%252e/x HTTP/1.1", b"Host: localhost")
    ask(proxy, b"GET /_llmproxy/to/other HTTP/1.1", b"Host: localhost")
    ask(proxy, b"GET /v1/models HTTP/1.1", b"Host: localhost")
    assert [head.split()[1] for head, _ in second.requests] == [b"/api/v1/models?a=/b", b"/api/v1/"]
    assert [head.split()[1] for head, _ in first.requests] == [b"/v1/%252e/x", b"/v1/models"]


SIZES = [0, 1, MIB - 1, MIB, MIB + 1, 5 * MIB]


@pytest.fixture(scope="module")
def octets():
    """5 MiB that hold every octet and no period."""
    return b"".join(hashlib.sha512(b"%d" % number).digest() for number in range(5 * MIB // 64))


@pytest.mark.parametrize("size", SIZES)
def test_bodies_are_the_same_both_ways(daemon, upstream, octets, size):
    data = octets[:size]
    server = upstream(answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size, data))
    proxy = daemon("--upstream", server.url)
    status, headers, body = proxy.request("POST", "/v1/files", data)
    assert (status, headers["Content-Length"]) == (200, str(size))
    assert server.requests[0][1] == data
    assert body == data
    proxy.settle()
    api = f"/_llmproxy/api/exchanges/{headers['X-LLMProxy-Exchange']}"
    for side in ("request", "response"):
        assert proxy.request("GET", f"{api}/{side}/body")[2] == data


@pytest.mark.parametrize("size", SIZES)
def test_chunked_request_bodies(pair, octets, size):
    """Upstream gets them with their length: they are whole when they go up."""
    proxy, server = pair
    chunks = [octets[start : min(start + 70_000, size)] for start in range(0, size, 70_000)]
    client = proxy.connect()
    client.send(b"POST /v1/files HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nX-After: 1\r\n\r\n")
    for chunk in chunks:
        client.send(b"%x;ext=1\r\n%b\r\n" % (len(chunk), chunk))
    client.send(b"0\r\nX-Trailer: 1\r\n\r\n")
    assert client.response()[1] == b'{"ok": true}'
    head, body = server.requests[0]
    assert body == octets[:size]
    assert b"transfer-encoding" not in head.lower()
    assert b"X-After: 1\r\n" in head
    assert (b"Content-Length: %d\r\n" % size in head) is (size > 0)
