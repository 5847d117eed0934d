"""Cassettes of other tools, served as they are."""

import json

import pytest
from cassettes import key, octets, recorded

from proxy_daemon.core.adopting import Adopter
from proxy_daemon.core.cassettes.answers import answer
from proxy_daemon.core.cassettes.stored_body import Stored
from proxy_daemon.store.cassette import recognised
from proxy_daemon.store.cassette.cassette import CassetteError
from proxy_daemon.store.cassette.foreign import Foreign
from proxy_daemon.store.cassette.recognised import Recognised

VCRPY = """\
interactions:
- request:
    body: '{"model":"m-1","messages":[{"role":"user","content":"hello"}]}'
    headers:
      Content-Type: [application/json]
    method: POST
    uri: https://api.openai.com/v1/chat/completions
  response:
    body:
      string: '{"choices":[{"index":0,"message":{"role":"assistant","content":"%s"},"finish_reason":"stop"}]}'
    headers:
      Content-Type: [application/json]
    status: {code: 200, message: OK}
"""
TWO = VCRPY % "one" + (VCRPY % "two").removeprefix("interactions:\n")


@pytest.mark.parametrize("mode", ["none", "once"])
def test_they_are_found_by_the_same_request_in_the_order_of_the_file(played, path, mode):
    path.write_text(TWO + "version: 1\n")
    one = played(mode)
    assert one.answers("hello") == ["one", "two"]
    assert (one.cassette.foreign, one.cassette.records, one.cassette.empty_at_start) == (True, False, False)
    before = path.read_bytes()
    assert one.put(recorded("x")) == [False]
    one.cassette.sweep()
    assert path.read_bytes() == before


@pytest.mark.parametrize("mode", ["new_episodes", "all"])
def test_they_are_not_written(played, path, mode):
    path.write_text(TWO + "version: 1\n")
    before = path.read_bytes()
    with pytest.raises(CassetteError, match="another tool"):
        played(mode)
    assert path.read_bytes() == before


def test_what_is_not_served_is_told(played, path):
    path.write_text(TWO.replace("POST", "CONNECT", 1) + "version: 1\n")
    one = played("none")
    assert one.answers("hello") == ["two"]
    assert [(each.entry, "tunnel" in each.reason) for each in one.cassette.left_out] == [(0, True)]


@pytest.mark.parametrize("said", ["<html>no</html>", "{}", "", '{"error": {"message": "too many"}}', "data: {}"])
def test_what_is_no_answer_of_its_api_is_served(played, path, said):
    """The file says that it was the answer: nobody but a recorder has to judge it."""
    body = """'{"choices":[{"index":0,"message":{"role":"assistant","content":"%s"},"finish_reason":"stop"}]}'"""
    path.write_text(VCRPY.replace(body, json.dumps(said)) + "version: 1\n")
    one = played("none")
    found = [one.cassette.get(each.id) for each in one.cassette.candidates(key())]
    assert [octets(each.response.body) for each in found] == [said.encode()]
    assert list(one.cassette.left_out) == []


@pytest.mark.parametrize("status", [200, 299, 302, 400, 429, 500, 599])
def test_every_status_of_an_answer_is_served(played, path, status):
    path.write_text((VCRPY % "one").replace("200", str(status)) + "version: 1\n")
    one = played("none")
    assert [each.status for each in one.cassette.candidates(key())] == [status]


@pytest.mark.parametrize("content", ["interactions:\n- request: [\n", "interactions: &a [*a]\n"])
def test_what_cannot_be_read_is_an_error_that_names_the_file(played, path, content):
    path.write_text(content + "version: 1\n")
    with pytest.raises(CassetteError, match=str(path)):
        played("none")


def test_a_dialect_that_fails_costs_its_recordings(played, path, monkeypatch):
    path.write_text(TWO + "version: 1\n")

    def fail(*_):
        raise RuntimeError("a plugin's fault")

    monkeypatch.setattr("proxy_daemon.store.cassette.recognised.recognise", fail)
    one = played("none")
    assert [each.entry for each in one.cassette.left_out] == [0, 1]
    assert all("a plugin's fault" in each.reason for each in one.cassette.left_out)


def test_ours_costs_its_recording_too(played, path, monkeypatch):
    played().put(recorded("a", "one"), recorded("b", "two"))
    real = recognised.recognise

    def fail(request, dialects):
        if b'"a"' in request.body.whole():
            raise RuntimeError("a plugin's fault")
        return real(request, dialects)

    monkeypatch.setattr(recognised, "recognise", fail)
    with pytest.raises(CassetteError, match=rf"{path}:2: .*a plugin's fault"):
        played("none")
    assert played("none", tolerate_damage=True).answers("b") == ["two"]


def test_a_bare_stream_of_events_has_the_status_that_such_streams_have(played, path):
    path.write_text("data: {}\n\ndata: [DONE]\n\n")
    (found,) = played("none").cassette.patterns()
    assert (found.status, found.response.head.status, found.replayable) == (200, 200, True)


def test_an_answer_without_its_status_gets_none_where_it_is_no_stream_of_events():
    answered = answer(None, [["Content-Type", "text/plain"]], Stored(b"hello"))
    (left_out,) = Foreign(Recognised(), Adopter(), [Given(answered)], lambda: 1).entries("f", b"x")
    assert "status" in left_out.reason


class Given:
    """A format that gives this recording of every file."""

    name = "given"

    def __init__(self, recording):
        self.recording = recording

    def recognises(self, file, data):
        return True

    def read(self, file, data):
        yield self.recording
