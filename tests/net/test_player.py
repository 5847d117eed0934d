"""Recordings and scripts, played: boundaries, pauses, damage."""

import pytest
from twisted.internet.task import Clock

from proxy_daemon.core.messages import Ending, ResponseHead
from proxy_daemon.net.player import PIECES_A_TURN, Player


class Sink:
    def __init__(self):
        self.pieces, self.ending = [], None

    def received(self, data, ending):
        assert self.ending is None, "received after the end"
        self.pieces.append(data)
        self.ending = ending


def play(pieces):
    clock, sink = Clock(), Sink()
    player = Player(ResponseHead(200), iter(pieces), clock)
    player.start(sink)
    return clock, sink, player


@pytest.mark.parametrize(
    "pieces",
    [[], [b"a"], [b"a", b"b"], [b"x"] * (PIECES_A_TURN + 7), [b"x"] * PIECES_A_TURN],
    ids=["none", "one", "two", "more than a turn", "a turn"],
)
def test_without_delays_the_boundaries_stay(pieces):
    clock, sink, _ = play([(0.0, piece) for piece in pieces])
    clock.pump([0] * 5)
    assert sink.pieces == (pieces or [b""])
    assert sink.ending is Ending.COMPLETE


def test_each_piece_waits_its_time():
    clock, sink, _ = play([(1.0, b"a"), (2.0, b"b"), (0.0, b"c")])
    assert sink.pieces == []
    clock.advance(1)
    assert sink.pieces == [b"a"]
    clock.advance(1.9)
    assert sink.pieces == [b"a"]
    clock.advance(0.1)
    assert sink.pieces == [b"a", b"b", b"c"]
    assert sink.ending is Ending.COMPLETE


def test_the_end_comes_with_the_last_piece():
    class Last(Sink):
        def received(self, data, ending):
            super().received(data, ending)
            assert (ending is not None) == (data == b"b")

    clock = Clock()
    Player(ResponseHead(200), iter([(0.0, b"a"), (0.0, b"b")]), clock).start(Last())


def test_paused_it_plays_nothing_and_resumed_it_loses_nothing():
    clock, sink, player = play([(1.0, b"a"), (1.0, b"b"), (1.0, b"c")])
    clock.advance(1)
    player.pause()
    clock.advance(10)
    assert sink.pieces == [b"a"]
    player.resume()
    clock.pump([0, 1, 1])
    assert sink.pieces == [b"a", b"b", b"c"]


def test_paused_within_a_turn():
    class Pausing(Sink):
        def received(self, data, ending):
            super().received(data, ending)
            player.pause()

    clock, sink = Clock(), Pausing()
    player = Player(ResponseHead(200), iter([(0.0, b"a"), (0.0, b"b")]), clock)
    player.start(sink)
    assert sink.pieces == [b"a"]
    player.resume()
    clock.advance(0)
    assert sink.pieces == [b"a", b"b"]


def test_aborted_it_is_silent():
    clock, sink, player = play([(1.0, b"a")])
    player.abort()
    clock.advance(5)
    assert sink.pieces == []
    assert clock.getDelayedCalls() == []


def test_a_recording_that_cannot_be_read_ends_broken():
    def damaged():
        yield 0.0, b"a"
        raise EOFError("3 octets are missing")

    _clock, sink, player = play(damaged())
    assert sink.pieces == [b"a"]
    assert sink.ending is Ending.BROKEN_OFF
    assert "3 octets are missing" in player.why_broken
