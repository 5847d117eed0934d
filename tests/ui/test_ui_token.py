"""Who may change something below `/_llmproxy/`, with a real daemon: who has the token, and no foreign page has it."""

import base64
import json
import re

import pytest
from rig import Daemons

ADMIN = "an-admin-token-of-ours"
TOKEN = "/_llmproxy/api/token"
LIST = "/_llmproxy/api/exchanges"
PASSWORD = "Basic " + base64.b64encode(f"me:{ADMIN}".encode()).decode()  # as a browser sends it
AWAY = {"X-Forwarded-For": "203.0.113.9"}  # as a request of another machine


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    """A daemon that has seen a chat, for which there is an admin token, and pages of another origin may use it."""
    folder = tmp_path_factory.mktemp("token")
    (folder / "token").write_text(ADMIN)
    (folder / "token").chmod(0o600)
    daemons = Daemons(folder)
    options = ("--admin-token-file", str(folder / "token"), "--allow-origin", "https://pages.example")
    daemon = daemons.start("--upstream", "demo:", *options)
    assert daemon.chat("one")[0] == 200
    daemon.settle()
    yield daemon
    daemons.stop()


@pytest.fixture(scope="module")
def token(proxy):
    return proxy.get(TOKEN)["token"]


def test_it_is_long_and_another_one_after_each_start(proxy, token, daemon):
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
    assert proxy.get(TOKEN)["token"] == token
    assert daemon("--upstream", "demo:").get(TOKEN)["token"] != token


CHANGES = [
    ("DELETE", "/_llmproxy/api/verdict"),
    ("PUT", "/_llmproxy/api/cassettes"),
    ("DELETE", "/_llmproxy/api/cassettes?name=x"),
    ("PUT", f"{LIST}/0000000000000001/remark"),
    ("DELETE", f"{LIST}/0000000000000001"),
    ("POST", "/_llmproxy/nope"),
    ("PATCH", "/_llmproxy/"),
    ("BREW", "/_llmproxy"),
    ("PUT", "/%5Fllmproxy/api/mode"),
]
WRONG = {
    "none": {},
    "an empty one": {"X-LLMProxy-Token": ""},
    "another": {"X-LLMProxy-Token": "A" * 43},
    "in the place of a key": {"Authorization": "Bearer TOKEN"},
    "as a cookie": {"Cookie": "X-LLMProxy-Token=TOKEN"},
    "as a parameter": {"Referer": "/?X-LLMProxy-Token=TOKEN"},
    "a part of it": {"X-LLMProxy-Token": "TOKEN"[:-1]},
}


@pytest.mark.parametrize("fields", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_without_it_nothing_is_changed(proxy, token, method, path, fields):
    given = {name: value.replace("TOKEN", token) for name, value in fields.items()}
    status, headers, body = proxy.request(method, path, headers=given)
    assert status == 403
    assert "GET /_llmproxy/api/token" in json.loads(body)["error"]["message"]
    assert token.encode() not in body
    assert not [name for name in headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize(("method", "path"), CHANGES[:6])
@pytest.mark.parametrize("given", ["token", "admin"])
def test_with_it_a_page_answers(proxy, token, method, path, given):
    known = token if given == "token" else ADMIN
    assert proxy.request(method, path, headers={"X-LLMProxy-Token": known})[0] != 403


def test_a_body_is_not_waited_for_where_it_is_missing(proxy):
    peer = proxy.connect()
    peer.send(b"PUT /_llmproxy/api/mode HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n")
    head, _ = peer.response()
    assert head.startswith(b"HTTP/1.1 403 ")
    assert b"connection: close" in head.lower()


@pytest.mark.parametrize("size", [16 * 1024 * 1024 + 1, 10**12])
def test_a_body_has_a_limit_of_its_own(proxy, token, size):
    peer = proxy.connect()
    lines = b"PUT /_llmproxy/api/mode HTTP/1.1\r\nHost: localhost\r\nX-LLMProxy-Token: %b\r\nContent-Length: %d\r\n\r\n"
    peer.send(lines % (token.encode(), size))
    assert peer.response()[0].startswith(b"HTTP/1.1 413 ")


def test_what_names_an_upstream_or_a_cassette_needs_none(proxy):
    assert proxy.chat("one", path="/_llmproxy/to/default/v1/chat/completions")[0] == 200
    for path in ("/_llmproxy/to/nope%2F/x", "/_llmproxy/cassette/.x/v1/chat/completions"):
        assert proxy.chat("one", path=path)[0] == 404


# --- other machines --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/_llmproxy/", TOKEN, LIST, "/_llmproxy/api/events", "/_llmproxy/api/openapi.json"])
def test_another_machine_gets_nothing_without_the_admin_token(proxy, token, path):
    for fields in ({}, {"X-LLMProxy-Token": token}, {"Authorization": f"Bearer {token}"}):
        status, _, body = proxy.request("GET", path, headers=AWAY | fields)
        assert status == 401
        assert token.encode() not in body


def test_the_admin_of_another_machine_may_all(proxy, token):
    path = "/_llmproxy/api/verdict"
    behind_a_proxy = {"Authorization": f"Bearer {ADMIN}", "X-LLMProxy-Token": token}  # whose page sends its token
    browser = {"Authorization": PASSWORD, "X-LLMProxy-Token": token}
    for fields in ({"X-LLMProxy-Token": ADMIN}, {"Authorization": f"Bearer {ADMIN}"}, behind_a_proxy, browser):
        assert proxy.request("GET", path, headers=AWAY | fields)[0] == 200
        assert proxy.request("DELETE", path, headers=AWAY | fields)[0] == 200


def test_a_browser_of_another_machine_is_told_that_a_password_opens_the_page(proxy):
    status, headers, _ = proxy.request("GET", "/_llmproxy/", headers=AWAY)
    assert (status, "Basic realm=" in str(headers.items())) == (401, True)
    status, headers, body = proxy.request("GET", "/_llmproxy/", headers=AWAY | {"Authorization": PASSWORD})
    assert (status, headers["Cross-Origin-Opener-Policy"], b"<div id=" in body) == (200, "same-origin", True)


def test_the_password_goes_no_further(proxy):
    """A browser sends it to all below the page's path, `/_llmproxy/to/NAME/` among it."""
    for given in (PASSWORD, f"Bearer {ADMIN}", "Bearer sk-of-upstream"):
        fields = {"Authorization": given}
        status, headers, _ = proxy.chat(given, path="/_llmproxy/to/default/v1/chat/completions", headers=fields)
        assert status == 200
        recorded = proxy.get(f"{LIST}/{headers['X-LLMProxy-Exchange']}")["request"]["headers"]
        assert ("authorization" in [name.lower() for name, _ in recorded]) is given.endswith("sk-of-upstream")


# --- foreign pages ---------------------------------------------------------------------------------------------------

FETCH = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
FOREIGN = {
    "a foreign origin": {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site", **FETCH},
    "a foreign origin of an old browser": {"Origin": "http://evil.example"},
    "a sandboxed page": {"Origin": "null", "Sec-Fetch-Site": "cross-site", **FETCH},
    "a rebound host": {"Host": "evil.example:8910", "Sec-Fetch-Site": "same-origin", **FETCH},
    "an image": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    "a script": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
    "a frame": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    "an object": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "object"},
    "another server here": {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site", **FETCH},
    "an image of another server here": {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Dest": "image"},
    "one that may use the proxy": {"Origin": "https://pages.example", "Sec-Fetch-Site": "cross-site", **FETCH},
}
PLACES = ["/_llmproxy/", TOKEN, LIST, "/_llmproxy/api/events", f"{LIST}/ID/response/body", "/_llmproxy/nope"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("fields", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_page_gets_nothing(proxy, token, place, fields):
    status, headers, body = proxy.request("GET", place, headers=fields)
    assert status == 403
    assert set(json.loads(body)) == {"error"}
    assert token.encode() not in body
    assert not [name for name in headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize("fields", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_page_that_had_the_token_could_not_use_it(proxy, token, fields):
    path = "/_llmproxy/api/verdict"
    assert proxy.request("DELETE", path, headers=fields | {"X-LLMProxy-Token": token})[0] == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:3000", "https://pages.example"])
def test_no_foreign_page_is_told_that_it_may(proxy, origin):
    asks = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    asks |= {"Access-Control-Request-Headers": "x-llmproxy-token"}
    status, headers, _ = proxy.request("OPTIONS", "/_llmproxy/api/mode", headers=asks)
    assert status in (403, 405)
    assert not [name for name in headers if name.lower().startswith("access-control-")]


OURS = {
    "typed": {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    "a link of another site": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"},
    "our own page": {"Sec-Fetch-Site": "same-origin", **FETCH},
    "no browser": {},
}


@pytest.mark.parametrize("place", ["/_llmproxy/", TOKEN, LIST])
@pytest.mark.parametrize("fields", OURS.values(), ids=OURS)
def test_our_own_page_gets_all(proxy, place, fields):
    status, headers, _ = proxy.request("GET", place, headers=fields)
    assert status == 200
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"  # where a link leads, no page reads


# --- pages of upstreams ----------------------------------------------------------------------------------------------

CHROMIUM = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)", "Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}


@pytest.mark.parametrize(
    "path", ["/v1/models", "/_llmproxy/to/default/v1/models", "/v1/nothing", "/_llmproxy/to/nobody/x"]
)
def test_what_a_browser_gets_of_an_upstream_runs_nothing(proxy, path):
    """Live, replayed or refused: it has the origin of our own pages."""
    for fields, policy in ((CHROMIUM, "sandbox"), ({}, None)) * 2:
        headers = proxy.request("GET", path, headers=fields)[1]
        assert headers.get("Content-Security-Policy") == policy


def test_what_is_replayed_to_a_browser_runs_nothing(proxy):
    answers = [proxy.chat("a page", headers=fields)[1] for fields in ({}, CHROMIUM, {})]
    assert ["hit" in headers["Cache-Status"] for headers in answers] == [False, True, True]
    assert [headers.get("Content-Security-Policy") for headers in answers] == [None, "sandbox", None]
