"""What formats share: header fields, URLs, statuses, bodies, framing; what is not told is marked, never made up."""

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.cassettes.addresses import NOWHERE, address
from proxy_daemon.core.cassettes.fields import Broken, fields
from proxy_daemon.core.cassettes.message import Said, recording, status
from proxy_daemon.core.cassettes.stored_body import ABSENT, Stored, from_base64, from_form, from_json, stored
from proxy_daemon.core.messages import Ending, Outcome, Unknown

ALWAYS = {Unknown.TIME, Unknown.DURATION, Unknown.PIECES}
TWO = ((b"Set-Cookie", b"a=1"), (b"Set-Cookie", b"b=2"), (b"X-B", b"3"))
SHAPES = [
    ({"Set-Cookie": ["a=1", "b=2"], "X-B": "3"}, TWO),
    ({"Set-Cookie": ["a=1", "b=2"], "X-B": [3]}, TWO),
    (
        [{"name": "Set-Cookie", "value": "a=1"}, {"name": "Set-Cookie", "value": "b=2"}, {"name": "X-B", "value": 3}],
        TWO,
    ),
    ([["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"], ["X-B", "3"]], TWO),
    ([["Set-Cookie", ["a=1", "b=2"]], ["X-B", ["3"]]], TWO),
    (["Set-Cookie: a=1\r\n", "Set-Cookie: b=2\r\n", "X-B:3"], TWO),
    ("Set-Cookie: a=1\r\nSet-Cookie: b=2\nX-B: 3\r\n", TWO),
    ([[b"Set-Cookie", b"a=1"], [b"Set-Cookie", b"b=2"], [b"X-B", b"3"]], TWO),
    (None, ()),
    ({}, ()),
    ("", ()),
    (
        {"A": None, "B": [], "C": [None], "D": True, "E": 1.5},
        ((b"A", b""), (b"C", b""), (b"D", b"true"), (b"E", b"1.5")),
    ),
    ({":authority": "x", "a": "1"}, ((b"a", b"1"),)),
    ({"a": "x\r\nb: y\0z"}, ((b"a", b"x b: y z"),)),
    ({"a": " ä "}, ((b"a", "ä".encode()),)),
    (["a: b: c"], ((b"a", b"b: c"),)),
]
NO_FIELDS = [
    *(7, True, [7], ["no colon"], [["a"]], [{"name": "a"}]),
    *({"a b": "1"}, {"": "1"}, {"a:b": "1"}, {"a\r\nb": "1"}, {"ä": "1"}),
    *({"a": {"b": 1}}, {"a": [[1]]}, [["a", {"b": 1}]]),
]


@pytest.mark.parametrize(("given", "pairs"), SHAPES)
def test_fields_keep_order_case_and_repetition(given, pairs):
    assert fields(given).pairs == pairs


@pytest.mark.parametrize("given", NO_FIELDS)
def test_what_is_no_field_breaks_its_entry(given):
    with pytest.raises(Broken):
        fields(given)


ADDRESSES = [
    ("https://api.openai.com/v1/chat?x=1#y", "https://api.openai.com", b"/v1/chat?x=1"),
    (b"https://api.openai.com/v1", "https://api.openai.com", b"/v1"),
    ("HTTP://Example.COM:8080", "http://example.com:8080", b"/"),
    ("http://h?x", "http://h", b"/?x"),
    ("http://h#x", "http://h", b"/"),
    ("http://[::1]:11434/api", "http://[::1]:11434", b"/api"),
    ("https://user:secret@h/a@b", "https://h", b"/a@b"),
    ("https://h/ä b\t\x00\x7f", "https://h", b"/%C3%A4%20b%09%00%7F"),
    ("https://h//a%2Fb", "https://h", b"//a%2Fb"),
    ("https://bedrock.<REGION>.aws/model/x", "", b"/model/x"),
    ("https://**REDACTED**/v1", "", b"/v1"),
    ("https:///v1", "", b"/v1"),
    ("https://h:0/v1", "", b"/v1"),
    ("https://h:99999/v1", "", b"/v1"),
    ("/v1/models", "", b"/v1/models"),
    ("<API_BASE>/chat", "", b"/chat"),
    ("**REDACTED**/chat", "", b"/chat"),
    ("**REDACTED**", "", b"/**REDACTED**"),
    ("api.com/v1", "", b"/api.com/v1"),
]


@pytest.mark.parametrize(("url", "base", "target"), ADDRESSES)
def test_a_url_gives_host_and_target(url, base, target):
    found = address(url)
    assert (found.upstream.url, found.target) == (base, target)
    assert (found.upstream == NOWHERE) == (not base)


@pytest.mark.parametrize("url", [None, "", 7, [], "wss://h/x", "tool://x/y", "file:///etc/passwd"])
def test_what_is_no_url_of_http_breaks_its_entry(url):
    with pytest.raises(Broken):
        address(url)


@given(st.text(max_size=60) | st.text("ahtps:/?#[]@<>*%é\r\n\0 .1", max_size=40))
def test_a_target_can_stand_in_a_request_line(text):
    try:
        target = address(text).target
    except Broken:
        return
    assert target.startswith(b"/")
    assert all(0x21 <= octet <= 0x7E for octet in target)


STATUSES = [
    (200, (200, b"")),
    ("200", (200, b"")),
    ("200 OK", (200, b"OK")),
    ("404 Not  Found\r\n", (404, b"Not  Found")),
    ({"code": 200, "message": "OK"}, (200, b"OK")),
    ({"code": "429", "message": None}, (429, b"")),
    ({"status_code": 201, "category": "Success"}, (201, b"")),
    ({"code": None, "message": "A\r\nB"}, (0, b"A B")),
    ({}, (0, b"")),
    (None, (0, b"")),
]


@pytest.mark.parametrize(("given", "found"), STATUSES)
def test_a_status_in_all_its_forms(given, found):
    assert status(given) == found


@pytest.mark.parametrize("given", [True, 0, 99, 1000, -200, "OK", "2000", [], 200.0, {"code": []}, 10**3000])
def test_what_is_no_status_breaks_its_entry(given):
    with pytest.raises(Broken):
        status(given)


BODIES = [
    ("text ä", Stored("text ä".encode())),
    (b"\xff\x00", Stored(b"\xff\x00")),
    ("", Stored(b"")),
    (None, ABSENT),
    ({"string": "x"}, Stored(b"x")),
    ({"encoding": "ASCII-8BIT", "string": b"\x1f"}, Stored(b"\x1f")),
    ({"encoding": "UTF-8", "base64_string": "aGk="}, Stored(b"hi")),
    ({"string": "x", "base64_string": ""}, Stored(b"x")),
    ({"string": None}, ABSENT),
    ({"encoding": "UTF-8"}, ABSENT),
    ({"string": {"a": 1}}, Stored(b'{"a":1}', own=False)),
    ({"string": "x", "other": 1}, Stored(b'{"string":"x","other":1}', own=False)),
    ({}, Stored(b"{}", own=False)),
    ([1, None], Stored(b"[1,null]", own=False)),
    (7, Stored(b"7", own=False)),
    ({"a": 2**70}, Stored(b'{"a":1180591620717411303424}', own=False)),
]


@pytest.mark.parametrize(("given", "body"), BODIES)
def test_a_body_in_all_its_forms(given, body):
    assert stored(given) == body


@pytest.mark.parametrize(
    "given", [{"a": b"octets"}, {"base64_string": "a"}, {"base64_string": 7}, {"base64_string": "ä"}]
)
def test_a_body_that_is_none_breaks_its_entry(given):
    with pytest.raises(Broken):
        stored(given)


def test_a_body_too_deep_to_be_written_breaks_its_entry():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(Broken):
        from_json(deep)
    while deep:
        deep = deep.pop()


def test_a_form_is_written_anew():
    assert from_form({"a b": ["1", "2"], "c": "ä&"}) == Stored(b"a+b=1&a+b=2&c=%C3%A4%26", own=False)
    assert from_form(["x"]) == from_json(["x"])
    with pytest.raises(Broken):
        from_form({"a": [{}]})


@pytest.mark.parametrize(
    "text", ["aGk*", "aG-k", "a\0Gk=", "aGk=aGk=", "aGk=x", "aGk", "=", "a", "\u00e4Gk=", b"aG_k", 7, None, []]
)
def test_what_is_not_base64_is_never_left_out(text):
    with pytest.raises(Broken, match="not base64"):
        from_base64(text)


@pytest.mark.parametrize("text", ["aGk=", "aG\r\n k=\n", b"aG\nk="])
def test_base64_may_hold_blanks(text):
    assert from_base64(text) == Stored(b"hi")


def test_base64_of_nothing_is_nothing():
    assert from_base64("") == Stored(b"")


def whole(**given):
    base = {
        "method": "post",
        "url": "https://h/v1",
        "status": 200,
        "request_headers": {"A": "1"},
        "request_body": Stored(b"{}"),
        "response_headers": {"B": "2"},
        "response_body": Stored(b"{}"),
    }
    return recording(Said(**{**base, **given}))


def test_what_is_told_is_kept_and_the_rest_is_unknown():
    found = whole()
    assert found.unknown == ALWAYS
    assert (found.request.method, found.request.target, found.request.headers.pairs) == (
        b"POST",
        b"/v1",
        ((b"A", b"1"),),
    )
    assert found.upstream.url == "https://h"
    assert (found.request.body, found.response.body) == (Bytes(b"{}"), Bytes(b"{}"))
    assert (found.status, found.ending, found.outcome) == (200, Ending.COMPLETE, Outcome.LIVE)
    assert (found.started, found.duration, found.cut, found.replayable) == (0.0, 0, False, False)


UNKNOWNS = [
    ({"url": "/v1"}, {Unknown.HOST}),
    ({"request_headers": None}, {Unknown.REQUEST_HEADERS}),
    ({"request_headers": {}}, {Unknown.REQUEST_HEADERS}),
    ({"response_headers": None}, {Unknown.RESPONSE_HEADERS}),
    ({"request_body": ABSENT}, {Unknown.REQUEST_BODY}),
    ({"request_body": ABSENT, "method": "GET"}, set()),
    ({"request_body": Stored(b"{}", own=False)}, {Unknown.REQUEST_OCTETS}),
    ({"response_body": Stored(b"{}", own=False)}, {Unknown.RESPONSE_OCTETS}),
    ({"response_body": ABSENT}, {Unknown.RESPONSE_OCTETS}),
    ({"response_body": ABSENT, "status": 204}, set()),
    ({"response_body": ABSENT, "method": "HEAD"}, set()),
    ({"response_body": ABSENT, "response_headers": {"Content-Length": "0"}}, set()),
    ({"status": None}, {Unknown.STATUS}),
    ({"unknown": frozenset((Unknown.REQUEST,))}, {Unknown.REQUEST}),
    ({"response_headers": {"Content-Length": "9"}}, {Unknown.RESPONSE_OCTETS, Unknown.RESPONSE_HEADERS}),
]


@pytest.mark.parametrize(("given", "unknown"), UNKNOWNS)
def test_what_is_not_told_is_marked(given, unknown):
    found = whole(**given)
    assert found.unknown == ALWAYS | unknown
    assert found.cut == (Unknown.RESPONSE_OCTETS in unknown and given.get("response_body") == ABSENT)


def test_times_that_are_told_are_known():
    found = whole(started=12.5, duration=7)
    assert found.unknown == {Unknown.PIECES}
    assert (found.started, found.duration) == (12.5, 7)
    assert whole(started=0.0, duration=0).unknown == {Unknown.PIECES}


def test_trailers_are_kept():
    assert whole(trailers={"grpc-status": ["0"]}).response.trailers.pairs == ((b"grpc-status", b"0"),)


def test_a_scrubbed_media_type_is_found_in_the_body():
    found = whole(response_headers={"Content-Type": "**REDACTED**"}, response_body=Stored(b"event: a\ndata: b\n\n"))
    assert found.response.head.headers.pairs == ((b"Content-Type", b"text/event-stream"),)
    assert Unknown.RESPONSE_HEADERS in found.unknown


@pytest.mark.parametrize("method", [None, "", "G T", "GET\r\n", 7, "::get", "x" * 65])
def test_what_is_no_method_breaks_its_entry(method):
    with pytest.raises(Broken):
        whole(method=method)


def test_a_method_is_upper_case_and_may_be_a_symbol():
    assert [whole(method=name).request.method for name in ("get", ":post", "Query")] == [b"GET", b"POST", b"QUERY"]


CODED = [
    ("zstd", zstandard.compress(b"{}" * 50)),
    ("br", brotli.compress(b"{}" * 50)),
]


@pytest.mark.parametrize(("coding", "body"), CODED)
def test_framing_is_true_of_the_body(coding, body):
    framing = {"Content-Encoding": coding, "Transfer-Encoding": "chunked", "Content-Length": str(len(body))}
    coded = whole(response_headers=framing, response_body=Stored(body))
    assert coded.response.head.headers.by_name.keys() == {b"content-encoding", b"content-length"}
    assert Unknown.RESPONSE_OCTETS not in coded.unknown
    decoded = whole(response_headers=framing, response_body=Stored(b"{}" * 50))
    assert not decoded.response.head.headers.pairs
    assert Unknown.RESPONSE_OCTETS in decoded.unknown
