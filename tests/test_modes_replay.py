"""What a replay gives and what it never gives: pieces, pace, codings, bad answers, and the 424 that explains a miss."""

import gzip
import itertools
import json
import threading
import zlib

import brotli
import pytest
import zstandard
from rig import DONE, LIMIT, SSE_HEAD, answering, chunk, json_answer

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import ResponseHead
from proxy_daemon.core.speed import parse_speed
from proxy_daemon.testing import Kit, Script

BODY = b'{"model": "m", "stream": true, "messages": []}'
ASK = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
EVENTS = [*(b"data: %d\n\n" % number for number in range(4)), DONE]
CHUNKED = Headers(((b"Content-Type", b"text/event-stream"), (b"Transfer-Encoding", b"chunked")))
GOOD = json_answer({"ok": True})


def test_a_stream_is_replayed_piece_by_piece(daemon, upstream):
    client_has_one = threading.Semaphore(0)

    def play(peer):
        peer.request()
        peer.send(SSE_HEAD)
        for event in EVENTS:
            peer.send(chunk(event))
            assert client_has_one.acquire(timeout=LIMIT)  # so that each is a piece of its own
        peer.send(chunk(b""))

    proxy = daemon("--upstream", upstream(play).url)
    client = proxy.connect()
    for expected in (b"fwd=miss", b"llmproxy; hit"):
        client.send(ASK)
        assert expected in client.until(b"\r\n\r\n")
        for event in EVENTS:
            assert client.chunk() == event
            client_has_one.release()
        assert client.chunk() == b""


class TestSpeed:
    """With the kit, whose clock the test turns."""

    PAUSES = (0.0, 1.0, 3.0)

    def replayed(self, speed):
        head = ResponseHead(200, b"OK", CHUNKED)
        pieces = tuple(zip(self.PAUSES, EVENTS[-3:], strict=True))
        kit = Kit(answer=lambda request: Script(head, pieces), replay_speed=parse_speed(speed))
        assert kit.send("/v1/chat/completions", {"model": "m"}).exchange.outcome == "miss"
        return kit, *kit.begin("/v1/chat/completions", {"model": "m"})

    @pytest.mark.parametrize(("speed", "factor"), [("1", 1), ("2", 2), ("0.5", 0.5), ("20tps", 0)])
    def test_pieces_come_when_they_are_due(self, speed, factor):
        kit, exchange, client, running = self.replayed(speed)
        assert exchange.outcome == "hit"
        times = kit.store.recordings[exchange.served_from].response.pieces.times
        assert [round((after - before) / 1e6) for before, after in itertools.pairwise(times)] == [1, 3]
        while not client.pieces:
            kit.clock.advance(0.001)
        for number, (before, after) in enumerate(itertools.pairwise(times), start=1):
            gap = (after - before) / 1e6 / factor if factor else 0.05
            kit.clock.advance(gap - 0.01)
            assert len(client.pieces) == number
            kit.clock.advance(0.01 + 0.0001)
            assert len(client.pieces) == number + 1
        kit.clock.advance(0)
        assert running.called
        assert client.finished
        assert client.pieces == EVENTS[-3:]

    def test_0_waits_for_nothing(self):
        kit, _, client, running = self.replayed("0")
        kit.clock.advance(0)
        assert running.called
        assert client.pieces == EVENTS[-3:]


TEXT = json.dumps({"text": "long " * 200}).encode()
CODINGS = {
    "gzip": gzip.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    "br": brotli.compress(TEXT),
    "zstd": zstandard.compress(TEXT),
}


def coded(coding, body):
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n%b"
        % (
            coding.encode(),
            len(body),
            body,
        )
    )


class TestCodings:
    @pytest.mark.parametrize("coding", CODINGS)
    def test_only_who_accepts_a_coding_gets_it(self, daemon, upstream, coding):
        proxy = daemon("--upstream", upstream(answering(coded(coding, CODINGS[coding]))).url)
        live = proxy.chat(headers={"Accept-Encoding": coding})
        assert (live[1]["Content-Encoding"], live[2]) == (coding, CODINGS[coding])
        for accepted, expected in [
            (coding, CODINGS[coding]),
            ("*", CODINGS[coding]),
            ("identity", TEXT),
            (f"{coding};q=0", TEXT),
            ("", TEXT),
        ]:
            _, headers, body = proxy.chat(headers={"Accept-Encoding": accepted})
            assert headers["Cache-Status"] == "llmproxy; hit"
            assert body == expected
            assert headers["Content-Encoding"] == (coding if expected is not TEXT else None)

    def test_the_recording_stays_as_it_was(self, daemon, upstream):
        proxy = daemon("--upstream", upstream(answering(coded("gzip", CODINGS["gzip"]))).url)
        number = proxy.chat(headers={"Accept-Encoding": "gzip"})[1]["X-LLMProxy-Exchange"]
        assert proxy.chat(headers={"Accept-Encoding": "identity"})[2] == TEXT
        assert proxy.request("GET", f"/_llmproxy/api/exchanges/{number}/response/body")[2] == CODINGS["gzip"]

    def test_what_does_not_decode_is_broken_off_and_not_ended_well(self, daemon, upstream):
        proxy = daemon("--upstream", upstream(answering(coded("gzip", CODINGS["gzip"][:-4]))).url)
        assert proxy.chat(headers={"Accept-Encoding": "gzip"})[0] == 200
        client = proxy.connect()
        body = b'{"model": "demo-fast", "messages": [{"role": "user", "content": "hi"}]}'
        client.send(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: identity\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        answer = client.rest()
        assert b"llmproxy; hit" in answer or b"fwd=miss" in answer
        assert not answer.endswith(b"0\r\n\r\n")


BAD = [
    ("an error", json_answer({"error": "x"}, 500)),
    ("too many requests", json_answer({"error": "x"}, 429)),
    ("not found", json_answer({"error": "x"}, 404)),
    ("a part", b"HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\n\r\n{}"),
    ("not modified", b"HTTP/1.1 304 Not Modified\r\n\r\n"),
]


class TestBadAnswers:
    @pytest.mark.parametrize("answer", [case[1] for case in BAD], ids=[case[0] for case in BAD])
    def test_they_are_passed_on_and_not_replayed(self, daemon, upstream, answer):
        server = upstream(answering(answer))
        proxy = daemon("--upstream", server.url)
        expected = int(answer.split()[1])
        assert [proxy.chat()[0] for _ in range(2)] == [expected] * 2
        assert len(server.requests) == 2
        assert [(line["status"], line["replayable"]) for line in proxy.exchanges()] == [(expected, False)] * 2

    @pytest.mark.parametrize("mode", ["new_episodes", "all"])
    def test_they_do_not_replace_a_good_one(self, daemon, upstream, mode):
        answers = iter([GOOD, json_answer({"error": "x"}, 500), b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])

        def play(peer):
            peer.request()
            peer.send(next(answers))
            peer.close()

        server = upstream(play)
        proxy = daemon("--upstream", server.url, "--mode", mode)
        fresh = {"Cache-Control": "no-cache"}
        assert [proxy.chat(headers=fresh)[0] for _ in range(2)] == [200, 500]
        client = proxy.connect()
        body = json.dumps({"model": "demo-fast", "messages": [{"role": "user", "content": "hi"}]}).encode()
        client.send(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nCache-Control: no-cache\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        assert client.rest().endswith(b"half")
        assert [line["replayable"] for line in proxy.exchanges()] == [False, False, True]
        proxy.stop()
        status, headers, body = daemon("--upstream", server.url, "--mode", "none").chat()
        assert (status, headers["Cache-Status"], json.loads(body)) == (200, "llmproxy; hit", {"ok": True})

    def test_record_replays_errors(self, daemon, upstream):
        server = upstream(answering(json_answer({"error": "x"}, 429)))
        proxy = daemon("--upstream", server.url, "--on-error-response", "record")
        assert [(a[0], a[1]["Cache-Status"]) for a in (proxy.chat(), proxy.chat())] == [
            (429, "llmproxy; fwd=miss"),
            (429, "llmproxy; hit"),
        ]

    def test_refuse_gives_a_424_instead(self, daemon, upstream):
        server = upstream(answering(json_answer({"error": "x"}, 429)))
        proxy = daemon("--upstream", server.url, "--on-error-response", "refuse")
        for _ in range(2):
            status, headers, body = proxy.chat()
            assert (status, headers["x-should-retry"]) == (424, "false")
            assert "answered 429, and --on-error-response is refuse" in json.loads(body)["error"]["message"]
        assert not any(line["replayable"] for line in proxy.exchanges())


class TestExplainedMiss:
    """The 424: in the shape of the API, with the nearest recording and the JSON paths that differ."""

    RECORDED = {"model": "m", "temperature": 0.5, "messages": [{"role": "user", "content": "hello"}]}

    def refused(self, daemon, upstream, path, incoming, *options):
        server = upstream(answering(GOOD))
        first = daemon("--upstream", server.url)
        fields = {"Content-Type": "application/json"}
        _, headers, _ = first.request("POST", path, json.dumps(self.RECORDED), fields)
        first.stop()
        proxy = daemon("--upstream", server.url, "--mode", "none", *options)
        answer = proxy.request("POST", path, json.dumps(incoming), fields)
        assert answer[:1] == (424,)
        assert answer[1]["x-should-retry"] == "false"
        assert answer[1]["Content-Type"] == "application/json"
        assert len(server.requests) == 1
        return headers["X-LLMProxy-Exchange"], json.loads(answer[2])

    def test_it_names_the_nearest_and_the_paths(self, daemon, upstream):
        incoming = {"model": "m", "messages": [{"role": "user", "content": "help"}], "seed": 1, "temperature": 0.5}
        number, body = self.refused(daemon, upstream, "/v1/chat/completions", incoming)
        message = body["error"]["message"]
        assert "no recording answers this request, in mode none" in message
        assert number in message
        assert 'messages[0].content: recorded "hello" / incoming "help"' in message
        assert "seed: recorded <absent> / incoming 1" in message
        assert "temperature" not in message

    def test_in_the_shape_of_anthropic(self, daemon, upstream):
        _, body = self.refused(daemon, upstream, "/v1/messages", self.RECORDED | {"temperature": 1})
        assert body["type"] == "error"
        assert "temperature: recorded 0.5 / incoming 1" in body["error"]["message"]

    def test_another_path_has_no_neighbour(self, daemon, upstream):
        server = upstream(answering(GOOD))
        _, _, body = daemon("--upstream", server.url, "--mode", "none").chat()
        assert "Nothing recorded is near it." in json.loads(body)["error"]["message"]

    def test_fuzzy_off_says_nothing_of_recordings(self, daemon, upstream):
        incoming = self.RECORDED | {"seed": 1}
        number, body = self.refused(daemon, upstream, "/v1/chat/completions", incoming, "--fuzzy", "off")
        assert number not in body["error"]["message"]
        assert "hello" not in json.dumps(body)
