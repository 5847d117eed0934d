"""One answer to clients that come late, fall behind, or were too slow before it began: all of them get all of it."""

import pytest
from relays import FullClient, Play
from talks import Talk, http

from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.core.messages import Ending
from proxy_daemon.net.relay import Drain


class TestWhoIsExpected:
    """Members of a flight whose plugins still look at the head: the tape may be cut before they join."""

    def cut_before_the_second_joins(self):
        play = Play(limit=4)
        play.relay.expected = 2
        play.join()
        for piece in (b"1234", b"5678", b"9"):
            play.answer.send(piece)
        assert play.tape.cut
        return play

    def test_gets_all_of_it_in_order(self):
        play = self.cut_before_the_second_joins()
        play.join()
        play.answer.send(b"0", Ending.COMPLETE)
        play.commit.callback(True)
        assert (play.got(0), play.got(1)) == (b"1234567890", b"1234567890")
        assert play.clients[1].finished

    def test_who_is_there_does_not_wait_for_it(self):
        assert self.cut_before_the_second_joins().got() == b"123456789"

    def test_upstream_waits_and_goes_on(self):
        """What is kept for it lies in memory."""
        play = self.cut_before_the_second_joins()
        assert play.answer.paused
        play.join()
        assert not play.answer.paused

    def test_upstream_waits_too_where_nobody_else_is_left(self):
        """Else all that comes until it does would be kept in memory."""
        play = self.cut_before_the_second_joins()
        play.outlets[0].done.cancel()
        play.relay.expected = 1
        play.relay.balance()
        assert play.answer.paused

    def test_upstream_goes_on_when_it_does_not_come(self):
        play = self.cut_before_the_second_joins()
        play.relay.expected = 1
        play.relay.balance()
        assert not play.answer.paused

    def test_a_slow_one_too(self):
        play = self.cut_before_the_second_joins()
        slow = play.join(FullClient())
        assert (play.got(1), play.answer.paused) == (b"", True)
        slow.flow.resume()
        assert (play.got(1), play.answer.paused) == (b"123456789", False)

    def test_the_end_comes_before_it_does(self):
        play = self.cut_before_the_second_joins()
        play.answer.send(b"0", Ending.COMPLETE)
        play.commit.callback(True)
        assert play.clients[0].finished
        play.join()
        assert (play.got(1), play.clients[1].finished) == (b"1234567890", True)

    def test_one_who_was_not_expected_is_broken_off_where_octets_are_missing(self):
        play = Play(limit=4)
        play.join()
        for piece in (b"1234", b"5678"):
            play.answer.send(piece)
        late = play.join()
        assert (play.got(1), late.broken_off, play.endings[1]) == (b"1234", True, [Ending.BROKEN_OFF])
        assert play.outlets[1].exchange.detail
        play.answer.send(b"9")
        assert (play.got(0), play.answer.paused) == (b"123456789", False)

    def test_nor_does_it_get_octets_of_another_place(self):
        play = Play(limit=4)
        play.join()
        for piece in (b"1234", b"5678"):
            play.answer.send(piece)
        play.relay.expected = 2
        play.answer.send(b"90")  # kept, but what stands before it is not
        late = play.join()
        assert (play.got(1), late.broken_off) == (b"1234", True)


@pytest.mark.parametrize("limit", [10_000, 4], ids=["taped", "cut"])
def test_who_keeps_up_is_written_while_another_is_behind(limit):
    play = Play(limit=limit)
    slow, _fast = play.join(), play.join()
    slow.flow.pause()
    for number, piece in enumerate((b"1234", b"5678", b"90")):
        play.answer.send(piece)
        assert len(play.clients[1].pieces) == number + 1
    slow.flow.resume()
    assert play.got(0) == play.got(1) == b"1234567890"


@pytest.mark.parametrize("ending", Ending)
def test_one_that_ended_badly_takes_no_more_clients(ending):
    """Whoever comes asks upstream again."""
    play = Play()
    play.join()
    play.answer.send(b"some", ending)
    assert play.relay.joinable is (ending is Ending.COMPLETE)


class TestTooSlowBeforeItBegan:
    def test_upstream_is_held_up(self):
        play = Play()
        slow = play.join(FullClient())
        assert play.answer.paused
        slow.flow.resume()
        assert not play.answer.paused

    def test_but_not_where_another_reads(self):
        play = Play()
        play.join(FullClient())
        play.join()
        assert not play.answer.paused

    def test_with_a_live_answer(self):
        """Starting it lets it flow: the pause must come behind that."""
        talk = Talk().ask(listen=False).feed(http(b"Content-Length: 9", body=b"abc"))
        play = Play(answer=talk.answer)
        slow = play.join(FullClient())
        assert (play.got(), talk.wire.producerState) == (b"", "paused")
        slow.flow.resume()
        assert (play.got(), talk.wire.producerState) == (b"abc", "producing")

    def test_a_live_answer_that_has_ended(self):
        talk = Talk().ask(listen=False).feed(http(b"Content-Length: 3", body=b"abc"))
        play = Play(answer=talk.answer)
        slow = play.join(FullClient())
        play.commit.callback(True)
        slow.flow.resume()
        assert (play.got(), slow.finished, talk.wire.producerState) == (b"abc", True, "producing")


class Raising(OpenAIChat):
    """A plugin's dialect with a defect."""

    def ends_with_terminal(self, tail):
        raise LookupError("a defect")


@pytest.mark.parametrize(("seconds", "aborted"), [(0, True), (60, False)], ids=["ended", "drained"])
def test_a_dialect_that_raises_does_not_keep_it_from_being_ended(seconds, aborted):
    play = Play(dialect=Raising(), drain=Drain(seconds, 1000))
    play.join()
    play.answer.send(b"data: [DONE]\n\n")
    play.leave()
    play.relay.desert(Ending.CLIENT_GONE)
    assert play.answer.aborted is aborted
    play.clock.advance(60)
    assert play.answer.aborted
    assert [ending for _, ending in play.kept] == [Ending.CLIENT_GONE]
