"""Who may ask, on connections: tokens of clients and of the admin, heads that are known, a reload, pages."""

import json
from hashlib import sha256

import pytest
from twisted.internet.address import UNIXAddress
from twisted.web.resource import Resource
from wires import Front, Root

from proxy_daemon.core.access import Access
from proxy_daemon.core.tokens import Tokens, page_digest

AWAY, HERE = "10.0.0.7", "127.0.0.1"
PAGE = b"Origin: https://app.example\r\n"
RED, BLUE, ADMIN = b"X-LLMProxy-Token: llmp_red\r\n", b"X-LLMProxy-Token: llmp_blue\r\n", b"X-LLMProxy-Token: admin\r\n"
NGINX = b"X-Forwarded-For: 10.0.0.7\r\n"
PREFLIGHT = b"OPTIONS /v1/x HTTP/1.1\r\nHost: localhost\r\n%bAccess-Control-Request-Method: POST\r\n\r\n"


def access(*names, admin=b"", origins=()):
    digests = {name: sha256(f"llmp_{name}".encode()).digest() for name in names}
    return Access(("localhost",), origins, Tokens(digests, sha256(admin).digest() if admin else b""))


def get(path=b"/v1/x", fields=b""):
    return b"GET %b HTTP/1.1\r\nHost: localhost\r\n%b\r\n" % (path, fields)


def ask(front, octets, peer=AWAY):
    """(status, field lines, body) of the answer on a new connection."""
    channel, wire = front.connect(peer=peer)
    return answered(channel, wire, octets)


def answered(channel, wire, octets):
    channel.dataReceived(octets)
    head, _, body = wire.taken().partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    return int(status.split()[1]), lines, body


# --- tokens of clients -----------------------------------------------------------------------------------------------

CLIENTS = {
    "with a token": (AWAY, RED, 200, "red"),
    "with another": (AWAY, BLUE, 200, "blue"),
    "as the API key": (AWAY, b"Authorization: Bearer llmp_red\r\n", 200, "red"),
    "without": (AWAY, b"", 401, None),
    "with a wrong one": (AWAY, b"X-LLMProxy-Token: llmp_green\r\n", 401, None),
    "with the admin's": (AWAY, ADMIN, 401, None),
    "from here": (HERE, b"", 200, ""),
    "from here, named": (HERE, RED, 200, "red"),
    "from here, with a wrong one": (HERE, b"X-LLMProxy-Token: llmp_green\r\n", 200, ""),
    "by a socket of this machine": (UNIXAddress(None), b"", 200, ""),
    "through a reverse proxy here": (HERE, NGINX, 401, None),
    "through a reverse proxy here, with a token": (HERE, NGINX + RED, 200, "red"),
}


@pytest.mark.parametrize(("peer", "fields", "status", "name"), CLIENTS.values(), ids=CLIENTS.keys())
def test_clients_of_other_machines_need_a_token(peer, fields, status, name):
    front = Front(access=access("red", "blue", admin=b"admin"))
    for time in (1, 2):  # the second one is a known head
        assert ask(front, get(fields=fields), peer)[0] == status
        assert [request.caller.name for request in front.root.requests] == ([] if name is None else [name] * time)
    assert front.site.unauthorized == (2 if status == 401 else 0)


def test_where_no_table_is_nobody_needs_one():
    assert ask(Front(), get())[0] == 200


def test_where_the_table_is_empty_nobody_has_one():
    front = Front(access=access())
    assert [ask(front, get(fields=RED))[0], ask(front, get(), HERE)[0]] == [401, 200]


def test_a_401_says_what_to_do_in_the_shape_of_the_api():
    front = Front(access=access("red"))
    _, _, body = ask(front, get())
    assert "X-LLMProxy-Token" in json.loads(body)["error"]["message"]
    ((_, client, refusal),) = front.root.turned_away
    assert (client, refusal.status, refusal.headers) == (
        AWAY,
        401,
        ((b"WWW-Authenticate", b'Bearer realm="llmproxy"'),),
    )


def test_a_body_is_not_read_from_who_has_no_token():
    channel, wire = (front := Front(access=access("red"))).connect(peer=AWAY)
    channel.dataReceived(b"POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n")
    assert wire.value().startswith(b"HTTP/1.1 401 ")
    assert (wire.half_closed, front.root.requests) == (True, [])


def test_a_head_that_is_known_from_here_is_not_known_from_elsewhere():
    front = Front(access=access("red"))
    assert ask(front, get(), HERE)[0] == 200
    assert (len(front.known()), len(front.known(peer_is_local=False))) == (1, 0)
    assert ask(front, get(), AWAY)[0] == 401


# --- a reload --------------------------------------------------------------------------------------------------------


def test_a_token_that_is_taken_back_is_refused_on_connections_that_stand():
    front = Front(access=access("red", "blue"))
    channel, wire = front.connect(peer=AWAY)
    before = [answered(channel, wire, get(fields=fields))[0] for fields in (RED, BLUE, RED)]
    front.site.access = access("blue")
    after = [answered(channel, wire, get(fields=fields))[0] for fields in (BLUE, RED)]
    assert (before, after) == ([200, 200, 200], [200, 401])


def test_connections_whose_heads_made_room_for_others_are_told_too():
    front = Front(access=access("red"))
    channel, wire = front.connect("10.0.0.1", AWAY)
    allowed = get(fields=RED).replace(b"localhost", b"10.0.0.1")
    assert answered(channel, wire, allowed)[0] == 200
    for number in range(2, 40):
        front.connect(f"10.0.0.{number}", AWAY)
    front.site.access = access()
    assert answered(channel, wire, allowed)[0] == 401


def test_a_host_that_may_no_longer_be_named_is_refused():
    front = Front(access=Access(("llm.example",)))
    octets = get().replace(b"localhost", b"llm.example")
    assert [ask(front, octets)[0], ask(front, octets)[0]] == [200, 200]
    front.site.access = Access()
    assert ask(front, octets)[0] == 403


def test_a_connection_learns_again_after_a_reload():
    front = Front(access=access("red"))
    channel, wire = front.connect(peer=AWAY)
    front.site.access = access("red")
    answered(channel, wire, get(fields=RED))
    assert list(front.known(peer_is_local=False)) == [get(fields=RED)]


# --- our own pages ---------------------------------------------------------------------------------------------------


class Page(Resource):
    isLeaf = True

    def render(self, request):
        return b"a page"


def with_pages(**more):
    root = Root()
    own = Resource()
    own.putChild(b"health", Page())
    root.isLeaf = False
    root.putChild(b"_llmproxy", own)
    return Front(root, access=access("red", **more))


OWN = {
    "with the admin token": (AWAY, ADMIN, 200),
    "as a bearer": (AWAY, b"Authorization: Bearer admin\r\n", 200),
    "through a reverse proxy": (HERE, NGINX + ADMIN, 200),
    "through a reverse proxy, without": (HERE, NGINX, 401),
    "without": (AWAY, b"", 401),
    "with a wrong one": (AWAY, b"X-LLMProxy-Token: nimda\r\n", 401),
    "with a client's": (AWAY, RED, 401),
    "from here": (HERE, b"", 200),
}


@pytest.mark.parametrize("path", [b"/_llmproxy/health", b"/%5Fllmproxy/health"])
@pytest.mark.parametrize(("peer", "fields", "status"), OWN.values(), ids=OWN.keys())
def test_own_pages_answer_this_machine_or_the_admin(peer, fields, status, path):
    front = with_pages(admin=b"admin")
    got, _, body = ask(front, get(path, fields), peer)
    assert got == status
    assert (b"a page" in body) is (got == 200)


@pytest.mark.parametrize("fields", [b"", RED, ADMIN])
def test_without_an_admin_token_they_answer_this_machine_only(fields):
    status, _, body = ask(with_pages(), get(b"/_llmproxy/health", fields))
    assert (status, b"--admin-token-file" in body) == (403, True)


def test_an_upstream_by_name_is_asked_by_clients():
    front = Front(access=access("red", admin=b"admin"))
    path = b"/_llmproxy/to/local/v1/x"
    assert [ask(front, get(path, fields))[0] for fields in (RED, ADMIN)] == [200, 401]


# --- pages in a browser ----------------------------------------------------------------------------------------------

OURS = [
    b"Access-Control-Allow-Origin: https://app.example",
    b"Access-Control-Expose-Headers: X-LLMProxy-Exchange, Cache-Status, X-LLMProxy-Body, Age",
    b"Vary: Origin",
]
PAGES = access("red", origins=("https://app.example",))


def test_a_page_that_may_ask_may_read_the_answer():
    front = Front(access=PAGES)
    for _ in range(2):  # a known head, the second time
        status, lines, _ = ask(front, get(fields=PAGE), HERE)
        assert (status, lines[:3]) == (200, OURS)


def test_who_is_no_page_gets_nothing_more():
    assert ask(Front(access=PAGES), get(), HERE)[1] == [b"Content-Length: 2"]


def test_pages_of_this_machine_may_read():
    _, lines, _ = ask(Front(), get(fields=b"Origin: http://localhost:3000\r\n"))
    assert b"Access-Control-Allow-Origin: http://localhost:3000" in lines


def test_a_page_that_may_not_ask_learns_nothing():
    for octets in (get(fields=b"Origin: https://evil.example\r\n"), PREFLIGHT % b"Origin: https://evil.example\r\n"):
        status, lines, _ = ask(Front(access=PAGES), octets, HERE)
        assert status == 403
        assert not any(line.startswith(b"Access-Control") for line in lines)


def test_a_preflight_needs_no_token_and_asks_nobody():
    front = Front(access=PAGES)
    for _ in range(2):
        status, lines, body = ask(front, PREFLIGHT % PAGE)
        assert (status, body, front.root.requests) == (204, b"", [])
        assert set(OURS) | {b"Access-Control-Allow-Methods: POST"} <= set(lines)
        assert not any(line.lower().startswith(b"content-length") for line in lines)


def test_a_page_can_read_that_its_token_is_missing():
    status, lines, _ = ask(Front(access=PAGES), get(fields=PAGE))
    assert (status, set(OURS) <= set(lines)) == (401, True)


@pytest.mark.parametrize(
    "octets", [PREFLIGHT % b"", get().replace(b"GET", b"OPTIONS")], ids=["no page", "no preflight"]
)
def test_other_options_go_upstream_with_a_token_only(octets):
    front = Front(access=PAGES)
    assert [ask(front, octets)[0], ask(front, octets, HERE)[0], len(front.root.requests)] == [401, 200, 1]


def test_own_pages_are_not_for_other_origins():
    root = with_pages().root
    front = Front(root, access=PAGES)
    _, lines, body = ask(front, get(b"/_llmproxy/health", PAGE), HERE)
    assert b"a page" in body
    assert not any(line.startswith(b"Access-Control") for line in lines)


def test_what_is_no_preflight_brings_no_body_past_the_tokens():
    octets = PREFLIGHT.replace(b"Host", b"Content-Length: 500\r\nHost") % PAGE
    front = Front(access=PAGES)
    channel, wire = front.connect(peer=AWAY)
    channel.dataReceived(octets)
    assert wire.value().startswith(b"HTTP/1.1 401 ")


IMAGE = b"Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n"
FRAME = b"Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n"
LINK = b"Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n"


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        (b"/v1/x", IMAGE, 403),
        (b"/v1/x", LINK, 403),
        (b"/_llmproxy/to/local/v1/x", LINK, 403),
        (b"/_llmproxy/health", IMAGE, 403),
        (b"/_llmproxy/health", FRAME, 403),
        (b"/_llmproxy/health", LINK, 200),
        (b"/", LINK + b"Accept: text/html\r\n", 302),
    ],
)
def test_a_page_of_another_site_asks_nothing_by_images_frames_and_links(path, fields, status):
    front = with_pages()
    assert [ask(front, get(path, fields), HERE)[0] for _ in range(2)] == [status, status]
    assert front.root.requests == []


# --- what changes something ------------------------------------------------------------------------------------------

PAGE_TOKEN = b"X-LLMProxy-Token: of-our-pages\r\n"
PASSWORD = b"Authorization: Basic bWU6YWRtaW4=\r\n"  # a browser sends it by itself: no proof of our own page
CHANGES = {
    "without": (HERE, b"DELETE", b"", 403),
    "with it": (HERE, b"DELETE", PAGE_TOKEN, 200),
    "with the admin's": (HERE, b"DELETE", ADMIN, 200),
    "with a client's": (HERE, b"DELETE", RED, 403),
    "a method that nobody knows": (HERE, b"BREW", b"", 403),
    "that reads only": (HERE, b"GET", b"", 200),
    "of its head": (HERE, b"HEAD", b"", 200),
    "another machine": (AWAY, b"DELETE", b"", 401),
    "another machine, with it": (AWAY, b"DELETE", PAGE_TOKEN, 401),
    "another machine, with the admin's": (AWAY, b"DELETE", ADMIN, 200),
    "another machine, with the admin's password": (AWAY, b"DELETE", PASSWORD, 403),
    "another machine, with it and a page's": (AWAY, b"DELETE", PASSWORD + PAGE_TOKEN, 200),
    "the admin, and a page of his": (AWAY, b"DELETE", PAGE_TOKEN + b"Authorization: Bearer admin\r\n", 200),
}


@pytest.mark.parametrize(("peer", "method", "fields", "status"), CHANGES.values(), ids=CHANGES)
def test_who_changes_something_by_our_pages_shows_a_token(peer, method, fields, status):
    tokens = Tokens({"red": sha256(b"llmp_red").digest()}, sha256(b"admin").digest(), page_digest("of-our-pages"))
    front = Front(access=Access(("localhost",), (), tokens))
    octets = b"%b /_llmproxy/ HTTP/1.1\r\nHost: localhost\r\n%b\r\n" % (method, fields)
    found, _, body = ask(front, octets, peer=peer)
    assert found == status
    assert (b"/_llmproxy/api/token" in body) is (status == 403)
