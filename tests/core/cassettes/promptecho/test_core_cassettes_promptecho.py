"""promptecho's cassettes: answers whole, requests by their meaning, and what was scrubbed is marked."""

import base64
from contextlib import suppress

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.cassettes import Skipped, Unreadable, formats
from proxy_daemon.core.cassettes.promptecho.format import Promptecho
from proxy_daemon.core.messages import Recording, Unknown

SENT = {
    "method": "POST",
    "url": "https://api.example/v1/chat/completions",
    "match_key": "09fd77d21c4e0aa9",
    "matched_on": ["model", "messages"],
    "body": {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
}
GOT = {"status": 200, "headers": {"content-type": "application/json"}, "streaming": False, "body": {"id": 1}}
EVENTS = {"streaming": True, "events": ['data: {"a": 1}\n\n', "data: [DONE]\n\n"]}


def entry(request=None, response=None):
    return {"request": SENT | (request or {}), "response": GOT | (response or {})}


def cassette(*entries, **others):
    found = {"version": 2, "match_on": ["model"], "interactions": list(entries)} | others
    return yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=100).encode()


def read(*entries):
    return list(formats.read("c.yaml", cassette(*entries)))


def test_an_exchange():
    (found,) = read(entry())
    assert (found.request.method, found.request.target) == (b"POST", b"/v1/chat/completions")
    assert found.upstream.url == "https://api.example"
    assert found.request.body.whole() == b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
    assert (found.status, found.response.body.whole(), found.redacted) == (200, b'{"id": 1}', False)
    assert found.unknown == {
        Unknown.TIME,
        Unknown.DURATION,
        Unknown.PIECES,
        Unknown.REQUEST_HEADERS,
        Unknown.REQUEST_OCTETS,
        Unknown.RESPONSE_OCTETS,
    }


@pytest.mark.parametrize(
    ("response", "body", "own"),
    [
        (EVENTS, b'data: {"a": 1}\n\ndata: [DONE]\n\n', False),
        ({"binary": True, "body": base64.b64encode(b"\x00\xff").decode()}, b"\x00\xff", True),
        ({"body": "text \xe9"}, "text \xe9".encode(), False),
        ({"body": None}, b"", False),
        ({"body": [1]}, b"[1]", False),
        ({"streaming": True, "events": []}, b"", False),
    ],
)
def test_bodies_of_answers(response, body, own):
    (found,) = read(entry(response=response))
    assert found.response.body.whole() == body
    assert (Unknown.RESPONSE_OCTETS in found.unknown) is not own
    assert not found.cut


@pytest.mark.parametrize(
    ("request_", "unknown"),
    [
        ({"body": {}}, True),
        ({"body": {"__raw_body_sha256__": "00"}}, True),
        ({"body": "x"}, True),
        ({"body": {}, "method": "GET"}, False),
    ],
)
def test_a_request_body_that_is_not_told(request_, unknown):
    (found,) = read(entry(request_))
    assert found.request.body.size == 0
    assert (Unknown.REQUEST_BODY in found.unknown) is unknown


@pytest.mark.parametrize(
    ("request_", "response"),
    [
        ({"url": "https://api.example/v1/models?key=REDACTED"}, None),
        (None, {"headers": {"set-cookie": "REDACTED"}}),
    ],
)
def test_what_was_scrubbed(request_, response):
    (found,) = read(entry(request_, response))
    assert found.redacted


SKIPPED = [
    ({"response": GOT}, "no request"),
    ({"request": SENT, "response": 5}, "no response"),
    (entry({"method": None}), "no method"),
    (entry({"url": "tool://search"}), "neither http nor https"),
    (entry(response={"status": "x"}), "no status"),
    (entry(response={"streaming": True, "events": "x"}), "no list of texts"),
    (entry(response={"streaming": True, "events": [1]}), "no list of texts"),
    (entry(response={"binary": True, "body": None}), "not base64"),
]


@pytest.mark.parametrize(("bad", "reason"), SKIPPED)
def test_a_bad_entry_is_skipped_and_the_next_is_read(bad, reason):
    before, found, after = read(entry(), bad, entry())
    assert (found.entry, reason in found.reason) == (1, True), found
    assert isinstance(before, Recording)
    assert isinstance(after, Recording)


@pytest.mark.parametrize("version", [1, 3, "2", None])
def test_another_version_is_refused(version):
    with pytest.raises(Unreadable, match=r"c\.yaml: a cassette of promptecho of another version"):
        list(formats.read("c.yaml", cassette(entry(), version=version)))


@pytest.mark.parametrize("data", [b"[]", b"5", b"interactions: 5", b"interactions:\n  a: {}"])
def test_no_list(data):
    with pytest.raises(Unreadable, match="no list"):
        list(Promptecho().read("c.yaml", data))


def test_recognised():
    assert Promptecho().recognises("c.yaml", cassette(entry()))
    others = entry()
    del others["request"]["match_key"]
    assert not Promptecho().recognises("c.yaml", cassette(others))
    assert not Promptecho().recognises("c.yaml", b"")


@given(st.integers(0, len(cassette(entry(), entry(response=EVENTS))) - 1), st.integers(0, 255))
def test_cut_or_damaged_anywhere(place, octet):
    whole = cassette(entry(), entry(response=EVENTS))
    for bad in (whole[:place], whole[:place] + bytes([octet]) + whole[place + 1 :]):
        with suppress(Unreadable):
            assert all(isinstance(one, Recording | Skipped) for one in formats.read("c.yaml", bad))
