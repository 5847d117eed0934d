"""Files in gzip, bzip2, xz and zstd: whole and as a stream, of several members, cut, damaged, and bombs."""

import bz2
import gzip
import io
import lzma
import tracemalloc
from contextlib import suppress

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.cassettes import packed
from proxy_daemon.core.cassettes.packed import NotUnpacked, beginning, parts, unpacked
from proxy_daemon.core.cassettes.streaming.source import opened, tail

CODINGS = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda data: zstandard.ZstdCompressor(write_checksum=True).compress(data),
}
TEXT = b"interactions: of some length, " * 4000
each_coding = pytest.mark.parametrize("coding", CODINGS)


@each_coding
def test_what_is_packed_comes_out(coding):
    pack = CODINGS[coding]
    assert unpacked(pack(TEXT)) == TEXT
    assert unpacked(pack(TEXT) + pack(b"") + pack(b"more")) == TEXT + b"more"
    assert opened(io.BytesIO(pack(TEXT))).read() == TEXT
    assert unpacked(pack(b"")) == b""
    assert beginning(pack(TEXT), 9) == TEXT[:9]


@each_coding
def test_padding_behind_the_last_member_is_left_out(coding):
    assert unpacked(CODINGS[coding](b"x") + b"\0" * 100) == b"x"


@each_coding
@pytest.mark.parametrize("step", [1, 5, 1000])
def test_it_does_not_matter_how_the_octets_come(coding, step, monkeypatch):
    monkeypatch.setattr(packed, "STEP", step)
    monkeypatch.setattr(packed, "PART", 50)
    data = CODINGS[coding](TEXT[:500]) * 2
    assert b"".join(parts(io.BytesIO(data))) == TEXT[:500] * 2


@each_coding
@pytest.mark.parametrize("cut", [1, 5, 20])
def test_what_is_cut_off_is_refused(coding, cut):
    with pytest.raises(NotUnpacked, match=f"{coding} that is cut off"):
        unpacked(CODINGS[coding](TEXT)[:-cut])


@each_coding
def test_what_is_damaged_is_refused(coding):
    data = bytearray(CODINGS[coding](TEXT))
    data[len(data) // 2 :] = b"\xa5" * (len(data) - len(data) // 2)
    with pytest.raises(NotUnpacked, match=coding):
        unpacked(bytes(data))


@each_coding
def test_members_that_hold_nothing_have_an_end(coding):
    with pytest.raises(NotUnpacked, match="more than 1000 members that hold nothing"):
        unpacked(CODINGS[coding](b"") * 1002)


@each_coding
def test_a_bomb_takes_little_memory(coding, monkeypatch):
    monkeypatch.setattr(packed, "MOST", 1 << 20)
    bomb = CODINGS[coding](bytes(100 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(NotUnpacked, match="larger than 1048576 octets when unpacked"):
            unpacked(bomb)
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()


@each_coding
def test_the_end_is_found(coding):
    assert tail(io.BytesIO(CODINGS[coding](TEXT)), 10) == TEXT[-10:]
    assert tail(io.BytesIO(CODINGS[coding](b"ab")), 10) == b"ab"


def test_the_end_of_what_is_not_packed_is_found():
    assert tail(io.BytesIO(TEXT), 10) == TEXT[-10:]
    assert tail(io.BytesIO(b"ab"), 10) == b"ab"
    assert opened(io.BytesIO(b"")).read() == b""


def test_a_faulty_file_is_refused_while_it_is_read():
    source = opened(io.BytesIO(gzip.compress(TEXT)[:-4]))
    with pytest.raises(NotUnpacked, match="cut off"):
        source.read()


@given(st.binary(max_size=300), st.sampled_from([b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b""]))
def test_nothing_else_is_raised(data, magic):
    with suppress(NotUnpacked):
        assert isinstance(unpacked(magic + data), bytes)
    assert len(beginning(magic + data, 5)) <= 5
