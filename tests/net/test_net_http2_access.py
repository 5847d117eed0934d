"""Who may ask over HTTP/2: the same as over HTTP/1.1, with the same answers."""

from hashlib import sha256

import pytest

pytest.importorskip("h2")

from h2_wires import FIELDS
from wires import Front

from proxy_daemon.core.access import Access
from proxy_daemon.core.tokens import Tokens

SCHEME = (":scheme", "https")
AWAY, HERE = "192.0.2.1", "127.0.0.1"
RED, ADMIN, PAGE = ("x-llmproxy-token", "llmp_red"), ("x-llmproxy-token", "admin"), ("origin", "https://app.example")
PREFLIGHT = [PAGE, ("access-control-request-method", "POST")]
RULES = [
    ("here", HERE, "GET", "/v1/x", [], "200"),
    ("elsewhere, no token", AWAY, "GET", "/v1/x", [], "401"),
    ("elsewhere, a token", AWAY, "GET", "/v1/x", [RED], "200"),
    ("elsewhere, a token as the key", AWAY, "POST", "/v1/x", [("authorization", "Bearer llmp_red")], "200"),
    ("elsewhere, a wrong token", AWAY, "GET", "/v1/x", [("x-llmproxy-token", "llmp_blue")], "401"),
    ("by way of a proxy here", HERE, "GET", "/v1/x", [("x-forwarded-for", AWAY)], "401"),
    ("our pages, elsewhere", AWAY, "GET", "/_llmproxy/x", [], "401"),
    ("our pages, elsewhere, a client's token", AWAY, "GET", "/_llmproxy/x", [RED], "401"),
    ("our pages, elsewhere, a password", AWAY, "GET", "/_llmproxy/x", [("authorization", "Basic bWU6YWRtaW4=")], "200"),
    ("a browser's page", HERE, "GET", "/v1/x", [("sec-fetch-site", "none"), ("accept", "text/html")], "200"),
    ("a worker", HERE, "GET", "/v1/x", [("sec-fetch-site", "same-origin"), ("sec-fetch-dest", "serviceworker")], "403"),
    ("a page that may", HERE, "GET", "/v1/x", [PAGE], "200"),
    ("a page that may not", HERE, "GET", "/v1/x", [("origin", "https://evil.example")], "403"),
    ("a preflight", AWAY, "OPTIONS", "/v1/x", PREFLIGHT, "204"),
    ("a foreign name", HERE, "GET", "/v1/x", [("host", "evil.example")], "403"),
    ("an allowed name", HERE, "GET", "/v1/x", [("host", "llm.example")], "200"),
]


def strict_front():
    tokens = Tokens({"red": sha256(b"llmp_red").digest()}, sha256(b"admin").digest())
    return Front(access=Access(("llm.example",), ("https://app.example",), tokens))


@pytest.mark.parametrize(
    ("peer", "method", "path", "fields", "status"), [row[1:] for row in RULES], ids=[row[0] for row in RULES]
)
def test_who_may_ask_is_the_same_as_over_http_1_1(connect_h2, peer, method, path, fields, status):
    client = connect_h2(strict_front(), peer=peer)
    host = dict(fields).get("host", "localhost")
    more = [pair for pair in fields if pair[0] != "host"]
    for _ in range(2):  # the second head is known
        number = client.ask([(":method", method), SCHEME, (":authority", host), (":path", path), *more])
        assert client.status(number) == status
    answer = {name: value for name, value in client.head(number).items() if name != ":status"}
    assert (status, answer) == over_http_1_1(peer, method, path, host, more)
    assert ("content-security-policy" in answer) is (("accept", "text/html") in fields)


def over_http_1_1(peer, method, path, host, fields):
    channel, wire = strict_front().connect(peer=peer)
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *[f"{name}: {value}" for name, value in fields]]
    channel.dataReceived("\r\n".join([*lines, "", ""]).encode())
    first, *answer = wire.value().partition(b"\r\n\r\n")[0].decode().split("\r\n")
    pairs = [line.partition(": ")[::2] for line in answer]
    hop = ("connection", "transfer-encoding")
    return first.split()[1], {name.lower(): value for name, value in pairs if name.lower() not in hop}


def test_a_token_that_is_taken_back_is_refused_on_connections_that_stand(connect_h2):
    client = connect_h2(strict_front(), peer=AWAY)
    before = client.status(client.ask([*FIELDS, RED]))
    client.front.site.access = Access(("llm.example",), (), Tokens({}, b""))
    assert (before, client.status(client.ask([*FIELDS, RED]))) == ("200", "401")
