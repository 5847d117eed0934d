"""Browsers at the front: what an upstream says is shown without its scripts, and the admin's token is a password."""

import base64
from hashlib import sha256

import pytest
from twisted.web.resource import Resource
from wires import Front, Root

from proxy_daemon.core.access import Access
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import ResponseHead
from proxy_daemon.core.tokens import Tokens, page_digest
from proxy_daemon.net.client import FrontClient

AWAY, HERE = "10.0.0.7", "127.0.0.1"


def access(*tokens):
    return Access(("localhost",), (), Tokens(*tokens))


class Page(Resource):
    """One of ours."""

    def render(self, request):
        return b"{}"


def with_pages(tokens=None):
    root, own = Root(), Resource()
    own.putChild(b"health", Page())
    root.isLeaf = False
    root.putChild(b"_llmproxy", own)
    return Front(root, access=Access(("localhost",), (), tokens or Tokens()))


def get(path=b"/v1/x", fields=b""):
    return b"GET %b HTTP/1.1\r\nHost: localhost\r\n%b\r\n" % (path, fields)


def ask(front, octets, peer=AWAY):
    """(status, field lines) of the answer on a new connection."""
    channel, wire = front.connect(peer=peer)
    channel.dataReceived(octets)
    status, *lines = wire.taken().partition(b"\r\n\r\n")[0].split(b"\r\n")
    return int(status.split()[1]), lines


# --- an upstream's page ----------------------------------------------------------------------------------------------

SANDBOX = b"Content-Security-Policy: sandbox"
SHOWN = {
    "a browser's page": (b"Accept: text/html,*/*;q=0.8\r\n", True),
    "in a frame": (b"Accept: */*\r\nSec-Fetch-Mode: navigate\r\n", True),
    "of a browser that says nothing else": (b"Accept: */*\r\nUser-Agent: Mozilla/5.0 (X11)\r\n", True),
    "an image, shown as a page from the cache": (b"Sec-Fetch-Site: same-site\r\nSec-Fetch-Dest: image\r\n", True),
    "fetched, and shown from the cache": (b"Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: no-cors\r\n", True),
    "Node's": (b"Accept: */*\r\nSec-Fetch-Mode: cors\r\nUser-Agent: node\r\n", False),
    "an SDK's": (b"Accept: application/json\r\n", False),
}


@pytest.mark.parametrize(("fields", "shown"), SHOWN.values(), ids=SHOWN.keys())
def test_an_upstreams_page_cannot_read_ours(fields, shown):
    """Both have one origin: a script of the one would read what the other shows."""
    front = Front()
    for _ in range(2):  # a known head, the second time
        assert (SANDBOX in ask(front, get(fields=fields), HERE)[1]) is shown


RUN = ["script", "style", "worker", "sharedworker", "serviceworker", "audioworklet", "paintworklet", "json", "xslt"]


@pytest.mark.parametrize("path", [b"/v1/x.js", b"/", b"/_llmproxy/to/local/x.js", b"/_llmproxy/cassette/x/x.js"])
@pytest.mark.parametrize("site", [b"same-origin", b"same-site", b"cross-site", b"none"])
@pytest.mark.parametrize("kind", RUN)
def test_no_page_runs_what_an_upstream_says(path, site, kind):
    """A worker from there would have our origin, and one kind of them keeps it."""
    fields = b"Accept: */*\r\nSec-Fetch-Site: %b\r\nSec-Fetch-Dest: %b\r\n" % (site, kind.encode())
    front = Front(access=Access(("localhost",), ("*",)))
    assert [ask(front, get(path, fields), HERE)[0] for _ in range(2)] == [403, 403]
    assert front.root.requests == []


def test_a_service_worker_is_known_in_old_browsers_too():
    assert ask(Front(), get(fields=b"Service-Worker: script\r\n"), HERE)[0] == 403


def test_our_own_scripts_are_run_by_our_own_page():
    fields = b"Sec-Fetch-Site: same-origin\r\nSec-Fetch-Dest: script\r\n"
    assert ask(with_pages(), get(b"/_llmproxy/health", fields), HERE)[0] == 200


# --- the admin's browser ---------------------------------------------------------------------------------------------


def basic(text):
    return b"Authorization: Basic %b\r\n" % base64.b64encode(text)


LOGINS = {
    "any name": (basic(b"me:admin"), 200),
    "no name": (basic(b":admin"), 200),
    "in small letters": (basic(b"me:admin").replace(b"Basic", b"basic"), 200),
    "with the token of its page": (basic(b"me:admin") + b"X-LLMProxy-Token: of-our-pages\r\n", 200),
    "a wrong one": (basic(b"me:admim"), 401),
    "the token as the name": (basic(b"admin:"), 401),
    "without a name's end": (basic(b"admin"), 401),
    "no base64": (b"Authorization: Basic me:admin\r\n", 401),
    "broken base64": (b"Authorization: Basic YWRtaW4=YQ\r\n", 401),
    "endless": (b"Authorization: Basic " + b"A" * 9000 + b"\r\n", 401),
    "nothing": (b"Authorization: Basic \r\n", 401),
}


@pytest.mark.parametrize(("fields", "status"), LOGINS.values(), ids=LOGINS)
def test_a_browser_elsewhere_shows_the_admins_token_as_a_password(fields, status):
    tokens = Tokens(None, sha256(b"admin").digest(), page_digest("of-our-pages"))
    front = with_pages(tokens)
    assert ask(front, get(b"/_llmproxy/health", fields))[0] == status
    assert ask(front, get(fields=fields))[0] == 200  # no client needs a token here


def test_a_browser_asks_its_user_for_it_at_our_own_pages_only():
    front = Front(access=access({"red": sha256(b"llmp_red").digest()}, sha256(b"admin").digest()))
    for path in (b"/_llmproxy/health", b"/v1/x"):
        ask(front, get(path))
    asked = [[value[:6] for _, value in refusal.headers] for _, _, refusal in front.root.turned_away]
    assert asked == [[b"Bearer", b"Basic "], [b"Bearer"]]


GOES_ON = {
    "a password": (basic(b"me:admin"), False),
    "a bearer's": (b"Authorization: Bearer admin\r\n", False),
    "bare": (b"Authorization: admin\r\n", False),
    "behind another": (b"Authorization: Bearer sk-1\r\n" + basic(b"me:admin"), False),
    "a key of the upstream's": (b"Authorization: Bearer sk-1\r\n", True),
    "a password of the upstream's": (basic(b"me:secret"), True),
}


@pytest.mark.parametrize(("fields", "goes"), GOES_ON.values(), ids=GOES_ON)
def test_no_upstream_sees_the_admins_token(fields, goes):
    """One that asks for a password gets what its user, or the browser by itself, gives for ours."""
    front = Front(access=access(None, sha256(b"admin").digest()))
    for _ in range(2):
        ask(front, get(fields=fields), HERE)
    for request in front.root.requests:
        given = b" ".join(request.relayed_fields.all(b"authorization"))
        assert (b"admin" not in given, basic(b"me:admin")[15:-2] not in given) == (True, True)
        assert (given == fields[15:-2]) is goes


# What an upstream says of its own origin or host, which for a browser is ours.
SAID = [
    (b"NEL", b'{"report_to":"x","max_age":2592000,"success_fraction":1}'),
    (b"Report-To", b'{"group":"x","endpoints":[{"url":"https://elsewhere.example/"}]}'),
    (b"Set-Cookie", b"session=of-the-upstream; Path=/"),
    (b"set-cookie", b"another=1"),
    (b"Strict-Transport-Security", b"max-age=31536000; includeSubDomains"),
    (b"Alt-Svc", b'h3=":443"'),
    (b"Clear-Site-Data", b'"*"'),
    (b"Service-Worker-Allowed", b"/"),
]
MEANT = [(b"X-Request-Id", b"r-1"), (b"Content-Security-Policy", b"default-src 'self'")]


@pytest.mark.parametrize(("fields", "taken"), [(b"", False), (b"User-Agent: Mozilla/5.0\r\n", True)])
def test_what_an_upstream_says_of_its_origin_holds_for_ours_with_no_browser(fields, taken):
    front = Front(at_once=False)
    channel, wire = front.connect(peer=HERE)
    channel.dataReceived(get(fields=fields))
    client = FrontClient(front.root.requests[0])
    client.begin(ResponseHead(200, b"OK", Headers([*SAID, *MEANT])), b"")
    client.finish()
    lines = wire.value().split(b"\r\n")
    assert [b"%b: %b" % pair in lines for pair in SAID] == [not taken] * len(SAID)
    assert all(b"%b: %b" % pair in lines for pair in MEANT)
