"""vcrpy, langchain's lists, Ruby's and R's VCR, go-vcr, pydantic-ai: each in its shapes, chosen by content."""

import gzip
import json
from contextlib import suppress

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.cassettes import Skipped, Unreadable
from proxy_daemon.core.cassettes.formats import chosen, read
from proxy_daemon.core.messages import Recording, Unknown

PIECES = {Unknown.PIECES}
TIMES = PIECES | {Unknown.TIME, Unknown.DURATION}
SENT = {"body": '{"a": 1}', "headers": {"A": ["1"]}, "method": "POST", "uri": "https://h/v1?x=1"}
GOT = {"body": {"string": "{}"}, "headers": {"B": ["2", "3"]}, "status": {"code": 200, "message": "OK"}}
FRAME = {"kind": "message", "direction": "sent", "data": {"type": "x"}}
CALL = {"request_sample": {"json": {}, "raw": b""}, "response_sample": {"json": {}, "raw": b""}}


def pair(sent=(), got=()):
    return {"request": {**SENT, **dict(sent)}, "response": {**GOT, **dict(got)}}


def vcrpy(*entries):
    return yaml.safe_dump({"interactions": list(entries), "version": 1}).encode()


def only(data):
    (found,) = read("file", data)
    assert isinstance(found, Recording), found
    return found


def what(found):
    """(method, target, request body, status, response body)."""
    sent, got = found.request, found.response
    return sent.method, sent.target, sent.body.data, got.head.status, got.body.data


EXPECTED = (b"POST", b"/v1?x=1", b'{"a": 1}', 200, b"{}")
RUBY = """---
http_interactions:
- request:
    method: post
    uri: https://h/v1?x=1
    body:
      encoding: UTF-8
      string: '{"a": 1}'
    headers: {A: ['1']}
  response:
    status: {code: 200, message: OK}
    headers: {B: ['2', '3']}
    body:
      encoding: ASCII-8BIT
      string: "{}"
  recorded_at: Tue, 14 Nov 2023 21:48:25 GMT
recorded_with: VCR 6.2.0
"""
R = """http_interactions:
- request:
    method: POST
    uri: https://h/v1?x=1
    body:
      string: '{"a": 1}'
    headers: {A: 1}
  response:
    status: 200
    headers: {B: [2, 3]}
    body: {string: '{}'}
  recorded_at: 2023-11-14 21:48:25
recorded_with: VCR-vcr/2.1.0
"""
GO = """---
version: 2
interactions:
- id: 0
  request:
    content_length: 8
    body: '{"a": 1}'
    form: {}
    headers: {A: ['1']}
    url: https://h/v1?x=1
    method: POST
  response:
    uncompressed: false
    body: '{}'
    headers: {B: ['2', '3']}
    status: 200 OK
    code: 200
    duration: 1.5s
"""
GO_1 = GO.replace("version: 2", "version: 1").replace("- id: 0\n  request", "- request").replace("1.5s", '""')
LISTS = yaml.safe_dump({"requests": [SENT], "responses": [GOT]}).encode()
FILES = [
    ("vcrpy", vcrpy(pair()), TIMES),
    ("vcrpy", yaml.safe_dump({"interactions": [pair()]}).encode(), TIMES),
    ("vcrpy", yaml.safe_dump([pair()]).encode(), TIMES),
    ("vcrpy", json.dumps({"version": 1, "interactions": [pair()]}).encode(), TIMES),
    ("vcrpy", json.dumps({"interactions": [pair()]}, indent=4).encode(), TIMES),
    ("vcrpy", yaml.safe_dump({"interactions": [pair()]}, default_flow_style=True).encode(), TIMES),
    ("vcrpy", vcrpy({**pair(), "recorded_at": "2023-11-14T21:48:25Z"}), PIECES | {Unknown.DURATION}),
    ("vcr-ruby", RUBY.encode(), PIECES | {Unknown.DURATION}),
    ("vcr-ruby", json.dumps(yaml.safe_load(RUBY)).encode(), PIECES | {Unknown.DURATION}),
    ("vcr-r", R.encode(), PIECES | {Unknown.DURATION}),
    ("vcr-r", R.replace("VCR-vcr/2.1.0", "vcr/1.2.0, webmockr/0.9.0").encode(), PIECES | {Unknown.DURATION}),
    ("go-vcr", GO.encode(), PIECES | {Unknown.TIME}),
    ("go-vcr", GO_1.encode(), TIMES),
    ("parallel-lists", LISTS, TIMES),
    ("pydantic", vcrpy(FRAME, pair()), TIMES),
]


@pytest.mark.parametrize(("name", "data", "unknown"), FILES, ids=range(len(FILES)))
@pytest.mark.parametrize("packed", [False, True])
def test_each_format_says_the_same(name, data, unknown, packed):
    assert chosen("file", data).name == name
    found = [one for one in read("file", gzip.compress(data) if packed else data) if isinstance(one, Recording)]
    assert [what(one) for one in found] == [EXPECTED]
    assert found[0].request.headers.pairs == ((b"A", b"1"),)
    assert found[0].response.head.headers.pairs == ((b"B", b"2"), (b"B", b"3"))
    assert found[0].upstream.url == "https://h"
    assert found[0].unknown == unknown
    assert found[0].started == (0.0 if Unknown.TIME in unknown else 1699998505.0)
    assert found[0].duration == (0 if Unknown.DURATION in unknown else 1_500_000)


SHAPES = [  # of vcrpy: (request's, response's, method and target and so on, unknown beside the times)
    ({"body": None, "method": "GET"}, {}, (b"GET", b"/v1?x=1", b"", 200, b"{}"), set()),
    ({"body": None}, {}, (b"POST", b"/v1?x=1", b"", 200, b"{}"), set()),
    (
        {"body": b"\xff\x00"},
        {"body": {"string": b"\x1f\x8b"}},
        (b"POST", b"/v1?x=1", b"\xff\x00", 200, b"\x1f\x8b"),
        set(),
    ),
    ({"body": {"b": [1]}}, {}, (b"POST", b"/v1?x=1", b'{"b":[1]}', 200, b"{}"), {Unknown.REQUEST_OCTETS}),
    ({}, {"body": {"a": 1}}, (*EXPECTED[:4], b'{"a":1}'), {Unknown.RESPONSE_OCTETS}),
    ({}, {"body": "text"}, (*EXPECTED[:4], b"text"), set()),
    ({}, {"body": {"string": None}}, (*EXPECTED[:4], b""), {Unknown.RESPONSE_OCTETS}),
    ({}, {"status": None}, (*EXPECTED[:3], 0, b"{}"), {Unknown.STATUS}),
    ({}, {"headers": {}}, EXPECTED, {Unknown.RESPONSE_HEADERS}),
    ({"headers": {}}, {}, EXPECTED, {Unknown.REQUEST_HEADERS}),
    ({"uri": "https://**REDACTED**/v1"}, {}, (b"POST", b"/v1", *EXPECTED[2:]), {Unknown.HOST}),
]


@pytest.mark.parametrize(("sent", "got", "expected", "unknown"), SHAPES, ids=range(len(SHAPES)))
def test_vcrpy_in_its_shapes(sent, got, expected, unknown):
    found = only(vcrpy(pair(sent, got)))
    assert what(found) == expected
    assert found.unknown == TIMES | unknown


def test_parsed_bodies_are_written_anew_and_say_so():
    entry = pair({"parsed_body": {"b": "ä", "a": 1.5}}, {"parsed_body": ["x"]})
    del entry["request"]["body"], entry["response"]["body"]
    found = only(vcrpy(entry))
    assert what(found)[2::2] == ('{"a":1.5,"b":"ä"}'.encode(), b'["x"]')  # in the order of the file
    assert found.unknown == TIMES | {Unknown.REQUEST_OCTETS, Unknown.RESPONSE_OCTETS}


def test_a_parsed_form_is_a_form_again():
    form = {"Content-Type": ["application/x-www-form-urlencoded; charset=utf-8"]}
    found = only(vcrpy(pair({"parsed_body": {"grant": ["x y"]}, "headers": form})))
    assert found.request.body.data == b"grant=x+y"


def test_the_old_form_of_httpx():
    entry = {
        "request": SENT,
        "response": {"content": "{}", "status_code": 201, "http_version": "HTTP/1.1", "headers": {}},
    }
    assert what(only(vcrpy(entry)))[3:] == (201, b"{}")


def test_the_oldest_vcrpy_has_its_url_in_parts_and_objects_of_python():
    text = b"""
- request: !!python/object:vcr.request.Request
    body: null
    headers: !!python/object/apply:__builtin__.frozenset
    - - !!python/tuple [Accept, '*/*']
    host: h
    method: GET
    path: /ip
    port: 80
    protocol: http
  response:
    body: {string: !!python/unicode '{}'}
    headers: [!!python/tuple [Server, [nginx]]]
    status: {code: 200, message: OK}
"""
    found = only(text)
    assert (found.upstream.url, found.request.target) == ("http://h", b"/ip")
    assert found.request.headers.pairs == ((b"Accept", b"*/*"),)
    assert found.response.head.headers.pairs == ((b"Server", b"nginx"),)


def test_lists_of_unequal_length_lose_nothing():
    data = yaml.safe_dump({"requests": [SENT, SENT], "responses": [GOT]}).encode()
    first, second = read("file", data)
    assert what(first) == EXPECTED
    assert second == Skipped(1, "it holds no response")


def test_ruby_base64_and_bodies_that_are_not_there():
    text = RUBY.replace('      string: "{}"', "      base64_string: aGk=")
    assert only(text.encode()).response.body.data == b"hi"
    entry = yaml.safe_load(RUBY)
    del entry["http_interactions"][0]["response"]["body"]
    found = only(yaml.safe_dump(entry).encode())
    assert found.cut
    assert Unknown.RESPONSE_OCTETS in found.unknown


def test_ruby_bodies_of_unheard_forms_are_not_made_up():
    entry = yaml.safe_load(RUBY)
    entry["http_interactions"][0]["response"]["body"] = {"stream": "x"}
    assert list(read("f", yaml.safe_dump(entry).encode())) == [
        Skipped(0, "a body that is neither 'string' nor 'base64_string'")
    ]


R_BODIES = [
    ("{fields: {file: {path: apples.pdf, type: application/pdf}}}", Unknown.REQUEST_BODY, True),
    ("{file: yes, string: body.bin}", Unknown.REQUEST_BODY, True),
    ("{file: no, string: x}", Unknown.REQUEST_BODY, False),
]


@pytest.mark.parametrize(("body", "what", "is_unknown"), R_BODIES)
def test_r_bodies_in_other_files_are_unknown(body, what, is_unknown):
    found = only(
        R.replace(
            """
      string: '{"a": 1}'""",
            " " + body,
        ).encode()
    )
    assert (what in found.unknown) == is_unknown
    assert found.request.body.data == (b"" if is_unknown else b"x")


def test_r_writes_json_prettily():
    found = only(R.replace("{string: '{}'}", '{string: "{\\n  \\"a\\": 1\\n}"}').encode())
    assert found.response.body.data == b'{\n  "a": 1\n}'
    assert Unknown.RESPONSE_OCTETS in found.unknown


def test_go_took_gzip_off():
    found = only(GO.replace("uncompressed: false", "uncompressed: true").encode())
    assert found.unknown == PIECES | {Unknown.TIME, Unknown.RESPONSE_OCTETS}


def test_go_streamed_a_body_that_it_did_not_keep():
    found = only(GO.replace("""body: '{"a": 1}'""", "body: ''").encode())
    assert found.unknown == PIECES | {Unknown.TIME, Unknown.REQUEST_BODY}


def test_frames_among_exchanges_are_named_each():
    data = yaml.safe_dump({"interactions": [FRAME, pair(), FRAME, CALL]}).encode()
    first, second, third, fourth = read("file", data)
    assert first == Skipped(0, "a frame of a WebSocket session")
    assert what(second) == EXPECTED
    assert third == Skipped(2, "a frame of a WebSocket session")
    assert fourth == Skipped(3, "a call of gRPC")


ENTRIES = [
    (None, "it holds no request"),
    ("text", "it holds no request"),
    ([], "it holds no request"),
    ({}, "it holds no request"),
    ({"request": SENT}, "it holds no response"),
    ({"request": SENT, "response": "text"}, "it holds no response"),
    (pair({"uri": None}), "no URL"),
    (pair({"uri": "wss://h/x"}), "its URL is neither http nor https"),
    (pair({"method": None}), "no method of HTTP"),
    (pair({"headers": "x"}), "a header line without a colon"),
    (pair({"headers": {"a b": "1"}}), "a header field with a name that HTTP does not allow"),
    (pair({}, {"status": "fine"}), "no status of HTTP"),
    (pair({}, {"body": {"base64_string": "x"}}), "a body that is not base64"),
    (pair({"body": {"a": {"b": b"x"}}}), "a parsed body that cannot be written as JSON"),
]


@pytest.mark.parametrize(("entry", "reason"), ENTRIES, ids=range(len(ENTRIES)))
def test_an_entry_that_is_none_is_skipped_with_its_reason_and_the_next_is_read(entry, reason):
    skipped, found = read("file", vcrpy(entry, pair()))
    assert skipped == Skipped(0, reason)
    assert what(found) == EXPECTED


UNREADABLE = [
    (b"", "an empty file"),
    (b"hello", "no recording of a known format"),
    (b"\x00\xff" * 100, "no recording of a known format"),
    (b"interactions: {abc: {}}", "its 'interactions' is no list"),
    (b"http_interactions: 7", "its 'http_interactions' is no list"),
    (b"requests: []\nresponses: 1", "its 'requests' and 'responses' are not two lists"),
    (b"interactions:\n- request: {a: [\n", "did not find expected"),
    (b'{"interactions": [' + b"[" * 5000, "nested deeper than 200 levels"),
    (b"interactions:\n- &a [*a]", "an alias of nothing"),
    (yaml.safe_dump({"interactions": [FRAME]}).encode(), "a WebSocket session, no exchanges of HTTP"),
    (yaml.safe_dump({"interactions": [CALL]}).encode(), "calls of gRPC, no exchanges of HTTP"),
    (gzip.compress(LISTS)[:-4], "gzip that is cut off"),
]


@pytest.mark.parametrize(("data", "reason"), UNREADABLE, ids=range(len(UNREADABLE)))
def test_a_file_that_is_none_is_refused_by_name(data, reason):
    with pytest.raises(Unreadable, match=r"^the\.yaml: ") as error:
        list(read("the.yaml", data))
    assert reason in error.value.reason


@pytest.mark.parametrize(
    "data", [b"interactions: []", b"interactions:", b'{"interactions": []}', b"http_interactions: []"]
)
def test_a_cassette_without_entries_has_none(data):
    assert list(read("file", data)) == []


LOOSE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("a:/ %\n1é", max_size=8) | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab:", max_size=2), inner, max_size=3),
    max_leaves=5,
)
SIDES = [*SENT, *GOT, "content", "status_code", "parsed_body", "url", "host", "path", "code", "duration", "trailer"]
SIDE = st.dictionaries(st.sampled_from(SIDES), LOOSE, max_size=5)
ENTRY = LOOSE | st.builds(lambda a, b: {"request": {**SENT, **a}, "response": {**GOT, **b}}, SIDE, SIDE)
TOP = st.sampled_from(["interactions", "http_interactions", "requests"])


@given(TOP, st.lists(ENTRY, max_size=3), st.sampled_from([{}, {"recorded_with": "vcr/1"}, {"responses": [GOT]}]))
def test_whatever_a_document_holds_each_entry_is_told(top, entries, more):
    data = yaml.safe_dump({top: entries, **more}).encode()
    try:
        found = list(read("file", data))
    except Unreadable:
        return
    assert len(found) == (max(len(entries), 1) if "responses" in more and top == "requests" else len(entries))
    for number, one in enumerate(found):
        assert isinstance(one, Recording) or one.entry == number


@given(st.data())
def test_a_damaged_file_is_read_or_refused(data):
    whole = data.draw(st.sampled_from([one[1] for one in FILES]))
    at = data.draw(st.integers(0, len(whole)))
    damaged = whole[:at] + data.draw(st.binary(max_size=6)) + whole[at + data.draw(st.integers(0, 9)) :]
    with suppress(Unreadable):
        assert all(isinstance(one, Recording | Skipped) for one in read("file", damaged))
