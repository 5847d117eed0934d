"""httprr traces: pairs of raw messages behind their sizes, packed or not, cut or damaged."""

import gzip
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.cassettes import Skipped, Unreadable, formats
from proxy_daemon.core.cassettes.httprr import Httprr
from proxy_daemon.core.messages import Recording, Unknown

FIRST = b"httprr trace v1\n"
ASKED = b"POST https://api.example/v1/chat HTTP/1.1\r\nHost: api.example\r\nContent-Length: 2\r\n\r\n{}"
SAID = b"HTTP/2.0 201 Made\r\nContent-Length: 99\r\nContent-Type: application/json\r\n\r\n[1]"


def pair(asked=ASKED, said=SAID):
    return b"%d %d\n%b%b" % (len(asked), len(said), asked, said)


def read(data):
    return list(Httprr().read("t.httprr", data))


def test_an_exchange():
    (found,) = read(FIRST + pair())
    assert (found.request.method, found.request.target, found.upstream.url) == (
        b"POST",
        b"/v1/chat",
        "https://api.example",
    )
    assert (found.request.body.whole(), found.response.body.whole()) == (b"{}", b"[1]")
    assert (found.status, found.response.head.reason) == (201, b"Made")
    assert found.response.head.headers.pairs == ((b"Content-Type", b"application/json"),)
    assert {Unknown.TIME, Unknown.DURATION, Unknown.PIECES} <= found.unknown


def test_chunks_are_framing_not_pieces():
    said = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\nX: 1\r\n\r\n"
    (found,) = read(FIRST + pair(said=said))
    assert (found.response.body.whole(), found.response.head.headers.pairs) == (b"abcd", ())
    assert found.response.trailers.pairs == ((b"X", b"1"),)
    assert Unknown.PIECES in found.unknown
    assert not found.response.pieces.sizes


@pytest.mark.parametrize(
    ("asked", "unknown"),
    [
        (b"POST /x HTTP/1.1\r\nHost: h\r\n\r\n", True),
        (b"POST /x HTTP/1.1\r\nContent-Length: 0\r\n\r\n", False),
        (b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n", False),
    ],
)
def test_a_request_body_that_is_not_there(asked, unknown):
    (found,) = read(FIRST + pair(asked))
    assert (Unknown.REQUEST_BODY in found.unknown) is unknown
    assert Unknown.HOST in found.unknown


def test_an_answer_to_head_has_no_chunks():
    said = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n"
    (found,) = read(FIRST + pair(b"HEAD http://h/ HTTP/1.1\r\n\r\n", said))
    assert found.response.head.headers.pairs == ((b"Content-Length", b"9"),)
    assert (found.response.body.size, found.cut) == (0, False)


def test_none_at_all():
    assert read(FIRST) == []


def test_packed_files():
    data = gzip.compress(FIRST + pair() * 2)
    assert Httprr().recognises("t.httprr.gz", data)
    assert [type(one) for one in read(data)] == [Recording, Recording]
    assert [type(one) for one in formats.read("t.httprr.gz", data)] == [Recording, Recording]
    with pytest.raises(Unreadable, match="gzip"):
        read(data[:-9])


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ((b"nonsense", SAID), "head does not end"),
        ((ASKED, b"HTTP/1.1 x\r\n\r\n"), "no status line"),
        ((b"GET ftp://x/ HTTP/1.1\r\n\r\n", SAID), "neither http nor https"),
        ((b"", b""), "head does not end"),
    ],
)
def test_a_bad_entry_is_skipped(bad, reason):
    before, found, after = read(FIRST + pair() + pair(*bad) + pair())
    assert isinstance(before, Recording)
    assert isinstance(after, Recording)
    assert found.entry == 1
    assert reason in found.reason


@pytest.mark.parametrize("line", [b"x\n", b"1 2 3\n", b"-1 5\n", b"5\n5\n", b"1234567890123 1\n", b" 1 1\n"])
def test_sizes_that_are_none(line):
    reading = Httprr().read("t.httprr", FIRST + pair() + line + pair())
    assert isinstance(next(reading), Recording)
    with pytest.raises(Unreadable, match=r"t\.httprr#1: the sizes"):
        next(reading)


@pytest.mark.parametrize("data", [b"", b"httprr trace v2\n", b"httprr trace v1", gzip.compress(b"else"), b"\x1f\x8bxx"])
def test_not_recognised(data):
    assert not Httprr().recognises("t.httprr", data)


@given(st.integers(len(FIRST), len(FIRST) + 3 * len(pair())))
def test_cut_anywhere(size):
    found = read((FIRST + pair() * 3)[:size])
    whole, rest = divmod(size - len(FIRST), len(pair()))
    assert [type(one) for one in found] == [Recording] * whole + [Skipped] * (rest > 0)
    assert all("cut off" in one.reason for one in found[whole:])


@given(st.integers(0, len(FIRST + pair()) - 1), st.integers(0, 255))
def test_damaged_anywhere(place, octet):
    data = FIRST + pair()
    data = data[:place] + bytes([octet]) + data[place + 1 :] + pair()
    with suppress(Unreadable):
        assert all(isinstance(one, Recording | Skipped) for one in formats.read("t", data))
