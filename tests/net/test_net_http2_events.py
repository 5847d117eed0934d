"""The page's streams over HTTP/2: what happens now, an answer that grows, and their ends, on one connection."""

import json
import threading

import pytest

pytest.importorskip("h2")

import httpx2 as httpx  # the SDK's
from rig import DONE, LIMIT, SSE_HEAD, chunk

API = "/_llmproxy/api/"


def said(text):
    """One event of a chat's stream."""
    delta = {"id": "c1", "choices": [{"index": 0, "delta": {"content": text}}]}
    return b"data: " + json.dumps(delta).encode() + b"\n\n"


class Following:
    """A stream of events."""

    def __init__(self, client, path):
        self._asked = client.stream("GET", API + path)
        self.response = self._asked.__enter__()
        self._lines = self.response.iter_lines()

    def until(self, wanted, held=lambda value: True):
        """The value of the next event of this kind that holds."""
        kind = ""
        for line in self._lines:
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data" and kind == wanted and held(json.loads(value)):
                return json.loads(value)
        raise AssertionError("the stream has ended")

    def rest(self):
        """It ends in an ordinary way; else httpx raises."""
        for _ in self._lines:
            pass
        self._asked.__exit__(None, None, None)
        return True


def in_state(state):
    return lambda value: any(row["state"] == state for row in value["rows"])


def test_events_and_an_answer_that_grows_on_one_connection(secure, upstream):
    gate = threading.Event()

    def play(peer):
        peer.request()
        peer.send(SSE_HEAD + chunk(said("one two ")))
        assert gate.wait(LIMIT)
        peer.send(chunk(said("three.")) + chunk(DONE) + chunk(b""))
        peer.rest()

    place = secure("--upstream", upstream(play).url)
    with httpx.Client(http2=True, verify=place.context(), base_url=place.url, timeout=LIMIT) as client:
        events = Following(client, "events")
        assert events.response.http_version == "HTTP/2"
        body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
        with client.stream("POST", "/v1/chat/completions", json=body) as answer:
            row = events.until("exchanges", in_state("streaming"))["rows"][0]
            grows = Following(client, f"live/{row['id']}")
            first = grows.until("answer", lambda value: value["answer"] is not None)
            assert first["answer"]["choices"][0]["parts"][0]["text"].startswith("one")
            gate.set()
            assert b"three." in answer.read()
        grows.until("ended")
        assert grows.rest()
        assert events.until("exchanges", in_state("ended"))["rows"][0]["id"] == row["id"]
        place.daemon.process.terminate()
        assert events.rest()
    place.daemon.process.wait(LIMIT)
