"""Bodies without their coding: part by part, as far as they go, with the reason where they do not."""

import gzip
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from inspected import Long

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.inspecting.unpacked import PART, Unpacked

TEXT = b'{"words": "' + b"many words " * 500 + b'"}'
CODED = {"gzip": gzip.compress(TEXT), "deflate": zlib.compress(TEXT), "zstd": zstandard.compress(TEXT)}


def unpacked(octets, coding="", **more):
    pairs = [(b"Content-Encoding", coding.encode())] if coding else []
    return Unpacked(Headers(pairs), Bytes(octets) if isinstance(octets, bytes) else octets, **more)


@pytest.mark.parametrize("coding", ["", *CODED])
def test_all_of_it_comes_out_and_can_be_read_again(coding):
    found = unpacked(CODED.get(coding, TEXT), coding)
    assert b"".join(found) == b"".join(found) == TEXT
    assert (found.coded, found.problem, found.size) == (coding, "", len(TEXT))


@pytest.mark.parametrize("coding", ["", *CODED])
def test_it_is_measured(coding):
    found = unpacked(CODED.get(coding, TEXT), coding)
    found.measure()
    assert (found.size, found.is_coded) == (len(TEXT), bool(coding))


def test_what_is_not_coded_is_measured_without_reading():
    body = Long(b"{" + b" " * 9999, 1000)
    found = unpacked(body)
    found.measure()
    assert found.size == body.size
    assert body.most_read <= 16


@pytest.mark.parametrize(("octets", "coding", "is_coded"), [(TEXT, "gzip", False), (CODED["gzip"], "", True)])
def test_a_head_that_lies(octets, coding, is_coded):
    found = unpacked(octets, coding)
    assert found.is_coded is is_coded
    assert b"".join(found) == TEXT
    assert found.problem == ""


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_cut_body_is_shown_up_to_the_cut(coding):
    found = unpacked(CODED[coding][:-6], coding)
    out = b"".join(found)
    assert TEXT.startswith(out)
    assert len(out) > 100
    assert "not decodable" in found.problem


def test_a_damaged_body_and_an_unknown_coding():
    damaged = bytearray(CODED["gzip"])
    damaged[30] ^= 255
    for found in (unpacked(bytes(damaged), "gzip"), unpacked(b"\x01\x02\x03\x04\x05", "nobodys")):
        b"".join(found)
        assert "not decodable" in found.problem


def test_a_bomb_has_a_limit():
    found = unpacked(gzip.compress(b"0" * 3_000_000), "gzip", limit=100_000)
    assert len(b"".join(found)) <= 400_000
    assert "not decodable" in found.problem


def test_octets_that_the_store_has_lost():
    found = unpacked(Long(b"x" * 1000, 200, gone=PART))
    assert len(b"".join(found)) == PART
    assert "lost" in found.problem


@pytest.mark.parametrize("most", [0, 1, 100, 10**9])
def test_the_first_octets(most):
    assert unpacked(CODED["gzip"], "gzip").whole(most) == TEXT[:most]


@given(st.lists(st.integers(0, 400), max_size=30), st.sampled_from(["", "gzip"]))
def test_pieces_of_the_wire_are_decoded_one_by_one(sizes, coding):
    octets = CODED.get(coding, TEXT)
    found = list(unpacked(octets, coding).pieces(iter(sizes)))
    assert b"".join(part for _, part in found) == TEXT
    ends = [end for end, _ in found]
    assert ends == sorted(ends)
    assert not ends or ends[-1] == len(octets)
    assert len(found) >= len([size for size in sizes if size])


@given(st.binary(max_size=300), st.sampled_from(["", "gzip", "deflate", "br", "zstd", "gzip, br", "x"]))
def test_any_octets(octets, coding):
    found = unpacked(octets, coding)
    b"".join(found)
    found.measure()
    assert found.size >= 0
