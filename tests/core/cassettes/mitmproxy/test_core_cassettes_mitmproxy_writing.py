"""mitmproxy's flows as we write them: what is read back is what was written, each loss is told."""

import gzip

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tnetstrings import dumps as dumped
from tnetstrings import flow
from whole_exchanges import JSON, SSE, STREAM, Gone, Slow, exchange, file_of

from proxy_daemon.core.cassettes import Skipped, formats, whole_exchange
from proxy_daemon.core.cassettes.addresses import NOWHERE
from proxy_daemon.core.cassettes.foreign_text import TIMES
from proxy_daemon.core.cassettes.mitmproxy import writing as mitmproxy_writing
from proxy_daemon.core.cassettes.mitmproxy.tnetstring import span, value
from proxy_daemon.core.cassettes.mitmproxy.tnetstring_writing import dumps
from proxy_daemon.core.cassettes.mitmproxy.writing import CUT, DURATION, ENDING, NOT_WHOLE, MitmproxyWriter
from proxy_daemon.core.cassettes.whole_exchange import NOT_OWN, PIECES
from proxy_daemon.core.cassettes.writers import Writer, writer_named
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Recording, Unknown
from proxy_daemon.core.upstreams import parse_upstream


def again(*recordings):
    return list(formats.read("c.mitm", file_of(MitmproxyWriter(), *recordings)))


def made(recording):
    """The flow as plain values."""
    data = MitmproxyWriter().entry(recording).text
    return value(data, span(data, 0, len(data)))


def kept(one):
    """What of a recording a flow holds."""
    response = one.response
    return {
        "request": (one.request.method, one.request.target, one.request.headers.pairs, one.request.body.whole()),
        "head": (response.head.status, response.head.reason, response.head.headers.pairs),
        "body": response.body.whole(),
        "trailers": response.trailers.pairs,
        "upstream": one.upstream,
        "times": (one.started, one.head_time, one.duration),
        "end": (one.ending, one.cut, one.unknown - {Unknown.PIECES}),
    }


def test_it_is_a_writer():
    assert isinstance(writer_named("mitmproxy"), MitmproxyWriter)
    assert isinstance(MitmproxyWriter(), Writer)
    assert file_of(MitmproxyWriter()) == b""


def test_a_flow_has_all_members_that_mitmproxy_writes():
    ours, its = made(exchange()), flow(response={})
    assert {*ours} == {*its}
    assert {*ours["request"]} == {*its["request"]}
    assert {*ours["response"]} == {*its["response"]}
    assert (ours["version"], ours["type"], ours["error"]) == (21, "http", None)


EXACT = [
    exchange(),
    exchange(STREAM, said=[SSE], trailers=[(b"X-Sum", b"1"), (b"x", b"\xff")]),
    exchange(b"\x89PNG\xff\x00", b"\xff\xfe"),
    exchange(b"", b"", method=b"HEAD", said=[(b"Content-Length", b"5"), JSON]),
    exchange(b"", b"", method=b"DELETE", status=204, reason=b"", said=[JSON]),
    exchange(gzip.compress(b"{}", mtime=0), said=[(b"Content-Encoding", b"gzip"), JSON]),
    exchange(said=[JSON, (b"X-A", b"\xff"), (b"X-A", "é".encode()), (b"x-a", b""), (b"B", b"1"), (b"X-A", b"2")]),
    exchange(b"data: {", ending=Ending.BROKEN_OFF, detail="gone"),
    exchange(upstream=NOWHERE, unknown=frozenset((Unknown.HOST,))),
    exchange(upstream=parse_upstream("recorded=http://[::1]:8080")),
    exchange(b"early", status=103),
    exchange(reason=b"Sch\xf6n \xff"),
    exchange(head_time=0, duration=0),
    exchange(sent=b"", unknown=frozenset((Unknown.REQUEST_BODY,))),
    exchange(duration=0, unknown=frozenset((Unknown.DURATION,))),
    exchange(duration=0, head_time=0, started=0.0, unknown=frozenset((Unknown.DURATION, Unknown.TIME))),
]


@pytest.mark.parametrize("one", EXACT)
def test_what_is_written_is_read(one):
    assert [*MitmproxyWriter().entry(one).losses] == []
    (found,) = again(one)
    assert kept(found) == kept(one)
    assert found.detail == one.detail


BROKEN = [
    (exchange(b"x", ending=Ending.BROKEN_OFF), [], "upstream broke off"),
    (exchange(b"x", ending=Ending.TIMEOUT), [ENDING], "timeout"),
    (exchange(b"x", ending=Ending.CLIENT_GONE, detail="left"), [ENDING], "left"),
    (exchange(b"x", cut=True), [CUT], NOT_WHOLE),
    (exchange(b"x", ending=Ending.FAILED, detail="a\ud800", cut=True), [ENDING, CUT], "a?"),
]


@pytest.mark.parametrize(("one", "losses", "said"), BROKEN)
def test_what_is_not_whole_has_an_error(one, losses, said):
    assert [*MitmproxyWriter().entry(one).losses] == losses
    (found,) = again(one)
    assert (found.ending, found.detail, found.response.body.whole()) == (Ending.BROKEN_OFF, said, b"x")


def test_no_answer_is_a_flow_with_an_error():
    one = exchange(None, ending=Ending.FAILED, detail="no route")
    assert (made(one)["response"], made(one)["error"]["msg"]) == (None, "no route")
    assert again(one) == [Skipped(0, "no answer came")]


LOST = [
    ({"pieces": [(4, 0), (4, 0)]}, [PIECES]),
    ({"pieces": [(4, 1), (4, 2)]}, [PIECES, TIMES]),
    ({"pieces": [(8, 2)]}, []),
    ({"unknown": frozenset((Unknown.REQUEST_OCTETS,))}, [NOT_OWN]),
    ({"unknown": frozenset((Unknown.TIME,)), "started": 0.0}, [DURATION]),
    ({"started": float("nan")}, [DURATION]),
    ({"started": 1e300}, [DURATION]),
]


@pytest.mark.parametrize(("changes", "losses"), LOST)
def test_losses(changes, losses):
    assert {*MitmproxyWriter().entry(exchange(**changes)).losses} == {*losses}
    assert {*losses} <= {*mitmproxy_writing.LOSSES}


FRAMED = [
    ({}, True),
    ({"said": [(b"Content-Length", b"8")]}, False),
    ({"said": [(b"Content-Length", b"9"), (b"Transfer-Encoding", b"chunked")]}, True),
    ({"said": [(b"Content-Length", b"8")], "trailers": [(b"a", b"1")]}, True),
    ({"method": b"HEAD"}, False),
    ({"status": 204}, False),
    ({"status": 304}, False),
]


@pytest.mark.parametrize(("changes", "chunked"), FRAMED)
def test_framing_is_that_of_the_octets(changes, chunked):
    fields = made(exchange(**changes))["response"]["headers"]
    assert ([b"Transfer-Encoding", b"chunked"] in fields) == chunked
    assert [b"Content-Length", b"9"] not in fields


def test_each_flow_has_an_id_of_its_own():
    writer = MitmproxyWriter()
    data = b"".join(writer.entry(exchange(id=0)).text for _ in range(3))
    ids, at = set(), 0
    while at < len(data):
        where = span(data, at, len(data))
        found = value(data, where)
        ids |= {found["id"], found["client_conn"]["id"], found["server_conn"]["id"]}
        at = where.end + 1
    assert len(ids) == 9
    assert made(exchange()) == made(exchange())
    assert made(exchange())["id"] != made(exchange(b"other"))["id"]


def test_the_server_is_the_upstream():
    told = made(exchange())["server_conn"]
    assert (told["address"], told["tls"], told["sni"]) == (["api.example", 443], True, "api.example")
    told = made(exchange(upstream=parse_upstream("http://127.0.0.1:80")))["server_conn"]
    assert (told["address"], told["tls"], told["sni"]) == (["127.0.0.1", 80], False, None)
    told = made(exchange(upstream=parse_upstream("demo:")))
    assert (told["server_conn"]["address"], told["request"]["host"], told["request"]["port"]) == (None, "", 0)


def test_bodies_that_are_in_no_memory():
    one = exchange(b"")
    one = evolve(one, response=evolve(one.response, body=Slow(b"abc")))
    assert again(one)[0].response.body.whole() == b"abc"
    with pytest.raises(OSError, match="lost"):
        MitmproxyWriter().entry(evolve(one, request=evolve(one.request, body=Gone())))


NAMES = st.text("abzABZ019!#$%&'*+-.^_`|~", min_size=1, max_size=9).map(str.encode)
OWN = {b"content-length", b"content-encoding", b"content-type", b"trailer", b"te", b"upgrade"}


@given(
    fields=st.lists(st.tuples(NAMES, st.binary(max_size=30)), max_size=6),
    target=st.binary(max_size=30),
    body=st.binary(max_size=90),
    sent=st.binary(max_size=90),
)
def test_any_exchange(fields, target, body, sent):
    fields = [pair for pair in fields if pair[0].lower() not in OWN]
    one = exchange(body, sent, said=[JSON, *fields], asked=fields, target=b"/" + target, trailers=fields)
    (found,) = again(one)
    wanted = whole_exchange.fields(Headers(fields), 0).pairs
    assert (found.response.body.whole(), found.request.body.whole()) == (body, sent)
    assert found.response.head.headers.pairs == (JSON, *wanted)
    assert found.request.headers.pairs == found.response.trailers.pairs == wanted
    assert found.request.target == whole_exchange.address(one).target


PLAIN = st.none() | st.booleans() | st.integers() | st.binary(max_size=9) | st.text(max_size=9)
FLOATS = st.floats(allow_nan=False, allow_infinity=False).map(abs)
VALUES = st.recursive(
    PLAIN | FLOATS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=9,
)


@given(found=VALUES)
def test_any_value_is_read_back(found):
    data = dumps(found)
    assert data == dumped(found)
    assert value(data, span(data, 0, len(data))) == found


def test_what_no_netstring_holds():
    assert dumps((1, "é", None)) == dumps([1, "é", None]) == b"12:1:1#2:\xc3\xa9;0:~]"
    with pytest.raises(TypeError):
        dumps({"a": {1}})


def test_many_flows_stand_in_their_order():
    many = [exchange(b"%d" % number) for number in range(20)]
    found = again(*many)
    assert [one.response.body.whole() for one in found] == [b"%d" % number for number in range(20)]
    assert all(isinstance(one, Recording) for one in found)
