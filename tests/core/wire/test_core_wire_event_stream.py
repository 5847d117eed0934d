"""AWS event streams: frames in any cut, both checksums, every type of value, damage, limits; those of the corpus."""

import contextlib
import itertools
import os
import random
import struct
from uuid import UUID
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.wire import Malformed
from proxy_daemon.core.wire.event_stream import (
    PRELUDE,
    EventStreamReader,
    Header,
    Kind,
    begins_event_stream,
    event,
    exception,
    write_frame,
)
from tests import corpus

# The empty message and the one with one field, as the test vectors of AWS's SDKs have them.
EMPTY = bytes.fromhex("000000100000000005c248eb7d98c8ff")
ONE_FIELD = bytes.fromhex(
    "0000003d0000002007fd83960c636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e7b27666f6f273a27626172277d8d9c08b1"
)
VALUES = {
    Kind.TRUE: st.just(True),
    Kind.FALSE: st.just(False),
    Kind.BYTE: st.integers(-(2**7), 2**7 - 1),
    Kind.SHORT: st.integers(-(2**15), 2**15 - 1),
    Kind.INTEGER: st.integers(-(2**31), 2**31 - 1),
    Kind.LONG: st.integers(-(2**63), 2**63 - 1),
    Kind.OCTETS: st.binary(max_size=40),
    Kind.TEXT: st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    Kind.TIMESTAMP: st.integers(-(2**63), 2**63 - 1),
    Kind.UUID: st.uuids(),
}
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
HEADERS = st.lists(
    st.sampled_from(list(Kind)).flatmap(lambda kind: st.builds(Header, NAMES, st.just(kind), VALUES[kind])), max_size=5
)
MESSAGES = st.lists(st.tuples(HEADERS, st.binary(max_size=60)), max_size=6)
STREAM = event("one", b'{"a":1}') + event("two", b"") + exception("throttlingException", b'{"message":"slow"}')


def read(data, cuts=(), limit=10_000):
    reader = EventStreamReader(limit)
    frames = []
    edges = [0, *sorted(cuts), len(data)]
    for begin, end in itertools.pairwise(edges):
        frames += reader.feed(data[begin:end])
    frames += reader.end()
    assert reader.rest == b""
    return frames


def fields(octets):
    """A frame with these octets in place of header fields, and good checksums."""
    lengths = struct.pack(">II", 16 + len(octets), len(octets))
    frame = lengths + struct.pack(">I", crc32(lengths)) + octets
    return frame + struct.pack(">I", crc32(frame))


def prelude(size, headers):
    lengths = struct.pack(">II", size, headers)
    return lengths + struct.pack(">I", crc32(lengths))


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_the_vectors_of_the_sdks():
    (empty,) = read(EMPTY)
    assert (empty.headers, empty.data, empty.name) == ((), b"", "")
    (one,) = read(ONE_FIELD)
    assert one.headers == (Header("content-type", Kind.TEXT, "application/json"),)
    assert one.data == b"{'foo':'bar'}"
    assert write_frame((), b"") == EMPTY
    assert write_frame(one.headers, one.data) == ONE_FIELD


@given(MESSAGES, st.data())
def test_what_is_written_is_read_in_any_cut(messages, data):
    stream = b"".join(write_frame(*message) for message in messages)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8))
    frames = read(stream, cuts)
    assert [(list(frame.headers), frame.data) for frame in frames] == messages
    assert b"".join(frame.raw for frame in frames) == stream
    assert [frame.start for frame in frames] == [stream.index(frame.raw, frame.start) for frame in frames]
    assert b"".join(write_frame(frame.headers, frame.data) for frame in frames) == stream


def test_octet_by_octet():
    assert read(STREAM, range(len(STREAM))) == read(STREAM)


def test_names():
    assert [frame.name for frame in read(STREAM)] == ["one", "two", "throttlingException"]
    error = {":message-type": "error", ":error-code": "500", ":error-message": "broken"}
    (frame,) = read(write_frame([Header(name, Kind.TEXT, value) for name, value in error.items()], b""))
    assert (frame.name, frame.failure) == ("500", "broken")
    (odd,) = read(write_frame([Header(":event-type", Kind.LONG, 3)], b""))
    assert odd.name == ""


def test_failures():
    assert [frame.failure for frame in read(STREAM)] == ["", "", '{"message":"slow"}']
    assert read(exception("gone", b""))[0].failure == "gone"
    assert read(exception("", b""))[0].failure == "unknown"
    assert read(exception("", b"\xff"))[0].failure == "\ufffd"


def test_an_uuid_and_a_time():
    headers = [
        Header("id", Kind.UUID, UUID("01020304-0506-0708-090a-0b0c0d0e0f10")),
        Header("at", Kind.TIMESTAMP, 8_675_309),
    ]
    written = write_frame(headers, b"")
    assert bytes(range(1, 17)) in written
    assert b"\x02at\x08\x00\x00\x00\x00\x00\x84\x5f\xed" in written
    assert list(read(written)[0].headers) == headers


@pytest.mark.parametrize("at", range(len(ONE_FIELD)))
def test_a_flipped_bit_anywhere_is_seen(at):
    with pytest.raises(Malformed, match="checksum"):
        read(flipped(ONE_FIELD, at))


@pytest.mark.parametrize("end", range(1, len(ONE_FIELD)))
def test_a_stream_cut_within_a_frame(end):
    reader = EventStreamReader()
    assert len(reader.feed(EMPTY + ONE_FIELD[:end])) == 1
    assert reader.rest == ONE_FIELD[:end]
    with pytest.raises(Malformed, match="ends within") as seen:
        reader.end()
    assert seen.value.at == len(EMPTY) + end


@pytest.mark.parametrize(
    ("octets", "match"),
    [
        (fields(b"\x05name"), "field"),
        (fields(b"\x01"), "field"),
        (fields(b"\x01a"), "field"),
        (fields(b"\x01a\x0a"), "field"),
        (fields(b"\x01a\xff"), "field"),
        (fields(b"\x01a\x04\0\0\0"), "field"),
        (fields(b"\x01a\x05\0\0\0"), "field"),
        (fields(b"\x01a\x07\0\x02a"), "field"),
        (fields(b"\x01a\x06\xff\xffa"), "field"),
        (fields(b"\x01a\x07\0"), "field"),
        (fields(b"\x01a\x09" + b"a" * 15), "field"),
        (fields(b"\x01a\x07\0\x01\xff"), "field"),
        (fields(b"\x01\xff\x00"), "field"),
        (prelude(15, 0), "cannot have"),
        (prelude(20, 5), "cannot have"),
        (prelude(0, 0), "cannot have"),
        (prelude(16, 2**32 - 1), "cannot have"),
        (prelude(2**32 - 1, 0), "over the limit"),
        (prelude(10_001, 0), "over the limit"),
        (b"data: {}\n\n\n\n", "checksum"),
    ],
)
def test_damage(octets, match):
    with pytest.raises(Malformed, match=match):
        read(octets)


def test_too_many_octets_of_fields():
    with pytest.raises(Malformed, match="cannot have"):
        read(prelude(200_000, 128 * 1024 + 1), limit=2**20)


def test_the_limit_is_asked_before_anything_is_kept():
    reader = EventStreamReader(1000)
    with pytest.raises(Malformed):
        reader.feed(prelude(1001, 0))


def test_what_stands_before_damage_is_given_in_any_cut():
    damaged = EMPTY + ONE_FIELD + flipped(EMPTY, 3)
    for cut in range(len(damaged)):
        reader = EventStreamReader()
        frames = []
        with pytest.raises(Malformed) as seen:  # noqa: PT012  (which of the calls raises is not fixed)
            frames += reader.feed(damaged[:cut])
            frames += reader.feed(damaged[cut:])
            reader.end()
        assert [frame.raw for frame in frames] == [EMPTY, ONE_FIELD]
        assert seen.value.at == len(EMPTY) + len(ONE_FIELD)
        with pytest.raises(Malformed):
            reader.feed(b"")


def so_far(pieces):
    """The frames before damage or the end."""
    reader = EventStreamReader()
    frames = []
    with contextlib.suppress(Malformed):
        for piece in pieces:
            frames += reader.feed(piece)
        reader.end()
    return frames


@given(st.lists(st.sampled_from([EMPTY, ONE_FIELD, flipped(EMPTY, 15), prelude(30, 2)]) | st.binary(max_size=20)))
def test_any_octets_are_the_same_frames_in_any_cut(parts):
    octets = b"".join(parts)
    assert so_far([octets]) == so_far(octets[at : at + 1] for at in range(len(octets))) == so_far(parts)


@given(st.binary(max_size=60))
def test_any_header_fields_are_read_or_malformed(octets):
    try:
        (frame,) = read(fields(octets))
    except Malformed as fault:
        assert "field" in fault.reason  # noqa: PT017  (either is fine)
    else:
        assert write_frame(frame.headers, frame.data) == fields(octets)


@pytest.mark.parametrize(
    "headers",
    [
        [Header("a" * 256, Kind.TRUE, True)],
        [Header("a", Kind.TEXT, "a" * 65536)],
        [Header("a", Kind.BYTE, 128)],
        [Header("a", Kind.OCTETS, b"a" * 65535)] * 3,
    ],
)
def test_what_a_frame_cannot_hold(headers):
    with pytest.raises(ValueError, match=r"cannot hold|more than"):
        write_frame(headers, b"")


def test_a_prelude_tells_an_event_stream():
    assert begins_event_stream(STREAM)
    assert begins_event_stream(STREAM[:PRELUDE])
    assert not begins_event_stream(STREAM[: PRELUDE - 1])
    assert not begins_event_stream(b'{"message":"no"}')
    assert not begins_event_stream(flipped(STREAM, 2))


def test_very_many_tiny_frames_at_once_and_one_by_one():
    """Each octet of the stream is moved a fixed number of times: a quadratic reader would not end here."""
    assert len(EventStreamReader().feed(EMPTY * 200_000)) == 200_000
    reader = EventStreamReader()
    large = write_frame((), b"a" * 300_000)
    assert sum(len(reader.feed(large[at : at + 3])) for at in range(0, len(large), 3)) == 1


@pytest.mark.skipif(bool(corpus.missing()) and not os.environ.get("LLMPROXY_REQUIRE_ALL"), reason=corpus.missing())
def test_the_corpus():
    """Every recorded stream has good checksums, is read in random cuts, and is written back octet for octet."""
    chance = random.Random(4)
    streams = frames = 0
    for one in corpus.interactions():
        body = one.response.body.whole()
        if not begins_event_stream(body):
            continue
        whole = read(body, limit=2**20)
        for _ in range(3):
            cuts = [chance.randrange(len(body)) for _ in range(chance.randrange(1, 200))]
            assert read(body, cuts, limit=2**20) == whole
        assert b"".join(write_frame(frame.headers, frame.data) for frame in whole) == body
        assert all(frame.name for frame in whole)
        streams, frames = streams + 1, frames + len(whole)
    print(f"event streams: {streams}, frames: {frames}")
    assert streams >= 60
