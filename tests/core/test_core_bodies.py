"""Bodies: the octets that were put in come out, in parts of any size, as often as one likes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import CHUNK, EMPTY, Bytes, chunks


class Short:
    """A body whose reads deliver less than asked, as a file's may."""

    def __init__(self, data):
        self.size = len(data)
        self._data = data
        self.asked = []

    def whole(self):
        return None

    def read(self, offset, size):
        self.asked.append((offset, size))
        return self._data[offset : offset + min(size, 3)]


@pytest.mark.parametrize(
    ("offset", "size", "read"),
    [
        (0, 3, b"abc"),
        (2, 2, b"cd"),
        (4, 100, b"ef"),
        (6, 1, b""),
        (99, 1, b""),
        (0, 0, b""),
    ],
)
def test_a_read_is_at_most_what_was_asked(offset, size, read):
    assert Bytes(b"abcdef").read(offset, size) == read


def test_a_body_in_memory_is_whole_and_stays():
    body = Bytes(b"abc")
    assert (body.size, body.whole(), body.read(0, 9), body.whole()) == (3, b"abc", b"abc", b"abc")
    with pytest.raises(AttributeError):
        body.data = b""


def test_the_empty_body():
    assert (EMPTY.size, EMPTY.whole(), list(chunks(EMPTY))) == (0, b"", [])


@pytest.mark.parametrize(
    ("length", "sizes"),
    [
        (1, [1]),
        (CHUNK - 1, [CHUNK - 1]),
        (CHUNK, [CHUNK]),
        (CHUNK + 1, [CHUNK, 1]),
        (2 * CHUNK, [CHUNK, CHUNK]),
    ],
)
def test_chunks_end_where_the_body_ends(length, sizes):
    assert [len(part) for part in chunks(Bytes(bytes(length)))] == sizes


def test_short_reads_lose_nothing():
    body = Short(b"abcdefgh")
    assert list(chunks(body, 5)) == [b"abc", b"def", b"gh"]
    assert body.asked == [(0, 5), (3, 5), (6, 5), (8, 5)]


def test_chunks_are_read_one_at_a_time():
    body = Short(b"abcdefgh")
    assert next(chunks(body)) == b"abc"
    assert len(body.asked) == 1


def test_equal_octets_are_equal_bodies():
    assert Bytes(b"a") == Bytes(b"a")
    assert Bytes(b"a") != Bytes(b"b")


def test_no_content_is_shown():
    assert repr(Bytes(b"sk-secret")) == "Bytes(data=<9 octets>)"


@given(st.binary(max_size=200), st.integers(1, 50))
def test_chunks_join_to_the_body(data, size):
    parts = list(chunks(Bytes(data), size))
    assert b"".join(parts) == data
    assert all(0 < len(part) <= size for part in parts)
