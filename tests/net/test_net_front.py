"""The front with real sockets: who is turned away and how, and how connections are kept, shared and closed."""

import json

import pytest
from rig import answering, json_answer

GOOD = json_answer({"ok": True})
BODY = b'{"model": "m", "messages": []}'


def post(*fields, body=BODY, target=b"/v1/chat/completions", version=b"1.1", host=b"Host: localhost"):
    """Octets of a POST with these header lines."""
    lines = [b"POST %b HTTP/%b" % (target, version), *([host] if host else []), *fields]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body])


def status(head):
    return int(head.split(b" ", 2)[1])


@pytest.fixture
def pair(daemon, upstream):
    """(daemon that looks nothing up, its upstream)."""
    server = upstream(answering(GOOD))
    return daemon("--upstream", server.url, "--mode", "off", "--max-body", "1000"), server


REFUSED = [
    ("foreign host", post(host=b"Host: evil.example"), 403, "--allow-host evil.example"),
    ("foreign host with a port", post(host=b"Host: evil.example:8910"), 403, "--allow-host"),
    ("a name that begins like ours", post(host=b"Host: localhost.evil.example"), 403, "--allow-host"),
    ("a name that ends like ours", post(host=b"Host: evillocalhost"), 403, "--allow-host"),
    ("malformed host", post(host=b"Host: a b"), 400, "malformed"),
    ("no host", post(host=b""), 400, "Host"),
    ("foreign origin", post(b"Origin: https://evil.example"), 403, "--allow-origin https://evil.example"),
    ("null origin", post(b"Origin: null"), 403, "--allow-origin null"),
    ("two origins", post(b"Origin: http://localhost", b"Origin: https://evil.example"), 403, "--allow-origin"),
    ("websocket", post(b"Connection: Upgrade", b"Upgrade: websocket"), 426, "upgrade"),
    ("too large", post(body=b"x" * 1001), 413, "1000 octets (--max-body)"),
    ("a whole URL for a target", post(target=b"http://evil.example/v1/x"), 400, "reverse proxy"),
    ("no such upstream", post(target=b"/_llmproxy/to/nobody/v1/x"), 404, "nobody"),
]


@pytest.mark.parametrize(("octets", "code", "words"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused_with_a_reason_and_nothing_goes_upstream(pair, octets, code, words):
    proxy, server = pair
    client = proxy.connect()
    client.send(octets)
    head, body = client.response()
    assert status(head) == code
    assert words in json.loads(body)["error"]["message"]
    assert b"cache-status: llmproxy; fwd=bypass; detail=refused" in head.lower()
    assert (server.connections, proxy.chat()[0], len(server.requests)) == (0, 200, 1)


def test_two_hosts_are_refused(pair):
    proxy, server = pair
    client = proxy.connect()
    client.send(post(b"Host: evil.example"))
    assert client.rest().startswith(b"HTTP/1.1 400 ")
    assert server.connections == 0


@pytest.mark.parametrize(
    "fields",
    [
        [b"Host: 127.0.0.1"],
        [b"Host: [::1]:8910"],
        [b"Host: sub.localhost:1"],
        [b"Host: llm.example"],
        [b"Host: LLM.Example:8910"],
        [b"Host: localhost:7", b"Origin: http://localhost:7"],
        [b"Host: localhost:7", b"Origin: http://127.0.0.1:3000"],
        [b"Host: localhost", b"Origin: https://app.example"],
    ],
    ids=lambda fields: b" ".join(fields).decode(),
)
def test_who_may_ask(daemon, upstream, fields):
    proxy = daemon(
        *("--upstream", upstream(answering(GOOD)).url),
        *("--allow-host", "llm.example", "--allow-origin", "https://app.example"),
    )
    client = proxy.connect()
    client.send(post(*fields, host=b""))
    assert status(client.response()[0]) == 200


def test_an_upgrade_is_answered_at_once(pair):
    client = pair[0].connect()
    client.send(b"POST /v1/realtime HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nContent-Length: 9\r\n\r\n")
    head, _ = client.response()  # and no octet of the body was sent
    assert status(head) == 426
    assert b"\r\nupgrade: http/1.1\r\n" in head.lower()  # what is spoken here (RFC 9110 section 15.5.22)


def test_an_offer_of_http2_is_no_upgrade(pair):
    proxy, server = pair
    client = proxy.connect()
    client.send(post(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQ"))
    assert status(client.response()[0]) == 200
    assert not any(name in server.requests[0][0].lower() for name in (b"upgrade", b"http2-settings"))


class TestMaxBody:
    def test_the_limit_itself_passes(self, pair):
        proxy, server = pair
        assert proxy.request("POST", "/v1/files", b"x" * 1000)[0] == 200
        assert server.requests[0][1] == b"x" * 1000

    def test_chunks_are_counted(self, pair):
        proxy, server = pair
        client = proxy.connect()
        client.send(b"POST /v1/files HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.send(b"258\r\n%b\r\n" % (b"x" * 600) * 2)
        head, body = client.response()
        assert status(head) == 413
        assert json.loads(body)["error"]["message"]
        assert server.connections == 0

    def test_the_answer_can_be_read_while_much_is_still_sent(self, pair):
        """The daemon reads on for a while, so that no reset swallows the answer."""
        proxy, server = pair
        for _ in range(3):
            code, headers, body = proxy.request("POST", "/v1/files", b"x" * 3_000_000)
            assert code == 413
            assert headers["Connection"] == "close"
            assert "--max-body" in json.loads(body)["error"]["message"]
        assert server.connections == 0

    def test_the_body_behind_a_413_is_no_request(self, pair):
        proxy, server = pair
        inner = post(target=b"/smuggled")
        client = proxy.connect()
        client.send(post(body=inner + b"x" * 1001))
        assert client.rest().count(b"HTTP/1.1 ") == 1
        assert server.connections == 0


class TestExpect:
    HEAD = b"POST /v1/files HTTP/1.1\r\nHost: %b\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"

    def test_accepted(self, pair):
        proxy, server = pair
        client = proxy.connect()
        client.send(self.HEAD % (b"localhost", 5))
        assert client.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        client.send(b"12345")
        assert status(client.response()[0]) == 200
        head, body = server.requests[0]
        assert body == b"12345"
        assert b"expect" not in head.lower()

    @pytest.mark.parametrize(("host", "size", "code"), [(b"localhost", 1001, 413), (b"evil.example", 5, 403)])
    def test_not_accepted(self, pair, host, size, code):
        """No body is invited that will not be read."""
        client = pair[0].connect()
        client.send(self.HEAD % (host, size))
        answer = client.rest()
        assert answer.startswith(b"HTTP/1.1 %d " % code)
        assert b" 100 " not in answer

    def test_a_client_that_does_not_wait(self, pair):
        proxy, server = pair
        client = proxy.connect()
        client.send(self.HEAD % (b"localhost", 5) + b"12345")
        heads = [status(client.response(head_only=True)[0]) for _ in range(2)]
        assert heads in ([100, 200], [200])
        assert server.requests[0][1] == b"12345"


class TestConnections:
    def test_answers_come_in_the_order_of_the_requests(self, daemon, upstream):
        def play(peer):
            while head := peer.request()[0]:
                peer.send(json_answer({"for": head.split()[1].decode()}))

        proxy = daemon("--upstream", upstream(play).url)
        client = proxy.connect()
        client.send(b"".join(post(target=b"/v1/chat/completions?n=%d" % number) for number in range(20)))
        got = [json.loads(client.response()[1])["for"] for _ in range(20)]
        assert got == [f"/v1/chat/completions?n={number}" for number in range(20)]

    @pytest.mark.parametrize("body", [b"", BODY])
    def test_a_refusal_stands_in_its_place(self, pair, body):
        client = pair[0].connect()
        client.send(post() + post(b"Origin: null", body=body) + post())
        codes = [status(client.response()[0]) for _ in range(2)]
        assert codes == [200, 403]

    def test_keep_alive(self, pair):
        client = pair[0].connect()
        for _ in range(3):
            client.send(post())
            head, body = client.response()
            assert json.loads(body) == {"ok": True}
            assert b"connection: close" not in head.lower()

    @pytest.mark.parametrize(
        ("octets", "closes"),
        [
            (post(b"Connection: close"), True),
            (post(version=b"1.0"), True),
            (post(b"Connection: keep-alive", version=b"1.0"), None),  # may be kept or closed: the answer says which
        ],
    )
    def test_who_asks_for_it_is_closed(self, pair, octets, closes):
        client = pair[0].connect()
        client.send(octets)
        if closes:
            assert client.rest().endswith(b'\r\n\r\n{"ok": true}')
        else:
            assert client.response()[1] == b'{"ok": true}'

    def test_http_1_0_gets_no_chunks(self, daemon, upstream):
        server = upstream(answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"3\r\nabc\r\n0\r\n\r\n"))
        client = daemon("--upstream", server.url).connect()
        client.send(post(version=b"1.0"))
        head, body = client.response()
        assert b"transfer-encoding" not in head.lower()
        assert body == b"abc"

    def test_http_1_0_needs_no_host(self, pair):
        client = pair[0].connect()
        client.send(post(version=b"1.0", host=b""))
        assert status(client.response()[0]) == 200

    def test_head_has_no_body_and_the_connection_goes_on(self, daemon, upstream):
        def play(peer):
            while head := peer.request()[0]:
                peer.send(GOOD.partition(b"{")[0] if head.startswith(b"HEAD") else GOOD)

        client = daemon("--upstream", upstream(play).url).connect()
        for _ in range(2):
            client.send(b"HEAD /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
            head, _ = client.response(head_only=True)
            assert b"content-length: 12\r\n" in head.lower()
        client.send(post())
        assert client.response()[1] == b'{"ok": true}'

    def test_a_refused_head_has_no_body_either(self, daemon):
        client = daemon("--mode", "none").connect()
        for _ in range(2):
            client.send(b"HEAD /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert status(client.response(head_only=True)[0]) == 424

    @pytest.mark.parametrize("octets", [b"\x16\x03\x01\x02\0\r\n\r\n", b"GET\r\n\r\n", post(b"no colon")])
    def test_what_is_no_http_gets_one_400(self, pair, octets):
        proxy, server = pair
        client = proxy.connect()
        client.send(octets + post())
        answer = client.rest()
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert answer.count(b"HTTP/1.1 ") == 1
        assert server.connections == 0
