"""vcrpy's cassettes as we write them: bodies exact, what is read back is what was written, each loss is told."""

import gzip

import pytest
import yaml
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from whole_exchanges import JSON, SSE, STREAM, Gone, Slow, exchange, file_of

from proxy_daemon.core.cassettes import formats, vcrpy_writing, whole_exchange
from proxy_daemon.core.cassettes.foreign_text import TIMES, TRAILERS
from proxy_daemon.core.cassettes.vcrpy_writing import VcrpyWriter
from proxy_daemon.core.cassettes.whole_exchange import NOT_OWN, PIECES
from proxy_daemon.core.cassettes.writers import Writer, writer_named
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Recording, Unknown
from proxy_daemon.core.upstreams import parse_upstream

WRITER = VcrpyWriter()
ALWAYS = [vcrpy_writing.DURATION]


def again(*recordings):
    return list(formats.read("c.yaml", file_of(WRITER, *recordings)))


def losses(recording):
    return [*WRITER.entry(recording).losses]


def same(one, found):
    assert isinstance(found, Recording)
    assert found.request.body.whole() == b"".join(iter_of(one.request.body))
    assert found.response.body.whole() == b"".join(iter_of(one.response.body))
    assert (found.request.method, found.request.target) == (one.request.method, one.request.target)
    assert (found.status, found.upstream) == (one.response.head.status, one.upstream)
    assert found.started == one.started
    return True


def iter_of(body):
    return [body.read(offset, 1) for offset in range(body.size)] if body.whole() is None else [body.whole()]


def test_it_is_a_writer():
    assert isinstance(writer_named("vcrpy"), VcrpyWriter)
    assert isinstance(WRITER, Writer)


def test_a_cassette():
    assert file_of(WRITER, exchange(STREAM, said=[SSE], sent=b"\xff")).decode() == (
        "interactions:\n"
        "- request:\n"
        "    body: !!binary |\n"
        "      /w==\n"
        "    headers:\n"
        "      Content-Type:\n"
        "      - application/json\n"
        "    method: POST\n"
        "    uri: https://api.example/v1/chat?x=1\n"
        "  response:\n"
        "    body:\n"
        "      string: 'data: {}\n"
        "\n"
        "\n"
        "        data: [DONE]\n"
        "\n"
        "\n"
        "        '\n"
        "    headers:\n"
        "      Content-Type:\n"
        "      - text/event-stream\n"
        "    status:\n"
        "      code: 200\n"
        "      message: OK\n"
        "  recorded_at: '2024-08-23T12:43:20.250000+00:00'\n"
        "version: 1\n"
    )


def test_a_cassette_without_entries():
    assert yaml.safe_load(WRITER.empty) == {"interactions": [], "version": 1}
    assert list(formats.read("c.yaml", WRITER.empty)) == []


PACKED = gzip.compress(b"{}", mtime=0)
FIELDS = [
    ([(b"Content-Encoding", b"gzip"), (b"Content-Length", b"22")], PACKED, None),
    ([(b"Content-Length", b"9"), JSON], b"{}", [JSON]),
    ([(b"Transfer-Encoding", b"chunked"), (b"Connection", b"x-a"), (b"X-A", b"1"), JSON], b"{}", [JSON]),
    ([JSON, (b"Set-Cookie", b"a=1"), (b"set-cookie", b"b"), (b"X-Empty", b"")], b"{}", None),
    ([JSON, (b"X-A", b"\xff"), (b"X-A", "é".encode()), (b"null", b"true")], b"{}", None),
]


@pytest.mark.parametrize(("fields", "body", "kept"), FIELDS)
def test_fields(fields, body, kept):
    (found,) = again(exchange(body, said=fields, asked=[(b"X", b"1"), *fields]))
    assert found.response.head.headers.pairs == tuple(fields if kept is None else kept)
    assert found.response.body.whole() == body


BODIES = [
    b"",
    b" ",
    b"\n",
    b"\r\n\r\n",
    b" lead\n  more\n\n\n tail \n\n",
    b"\x00\x01\x7f",
    "\x85\u2028\u2029\ufeff\ufffe\uffff\U0001f600\ud7ff".encode(),
    b"\xff\xfe",
    b"null",
    b"!!binary x",
    b"~",
    b"a: &b *c # d",
    b"- ? | >",
    b"'\"\\",
    b"\t\ttabs\t\n\t",
    b"x" * 300 + b"  " + b"y" * 300,
    b"---\n...\n",
]


@pytest.mark.parametrize("body", BODIES)
def test_bodies_are_exact(body):
    one = exchange(body, body)
    assert same(one, again(one)[0])


@given(body=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
def test_any_body_is_exact(body):
    one = exchange(body, body)
    assert same(one, again(one)[0])


NAMES = st.text("abzABZ019!#$%&'*+-.^_`|~", min_size=1, max_size=9).map(str.encode)
VALUES = st.binary(max_size=40) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace"))
OWN = {b"content-length", b"content-encoding", b"content-type", b"trailer", b"te", b"upgrade"}


@given(fields=st.lists(st.tuples(NAMES, VALUES), max_size=6))
def test_any_fields(fields):
    fields = [pair for pair in fields if pair[0].lower() not in OWN]
    (found,) = again(exchange(said=[JSON, *fields]))
    wanted = whole_exchange.fields(Headers([JSON, *fields]), 8).pairs
    assert sorted(found.response.head.headers.pairs) == sorted(wanted)


@given(path=st.binary(max_size=40), query=st.binary(max_size=20))
def test_any_target(path, query):
    (found,) = again(exchange(target=b"/" + path + b"?" + query))
    assert found.request.target == whole_exchange.address(exchange(target=b"/" + path + b"?" + query)).target


def test_bodies_that_are_in_no_memory():
    one = exchange()
    slow = evolve(
        one,
        request=evolve(one.request, body=Slow(b"\xff" * 9)),
        response=evolve(one.response, body=Slow(b"abc")),
    )
    assert same(slow, again(slow)[0])


def test_a_body_that_is_lost():
    one = exchange()
    with pytest.raises(OSError, match="lost"):
        WRITER.entry(evolve(one, response=evolve(one.response, body=Gone())))


LOST = [
    ({"duration": 0, "head_time": 0}, []),
    ({}, ALWAYS),
    ({"pieces": [(4, 0), (4, 0)]}, [PIECES]),
    ({"pieces": [(4, 1), (4, 2)]}, [PIECES, TIMES]),
    ({"trailers": [(b"X-A", b"1")]}, [TRAILERS]),
    ({"reason": "Schön".encode()}, [vcrpy_writing.REASON]),
    ({"reason": b"a\x07"}, [vcrpy_writing.REASON]),
    ({"reason": b""}, []),
    ({"said": [(b"a", b"1"), (b"b", b"1"), (b"a", b"2")]}, [vcrpy_writing.FIELD_ORDER]),
    ({"said": [(b"a", b"1"), (b"a", b"2"), (b"b", b"1")]}, []),
    ({"said": [(b"a", b"\xff")]}, [vcrpy_writing.BEYOND_ASCII]),
    ({"asked": [(b"a", b"\xff")]}, []),
    ({"unknown": frozenset((Unknown.REQUEST_BODY,))}, [vcrpy_writing.NO_BODY]),
    ({"unknown": frozenset((Unknown.RESPONSE_OCTETS,))}, [NOT_OWN]),
    ({"unknown": frozenset((Unknown.PIECES, Unknown.TIME, Unknown.HOST))}, []),
]


@pytest.mark.parametrize(("changes", "wanted"), LOST)
def test_losses(changes, wanted):
    timed = ALWAYS if changes.get("duration") is None else []
    assert set(losses(exchange(**changes))) == {*wanted, *timed}
    assert {*wanted} <= {*vcrpy_writing.LOSSES, NOT_OWN, PIECES, TIMES}


LEFT_OUT = [
    (exchange(None), "it has no answer"),
    (exchange(None, served_from=5), whole_exchange.SERVED),
    (exchange(cut=True), "its answer is not whole"),
    (exchange(ending=Ending.BROKEN_OFF), "its answer is not whole"),
    (exchange(status=101), "its status is none of an answer"),
    (exchange(status=0), whole_exchange.NO_STATUS),
    (exchange(unknown=frozenset((Unknown.REQUEST,)), method=b"", target=b""), whole_exchange.NOT_KNOWN),
]


@pytest.mark.parametrize(("one", "why"), LEFT_OUT)
def test_what_is_left_out(one, why):
    made = WRITER.entry(one)
    assert (made.text, made.left_out) == (b"", why)


@pytest.mark.parametrize("started", [0.0, -5.0, 1e300, float("inf"), float("nan")])
def test_times_that_no_calendar_has(started):
    (found,) = again(exchange(started=started))
    assert Unknown.TIME in found.unknown


def test_what_has_no_address_keeps_its_path():
    (found,) = again(exchange(upstream=parse_upstream("demo:")))
    assert (found.request.target, Unknown.HOST in found.unknown) == (b"/v1/chat?x=1", True)


def test_many_entries_stand_in_their_order():
    many = [exchange(b"%d" % number) for number in range(20)]
    assert [one.response.body.whole() for one in again(*many)] == [b"%d" % number for number in range(20)]
