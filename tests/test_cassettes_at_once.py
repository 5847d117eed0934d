"""Cassettes with requests under way at once, and with `no-cache`: each has an answer of its own in its file."""

import json
import threading

import pytest
from rig import LIMIT, json_answer

BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()


class Counted:
    """A play that answers once so many have asked, each with another text."""

    def __init__(self, parties):
        self.barrier, self.lock, self.count = threading.Barrier(parties), threading.Lock(), 0

    def __call__(self, peer):
        while peer.request()[0]:
            self.barrier.wait(LIMIT)
            with self.lock:
                self.count += 1
                text = f"answer {self.count}"
            choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            peer.send(json_answer({"id": "c", "object": "chat.completion", "model": "m", "choices": [choice]}))


def ask(one, path, *fields):
    """A chat that is under way."""
    peer = one.connect()
    lines = [b"POST %b HTTP/1.1" % path.encode(), b"Host: localhost", b"Content-Type: application/json", *fields]
    peer.send(b"\r\n".join([*lines, b"Content-Length: %d" % len(BODY), b"", BODY]))
    return peer


def entries(file):
    return file.read_text().count("\n---\n")


def test_two_cassettes_with_one_request_each_get_their_recording(daemon, upstream, tmp_path):
    one = daemon("--upstream", upstream(Counted(2)).url, "--cassette-dir", str(tmp_path / "c"))
    peers = [ask(one, "/v1/chat/completions", b"X-LLMProxy-Cassette: " + name) for name in (b"a", b"b")]
    assert len({peer.response()[1] for peer in peers}) == 2
    one.stop()
    assert [entries(tmp_path / "c" / f"{name}.yaml") for name in "ab"] == [1, 1]


def test_two_upstreams_answer_for_themselves(daemon, upstream, tmp_path):
    play = Counted(2)
    first, second = upstream(play), upstream(play)
    more = ("--upstream", f"other={second.url}", "--cassette", str(tmp_path / "c.yaml"))
    one = daemon("--upstream", first.url, *more)
    peers = [ask(one, path) for path in ("/v1/chat/completions", "/_llmproxy/to/other/v1/chat/completions")]
    for peer in peers:
        peer.response()
    assert (len(first.requests), len(second.requests)) == (1, 1)


def test_equal_requests_become_a_sequence_also_at_once(daemon, upstream, tmp_path):
    file = tmp_path / "c.yaml"
    one = daemon("--upstream", upstream(Counted(3)).url, "--cassette", str(file))
    bodies = {peer.response()[1] for peer in [ask(one, "/v1/chat/completions") for _ in range(3)]}
    one.stop()
    assert (len(bodies), entries(file)) == (3, 3)
    again = daemon("--upstream", "demo:", "--cassette", str(file), "--mode", "none", "--repeat", "exhaust")
    assert {ask(again, "/v1/chat/completions").response()[1] for _ in range(3)} == bodies


@pytest.mark.parametrize("mode", ["once", "new_episodes"])
def test_no_cache_takes_nothing_away(daemon, upstream, tmp_path, mode):
    file = tmp_path / "c.yaml"
    one = daemon("--upstream", upstream(Counted(1)).url, "--cassette", str(file), "--mode", mode)
    for _ in range(3):
        ask(one, "/v1/chat/completions", b"Cache-Control: no-cache").response()
    one.stop()
    assert entries(file) == 3
