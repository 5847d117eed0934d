"""Frames between the daemon and its child: what is packed comes out whole, however it is cut; nonsense is refused."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.work_frames import LARGEST_HEAD, LARGEST_OCTETS, FrameError, Frames, packed

VALUES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20)
HEADS = st.dictionaries(st.text(max_size=8).filter(lambda name: name != "octets"), VALUES, max_size=5)
FRAMES = st.lists(st.tuples(HEADS, st.binary(max_size=200)), max_size=6)


def head(text):
    return len(text).to_bytes(4, "big") + text


def fed(data, sizes):
    """All frames of ``data``, fed in parts of these sizes, then the rest."""
    frames, found = Frames(), []
    for size in sizes:
        found += frames.feed(data[:size])
        data = data[size:]
    return [*found, *frames.feed(data)]


@given(FRAMES, st.lists(st.integers(1, 64), max_size=40))
def test_frames_come_out_as_they_went_in_however_they_are_cut(frames, sizes):
    data = b"".join(packed(head, octets) for head, octets in frames)
    assert fed(data, sizes) == [(head | {"octets": len(octets)}, octets) for head, octets in frames]


@given(FRAMES.filter(bool), st.data())
def test_a_frame_that_is_not_whole_is_waited_for(frames, data):
    octets = b"".join(packed(*each) for each in frames)
    cut = data.draw(st.integers(0, len(packed(*frames[-1])) - 1))
    assert len(fed(octets[: len(octets) - len(packed(*frames[-1])) + cut], [])) == len(frames) - 1


@given(st.binary(max_size=300), st.lists(st.integers(1, 30), max_size=10))
def test_any_octets_give_frames_or_a_frame_error(data, sizes):
    try:
        found = fed(data, sizes)
    except FrameError:
        return
    assert all(len(octets) == head["octets"] for head, octets in found)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ((LARGEST_HEAD + 1).to_bytes(4, "big"), "octets"),
        (b"\xff\xff\xff\xff", "octets"),
        (head(b"{"), "no JSON"),
        (head(b""), "no JSON"),
        (head(b"[]"), "does not say how many"),
        (head(b"{}"), "does not say how many"),
        (head(b'{"octets": -1}'), "does not say how many"),
        (head(b'{"octets": true}'), "does not say how many"),
        (head(b'{"octets": 1.0}'), "does not say how many"),
        (head(b'{"octets": "7"}'), "does not say how many"),
        (head(b'{"octets": %d}' % (LARGEST_OCTETS + 1)), "too many"),
    ],
)
def test_what_is_no_frame_is_refused_at_once(data, said):
    with pytest.raises(FrameError, match=said):
        list(Frames().feed(data))


@pytest.mark.parametrize(
    ("head", "octets"),
    [({"a": "x" * LARGEST_HEAD}, b""), ({}, bytes(LARGEST_OCTETS + 1)), ({"a": 2**64}, b""), ({"a": object()}, b"")],
    ids=["head", "octets", "number", "object"],
)
def test_what_the_other_side_would_refuse_is_not_packed(head, octets):
    with pytest.raises(FrameError):
        packed(head, octets)


def test_the_largest_octets_pass():
    assert [len(octets) for _, octets in fed(packed({}, bytes(LARGEST_OCTETS)), [7, 1 << 20])] == [LARGEST_OCTETS]


def test_who_takes_one_frame_finds_the_next_later():
    frames = Frames()
    first = next(frames.feed(packed({"a": 1}) + packed({"b": 2}, b"xy")))
    assert first == ({"a": 1, "octets": 0}, b"")
    assert list(frames.feed(b"")) == [({"b": 2, "octets": 2}, b"xy")]


def test_a_head_is_read_once_whatever_follows(monkeypatch):
    read = []
    monkeypatch.setattr("proxy_daemon.core.work_frames.orjson.loads", lambda text: read.append(1) or {"octets": 50})
    assert len(fed(head(orjson.dumps({"octets": 50})) + bytes(50), [6] * 12)) == 1
    assert read == [1]
