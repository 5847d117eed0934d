"""Applying content codings: what others' decoders and ours make of it, whole and in pieces."""

import gzip
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.wire.coding import CodingError, decoder_for, encode, encoder_for

TEXT = b'data: {"delta":"caf\xc3\xa9"}\n\n' * 50
CODINGS = [b"gzip", b"x-gzip", b"deflate", b"br", b"zstd"]
CHAINS = [*CODINGS, b"", b"identity", b"gzip, br", b"br, identity, Deflate,zstd", b"zstd, zstd"]
OTHERS = {
    b"gzip": gzip.decompress,
    b"x-gzip": gzip.decompress,
    b"deflate": zlib.decompress,
    b"br": brotli.decompress,
    b"zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
}


def decoded(codings, data):
    decoder = decoder_for(codings)
    out = decoder.piece(data)
    decoder.end()
    return out


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("data", [TEXT, b""])
def test_the_libraries_decode_it(coding, data):
    encoder = encoder_for(coding)
    assert OTHERS[coding](encode(coding, data)) == data
    assert OTHERS[coding](encoder.piece(data) + encoder.end()) == data


@pytest.mark.parametrize("coding", CODINGS)
def test_it_becomes_smaller(coding):
    assert len(encode(coding, TEXT)) < len(TEXT) / 5


@pytest.mark.parametrize("codings", CHAINS)
def test_the_same_octets_each_time(codings):
    assert encode(codings, TEXT) == encode(codings, TEXT)


def test_the_first_named_is_applied_first():
    assert gzip.decompress(brotli.decompress(encode(b"gzip, br", TEXT))) == TEXT
    encoder = encoder_for(b"gzip, br")
    assert gzip.decompress(brotli.decompress(encoder.piece(TEXT) + encoder.end())) == TEXT


def test_no_coding_changes_nothing():
    encoder = encoder_for(b"identity")
    assert (encode(b"", TEXT), encoder.piece(TEXT), encoder.end()) == (TEXT, TEXT, b"")


@pytest.mark.parametrize("codings", CHAINS)
def test_each_piece_can_be_decoded_at_once(codings):
    encoder, decoder = encoder_for(codings), decoder_for(codings)
    for piece in (b"one", b"", b"two" * 1000, b"\0"):
        assert decoder.piece(encoder.piece(piece)) == piece
    assert decoder.piece(encoder.end()) == b""
    decoder.end()


@given(st.sampled_from(CHAINS), st.lists(st.binary(max_size=100), max_size=6))
def test_what_goes_in_comes_out(codings, pieces):
    encoder = encoder_for(codings)
    packed = b"".join([encoder.piece(piece) for piece in pieces]) + encoder.end()
    assert decoded(codings, packed) == decoded(codings, encode(codings, b"".join(pieces))) == b"".join(pieces)


@pytest.mark.parametrize("codings", [b"compress", b"gzip, none", b"gzip;q=1", b"gzip," * 6])
def test_what_nobody_decodes_is_not_encoded(codings):
    with pytest.raises(CodingError):
        encoder_for(codings)
    with pytest.raises(CodingError):
        encode(codings, b"")
