"""Content codings: what goes in comes out, in any cut; damaged, cut and exploding data end in a `CodingError`."""

import contextlib
import gzip
import tracemalloc
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.wire.coding import MOST_EMPTY, MOST_WITHIN, PART, CodingError, TooLarge, accepts, decoder_for

MIB = 1024 * 1024
TEXT = b'data: {"delta":"caf\xc3\xa9"}\n\n' * 50


def raw_deflate(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def frame(data):
    return zstandard.ZstdCompressor().compress(data)


ENCODERS = {
    b"gzip": gzip.compress,
    b"x-gzip": gzip.compress,
    b"deflate": zlib.compress,
    b"br": brotli.compress,
    b"zstd": frame,
}
# (coding, data): each decodes to TEXT
WHOLE = [
    *[(name, encode(TEXT)) for name, encode in ENCODERS.items()],
    (b"deflate", raw_deflate(TEXT)),
    (b"gzip", gzip.compress(TEXT[:100]) + gzip.compress(b"") + gzip.compress(TEXT[100:])),
    (b"zstd", frame(TEXT[:100]) + frame(b"") + frame(TEXT[100:])),
    (b"gzip, br", brotli.compress(gzip.compress(TEXT))),
    (b"br, deflate, zstd", frame(zlib.compress(brotli.compress(TEXT)))),
    (b"", TEXT),
    (b"identity", TEXT),
    (b" , identity,,", TEXT),
    (b"GZip , Identity", gzip.compress(TEXT)),
]
GZIP, ZLIB, BR, ZSTD = (ENCODERS[name](TEXT) for name in (b"gzip", b"deflate", b"br", b"zstd"))
DAMAGED = [
    (b"gzip", b"not gzip at all"),
    (b"gzip", b"\x1f\x8b" + b"\xff" * 50),
    (b"gzip", GZIP + b"rest"),
    (b"gzip", GZIP[:-8] + b"\0" * 8),
    (b"gzip", ZLIB),
    (b"deflate", b"\xff" * 50),
    (b"deflate", ZLIB + b"rest"),
    (b"deflate", ZLIB[:-4] + b"\0" * 4),
    (b"deflate", raw_deflate(TEXT) + b"rest"),
    (b"br", b"\xff" * 50),
    (b"br", BR + b"rest"),
    (b"zstd", b"not zstd at all"),
    (b"zstd", ZSTD + b"rest"),
    (b"zstd", ZSTD[:8] + b"\xff" * 20 + ZSTD[28:]),
    (b"gzip, br", brotli.compress(b"not gzip at all")),
]
ACCEPTED = [
    (None, b"gzip", True),
    (b"gzip", b"gzip", True),
    (b"GZIP;Q=1", b" gzip ", True),
    (b"gzip", b"GZIP", True),
    (b"gzip", b"br", False),
    (b"", b"gzip", False),
    (b"", b"identity", True),
    (b"", b"", True),
    (b"*", b"zstd", True),
    (b"*;q=0", b"zstd", False),
    (b"*;q=0", b"identity", False),
    (b"*;q=0, identity;q=0.1", b"identity", True),
    (b"identity;q=0", b"identity", False),
    (b"gzip;q=0", b"gzip", False),
    (b"gzip;q=0.000", b"gzip", False),
    (b"gzip;q=0.001", b"gzip", True),
    (b"gzip;q=0, *", b"gzip", False),
    (b"gzip;q=0, *", b"br", True),
    (b"br;q=0.5;x=1, gzip ; q=0.2", b"gzip", True),
    (b"gzip;level=9", b"gzip", True),
    (b"gzip;q=high", b"gzip", False),
    (b"gzip;q=", b"gzip", False),
    (b"gzip;q=nan", b"gzip", False),
    (b"gzip;q=-1", b"gzip", False),
    (b",, ;q=1,gzip", b"gzip", True),
    (b"\xff\xfe, gzip", b"gzip", True),
    (b"gzipped", b"gzip", False),
]


def decoded(coding, data, *, size=65536, limit=0):
    decoder = decoder_for(coding, limit=limit)
    out = b"".join([decoder.piece(data[at : at + size]) for at in range(0, len(data), size)])
    decoder.end()
    return out


@pytest.mark.parametrize("size", [1, 2, 7, 65536])
@pytest.mark.parametrize(("coding", "data"), WHOLE)
def test_decodes_in_any_cut(coding, data, size):
    assert decoded(coding, data, size=size) == TEXT


@pytest.mark.parametrize("coding", [*ENCODERS, b"", b"gzip, br"])
def test_an_empty_body_is_empty(coding):
    decoder = decoder_for(coding)
    assert decoder.piece(b"") == b""
    decoder.end()


@pytest.mark.parametrize(("coding", "encoder"), ENCODERS.items())
def test_a_piece_comes_out_as_soon_as_it_can(coding, encoder):
    flushed = {
        b"br": lambda: (packer := brotli.Compressor(), packer.process(b"one") + packer.flush())[1],
        b"zstd": lambda: (
            packer := zstandard.ZstdCompressor().compressobj(),
            packer.compress(b"one") + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK),
        )[1],
    }
    bits = 15 if coding == b"deflate" else 31
    zipped = lambda: (packer := zlib.compressobj(wbits=bits), packer.compress(b"one") + packer.flush(2))[1]  # noqa: E731  (one of a table)
    assert decoder_for(coding).piece(flushed.get(coding, zipped)()) == b"one"


@pytest.mark.parametrize("size", [1, 3, 65536])
@pytest.mark.parametrize(("coding", "data"), DAMAGED)
def test_damage_is_an_error(coding, data, size):
    with pytest.raises(CodingError):
        decoded(coding, data, size=size)


@pytest.mark.parametrize(("coding", "encoder"), ENCODERS.items())
def test_every_cut_is_an_error(coding, encoder):
    data = encoder(TEXT)
    for end in range(1, len(data)):
        with pytest.raises(CodingError, match="cut"):
            decoded(coding, data[:end])


def test_a_cut_inner_coding_is_an_error():
    with pytest.raises(CodingError, match="the gzip data is cut"):
        decoded(b"gzip, br", brotli.compress(GZIP[:-3]))


@pytest.mark.parametrize("coding", [b"compress", b"gzip, aws-chunked", b"\xff", b"gzip;q=1", b"none"])
def test_an_unknown_coding_is_named(coding):
    with pytest.raises(CodingError, match="unknown"):
        decoder_for(coding)


@pytest.mark.parametrize(("coding", "encode"), [(b"deflate", raw_deflate), (b"gzip", gzip.compress), (b"zstd", frame)])
def test_a_full_part_is_not_the_last(coding, encode):
    """An output of any length around that of a part, also where the end stands in the octet of the last match."""
    for size in range(PART - 3, PART + 300):
        assert decoded(coding, encode(b"a" * size)) == b"a" * size


@pytest.mark.parametrize(("coding", "data"), WHOLE)
def test_the_limit_counts_what_comes_out(coding, data):
    assert decoded(coding, data, limit=len(TEXT)) == TEXT
    with pytest.raises(TooLarge):
        decoded(coding, data, limit=len(TEXT) - 1)


@pytest.mark.parametrize(("coding", "encode"), ENCODERS.items())
def test_what_a_decoder_holds_back_comes_out(coding, encode):
    """A few octets may make more than a decoder gives at once, with nothing left that it was given."""
    for size in (2 * PART, 600_000, 1_200_000):
        assert decoded(coding, encode(b"\xc3\xa9" * size)) == b"\xc3\xa9" * size


def _bombs():
    zeros = b"\0" * (64 * MIB)
    br = brotli.compress(zeros, quality=5)
    yield from ((coding, br if coding == b"br" else encode(zeros)) for coding, encode in ENCODERS.items())
    once = gzip.compress(zeros)
    yield b"gzip, gzip", gzip.compress(once)
    yield b"br, gzip", gzip.compress(br)
    yield b"zstd, br", brotli.compress(frame(zeros))
    yield b"gzip", once * 20


BOMBS = [pytest.param(*bomb, id=bomb[0].decode()) for bomb in _bombs()]


def test_what_unfolds_to_very_much_of_nothing_is_given_up():
    """No limit on what comes out ends it: nothing does. 35 KiB, and then 14 MiB of empty members."""
    nothing = gzip.compress(gzip.compress(b"") * 700_000)
    with pytest.raises(TooLarge):
        decoder_for(b"gzip, gzip").piece(nothing)


@pytest.mark.parametrize("inner", [b"gzip", b"br", b"zstd", b"deflate"])
def test_what_stands_within_another_coding_has_a_limit(inner):
    """Blocks of a single member may be empty too, and each coding is read to its end before it is known."""
    blocks = b"\0\0\0\xff\xff" * (MOST_WITHIN // 5 + 1)  # RFC 1951 section 3.2.4, each with nothing in it
    with pytest.raises(TooLarge, match="stand within"):
        decoder_for(b"deflate, " + inner).piece(ENCODERS[inner](blocks))


@pytest.mark.parametrize(
    ("coding", "empty"), [(b"gzip", gzip.compress(b"")), (b"zstd", frame(b""))], ids=["gzip", "zstd"]
)
def test_parts_that_hold_nothing_are_counted_in_a_row(coding, empty):
    """Each costs as much as a part that holds something: a body of them would hold up whoever reads it."""
    filled = ENCODERS[coding](b"a")
    few, many = empty * (MOST_EMPTY - 1), empty * (MOST_EMPTY + 1)
    assert decoded(coding, (few + filled) * 3) == b"aaa"
    with pytest.raises(TooLarge, match="hold nothing"):
        decoded(coding, filled + many + filled)


@pytest.mark.parametrize(("coding", "data"), BOMBS)
def test_a_part_is_bounded_where_there_is_no_limit(coding, data):
    sizes = []
    tracemalloc.start()
    try:
        sizes.extend(map(len, decoder_for(coding).parts(data[:50_000])))
        assert tracemalloc.get_traced_memory()[1] < 24 * MIB
    finally:
        tracemalloc.stop()
    assert max(sizes) <= 16 * MIB
    assert sum(sizes) > 40 * MIB


@pytest.mark.parametrize(("coding", "data"), BOMBS)
def test_a_bomb_costs_little_more_than_the_limit(coding, data):
    """In one piece, as a body in memory is given. The decoders' own memory is not Python's: what they give is."""
    decoder = decoder_for(coding, limit=MIB)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            decoder.piece(data)
        assert tracemalloc.get_traced_memory()[1] < 24 * MIB
    finally:
        tracemalloc.stop()


def test_too_many_codings_are_an_error():
    with pytest.raises(CodingError, match="20000"):
        decoder_for(b"gzip," * 20_000)


def test_a_zstd_window_that_no_browser_takes_is_an_error():
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(CodingError, match="memory"):
        decoded(b"zstd", packer.compress(b"a" * 100) + packer.flush())


@pytest.mark.parametrize(("accept_encoding", "coding", "wanted"), ACCEPTED)
def test_accepts(accept_encoding, coding, wanted):
    assert accepts(accept_encoding, coding) is wanted


@given(st.binary(max_size=300), st.sampled_from([*ENCODERS, b"deflate, br", b"gzip, zstd"]), st.integers(1, 40))
def test_what_goes_in_comes_out(data, codings, size):
    packed = data
    for name in codings.split(b", "):
        packed = ENCODERS[name](packed)
    assert decoded(codings, packed, size=size) == data


@given(st.sampled_from(list(ENCODERS)), st.binary(min_size=1, max_size=200))
def test_any_octets_decode_or_are_an_error(coding, data):
    with contextlib.suppress(CodingError):
        assert isinstance(decoded(coding, data, limit=MIB), bytes)


@given(st.none() | st.binary(max_size=60), st.sampled_from([b"gzip", b"identity", b"", b"\xff"]))
def test_any_accept_encoding_is_read(accept_encoding, coding):
    assert accepts(accept_encoding, coding) in (True, False)
