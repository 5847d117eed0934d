"""Datadog's test agent: one exchange a file; stubs of WireMock that look alike are WireMock's."""

import base64
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.cassettes import Skipped, Unreadable, formats
from proxy_daemon.core.cassettes.dd_test_agent import DatadogTestAgent
from proxy_daemon.core.messages import Recording, Unknown

SENT = {
    "method": "POST",
    "url": "https://api.example/v1/chat?x=1",
    "headers": {"Host": "localhost:9126", "Content-Type": "application/json", "Content-Length": "2"},
    "body": "{}",
}
GOT = {
    "status": {"code": 200, "message": "OK"},
    "headers": {"Content-Type": "application/json", "Transfer-Encoding": "chunked", "Content-Encoding": "gzip"},
    "body": '{"id": 1}',
}


def packed(request=None, response=None):
    return json.dumps({"request": SENT | (request or {}), "response": GOT | (response or {})}, indent=2).encode()


def read(request=None, response=None):
    (found,) = formats.read("a.json", packed(request, response))
    return found


def coded(data):
    return "base64:" + base64.b64encode(data).decode()


def test_an_exchange():
    found = read()
    assert (found.request.method, found.request.target, found.upstream.url) == (
        b"POST",
        b"/v1/chat?x=1",
        "https://api.example",
    )
    assert (found.request.body.whole(), found.response.body.whole()) == (b"{}", b'{"id": 1}')
    assert (found.status, found.response.head.reason) == (200, b"OK")
    assert found.response.head.headers.pairs == ((b"Content-Type", b"application/json"),)
    assert found.unknown == {Unknown.TIME, Unknown.DURATION, Unknown.PIECES, Unknown.RESPONSE_OCTETS}


def test_octets():
    found = read(
        {"body": coded(b"--x\r\n\xff")}, {"body": coded(b"\x1f\x8b\x08"), "headers": {"Content-Encoding": "gzip"}}
    )
    assert (found.request.body.whole(), found.response.body.whole()) == (b"--x\r\n\xff", b"\x1f\x8b\x08")
    assert found.response.head.headers.get(b"content-encoding") == b"gzip"
    assert Unknown.RESPONSE_OCTETS not in found.unknown


@pytest.mark.parametrize(("body", "cut"), [("", False), (None, True)])
def test_an_empty_body_is_not_one_that_is_missing(body, cut):
    assert read(response={"body": body, "headers": {}}).cut is cut


def test_a_body_that_was_parsed_is_written_anew():
    found = read({"body": {"b": [1]}})
    assert (found.request.body.whole(), Unknown.REQUEST_OCTETS in found.unknown) == (b'{"b":[1]}', True)


@pytest.mark.parametrize(
    ("request_", "response", "reason"),
    [
        ({"url": ""}, None, "no URL"),
        ({"method": "P OST"}, None, "no method"),
        ({"headers": {"a b": "c"}}, None, "does not allow"),
        ({"body": "base64:\xe9"}, None, "not base64"),
        (None, {"status": {"code": "x"}}, "no status"),
        (None, {"body": "base64:a"}, "not base64"),
    ],
)
def test_what_is_no_exchange_is_skipped(request_, response, reason):
    found = read(request_, response)
    assert (found.entry, reason in found.reason) == (0, True), found


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"request": {}}', "request and its response"),
        (b'{"request": {}, "response": []}', "request and its response"),
        (b'{"request": {}, "request": 5, "response": {}}', "request and its response"),
        (packed()[:-3], "not JSON"),
        (b'{"request": {"a": "\xff"}}', "not JSON"),
    ],
)
def test_files_that_are_none(data, reason):
    with pytest.raises(Unreadable, match=rf"a\.json: .*{reason}"):
        list(formats.read("a.json", data))


@pytest.mark.parametrize(
    "data",
    [packed({"urlPattern": "/x.*"}), packed({"bodyPatterns": []}), packed(None, {"bodyFileName": "x"})],
    ids=["pattern", "body", "file"],
)
def test_stubs_of_wiremock_are_none(data):
    assert formats.chosen("a.json", data).name == "wiremock"
    assert formats.chosen("a.json", packed()).name == DatadogTestAgent.name


def test_a_list_is_none():
    with pytest.raises(Unreadable, match="request and its response"):
        list(DatadogTestAgent().read("a.json", b"[]"))


@pytest.mark.parametrize(
    ("data", "known"),
    [
        (packed(), True),
        (b'{"response":{}, "request":{}}', True),
        (b'{"request": "x"}', False),
        (b'[{"request": {}}]', False),
        (b'{"version": 1, "request": {}}', False),
        (b"", False),
    ],
)
def test_recognised(data, known):
    assert DatadogTestAgent().recognises("a.json", data) is known


@given(st.integers(0, len(packed()) - 1), st.integers(0, 255))
def test_cut_or_damaged_anywhere(place, octet):
    whole = packed({"body": coded(b"\xff")})
    for bad in (whole[:place], whole[:place] + bytes([octet]) + whole[place + 1 :]):
        with suppress(Unreadable):
            assert all(isinstance(one, Recording | Skipped) for one in formats.read("a.json", bad))
