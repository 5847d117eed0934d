"""HTTP/2 as real clients speak it: the openai SDK, the httpx it stands on, curl and Node, before a real daemon."""

import json
import queue
import shutil
import subprocess
import time

import pytest

pytest.importorskip("h2")

import httpx2 as httpx  # the SDK's
from openai import OpenAI
from rig import LIMIT, SSE_HEAD, answering, chunk, json_answer
from secured import COUNT, waiting

CHAT = {"model": "demo-fast", "messages": [{"role": "user", "content": "hi"}]}
MIB = 1024 * 1024


@pytest.fixture
def client():
    """`client(place)` gives an `httpx.Client` of HTTP/2, with one connection; each is closed afterwards."""
    made = []

    def start(place, **how):
        made.append(httpx.Client(http2=True, verify=place.context(), base_url=place.url, timeout=LIMIT, **how))
        return made[-1]

    yield start
    for one in made:
        one.close()


def sdk(place, client):
    return OpenAI(base_url=f"{place.url}/v1", api_key="sk-nothing", http_client=client(place), max_retries=0)


class TestSDK:
    def test_calls(self, secure, client):
        openai = sdk(secure("--upstream", "demo:"), client)
        raw = openai.chat.completions.with_raw_response.create(**CHAT)
        assert raw.http_response.http_version == "HTTP/2"
        assert raw.parse().choices[0].message.content
        again = openai.chat.completions.with_raw_response.create(**CHAT)
        assert again.headers["cache-status"].startswith("llmproxy; hit")
        assert again.content == raw.content
        assert openai.models.list().data
        assert openai.embeddings.create(model="demo-embedding", input="hi").data[0].embedding
        assert openai.responses.create(model="demo-fast", input="hi").output_text

    def test_a_stream_comes_piece_by_piece(self, secure, upstream, client):
        """The upstream sends an event only when the SDK has handed over the one before."""
        arrived = queue.Queue()

        def play(peer):
            peer.request()
            peer.send(SSE_HEAD)
            for number in range(COUNT):
                delta = {"index": 0, "delta": {"content": str(number)}, "finish_reason": None}
                event = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [delta]}
                peer.send(chunk(b"data: %b\n\n" % json.dumps(event).encode()))
                assert arrived.get(timeout=LIMIT) == number
            peer.send(chunk(b"data: [DONE]\n\n") + chunk(b""))
            peer.rest()

        openai = sdk(secure("--upstream", upstream(play).url), client)
        for event in openai.chat.completions.create(**CHAT, stream=True):
            arrived.put(int(event.choices[0].delta.content))
        assert arrived.empty()


class TestHttpx:
    def test_streams_go_side_by_side_on_one_connection(self, secure, upstream, client):
        """Each goes on only when the other has: one that waited for the other's end would wait for ever."""
        turns = {b"/a": queue.Queue(), b"/b": queue.Queue()}

        def play(peer):
            name = peer.request()[0].split()[1]
            peer.send(SSE_HEAD)
            for number in range(COUNT):
                turns[name].get(timeout=LIMIT)
                peer.send(chunk(b"data: %d\n\n" % number))
            peer.send(chunk(b""))
            peer.rest()

        place = secure("--upstream", upstream(play).url)
        asks = client(place)
        with asks.stream("GET", "/a") as one, asks.stream("GET", "/b") as two:
            ones, twos = one.iter_raw(), two.iter_raw()
            for number in range(COUNT):
                for name, pieces in ((b"/a", ones), (b"/b", twos)):
                    turns[name].put(None)
                    assert next(pieces) == b"data: %d\n\n" % number
            assert (list(ones), list(twos)) == ([], [])
            assert place.daemon.get("/_llmproxy/api/stats")["exchanges"]["under_way"] <= 2

    def test_large_bodies_both_ways(self, secure, upstream, client):
        body = bytes(range(256)) * (5 * MIB // 256)

        def play(peer):
            for _, sent in iter(peer.request, (b"", b"")):
                peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(sent) + sent)

        asks = client(secure("--upstream", upstream(play).url))
        assert asks.post("/v1/files", content=body).content == body
        assert asks.post("/v1/files", content=iter([body[:MIB], body[MIB:]])).content == body  # no length

    def test_a_client_that_leaves_its_stream_ends_it_upstream(self, secure, upstream, client):
        ended = queue.Queue()

        def play(peer):
            peer.request()
            peer.send(SSE_HEAD + chunk(b"data: 0\n\n"))
            ended.put(peer.rest())

        asks = client(secure("--upstream", upstream(play).url))
        with asks.stream("GET", "/v1/x") as stream:
            next(stream.iter_raw())
        asks.close()
        assert ended.get(timeout=LIMIT) == b""

    def test_an_answer_that_breaks_off_is_an_error(self, secure, upstream, client):
        asks = client(
            secure("--upstream", upstream(lambda peer: [peer.request(), peer.send(SSE_HEAD + b"5\r\nab")]).url)
        )
        with pytest.raises(httpx.RemoteProtocolError):
            asks.get("/v1/x")
        assert asks.get("/_llmproxy/health").status_code == 200  # on the same connection

    def test_a_request_that_takes_too_long(self, secure, upstream, client):
        asks = client(
            secure("--upstream", upstream(lambda peer: [peer.request(), peer.rest()]).url, "--request-timeout", "1s")
        )
        answer = asks.get("/v1/x")
        assert (answer.status_code, answer.http_version) == (504, "HTTP/2")

    @pytest.mark.parametrize(
        ("path", "fields", "status"),
        [
            ("/_llmproxy/api/stats", {}, 200),
            ("/_llmproxy/api/stats", {"X-Forwarded-For": "192.0.2.1"}, 403),
            ("/v1/models", {"Host": "example.com"}, 403),
            ("/v1/models", {"Origin": "https://example.com"}, 403),
        ],
    )
    def test_the_rules_of_access_hold(self, secure, client, path, fields, status):
        assert client(secure("--upstream", "demo:")).get(path, headers=fields).status_code == status


class TestTheEnd:
    def test_a_stream_under_way_ends_whole_when_the_daemon_stops(self, secure, upstream, client):
        """httpx takes a GOAWAY for the end of all streams: it must not come before theirs."""
        arrived = queue.Queue()
        place = secure("--upstream", upstream(waiting(arrived)).url)
        asks, got = client(place), b""
        with asks.stream("GET", "/v1/x") as stream:
            for number, piece in enumerate(stream.iter_raw()):
                if number == 0:
                    place.daemon.process.terminate()
                    draining(place)
                got += piece
                arrived.put(number)
        assert got.endswith(b"data: [DONE]\n\n")
        assert place.daemon.process.wait(LIMIT) == -15

    def test_a_connection_that_was_closed_while_idle_costs_no_request(self, secure, client):
        """httpx learns of it when it asks again: by the GOAWAY it sees that it may ask on another connection."""
        place = secure("--upstream", "demo:", "--client-timeout", "1s")
        asks, deadline = client(place), time.monotonic() + LIMIT
        assert asks.get("/v1/models").status_code == 200
        while not place.daemon.get("/_llmproxy/api/stats")["limits_met"]["idle_timeout"]:
            assert time.monotonic() < deadline
        assert asks.post("/v1/chat/completions", json=CHAT).status_code == 200


def draining(place):
    """Return when the daemon takes no connections any more."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        try:
            place.daemon.connect().close()
        except (ConnectionRefusedError, ConnectionResetError):
            return
    raise AssertionError("it did not stop listening")


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("version", ["2", "1.1"])
def test_curl(secure, upstream, version, tmp_path):
    """It asks whether it may send a large body (`Expect`), and is told."""
    server = upstream(answering(json_answer({})))
    place, body = secure("--upstream", server.url), tmp_path / "body"
    body.write_bytes(b"x" * 2 * MIB)
    trust = ["--cacert", str(place.authority.path), "--expect100-timeout", str(LIMIT), "-H", "Expect: 100-continue"]
    line = ["curl", "-sSv", f"--http{version}", *trust, "--data-binary", f"@{body}", f"{place.url}/v1/files"]
    said = subprocess.run(line, capture_output=True, text=True, timeout=LIMIT, check=True).stderr
    assert f"HTTP/{version} 100" in said
    assert f"HTTP/{version} 200" in said
    assert server.requests[0][1] == body.read_bytes()


LEAVING = """
const http2 = require("http2"), fs = require("fs")
const session = http2.connect(process.argv[1], { ca: fs.readFileSync(process.argv[2]) })
const stream = session.request({ ":path": "/v1/x" })
let got = ""
stream.once("data", () => session.close())  // a GOAWAY; what was asked is still answered
stream.on("data", piece => { got += piece; console.log(String(piece).trim()) })
stream.on("error", error => { console.log(error.code); process.exit(1) })
stream.on("end", () => { console.log("end") })
"""


@pytest.mark.more
@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
def test_node_closes_its_session_while_a_stream_is_under_way(secure, upstream):
    arrived = queue.Queue()
    place = secure("--upstream", upstream(waiting(arrived)).url)
    command = ["node", "-e", LEAVING, place.url, str(place.authority.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as node:
        said = [line.strip() for line in reporting(node.stdout, arrived)]
    assert said == [*[f"data: {number}" for number in range(COUNT)], "data: [DONE]", "end"]
    assert node.returncode == 0


def reporting(lines, arrived):
    """Tell the upstream of each piece that has come."""
    for line in filter(str.strip, lines):
        if line.strip().removeprefix("data: ").isdecimal():
            arrived.put(int(line.removeprefix("data: ")))
        yield line
