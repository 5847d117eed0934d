"""Frames are counted as they come, however they are cut; a client that keeps to the rules never runs out."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.http2_frames import (
    CONTINUATION,
    DATA,
    END_STREAM,
    ENHANCE_YOUR_CALM,
    FRAME_SIZE_ERROR,
    HEADERS,
    IDLE,
    IDLE_A_SECOND,
    MAX_FRAME,
    OVER,
    RESETS,
    RESETS_A_SECOND,
    RST_STREAM,
    Frames,
)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
PRIORITY, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, UNKNOWN = 2, 4, 5, 6, 7, 8, 200
MAX_HEAD = 1000
FULL = MAX_HEAD + OVER  # octets of a head that are just not too many


def frame(kind, size=0, flags=0):
    return size.to_bytes(3, "big") + bytes((kind, flags)) + b"\0\0\0\1" + b"x" * size


def trouble(*parts, seconds=0.0):
    """What is said of these reads, one after the other, so many seconds apart."""
    frames, now = Frames(MAX_HEAD, 0.0), 0.0
    for data in (PREFACE, *parts):
        if code := frames.trouble(data, now):
            return code
        now += seconds
    return 0


FLOODS = [
    ("resets", frame(RST_STREAM, 4), RESETS, RESETS_A_SECOND),
    ("pings", frame(PING, 8), IDLE, IDLE_A_SECOND),
    ("settings", frame(SETTINGS, 6), IDLE, IDLE_A_SECOND),
    ("priorities", frame(PRIORITY, 5), IDLE, IDLE_A_SECOND),
    ("windows", frame(WINDOW_UPDATE, 4), IDLE, IDLE_A_SECOND),
    ("empty data", frame(DATA), IDLE, IDLE_A_SECOND),
    ("unknown", frame(UNKNOWN, 3), IDLE, IDLE_A_SECOND),
]


@pytest.mark.parametrize(("one", "most", "a_second"), [row[1:] for row in FLOODS], ids=[row[0] for row in FLOODS])
class TestFloods:
    def test_so_many_at_once_and_no_more(self, one, most, a_second):
        assert trouble(one * most) == 0
        assert trouble(one * (most + 1)) == ENHANCE_YOUR_CALM

    def test_so_many_a_second_for_ever(self, one, most, a_second):
        reads = 3 * most
        assert trouble(*[one] * reads, seconds=1 / a_second) == 0
        assert trouble(*[one] * reads, seconds=0.5 / a_second) == ENHANCE_YOUR_CALM

    def test_a_long_silence_saves_nothing_up(self, one, most, a_second):
        assert trouble(one, one * (most + 1), seconds=1e6) == ENHANCE_YOUR_CALM


LARGE = [
    ("a full frame", frame(DATA, MAX_FRAME), 0),
    ("a frame beyond", (MAX_FRAME + 1).to_bytes(3, "big") + b"\0\0\0\0\0\1", FRAME_SIZE_ERROR),
    ("the largest there is", b"\xff\xff\xff\0\0\0\0\0\1", FRAME_SIZE_ERROR),
    ("a full head", frame(HEADERS, 500) + frame(CONTINUATION, 16_000) * 4 + frame(CONTINUATION, FULL - 64_500), 0),
    ("a head beyond", frame(HEADERS, 501) + frame(CONTINUATION, 16_000) * 5, ENHANCE_YOUR_CALM),
    ("many heads", frame(HEADERS, 16_000) * 100, 0),
]


@pytest.mark.parametrize(("data", "code"), [row[1:] for row in LARGE], ids=[row[0] for row in LARGE])
def test_what_is_too_large_is_known_before_it_has_come(data, code):
    assert trouble(data) == code


def test_frames_that_ask_for_something_are_not_counted():
    assert trouble((frame(HEADERS, 10) + frame(DATA, 1) + frame(DATA, 0, END_STREAM)) * (IDLE + 1)) == 0


@pytest.mark.parametrize("size", [0, 4096, 16_384])
def test_who_reads_may_open_windows_without_end(size):
    """Go's client says of each 4 KiB, twice, that it has taken them; others of each frame."""
    frames = Frames(MAX_HEAD, 0.0)
    frames.trouble(PREFACE, 0.0)
    for _ in range(3000):
        assert frames.trouble(frame(WINDOW_UPDATE, 4) * (2 + 2 * size // 4096), 0.0) == 0
        frames.sent(size)


KINDS = st.sampled_from([DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, CONTINUATION, 99])
STREAMS = st.lists(st.tuples(KINDS, st.integers(0, 300), st.integers(0, 255)), max_size=30)


@given(STREAMS, st.lists(st.integers(0, 5000), max_size=10), st.integers(RESETS - 10, RESETS + 10))
def test_it_does_not_matter_how_they_are_cut(rows, cuts, resets):
    whole = PREFACE + b"".join(frame(*row) for row in rows) + frame(RST_STREAM, 4) * resets
    places = sorted({0, len(whole), *[cut for cut in cuts if cut < len(whole)]})
    frames = Frames(MAX_HEAD, 0.0)
    codes = [frames.trouble(whole[start:end], 0.0) for start, end in pairwise(places)]
    too_many = resets + sum(kind == RST_STREAM for kind, *_ in rows) > RESETS
    assert any(codes) == bool(Frames(MAX_HEAD, 0.0).trouble(whole, 0.0)) == too_many
