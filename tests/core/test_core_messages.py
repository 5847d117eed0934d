"""Requests, response heads, recordings: read without a change, written without a way out of their line."""

import orjson
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import (
    JSON_LIMIT,
    Ending,
    Outcome,
    Pieces,
    Recording,
    Request,
    Response,
    ResponseHead,
    id_number,
    id_text,
)
from proxy_daemon.core.upstreams import parse_upstream


def _request(body, target=b"/"):
    return Request(b"POST", target, body=Bytes(body))


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/v1/x", b"/v1/x", b""),
        (b"/v1/x?a=1", b"/v1/x", b"a=1"),
        (b"/v1/x?", b"/v1/x", b""),
        (b"/x?a=?&b=/?", b"/x", b"a=?&b=/?"),
        (b"/%3F?%3f", b"/%3F", b"%3f"),
        (b"?", b"", b""),
        (b"*", b"*", b""),
        (b"", b"", b""),
    ],
)
def test_a_target_is_split_at_its_first_question_mark_and_not_decoded(target, path, query):
    request = _request(b"", target)
    assert (request.path, request.query) == (path, query)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b" [1] ", [1]),
        (b'"text"', "text"),
        (b"0", 0),
        (b"null", None),
        (b"", None),
        (b" ", None),
        (b"{", None),
        (b"{} {}", None),
        (b"NaN", None),
        (b"{'a': 1}", None),
        (b'"\xff"', None),
        (b'{"a":1}\x00', None),
        (b"\xef\xbb\xbf{}", None),
        (b"[" * 100_000, None),
        (b"[" * 100_000 + b"]" * 100_000, None),
    ],
)
def test_json_is_the_value_or_none(body, value):
    assert _request(body).json == value


@pytest.mark.parametrize(("size", "parsed"), [(JSON_LIMIT, True), (JSON_LIMIT + 1, False)])
def test_larger_json_is_not_parsed(size, parsed):
    assert (_request(b"1".rjust(size)).json == 1) is parsed


def test_a_spooled_body_is_not_parsed():
    class Spooled(Bytes):
        def whole(self):
            return None

    assert Request(b"POST", b"/", body=Spooled(b"{}")).json is None


@pytest.mark.parametrize("body", [b"[]", b'"model"', b"1", b"true", b"null", b"", b"{", b'{"a": {"model": 1}}'])
def test_a_body_field_is_a_top_level_member_or_none(body):
    assert _request(body).body_field("model") is None
    assert _request(b'{"model": "m"}').body_field("model") == "m"


@given(st.binary(max_size=50))
def test_any_octets_are_json_or_none(data):
    value = _request(data).json
    assert value is None or orjson.loads(data) == value


@pytest.mark.parametrize(
    ("head", "wire"),
    [
        (ResponseHead(200, b"OK"), b"HTTP/1.1 200 OK\r\n"),
        (ResponseHead(200), b"HTTP/1.1 200 \r\n"),
        (
            ResponseHead(200, b"OK", Headers([(b"A", b"1"), (b"a", b""), (b"B", b"\xff")])),
            b"A: 1\r\na: \r\nB: \xff\r\n",
        ),
        (ResponseHead(200, b"OK", Headers([(b"Content-Length", b"3"), (b"A", b"1")])), b"HTTP/1.1 200 OK\r\nA: 1\r\n"),
        (ResponseHead(200, b"OK", Headers([(b"Transfer-Encoding", b"chunked")])), b"\r\nX-Accel-Buffering: no\r\n"),
        (ResponseHead(200, b"OK", Headers([(b"Connection", b"x-a"), (b"X-A", b"1")])), b"HTTP/1.1 200 OK\r\n"),
        (
            ResponseHead(200, b"OK", Headers([(b"X-LLMProxy-Exchange", b"1"), (b"x-llmproxy-body", b"edited")])),
            b" OK\r\n",
        ),
    ],
)
def test_a_head_is_written_as_a_proxy_sends_it_on(head, wire):
    assert head.wire.endswith(wire)
    assert head.wire.startswith(b"HTTP/1.1 200 ")
    assert head.wire.count(b"\r\n") == 1 + len(head.wire.split(b"\r\n")[1:-1])


@pytest.mark.parametrize(
    "bad", [b"\r\nSet-Cookie: a=b", b"\n", b"\r", b"\0", b"\r\n\r\n<html>", b"\n\r", b"\r\n\0\r\n"]
)
@pytest.mark.parametrize("place", ["name", "value", "reason"])
def test_nothing_makes_a_field_of_its_own(bad, place):
    given = {name: b"in" + bad + b"side" if name == place else b"plain" for name in ("name", "value", "reason")}
    wire = ResponseHead(200, given["reason"], Headers([(given["name"], given["value"]), (b"Last", b"1")])).wire
    lines = wire.split(b"\r\n")
    assert len(lines) == 4
    assert (lines[0][:13], lines[2:]) == (b"HTTP/1.1 200 ", [b"Last: 1", b""])
    assert not any(octet in line for line in lines for octet in (b"\r", b"\n", b"\0"))


@given(st.binary(max_size=20), st.lists(st.tuples(st.binary(max_size=8), st.binary(max_size=20)), max_size=5))
def test_a_head_has_a_line_for_each_field_that_passes(reason, pairs):
    head = ResponseHead(299, reason, Headers(pairs))
    assert len(head.wire.split(b"\r\n")) == 2 + len(head.headers.end_to_end().without([b"content-length"]).pairs)
    assert head.wire.count(b"\n") == head.wire.count(b"\r") == head.wire.count(b"\r\n")


@pytest.mark.parametrize(("pairs", "length"), [([], b""), ([(b"CONTENT-LENGTH", b"7")], b"7")])
def test_the_length_is_as_sent(pairs, length):
    assert ResponseHead(200, b"OK", Headers(pairs)).length == length


def _recording(pairs, body=b"12345", method=b"POST"):
    response = Response(ResponseHead(201, b"Made", Headers(pairs)), Bytes(body))
    upstream = parse_upstream("demo:")
    return Recording(1, Request(method, b"/"), response, upstream, Ending.COMPLETE, Outcome.LIVE, 0.0)


@pytest.mark.parametrize(
    ("method", "pairs", "again"),
    [
        (b"POST", [(b"A", b"1"), (b"a", b"2")], [(b"A", b"1"), (b"a", b"2")]),
        (b"POST", [(b"Set-Cookie", b"REDACTED"), (b"A", b"1")], [(b"A", b"1")]),
        (b"POST", [(b"Set-Cookie", b"<COOKIE_1>"), (b"A", b"<b>")], [(b"A", b"<b>")]),
        (b"POST", [(b"X-Auth", b"Bearer <API_KEY_12>"), (b"A", b"of <API_KEY_1>")], [(b"A", b"of <API_KEY_1>")]),
        (b"POST", [(b"AGE", b"7"), (b"A", b"1")], [(b"A", b"1")]),
        (b"POST", [(b"content-length", b"99"), (b"A", b"1")], [(b"A", b"1"), (b"Content-Length", b"5")]),
        (b"POST", [(b"Content-Length", b"9"), (b"content-length", b"8")], [(b"Content-Length", b"5")]),
        (b"HEAD", [(b"content-length", b"99"), (b"Age", b"7")], [(b"content-length", b"99")]),
    ],
)
def test_a_recorded_head_is_served_with_what_is_true_now(method, pairs, again):
    head = _recording(pairs, method=method).replay_head
    assert (head.status, head.reason) == (201, b"Made")
    assert list(head.headers.pairs) == again


def test_a_changed_copy_makes_its_head_anew():
    recording = _recording([(b"Content-Length", b"5")])
    assert recording.replay_head.length == b"5"
    longer = evolve(recording, response=evolve(recording.response, body=Bytes(b"123456")))
    assert longer.replay_head.length == b"6"


def test_each_list_of_pieces_is_its_own():
    first, second = Pieces(), Pieces()
    first.sizes.append(2**64 - 1)
    assert list(second.sizes) == []


def test_no_secret_is_shown():
    request = Request(b"POST", b"/", Headers([(b"Authorization", b"sk-secret")]), Bytes(b"sk-secret"))
    assert "sk-secret" not in repr(evolve(_recording([(b"Set-Cookie", b"sk-secret")], b"sk-secret"), request=request))


@pytest.mark.parametrize(
    "text",
    ["", " ", "g", "0x1", "1_0", "-1", "+1", " 1", "1\n", "\u0661", "8000000000000000", "f" * 17, "1" * 5000, "1.0"],
)
def test_what_is_no_id_is_refused(text):
    with pytest.raises(ValueError, match="is not an exchange's id"):
        id_number(text)


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("ff", 255), ("FF", 255), ("0" * 30 + "1", 1)])
def test_an_id_may_be_written_shorter_or_longer(text, number):
    assert id_number(text) == number


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_ids_sort_as_their_texts_do(first, second):
    assert id_number(id_text(first)) == first
    assert (first < second) is (id_text(first) < id_text(second))


def test_another_head_keeps_what_was_read_of_the_body():
    request = Request(b"POST", b"/a", Headers(()), Bytes(b'{"a": 1}'))
    before = request.with_head(b"/b", Headers(((b"X", b"1"),)))
    found = request.json
    after = request.with_head(b"/b?c", Headers(()))
    assert (after.target, after.path, after.query, after.json is found) == (b"/b?c", b"/b", b"c", True)
    assert (before.json, before.body is request.body) == (found, True)
