"""HAR: what browsers, mitmproxy and Polly write, with pieces where they are told; hostile files refused."""

import base64
import gzip
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.cassettes import Skipped, Unreadable, formats, json_text
from proxy_daemon.core.cassettes.har.format import Har
from proxy_daemon.core.messages import Recording, Unknown

SENT = {
    "method": "POST",
    "url": "https://api.example/v1/chat?x=1#frag",
    "headers": [{"name": "content-type", "value": "application/json", "_fromType": "array"}],
    "postData": {"mimeType": "application/json", "text": '{"model":"m"}', "params": []},
    "bodySize": 13,
}
GOT = {
    "status": 200,
    "statusText": "OK",
    "headers": [{"name": "Content-Type", "value": "text/plain"}, {"name": "transfer-encoding", "value": "chunked"}],
    "content": {"mimeType": "text/plain", "size": 5, "text": "h\xe9llo"},
}
MORE = {"startedDateTime": "2024-08-23T12:43:20.500Z", "time": 250.5, "timings": {"wait": 250, "receive": 0}}


def entry(request=None, response=None, **others):
    return {"request": SENT | (request or {}), "response": GOT | (response or {})} | MORE | others


def har(*entries):
    return json.dumps({"log": {"version": "1.2", "entries": list(entries)}}).encode()


def read(*entries):
    return list(Har().read("r.har", har(*entries)))


def content(**members):
    return entry(response={"content": members})


def coded(data):
    return base64.b64encode(data).decode()


def test_an_exchange():
    (found,) = read(entry())
    assert (found.request.method, found.request.target, found.upstream.url) == (
        b"POST",
        b"/v1/chat?x=1",
        "https://api.example",
    )
    assert (found.request.body.whole(), found.response.body.whole()) == (b'{"model":"m"}', "h\xe9llo".encode())
    assert found.response.head.headers.pairs == ((b"Content-Type", b"text/plain"),)
    assert (found.status, found.response.head.reason) == (200, b"OK")
    assert (found.started, found.duration, found.head_time) == (1724417000.5, 250_500, 0)
    assert found.unknown == {Unknown.PIECES}


def test_pieces_of_known_size():
    pieces = [b"data: 1\n\n", b"", b"data: \xff\n\n"]
    (found,) = read(content(size=9, encoding="base64", text=json.dumps([coded(piece) for piece in pieces])))
    assert found.response.body.whole() == b"".join(pieces)
    assert list(found.response.pieces.sizes) == [9, 9]
    assert not found.response.pieces.times
    assert Unknown.PIECES not in found.unknown
    assert Unknown.PIECE_TIMES in found.unknown


def test_coded_pieces_keep_their_coding():
    packed = gzip.compress(b"{}", mtime=0)
    headers = [{"name": "content-encoding", "value": "gzip"}]
    text = json.dumps([coded(packed[:7]), coded(packed[7:])])
    (found,) = read(entry(response={"headers": headers, "content": {"encoding": "base64", "text": text}}))
    assert found.response.body.whole() == packed
    assert found.response.head.headers.get(b"content-encoding") == b"gzip"


def test_a_body_that_was_decoded_has_no_coding():
    headers = [{"name": "content-encoding", "value": "br"}]
    (found,) = read(entry(response={"headers": headers, "content": {"text": "{}"}}))
    assert found.response.head.headers.pairs == ()
    assert Unknown.RESPONSE_OCTETS in found.unknown


BODIES = [
    ({"encoding": "base64", "text": coded(b"\x00\xff")}, b"\x00\xff", False),
    ({"encoding": "base64", "text": "[]"}, b"", False),
    ({"size": 0}, b"", False),
    ({"size": 12}, b"", True),
    ({}, b"", True),
    (None, b"", True),
]


@pytest.mark.parametrize(("given_content", "body", "cut"), BODIES)
def test_bodies(given_content, body, cut):
    (found,) = read(entry(response={"content": given_content}))
    assert (found.response.body.whole(), found.cut) == (body, cut)


FORM = "application/x-www-form-urlencoded; charset=utf-8"
REQUESTS = [
    ({"postData": None, "bodySize": 0}, b"", set()),
    ({"postData": None, "bodySize": -1}, b"", {Unknown.REQUEST_BODY}),
    ({"postData": None, "bodySize": 0, "method": "GET"}, b"", set()),
    ({"postData": {"mimeType": "x", "text": ""}, "bodySize": 0}, b"", set()),
    ({"postData": {"mimeType": "x", "text": ""}, "bodySize": 9}, b"", {Unknown.REQUEST_BODY}),
    ({"postData": {"text": coded(b"\xff"), "encoding": "base64"}}, b"\xff", set()),
    (
        {"postData": {"mimeType": FORM, "params": [{"name": "a b", "value": "&"}, {"name": "c"}]}},
        b"a+b=%26&c=",
        {Unknown.REQUEST_OCTETS},
    ),
    (
        {"postData": {"mimeType": "multipart/form-data", "params": [{"name": "a", "fileName": "b"}]}},
        b"",
        {Unknown.REQUEST_BODY},
    ),
    ({"headers": []}, b'{"model":"m"}', {Unknown.REQUEST_HEADERS}),
]


@pytest.mark.parametrize(("request_", "body", "unknown"), REQUESTS)
def test_requests(request_, body, unknown):
    (found,) = read(entry(request_))
    assert found.request.body.whole() == body
    assert found.unknown == {Unknown.PIECES} | unknown


@pytest.mark.parametrize("time", [None, -1, "5", True, 1e300, [1]])
def test_times_that_are_none_are_unknown(time):
    (found,) = read(entry(time=time, startedDateTime=time, timings=time))
    assert {Unknown.TIME, Unknown.DURATION} <= found.unknown
    assert (found.started, found.duration, found.head_time) == (0.0, 0, 0)


def test_the_answer_begins_where_receiving_does():
    (found,) = read(entry(time=100, timings={"receive": 30}))
    assert found.head_time == 70_000
    (found,) = read(entry(time=100, timings={"receive": 300}))
    assert found.head_time == 0


def test_entries_of_one_id_come_in_their_order():
    def said(text, **others):
        return content(text=text) | others

    entries = [said("c", _id="x", _order=2), said("z", _id="y", _order=0), said("a", _id="x", _order=0)]
    entries += [said("n"), said("b", _id="x", _order=1), said("m", _id="x", _order="?")]
    assert [one.response.body.whole() for one in read(*entries)] == [b"a", b"z", b"b", b"n", b"c", b"m"]


SKIPPED = [
    (None, "without a request"),
    ({}, "without a request"),
    ({"request": SENT}, "without a response"),
    (entry(response={"status": 0}), "no answer came"),
    (entry(response={"status": None}), "no answer came"),
    (entry(_webSocketMessages=[]), "WebSocket"),
    (entry({"url": "wss://api.example/v1/realtime"}), "WebSocket"),
    (entry({"url": "Data:text/plain,x"}), "nothing was sent"),
    (entry({"url": "chrome-extension://x/y"}), "neither http nor https"),
    (entry({"url": None}), "no URL"),
    (entry({"method": 5}), "no method"),
    (entry({"headers": [{"name": "a b", "value": ""}]}), "does not allow"),
    (content(text="x", encoding="hex"), "encoding that is not known"),
    (content(text=[1]), "list or mapping"),
    (content(text="\xe9", encoding="base64"), "not base64"),
    (content(text="[1", encoding="base64"), "pieces are no JSON"),
    (content(text="[null]", encoding="base64"), "not base64"),
    (content(text='["a"]', encoding="base64"), "not base64"),
    (entry({"postData": {"mimeType": FORM, "params": [5]}}), "without a name"),
]


@pytest.mark.parametrize(("bad", "reason"), SKIPPED)
def test_a_bad_entry_is_skipped_and_the_next_is_read(bad, reason):
    found, after = read(bad, entry())
    assert isinstance(after, Recording)
    assert (found.entry, reason in found.reason) == (0, True), found


UNREADABLE = [
    (b'{"log": {}}', "without a list of entries"),
    (b'{"log": {"entries": 5}}', "without a list of entries"),
    (b'{"log": {}, "log": 5}', "without a list of entries"),
    (b"[]", "without a list of entries"),
    (b'{"log": {"entries": [', "not JSON"),
    (b'{"log": {"entries": [NaN]}}', "not JSON"),
    (b'{"log": {"entries": ["\xff"]}}', "not JSON"),
    (b'{"log": {"entries": ' + b"[" * 10_000 + b"]" * 10_000 + b"}}", "not JSON"),
]


@pytest.mark.parametrize(("data", "reason"), UNREADABLE)
def test_files_that_are_none(data, reason):
    with pytest.raises(Unreadable, match=rf"r\.har: .*{reason}"):
        list(Har().read("r.har", data))


def test_a_file_that_is_too_large_or_holds_too_much(monkeypatch):
    monkeypatch.setattr(json_text, "MOST_VALUES", 200)
    assert len(read(content(text="[,{" * 1000))) == 1  # in a string they count nothing
    with pytest.raises(Unreadable, match="more than 200 values"):
        read(*[entry()] * 20)
    monkeypatch.setattr(json_text, "MOST", 100)
    with pytest.raises(Unreadable, match="larger than 100 octets"):
        read(entry())


def test_many_entries():
    assert sum(1 for _ in Har().read("r.har", har(*[entry(_id="x", _order=5)] * 20_000))) == 20_000


@pytest.mark.parametrize(
    ("data", "known"),
    [
        (har(), True),
        (b'\xef\xbb\xbf {\n "log" : {', True),
        (b'{"log": []}', False),
        (b'{"x": {"log": {}}}', False),
        (b" " * 5000 + b'{"log": {', False),
        (b"", False),
    ],
)
def test_recognised(data, known):
    assert Har().recognises("r.har", data) is known


@given(st.data())
def test_cut_or_damaged_anywhere(data):
    whole = har(entry(), content(encoding="base64", text='["YQ==", "Yg=="]'))
    place, octet = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 255))
    for bad in (whole[:place], whole[:place] + bytes([octet]) + whole[place + 1 :]):
        with suppress(Unreadable):
            assert all(isinstance(one, Recording | Skipped) for one in formats.read("r.har", bad))
