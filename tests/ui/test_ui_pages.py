"""The pages below `/_llmproxy/`: what they say, what hostile parameters get, and who may ask."""

import json

import pytest
from rig import Daemons, answering

from proxy_daemon.ui.downloads import Download

LIST = "/_llmproxy/api/exchanges"
SECRET = "hush-hush"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    """A daemon that has seen three chats, the first of them twice, and one with a secret."""
    daemons = Daemons(tmp_path_factory.mktemp("pages"))
    daemon = daemons.start("--upstream", "demo:")
    for text in ("one", "two", "one"):
        assert daemon.chat(text)[0] == 200
    daemon.chat("<script>", path=f"/v1/chat/completions?key={SECRET}", headers={"Authorization": f"Bearer {SECRET}"})
    daemon.settle()
    yield daemon
    daemons.stop()


@pytest.fixture(scope="module")
def newest(proxy):
    """The lines of the list, newest first."""
    return proxy.get(LIST)["exchanges"]


# --- health, statistics, the start page ------------------------------------------------------------------------------


def test_health(proxy):
    assert proxy.get("/_llmproxy/health") == {"status": "ready", "recording": "on", "mode": "new_episodes"}


def test_statistics(proxy):
    stats = proxy.get("/_llmproxy/api/stats")
    assert set(stats) == {
        *("store", "plugin_faults", "exchanges", "client_connections", "limits_met", "unauthorized"),
        *("upstream_connections", "upstream_queue", "spool", "repeats", "near_misses", "cassettes", "mode"),
    }
    assert stats["upstream_queue"] == {"waiting": {}, "given_up": 0}
    assert (stats["spool"]["octets"], stats["spool"]["refused"], stats["spool"]["limit"] > 0) == (0, 0, True)
    counts = stats["exchanges"]
    # tests of refused requests may have come before
    assert [counts["outcomes"]["miss"], counts["outcomes"]["hit"], counts["endings"]["complete"]] == [3, 1, 4]
    assert counts["under_way"] == 0
    assert stats["store"]["written"] == 4
    assert stats["plugin_faults"] == {}
    assert stats["client_connections"] >= 1


def test_our_own_pages_are_no_exchanges(proxy):
    proxy.request("GET", "/_llmproxy/")
    outcomes = proxy.get("/_llmproxy/api/stats")["exchanges"]["outcomes"]
    assert outcomes | {"refused": 0} == {"miss": 3, "hit": 1, "refused": 0}
    assert len(proxy.get(LIST)["exchanges"]) == 4


def test_the_start_page_is_a_page_of_ours(proxy):
    status, headers, body = proxy.request("GET", "/_llmproxy/")
    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert body.lower().startswith(b"<!doctype html>")


@pytest.mark.parametrize(("path", "accept"), [("/", "text/html,*/*"), ("/_llmproxy", "*/*")])
def test_a_browser_is_sent_to_the_start_page(proxy, path, accept):
    status, headers, _ = proxy.request("GET", path, headers={"Accept": accept})
    assert (status, headers["Location"]) == (302, "_llmproxy/")


# --- the list --------------------------------------------------------------------------------------------------------


def test_the_list_is_newest_first(newest):
    assert [line["outcome"] for line in newest] == ["miss", "hit", "miss", "miss"]
    assert [line["id"] for line in newest] == sorted((line["id"] for line in newest), reverse=True)
    assert newest[1]["served_from"] == newest[3]["id"]
    assert {line["model"] for line in newest} == {"demo-fast"}


def untold(rows):
    """Without what the child process tells of them: soon, or a little later."""
    return [row | {"told": None} for row in rows]


def test_pages_of_the_list(proxy, newest):
    first = proxy.get(f"{LIST}?limit=2")["exchanges"]
    second = proxy.get(f"{LIST}?limit=2&before={first[-1]['id']}")["exchanges"]
    assert untold(first + second) == untold(newest)
    assert proxy.get(f"{LIST}?before={second[-1]['id']}")["exchanges"] == []


WORDS = (
    "limit is a whole number",
    *(f"{name} is an exchange's id: 16 hexadecimal digits" for name in ("before", "after")),
    "there is no parameter 'nonsense' here; there are: limit, before, after, q",
)
HOSTILE = [
    *("nonsense=1", "limit=3&limit=x", "after=zz", "after="),
    *("limit=ten", "limit=1.5", "limit=%00", "limit=" + "9" * 5000, "limit=", "limit=%F0%9F%98%80"),
    *("before=zz", "before=-1", "before=" + "f" * 17, "before=" + "f" * 5000, "before=%FF", "before=", "before=0x1"),
]


@pytest.mark.parametrize("query", HOSTILE, ids=lambda query: query[:20])
def test_a_hostile_parameter_is_refused_by_its_name_and_does_no_harm(proxy, query):
    status, headers, body = proxy.request("GET", f"{LIST}?{query}")
    assert (status, headers["Content-Type"]) == (400, "application/json")
    assert json.loads(body)["error"] in (*WORDS, "a parameter is given twice, or is no UTF-8")
    assert proxy.get("/_llmproxy/health")["status"] == "ready"


@pytest.mark.parametrize(
    "query",
    ["", "limit", "&&;", "%", "q=", "q=%20", "after=0", "before=0", "before=7" + "f" * 15, "limit=-3"],
)
def test_a_harmless_query_is_answered(proxy, query):
    assert proxy.get(f"{LIST}?{query}")["exchanges"]


# --- one exchange ----------------------------------------------------------------------------------------------------


def test_one_exchange_has_all_but_its_bodies(proxy, newest):
    said = proxy.get(f"{LIST}/{newest[2]['id']}")
    assert untold([{key: said[key] for key in newest[2]}]) == untold(newest[2:3])
    assert (said["client"], said["url"].rpartition("/v1/")[2], said["status"]) == ("127.0.0.1", "chat/completions", 200)
    assert (said["request_size"], said["response_size"]) == (said["request"]["size"], said["response"]["size"])
    assert (said["response"]["status"], said["response"]["reason"]) == (200, "OK")
    assert sum(said["response"]["pieces"]) == said["response"]["size"]
    assert len(said["response"]["times_us"]) == len(said["response"]["pieces"])
    assert ["Content-Type", "application/json"] in said["request"]["headers"]


def test_bodies_are_octets_that_no_page_runs(proxy, newest):
    for side, word in (("request", b"two"), ("response", b"chat.completion")):
        status, headers, body = proxy.request("GET", f"{LIST}/{newest[2]['id']}/{side}/body")
        assert status == 200
        assert headers["Content-Type"] == "application/octet-stream"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert word in body
        assert len(body) == int(headers["Content-Length"]) == proxy.get(f"{LIST}/{newest[2]['id']}")[side]["size"]


def test_a_large_body_is_sent_in_parts(daemon, upstream):
    play = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n", b"0123456789" * 300_000)
    proxy = daemon("--upstream", upstream(play).url)
    assert proxy.chat()[0] == 200
    place = f"{LIST}/{proxy.exchanges()[0]['id']}/response/body"
    assert proxy.request("GET", place)[2] == b"0123456789" * 300_000


def test_a_body_that_lost_octets_is_seen_to_be_broken():
    request, body = FakeDownload(), Lossy(b"x" * 100_000, lost_from=70_000)
    download = Download(request, body)
    while not request.ended:
        download.resumeProducing()
    assert request.ended == ["unregistered", "lost"]
    assert request.written == b"x" * 70_000


class FakeDownload:
    def __init__(self):
        self.ended, self.written = [], b""

    def write(self, data):
        self.written += data

    def unregisterProducer(self):
        self.ended.append("unregistered")

    def loseConnection(self):
        self.ended.append("lost")

    def finish(self):
        self.ended.append("finished")


class Lossy:
    def __init__(self, data, lost_from):
        self.size, self._data = len(data), data[:lost_from]

    def read(self, offset, size):
        data = self._data[offset : offset + size]
        if not data:
            raise OSError("octets are missing")
        return data


def test_no_secret_is_shown_anywhere(proxy, newest):
    place = f"{LIST}/{newest[0]['id']}"
    for path in ("/_llmproxy/", LIST, place, f"{place}/request/body", f"{place}/response/body"):
        assert SECRET.encode() not in proxy.request("GET", path)[2]
    assert newest[0]["redacted"]
    assert newest[0]["path"].endswith("?key=REDACTED")


UNKNOWN = [
    *(
        "0",
        "-1",
        "f" * 16,
        "f" * 17,
        "f" * 5000,
        "zz",
        "%00",
        "%FF",
        "0x1",
        "1_0",
        "+1",
        "%201",
        "'--",
        "%D9%A3",
    ),
]


@pytest.mark.parametrize("name", UNKNOWN, ids=lambda name: name[:20])
@pytest.mark.parametrize("below", ["", "/request/body", "/chat", "/stream", "/diff"])
def test_an_unknown_id_is_not_found_and_does_no_harm(proxy, name, below):
    status, headers, body = proxy.request("GET", f"{LIST}/{name}{below}")
    assert (status, headers["Content-Type"]) == (404, "application/json")
    assert json.loads(body) == {"error": "there is no such exchange"}
    assert proxy.get("/_llmproxy/health")["status"] == "ready"


@pytest.mark.parametrize(
    "below", ["/", "/requests", "/chat/", "/chat/x", "/media", "/request/bodies", "/request/body/x", "/trailers/body"]
)
def test_what_is_not_there_below_an_exchange(proxy, newest, below):
    assert proxy.request("GET", f"{LIST}/{newest[0]['id']}{below}")[0] == 404


# --- methods, places, and who may ask --------------------------------------------------------------------------------

PLACES = ["/_llmproxy/", "/_llmproxy/health", "/_llmproxy/api/stats", LIST, f"{LIST}/ID", f"{LIST}/ID/request/body"]


@pytest.mark.parametrize("place", PLACES)
def test_head_is_get_without_the_body(proxy, newest, place):
    place = place.replace("ID", newest[0]["id"])
    asked, told = proxy.request("GET", place), proxy.request("HEAD", place)
    assert (asked[0], told[0], told[2]) == (200, 200, b"")
    assert told[1]["Content-Type"] == asked[1]["Content-Type"]
    if place != "/_llmproxy/api/stats":
        assert told[1]["Content-Length"] == str(len(asked[2]))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])
@pytest.mark.parametrize("place", PLACES)
def test_pages_are_only_read(proxy, newest, method, place):
    place = place.replace("ID", newest[0]["id"])
    if method != "OPTIONS":
        assert proxy.request(method, place, b"{}")[0] == 403
    if (method, place.rpartition("/")[2]) == ("DELETE", newest[0]["id"]):
        return
    status, headers, body = proxy.change(method, place)
    assert (status, "GET" in headers["Allow"]) == (405, True)
    assert b"Traceback" not in body
    assert "Access-Control-Allow-Origin" not in headers
    assert len(proxy.get(LIST)["exchanges"]) == 4


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        *[(place, 404) for place in ("nope", "api/nope", "to", "cassette/x", "api//stats")],
        *[(place, 400) for place in ("../v1/models", "%2e%2e/v1/models", "api/exchanges/..%2f..")],
    ],
)
def test_what_is_not_there_is_not_found_and_never_forwarded(proxy, place, expected):
    assert proxy.request("GET", f"/_llmproxy/{place}")[0] == expected
    assert len(proxy.get(LIST)["exchanges"]) == 4


@pytest.mark.parametrize("place", PLACES[:4])
@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"Host": "evil.example"}, 403, "'evil.example' is not a Host"),
        ({"Host": "127.0.0.1.evil.example"}, 403, "is not a Host that llmproxy answers to"),
        ({"Host": "evil.example:8910"}, 403, "--allow-host evil.example"),
        ({"Host": "a b"}, 400, "malformed"),
        ({"Host": ""}, 400, "malformed"),
        ({"Origin": "http://evil.example"}, 403, "Pages of the origin 'http://evil.example' may not ask"),
        ({"Origin": "null"}, 403, "Pages of the origin 'null' may not ask"),
    ],
)
def test_who_may_not_ask(proxy, place, fields, status, words):
    got, headers, body = proxy.request("GET", place, headers=fields)
    assert got == status
    assert words in json.loads(body)["error"]["message"]
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "app.localhost", "127.0.0.1", "[::1]:8910", "127.9.9.9."])
def test_who_may_ask(proxy, host):
    assert proxy.request("GET", "/_llmproxy/health", headers={"Host": host})[0] == 200


@pytest.mark.parametrize("place", [*PLACES, "/_llmproxy/nope"])
def test_no_other_page_frames_or_reads_ours_and_no_cache_keeps_it(proxy, newest, place):
    _, headers, _ = proxy.request("GET", place.replace("ID", newest[0]["id"]))
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    kept = {"Cache-Control": "no-cache"} if place.endswith("/_llmproxy/") else {}  # asked for anew each time
    assert {name: headers[name] for name in OWN} == OWN | kept


OWN = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
