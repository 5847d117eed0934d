"""The modes with real sockets: what each serves, forwards, keeps and says of it; `Cache-Control`; `--store off`.

The upstream numbers its answers, so that a replay is told from a new answer.
"""

import itertools
import json
import re
import signal
import subprocess
import sys

import pytest
from rig import LIMIT, json_answer

HIT, MISS, LIVE = "llmproxy; hit", "llmproxy; fwd=miss", "llmproxy; fwd=bypass"
REFUSED, FAILED = "llmproxy; fwd=bypass; detail=refused", "llmproxy; fwd=miss; detail=failed"


def counting(status=200, *, start=1):
    """A play whose answers are numbered over all connections."""
    numbers = itertools.count(start)

    def play(peer):
        while peer.request()[0]:
            peer.send(json_answer({"n": next(numbers)}, status))

    return play


def sent(answer):
    """(status, Cache-Status, number) of an answer."""
    status, headers, body = answer
    return status, headers["Cache-Status"], json.loads(body).get("n")


def put_down(*daemons, server=None):
    """End daemons, and with them the connections that they keep; then the upstream."""
    for each in daemons:
        assert each.stop() in (0, -signal.SIGTERM)  # twistd ends itself by the signal that stopped it
    if server is not None:
        server.close()


@pytest.fixture
def seeded(daemon, upstream):
    """An upstream whose answer 1 (to a chat) and 2 (to a GET) are in the store."""
    server = upstream(counting())
    first = daemon("--upstream", server.url)
    assert sent(first.chat("known")) == (200, MISS, 1)
    assert sent(first.request("GET", "/v1/models")) == (200, LIVE, 2)
    put_down(first)
    return server


# mode, whether upstream is up, and what comes of: a recorded chat, a new one, a recorded GET, a new GET
TABLE = [
    ("off", True, [(200, LIVE, 3), (200, LIVE, 4), (200, LIVE, 5), (200, LIVE, 6)]),
    ("off", False, [(502, FAILED, None)] * 4),
    ("new_episodes", True, [(200, HIT, 1), (200, MISS, 3), (200, LIVE, 4), (200, LIVE, 5)]),
    ("new_episodes", False, [(200, HIT, 1), *[(502, FAILED, None)] * 3]),
    ("none", True, [(200, HIT, 1), (424, REFUSED, None), (200, HIT, 2), (424, REFUSED, None)]),
    ("none", False, [(200, HIT, 1), (424, REFUSED, None), (200, HIT, 2), (424, REFUSED, None)]),
    ("all", True, [(200, LIVE, 3), (200, LIVE, 4), (200, LIVE, 5), (200, LIVE, 6)]),
    ("all", False, [(502, FAILED, None)] * 4),
]
# what the recorded chat, the new chat and the recorded GET are answered afterwards, in mode none
AFTERWARDS = {
    ("off", True): [1, None, 2],
    ("new_episodes", True): [1, 3, 4],
    ("all", True): [3, 4, 5],
}


@pytest.mark.parametrize(("mode", "is_up", "expected"), TABLE)
def test_the_table(daemon, seeded, mode, is_up, expected):
    put_down(server=None if is_up else seeded)
    before = seeded.connections
    proxy = daemon("--upstream", seeded.url, "--mode", mode)
    answers = [
        proxy.chat("known"),
        proxy.chat("new"),
        proxy.request("GET", "/v1/models"),
        proxy.request("GET", "/v1/files"),
    ]
    assert [sent(answer) for answer in answers] == expected
    if mode == "none" or not is_up:
        assert seeded.connections == before
    assert len(proxy.exchanges()) == 6  # each is logged, in every mode
    put_down(proxy)
    later = daemon("--upstream", seeded.url, "--mode", "none")
    found = [sent(answer)[2] for answer in (later.chat("known"), later.chat("new"), later.request("GET", "/v1/models"))]
    assert found == AFTERWARDS.get((mode, is_up), [1, None, 2])


def test_once_belongs_to_cassettes(tmp_path):
    command = [sys.executable, "-m", "proxy_daemon.cli.main", "serve", "--mode", "once"]
    command += ["--store", str(tmp_path / "s.db")]
    done = subprocess.run(command, capture_output=True, timeout=LIMIT, check=False)
    assert done.returncode == 1
    assert b"once" in done.stderr
    assert b"cassettes" in done.stderr
    assert b"Traceback" not in done.stderr


class TestStoreOff:
    def test_all_is_forwarded_and_nothing_kept(self, daemon, upstream, tmp_path):
        server = upstream(counting())
        proxy = daemon("--upstream", server.url, store="off")
        assert [sent(proxy.chat())[2] for _ in range(2)] == [1, 2]
        assert proxy.get("/_llmproxy/api/exchanges")["exchanges"] == []
        assert {path.name for path in tmp_path.iterdir()} <= {"requests.log"}

    def test_mode_none_refuses_all(self, daemon, upstream):
        server = upstream(counting())
        proxy = daemon("--upstream", server.url, "--mode", "none", store="off")
        assert sent(proxy.chat()) == (424, REFUSED, None)
        assert server.connections == 0


class TestHeaders:
    def test_each_answer_says_where_it_came_from(self, daemon, seeded):
        proxy = daemon("--upstream", seeded.url)
        hit, miss, live = proxy.chat("known"), proxy.chat("new"), proxy.request("GET", "/v1/models")
        refused = proxy.chat("other", headers={"Cache-Control": "only-if-cached"})
        ids = [answer[1]["X-LLMProxy-Exchange"] for answer in (hit, miss, live, refused)]
        assert all(re.fullmatch("[0-9a-f]{16}", each) for each in ids)
        assert [line["id"] for line in proxy.exchanges()][:4] == ids[::-1]
        assert [line["outcome"] for line in proxy.exchanges()][:4] == ["refused", "live", "miss", "hit"]
        assert [answer[1]["X-LLMProxy-Body"] for answer in (hit, miss, live)] == ["verbatim"] * 3

    def test_only_a_replay_has_an_age(self, daemon, seeded):
        proxy = daemon("--upstream", seeded.url)
        assert int(proxy.chat("known")[1]["Age"]) >= 0
        assert proxy.chat("new")[1]["Age"] is None

    def test_another_cache_may_stand_behind(self, daemon, upstream):
        answer = b"\r\n".join(
            [b"HTTP/1.1 200 OK", b"Age: 7", b"Cache-Status: cdn; hit", b"X-LLMProxy-Exchange: 1", b"Content-Length: 0"]
        )

        def play(peer):
            while peer.request()[0]:
                peer.send(answer + b"\r\n\r\n")

        proxy = daemon("--upstream", upstream(play).url)
        _, live, _ = proxy.chat()
        _, hit, _ = proxy.chat()
        assert live.get_all("Cache-Status") == ["cdn; hit", MISS]
        assert live.get_all("Age") == ["7"]
        assert len(hit.get_all("Age")) == len(hit.get_all("X-LLMProxy-Exchange")) == 1
        assert hit.get_all("Cache-Status")[-1] == HIT


DIRECTIVES = [
    # what a recorded chat gets, in mode new_episodes and then in mode none, where no-cache is ignored
    ("no-cache", (200, LIVE, 3), (200, HIT, 3)),
    ("No-Cache, max-age=0", (200, LIVE, 3), (200, HIT, 3)),
    ("no-store", (200, HIT, 1), (200, HIT, 1)),
    ("only-if-cached", (200, HIT, 1), (200, HIT, 1)),
    ("only-if-cached, no-cache", (424, REFUSED, None), (200, HIT, 1)),
    ("max-age=0", (200, HIT, 1), (200, HIT, 1)),  # not one that llmproxy follows
]


class TestCacheControl:
    @pytest.mark.parametrize(("directive", "expected", "in_none"), DIRECTIVES)
    def test_a_recorded_request(self, daemon, seeded, directive, expected, in_none):
        fields = {"Cache-Control": directive}
        proxy = daemon("--upstream", seeded.url)
        assert sent(proxy.chat("known", headers=fields)) == expected
        put_down(proxy)
        assert sent(daemon("--upstream", seeded.url, "--mode", "none").chat("known", headers=fields)) == in_none

    def test_only_if_cached_is_not_forwarded(self, daemon, upstream):
        server = upstream(counting())
        proxy = daemon("--upstream", server.url)
        status, headers, body = proxy.chat(headers={"Cache-Control": "only-if-cached"})
        assert (status, headers["x-should-retry"]) == (424, "false")
        assert "only-if-cached" in json.loads(body)["error"]["message"]
        assert server.connections == 0

    def test_no_cache_records_the_new_answer(self, daemon, seeded):
        proxy = daemon("--upstream", seeded.url)
        assert sent(proxy.chat("known", headers={"Cache-Control": "no-cache"})) == (200, LIVE, 3)
        assert sent(proxy.chat("known")) == (200, HIT, 3)

    def test_no_store_keeps_metadata_only(self, daemon, upstream):
        server = upstream(counting())
        proxy = daemon("--upstream", server.url)
        for number in (1, 2):
            answer = proxy.chat("very private", headers={"Cache-Control": "no-store", "X-Private": "field"})
            assert sent(answer) == (200, MISS, number)
        lines = proxy.exchanges()
        assert [(line["status"], line["replayable"]) for line in lines] == [(200, False)] * 2
        detail = proxy.get("/_llmproxy/api/exchanges/" + lines[0]["id"])
        assert detail["request"] == {"headers": [], "size": 0}
        assert "response" not in detail
        put_down(proxy)
        written = b"".join(path.read_bytes() for path in proxy.store.parent.glob("store.db*"))
        assert b"very private" not in written
        assert b"X-Private" not in written


def test_replay_max_age_holds_in_recording_modes_only(daemon, seeded):
    proxy = daemon("--upstream", seeded.url, "--replay-max-age", "0.000001s")
    assert sent(proxy.chat("known")) == (200, MISS, 3)
    put_down(proxy)
    later = daemon("--upstream", seeded.url, "--replay-max-age", "0.000001s", "--mode", "none")
    assert sent(later.chat("known")) == (200, HIT, 3)


class TestScope:
    def test_another_upstream_is_another_answer(self, daemon, seeded, upstream):
        other = upstream(counting(start=100))
        assert sent(daemon("--upstream", other.url).chat("known")) == (200, MISS, 100)
        assert sent(daemon("--upstream", f"renamed={seeded.url}").chat("known")) == (200, MISS, 3)

    @pytest.mark.parametrize(("scope", "expected"), [("key", (200, MISS, 2)), ("all", (200, HIT, 1))])
    def test_another_credential(self, daemon, upstream, scope, expected):
        proxy = daemon("--upstream", upstream(counting()).url, "--replay-scope", scope)
        assert sent(proxy.chat(headers={"Authorization": "Bearer one"})) == (200, MISS, 1)
        assert sent(proxy.chat(headers={"Authorization": "Bearer two"})) == expected
        assert sent(proxy.chat(headers={"Authorization": "Bearer one"}))[1] == HIT


SAME = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}], "seed": 1}'
EQUAL = [
    (b'{"seed":1,"messages":[{"content":"hi","role":"user"}],\n "model":"m"}', HIT),
    (b'{"model": "m", "messages": [{"role": "user", "content": "h\\u0069"}], "seed": 1}', HIT),
    (b'{"model": "m", "messages": [{"role": "user", "content": "hi"}], "seed": 1.0}', HIT),
    (b'{"model": "m", "messages": [{"role": "user", "content": "hi"}], "seed": 1.5}', MISS),
    (b'{"model": "m", "messages": [{"role": "user", "content": "hi "}], "seed": 1}', MISS),
    (b'{"model": "m", "messages": [{"role": "user", "content": "hi"}], "seed": 1, "stream": true}', MISS),
]


@pytest.mark.parametrize(("body", "expected"), EQUAL)
def test_which_requests_are_the_same(daemon, upstream, body, expected):
    proxy = daemon("--upstream", upstream(counting()).url)
    fields = {"Content-Type": "application/json"}
    proxy.request("POST", "/v1/chat/completions", SAME, fields)
    assert proxy.request("POST", "/v1/chat/completions", body, fields)[1]["Cache-Status"] == expected
    assert proxy.request("POST", "/v1/chat/completions?x=1", SAME, fields)[1]["Cache-Status"] == MISS
