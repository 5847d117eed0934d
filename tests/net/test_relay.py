"""One answer to one or more clients: order, pace, the last piece, and what happens when clients leave."""

import pytest
from relays import Play

from proxy_daemon.core.messages import Ending
from proxy_daemon.net.relay import Drain


def test_pieces_go_on_as_they_come():
    play = Play()
    client = play.join()
    for piece in (b"a", b"bc", b"d"):
        play.answer.send(piece)
        assert client.pieces[-1] == piece


def test_the_last_piece_waits_for_the_commit():
    play = Play()
    client = play.join()
    play.answer.send(b"first")
    play.answer.send(b"last", Ending.COMPLETE)
    assert play.got() == b"first"
    assert not client.finished
    play.commit.callback(True)
    assert play.got() == b"firstlast"
    assert client.finished
    assert play.endings[0] == [Ending.COMPLETE]


@pytest.mark.parametrize("result", [False, ValueError("disk")])
def test_a_commit_that_fails_does_not_keep_the_last_piece_back(result):
    play = Play()
    client = play.join()
    play.answer.send(b"all", Ending.COMPLETE)
    play.commit.errback(result) if isinstance(result, Exception) else play.commit.callback(result)
    assert client.pieces == [b"all"]
    assert client.finished


def test_a_recording_needs_no_commit():
    play = Play(keep=False)
    client = play.join()
    play.answer.send(b"all", Ending.COMPLETE)
    assert client.finished


@pytest.mark.parametrize("ending", [Ending.BROKEN_OFF, Ending.TIMEOUT])
def test_a_broken_answer_is_delivered_as_far_as_it_came_and_then_broken(ending):
    play = Play()
    client = play.join()
    play.answer.send(b"half")
    play.answer.send(b"", ending)
    play.commit.callback(True)
    assert play.got() == b"half"
    assert client.broken_off
    assert not client.finished
    assert play.endings[0] == [ending]
    assert play.kept[0][1] is ending


def test_what_is_kept_is_what_came():
    play = Play()
    play.join()
    play.answer.send(b"a" * 50)
    play.answer.send(b"b" * 50)
    play.answer.send(b"", Ending.COMPLETE)
    response, ending = play.kept[0]
    assert response.body.read(0, 1000) == b"a" * 50 + b"b" * 50
    assert list(response.pieces.sizes) == [50, 50]
    assert ending is Ending.COMPLETE


class TestPace:
    def test_a_slow_client_holds_upstream_up(self):
        play = Play()
        client = play.join()
        client.flow.pause()
        assert play.answer.paused
        client.flow.resume()
        assert not play.answer.paused

    def test_what_came_while_paused_comes_afterwards(self):
        play = Play()
        client = play.join()
        client.flow.pause()
        play.answer.send(b"late")
        assert play.got() == b""
        client.flow.resume()
        assert play.got() == b"late"

    def test_the_slower_of_two_reads_on_from_the_tape(self):
        play = Play()
        slow, _fast = play.join(), play.join()
        slow.flow.pause()
        play.answer.send(b"one")
        play.answer.send(b"two")
        assert not play.answer.paused
        assert (play.got(0), play.got(1)) == (b"", b"onetwo")
        slow.flow.resume()
        assert play.got(0) == b"onetwo"

    def test_the_end_waits_for_a_slow_client_and_for_no_other(self):
        play = Play()
        slow, fast = play.join(), play.join()
        slow.flow.pause()
        play.answer.send(b"all", Ending.COMPLETE)
        play.commit.callback(True)
        assert fast.finished
        assert not slow.finished
        slow.flow.resume()
        assert slow.finished
        assert play.got(0) == b"all"

    def test_beyond_the_tape_the_slowest_sets_the_pace(self):
        play = Play(limit=4)
        slow, _fast = play.join(), play.join()
        slow.flow.pause()
        play.answer.send(b"1234")
        assert not play.answer.paused
        play.answer.send(b"5678")
        assert play.answer.paused
        assert play.got(1) == b"12345678"  # who keeps up does not wait for what has come already
        slow.flow.resume()
        assert play.got(0) == b"12345678"
        assert not play.answer.paused
        play.answer.send(b"9", Ending.COMPLETE)
        play.commit.callback(True)
        assert play.got(0) == play.got(1) == b"123456789"

    def test_a_single_client_beyond_the_tape(self):
        play = Play(limit=4)
        client = play.join()
        play.answer.send(b"123")
        client.flow.pause()
        assert play.answer.paused
        play.answer.send(b"456")
        client.flow.resume()
        assert play.got() == b"123456"
        assert not play.answer.paused
        assert play.tape.cut


class TestJoining:
    def test_a_late_one_gets_all_of_it(self):
        play = Play()
        play.join()
        play.answer.send(b"early ")
        play.join()
        play.answer.send(b"late")
        assert play.got(1) == b"early late"

    def test_one_who_comes_between_end_and_commit(self):
        play = Play()
        play.join()
        play.answer.send(b"early ")
        play.answer.send(b"end", Ending.COMPLETE)
        late = play.join()
        assert play.got(1) == b"early "
        play.commit.callback(True)
        assert play.got(1) == b"early end"
        assert late.finished

    def test_nobody_can_join_a_cut_one(self):
        play = Play(limit=2)
        play.join()
        assert play.relay.joinable
        play.answer.send(b"123")
        assert not play.relay.joinable


class TestLeaving:
    def leave(self, play, number=0):
        play.outlets[number].done.cancel()
        assert play.endings[number] == [Ending.CLIENT_GONE]

    def test_the_others_go_on(self):
        play = Play()
        first = play.join()
        play.join()
        first.flow.pause()
        self.leave(play)
        play.answer.send(b"on")
        assert play.got(1) == b"on"
        assert not play.answer.aborted

    def test_a_paused_one_that_leaves_lets_the_others_flow(self):
        play = Play(limit=2)
        first = play.join()
        play.join()
        first.flow.pause()
        play.answer.send(b"123")
        assert play.answer.paused
        self.leave(play)
        assert not play.answer.paused

    def test_deserted_it_is_ended_and_kept_as_broken(self):
        play = Play()
        play.join()
        play.answer.send(b"some")
        self.leave(play)
        play.relay.desert(Ending.CLIENT_GONE)
        assert play.answer.aborted
        assert play.kept[0][1] is Ending.CLIENT_GONE

    def test_with_drain_it_is_read_to_its_end(self):
        play = Play(drain=Drain(60, 1000))
        play.join()
        self.leave(play)
        play.relay.desert(Ending.CLIENT_GONE)
        play.answer.send(b"rest", Ending.COMPLETE)
        assert not play.answer.aborted
        assert play.kept[0][1] is Ending.COMPLETE
        assert play.clock.getDelayedCalls() == []

    @pytest.mark.parametrize("how", ["seconds", "octets"])
    def test_a_drain_has_bounds(self, how):
        play = Play(drain=Drain(60, 10))
        play.join()
        self.leave(play)
        play.relay.desert(Ending.CLIENT_GONE)
        play.clock.advance(60) if how == "seconds" else play.answer.send(b"x" * 11)
        assert play.answer.aborted
        assert play.kept[0][1] is Ending.CLIENT_GONE

    def test_a_paused_answer_is_drained_too(self):
        play = Play(drain=Drain(60, 1000))
        client = play.join()
        client.flow.pause()
        self.leave(play)
        play.relay.desert(Ending.CLIENT_GONE)
        assert not play.answer.paused

    def test_beyond_the_tape_a_drain_keeps_nothing(self):
        """Nobody will ever read it."""
        play = Play(limit=4, drain=Drain(60, 10**9))
        play.relay.expected = 1
        play.join()
        play.answer.send(b"12345678")
        self.leave(play)
        play.relay.desert(Ending.CLIENT_GONE)
        for _ in range(10):
            play.answer.send(b"x" * 1000)
        assert play.relay._overflow == b""
        assert not play.answer.paused

    def test_after_the_terminal_event_the_end_is_waited_for(self):
        play = Play()
        play.join()
        play.answer.send(b"data: [DONE]\n\n")
        self.leave(play)
        play.relay.desert(Ending.CLIENT_GONE)
        assert not play.answer.aborted
        play.answer.send(b"", Ending.COMPLETE)
        assert play.kept[0][1] is Ending.COMPLETE

    def test_but_not_for_long(self):
        play = Play()
        play.join()
        play.answer.send(b"data: [DONE]\n\n")
        self.leave(play)
        play.relay.desert(Ending.CLIENT_GONE)
        play.clock.advance(2)
        assert play.answer.aborted

    def test_a_plugins_fault_drains_nothing(self):
        play = Play(drain=Drain(60, 1000))
        play.relay.desert(Ending.FAILED)
        assert play.answer.aborted
        assert play.kept[0][1] is Ending.FAILED

    def test_deserting_a_finished_one_changes_nothing(self):
        play = Play()
        play.join()
        play.answer.send(b"all", Ending.COMPLETE)
        play.commit.callback(True)
        play.relay.desert(Ending.COMPLETE)
        assert not play.answer.aborted
        assert len(play.kept) == 1
