"""HAR as we write it: valid by its schema, and our reader reads back what was written; each loss is told."""

import gzip
import json
import zlib
from array import array
from contextlib import suppress

import brotli
import pytest
from attrs import evolve
from har_schemas import faults
from hypothesis import given
from hypothesis import strategies as st
from whole_exchanges import JSON, SSE, STREAM, Gone, Slow, exchange, file_of

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.cassettes import formats, whole_exchange
from proxy_daemon.core.cassettes.addresses import NOWHERE
from proxy_daemon.core.cassettes.foreign_text import plain_body
from proxy_daemon.core.cassettes.har import bodies as har_bodies
from proxy_daemon.core.cassettes.har.writing import CODING, REASON, HarWriter
from proxy_daemon.core.cassettes.writers import Writer, writer_named
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Pieces, Unknown
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.core.wire.coding import CodingError

WRITER = HarWriter()
EVERYTHING = frozenset(set(Unknown) - {Unknown.REQUEST, Unknown.STATUS, Unknown.HOST})


def again(*recordings):
    data = file_of(WRITER, *recordings)
    assert faults(data) == []
    return list(formats.read("c.har", data))


def entry(recording):
    return json.loads(WRITER.entry(recording).text)


def kept(one):
    """What of a recording a HAR holds."""
    response = one.response
    return {
        "request": (one.request.method, one.request.target, one.request.headers.pairs, one.request.body.whole()),
        "upstream": one.upstream,
        "times": (one.started, one.head_time, one.duration),
        "end": (one.ending, one.cut, one.unknown, one.status),
    } | (
        {}
        if response is None
        else {
            "head": (response.head.status, response.head.reason, response.head.headers.pairs),
            "body": response.body.whole(),
            "pieces": (list(response.pieces.sizes), list(response.pieces.times)),
            "trailers": response.trailers.pairs,
        }
    )


def test_it_is_a_writer():
    assert isinstance(writer_named("har"), HarWriter)
    assert isinstance(WRITER, Writer)


def test_a_file_without_entries():
    assert faults(WRITER.empty) == []
    assert list(formats.read("c.har", WRITER.empty)) == []


def test_an_entry():
    made = entry(exchange(STREAM, said=[SSE], pieces=[(9, 700), (15, 2000)]))
    assert made["startedDateTime"] == "2024-08-23T12:43:20.250000Z"
    assert (made["time"], made["timings"]["wait"], made["timings"]["receive"]) == (2.5, 0.5, 2.0)
    assert made["request"] == {
        "method": "POST",
        "url": "https://api.example/v1/chat?x=1",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": "Content-Type", "value": "application/json"}],
        "queryString": [{"name": "x", "value": "1"}],
        "headersSize": -1,
        "bodySize": 13,
        "postData": {"mimeType": "application/json", "text": '{"model":"m"}'},
    }
    assert made["response"] == {
        "status": 200,
        "statusText": "OK",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": "Content-Type", "value": "text/event-stream"}],
        "content": {"size": 24, "mimeType": "text/event-stream", "text": STREAM.decode()},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": 24,
    }
    assert made["_llmproxy"] == {"unknown": [], "pieces": {"sizes": [9, 15], "times": [700, 2000]}}


EXACT = [
    exchange(),
    exchange(STREAM, said=[SSE], pieces=[(9, 700), (15, 2000)], trailers=[(b"X-Sum", b"1"), (b"x", b"\xff")]),
    exchange(b"\x89PNG\xff\x00", b"\xff\xfe"),
    exchange(b"", b"", method=b"HEAD", said=[(b"Content-Length", b"5"), (b"Content-Encoding", b"gzip")]),
    exchange(b"", b"", method=b"DELETE", status=204, reason=b"", said=[]),
    exchange(b"", b"", method=b"PUT"),
    exchange(b"no type", said=[]),
    exchange(b"x", asked=[], method=b"GET", sent=b"body of GET"),
    exchange(said=[JSON, (b"X-A", b"\xff"), (b"X-A", "é".encode()), (b"x-a", b""), (b"Location", b"/x")]),
    exchange(b"data: {", ending=Ending.BROKEN_OFF, detail="gone"),
    exchange(b"data: {", ending=Ending.CLIENT_GONE),
    exchange(b"half", cut=True),
    exchange(None, ending=Ending.FAILED, detail="no route", duration=500),
    exchange(None, ending=Ending.TIMEOUT, sent=b""),
    exchange(b"", sent=b"", unknown=EVERYTHING, started=0.0, duration=0, head_time=0, pieces=[]),
    exchange(b"abc", unknown=frozenset((Unknown.PIECES, Unknown.DURATION)), duration=0, head_time=0, pieces=[]),
    exchange(upstream=NOWHERE, unknown=frozenset((Unknown.HOST,))),
    exchange(b"early", status=103),
    exchange(status=404, reason="Schön".encode(), duration=1, head_time=1),
    exchange(head_time=0),
    exchange("\x00\x7f\x85\u2028\ufeff\uffff\U0001f600".encode()),
    exchange(b"plain", said=[(b"Content-Encoding", b"identity")]),
    exchange(b"\x1f\x8bdamaged", said=[(b"Content-Encoding", b"gzip")]),
    exchange(gzip.compress(b"x", mtime=0), said=[(b"Content-Type", b"application/gzip")]),
    exchange(target=b"/?a=%FF&&=&b&a=+%20", asked=[(b"Cookie", b"a=1; b; c=d=e"), (b"cookie", b"f=\xff")]),
]


@pytest.mark.parametrize("one", EXACT)
def test_what_is_written_is_read(one):
    assert WRITER.entry(one).losses == []
    (found,) = again(one)
    assert kept(found) == kept(one)
    assert found.detail == (one.detail if one.ending is not Ending.COMPLETE else "")


def test_pieces_of_known_sizes_at_unknown_times():
    one = exchange(b"ab", unknown=frozenset((Unknown.PIECE_TIMES,)))
    one = evolve(one, response=evolve(one.response, pieces=Pieces(array("Q", [1, 1]))))
    assert kept(again(one)[0]) == kept(one)


@pytest.mark.parametrize("sizes", [(1,), (9, 9), (2, 1)])
def test_pieces_that_are_not_of_the_body_are_not_told(sizes):
    one = exchange(b"ab", pieces=[(size, 1) for size in sizes])
    assert Unknown.PIECES in again(one)[0].unknown


CODED = [
    (b"gzip", gzip.compress(STREAM, mtime=0)),
    (b"deflate", zlib.compress(STREAM)),
    (b"br", brotli.compress(STREAM)),
    (b"gzip, br", brotli.compress(gzip.compress(STREAM, mtime=0))),
    (b"gzip", STREAM),  # its head lies
]


@pytest.mark.parametrize(("coding", "data"), CODED)
def test_a_coded_answer_is_written_decoded_with_the_fields_of_that(coding, data):
    said = [SSE, (b"Content-Encoding", coding), (b"content-length", b"%d" % len(data))]
    one = exchange(data, said=said, pieces=[(5, 1), (len(data) - 5, 9)])
    assert WRITER.entry(one).losses == [CODING]
    (found,) = again(one)
    assert found.response.body.whole() == STREAM
    assert found.response.head.headers.pairs == (SSE, (b"content-length", b"%d" % len(STREAM)))
    assert sum(found.response.pieces.sizes) == len(STREAM)
    assert found.unknown == {Unknown.RESPONSE_OCTETS}
    made = entry(one)["response"]
    assert made["bodySize"] == len(data)
    assert [field["name"] for field in made["headers"]] == ["Content-Type", "content-length"]


def test_the_pieces_of_a_coded_answer_are_those_that_came_out():
    maker = zlib.compressobj(wbits=31)
    first = maker.compress(STREAM[:9]) + maker.flush(zlib.Z_SYNC_FLUSH)
    second = maker.compress(STREAM[9:]) + maker.flush(zlib.Z_SYNC_FLUSH)
    end = maker.flush()
    sizes = [(4, 10), (len(first) - 4, 20), (len(second), 30), (len(end), 40)]
    (found,) = again(exchange(first + second + end, said=[SSE, (b"Content-Encoding", b"gzip")], pieces=sizes))
    assert (list(found.response.pieces.sizes), list(found.response.pieces.times)) == ([9, 15], [20, 30])


@pytest.mark.parametrize(("reason", "lost"), [(b"OK", []), ("né".encode(), []), (b"n\xe9", [REASON]), (b"", [])])
def test_words_beside_the_status_that_are_no_text_are_told(reason, lost):
    one = exchange(b"{}")
    one = evolve(one, response=evolve(one.response, head=evolve(one.response.head, reason=reason)))
    assert WRITER.entry(one).losses == lost


def test_what_would_be_too_large_decoded_stays_coded(monkeypatch):
    monkeypatch.setattr(har_bodies, "LARGEST", 1000)
    data = gzip.compress(b"\0" * 100_000, mtime=0)
    one = exchange(data, said=[(b"Content-Encoding", b"gzip")])
    assert WRITER.entry(one).losses == []
    assert kept(again(one)[0]) == kept(one)


@given(
    body=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")),
    sent=st.binary(max_size=200),
    coding=st.sampled_from([b"", b"gzip", b"br", b"zstd", b"foo"]),
)
def test_any_body(body, sent, coding):
    one = exchange(body, sent, said=[JSON, (b"Content-Encoding", coding)] if coding else [JSON])
    (found,) = again(one)
    assert found.request.body.whole() == sent
    assert found.response.body.whole() in (body, decoded(one))


def decoded(one):
    """What a client gets of it, where its coding can be undone: one octet may be an empty body in brotli."""
    with suppress(CodingError):
        return plain_body(one.response, 1 << 20)


NAMES = st.text("abzABZ019!#$%&'*+-.^_`|~", min_size=1, max_size=9).map(str.encode)
OWN = {b"content-length", b"content-encoding", b"trailer", b"te", b"upgrade"}


@given(fields=st.lists(st.tuples(NAMES, st.binary(max_size=30)), max_size=6), target=st.binary(max_size=30))
def test_any_head(fields, target):
    fields = [pair for pair in fields if pair[0].lower() not in OWN]
    cookies = [(b"Set-Cookie", value) for _, value in fields]
    one = exchange(asked=fields, said=[*fields, *cookies], target=b"/" + target, trailers=fields)
    (found,) = again(one)
    wanted = whole_exchange.fields(Headers([*fields, *cookies]), 8).pairs
    assert found.response.head.headers.pairs == wanted
    assert found.response.trailers.pairs == found.request.headers.pairs == wanted[: len(found.request.headers.pairs)]
    assert found.request.target == whole_exchange.address(one).target


def test_bodies_that_are_in_no_memory():
    one = exchange(b"")
    slow = evolve(
        one, request=evolve(one.request, body=Slow(b"\xff" * 9)), response=evolve(one.response, body=Slow(b"abc"))
    )
    (found,) = again(slow)
    assert (found.request.body.whole(), found.response.body.whole()) == (b"\xff" * 9, b"abc")
    with pytest.raises(OSError, match="lost"):
        WRITER.entry(evolve(one, request=evolve(one.request, body=Gone())))


LEFT_OUT = [
    (exchange(None, served_from=5), whole_exchange.SERVED),
    (exchange(status=0), whole_exchange.NO_STATUS),
    (exchange(unknown=frozenset((Unknown.REQUEST,))), whole_exchange.NOT_KNOWN),
]


@pytest.mark.parametrize(("one", "why"), LEFT_OUT)
def test_what_is_left_out(one, why):
    assert (WRITER.entry(one).text, WRITER.entry(one).left_out) == (b"", why)


def test_what_has_no_host_is_asked_of_nobody():
    for one in (
        exchange(upstream=NOWHERE, unknown=frozenset((Unknown.HOST,))),
        exchange(upstream=parse_upstream("demo:")),
    ):
        assert entry(one)["request"]["url"] == "http://unknown.invalid/v1/chat?x=1"


@pytest.mark.parametrize("started", [-5.0, 1e300, float("inf"), float("nan")])
def test_times_that_no_calendar_has(started):
    assert entry(exchange(started=started))["startedDateTime"] == "1970-01-01T00:00:00.000000Z"


def test_an_end_before_the_head():
    made = entry(exchange(head_time=900, duration=0))
    assert (made["time"], made["timings"]["wait"], made["timings"]["receive"]) == (0.9, 0.9, 0.0)


def test_an_error_without_words_has_those_of_its_ending():
    assert entry(exchange(None, ending=Ending.TIMEOUT))["response"]["_error"] == "timeout"
    assert entry(exchange(b"x", ending=Ending.FAILED, detail="a\ud800"))["response"]["_error"] == "a?"


def test_many_entries_stand_in_their_order():
    many = [exchange(b"%d" % number) for number in range(20)]
    assert [one.response.body.whole() for one in again(*many)] == [b"%d" % number for number in range(20)]


def test_a_body_that_somebody_edited_is_read_with_what_is_still_true():
    made = entry(exchange(STREAM, said=[SSE, (b"Content-Length", b"24")], pieces=[(9, 1), (15, 2)]))
    made["response"]["content"]["text"] = "data: other\n\n"
    data = WRITER.head + json.dumps(made).encode() + WRITER.tail
    (found,) = formats.read("c.har", data)
    assert found.response.body.whole() == b"data: other\n\n"
    assert found.response.head.headers.pairs == (SSE,)
    assert (Unknown.PIECES in found.unknown, list(found.response.pieces.sizes)) == (True, [])
    assert isinstance(found.response.body, Bytes)
