"""Undoing content codings where the head says something else than the octets: what recorders leave behind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.wire.coding import CodingError, TooLarge, encode
from proxy_daemon.core.wire.uncoding import LONGEST_TRIAL, NEEDED, Uncoder

JSON = b'{"id":"1","text":"caf\xc3\xa9"}'
SSE = b'data: {"delta":"caf\xc3\xa9"}\n\n' * 20
TEXTS = [JSON, SSE, b"[1]", b"{}", b"", b": ping\n\n", b"event: error\ndata: x\n\n", b" \n" + JSON]
CODINGS = [b"gzip", b"x-gzip", b"deflate", b"br", b"zstd"]
LONG = b"\xc3\xa9" * 300_000
# (codings stated, octets, what they are)
CASES = [
    *[(coding, encode(coding, text), text) for coding in CODINGS for text in TEXTS],
    *[(coding, text, text) for coding in CODINGS for text in TEXTS],  # stored decoded, the field kept
    *[(b"gzip, br", encode(b"gzip, br", text), text) for text in TEXTS],
    *[(b"", encode(coding, SSE), SSE) for coding in (b"gzip", b"zstd")],  # stored encoded, the field gone
    (b"identity", encode(b"gzip", SSE), SSE),
    (b"GZIP", encode(b"gzip", SSE), SSE),
    *[(coding, encode(coding, LONG), LONG) for coding in CODINGS],
    *[(coding, LONG, LONG) for coding in (b"", b"gzip", b"zstd")],
    (b"gzip", b"\x89PNG\r\n\x1a\n\0\0", b"\x89PNG\r\n\x1a\n\0\0"),
    (b"", b"\x89PNG\r\n\x1a\n\0\0", b"\x89PNG\r\n\x1a\n\0\0"),
    (b"", b"\x1f", b"\x1f"),
    (b"gzip", b"\x1f\x00", b"\x1f\x00"),
]
DAMAGED = [
    (b"gzip", encode(b"gzip", SSE)[:-5], "cut"),
    (b"br", encode(b"br", SSE)[:-5], "cut"),
    (b"zstd", encode(b"zstd", SSE)[:-5], "cut"),
    (b"gzip", b"\x1f\x8b\xff\xff\xff\xff", "damaged"),
    (b"", b"\x1f\x8b\xff\xff\xff\xff", "damaged"),
    (b"br", b"\xff" * 50, "damaged"),
    (b"deflate", b"\0\xff" * 50, "damaged"),
    (b"compress", JSON, "unknown"),
    (b"gzip," * 10 + b" ,identity", b"\x1f\x8b\x08\x00", "more than anybody"),
]


def undone(codings, data, size=65536, limit=10**6):
    uncoder = Uncoder(codings, limit)
    out = b"".join([uncoder.piece(data[at : at + size]) for at in range(0, len(data), size)])
    return out + uncoder.end()


@pytest.mark.parametrize("size", [1, 3, 65536])
@pytest.mark.parametrize(("codings", "data", "text"), CASES)
def test_undoes_what_was_done(codings, data, text, size):
    assert undone(codings, data, size) == text


@pytest.mark.parametrize("size", [1, 65536])
@pytest.mark.parametrize(("codings", "data", "match"), DAMAGED)
def test_damage_is_an_error(codings, data, match, size):
    with pytest.raises(CodingError, match=match):
        undone(codings, data, size)


def test_what_stands_before_a_cut_is_given():
    uncoder = Uncoder(b"gzip", 10**6)
    assert SSE.startswith(found := uncoder.piece(encode(b"gzip", SSE)[:-8]))
    assert found
    with pytest.raises(CodingError, match="cut"):
        uncoder.end()


@pytest.mark.parametrize("codings", [b"", *CODINGS])
def test_the_limit_holds_whatever_is_found(codings):
    assert undone(codings, encode(codings, SSE), limit=len(SSE)) == SSE
    for data in (encode(codings, SSE), SSE):
        with pytest.raises(TooLarge):
            undone(codings, data, limit=len(SSE) - 1)


def test_nothing_is_kept_for_long():
    """What cannot be told within so many octets is not told later either."""
    uncoder = Uncoder(b"br", 10**9)
    metadata = b"\x0b" + b"\x06" * (LONGEST_TRIAL + 10)
    try:
        uncoder.piece(metadata)
        uncoder.piece(metadata)
    except CodingError:
        return
    assert len(uncoder._trial) <= LONGEST_TRIAL + len(metadata)


def test_the_first_octets_are_waited_for():
    uncoder = Uncoder(b"gzip", 100)
    assert uncoder.piece(JSON[: NEEDED - 1]) == b""
    assert uncoder.piece(JSON[NEEDED - 1 :]) == JSON


@given(st.sampled_from([b"", *CODINGS, b"gzip, br"]), st.binary(max_size=100), st.integers(1, 10))
def test_any_octets_come_out_or_are_an_error(codings, data, size):
    try:
        assert len(undone(codings, data, size, limit=1000)) <= 1000
    except CodingError as error:
        assert str(error)  # noqa: PT017  (either is fine)
    assert undone(codings, encode(codings, data), size) in (data, undone(b"", data) if not codings else data)
