"""Small answers that came in one read: committed first, handed over whole, to all who wait."""

from contextlib import contextmanager

import pytest
from relays import FakeExchange, StrictOutlet
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.logger import globalLogPublisher

from proxy_daemon.core.bodies import EMPTY
from proxy_daemon.core.messages import Ending, Response, ResponseHead
from proxy_daemon.net.short_relay import ShortRelay
from proxy_daemon.pipeline.tape import OnePiece
from proxy_daemon.testing import MemoryClient

OCTETS = b'{"ok":true}'


@contextmanager
def logged():
    seen = []
    globalLogPublisher.addObserver(seen.append)
    try:
        yield seen
    finally:
        globalLogPublisher.removeObserver(seen.append)


class Play:
    """``commit`` fires when the store has written. ``kept``: what it was asked to write."""

    def __init__(self, octets=OCTETS, keep=None):
        self.commit, self.kept = Deferred(), []
        tape = OnePiece(octets, 7)
        self.response = Response(ResponseHead(200), tape.body, tape.pieces)
        self.relay = ShortRelay(self.response, octets, keep or self._keep)

    def _keep(self, response, ending):
        self.kept.append((response, ending))
        return self.commit

    def join(self):
        """(client, outlet, [how it ended])"""
        client, ending = MemoryClient(), []
        outlet = StrictOutlet(FakeExchange(), client, [], [], None)
        outlet.begin(self.relay.head, self.relay.age)
        self.relay.join(outlet).addBoth(ending.append)
        return client, outlet, ending


def test_nothing_of_it_leaves_before_it_is_committed():
    play = Play()
    client, _, ending = play.join()
    assert (client.pieces, client.finished, ending) == ([], False, [])
    assert play.kept == [(play.response, Ending.COMPLETE)]
    play.commit.callback(True)
    assert (client.pieces, client.finished, ending) == ([OCTETS], True, [Ending.COMPLETE])


def test_an_empty_body_ends_too():
    play = Play(b"")
    client, _, ending = play.join()
    play.commit.callback(True)
    assert (client.pieces, client.finished, ending) == ([], True, [Ending.COMPLETE])
    assert list(play.kept[0][0].pieces.sizes) == []


@pytest.mark.parametrize("late", [False, True])
def test_all_who_join_get_it_and_it_is_written_once(late):
    play = Play()
    first, _, _ = play.join()
    if late:
        play.commit.callback(True)
    second, _, ending = play.join()
    if not late:
        play.commit.callback(True)
    assert (first.pieces, second.pieces, ending) == ([OCTETS], [OCTETS], [Ending.COMPLETE])
    assert len(play.kept) == 1


def test_one_that_leaves_gets_nothing_and_the_others_do():
    play = Play()
    gone, outlet, ending = play.join()
    stays, _, _ = play.join()
    outlet.done.cancel()
    assert ending == [Ending.CLIENT_GONE]
    play.commit.callback(True)
    assert (gone.pieces, stays.pieces) == ([], [OCTETS])


@pytest.mark.parametrize("raises", [False, True])
def test_a_defect_of_the_store_is_logged_and_the_client_gets_its_answer(raises):
    def keep(response, ending):
        if raises:
            raise ValueError("a defect")
        return fail(ValueError("a defect"))

    with logged() as seen:
        client, _, ending = Play(keep=keep).join()
    assert (client.pieces, ending) == ([OCTETS], [Ending.COMPLETE])
    assert [str(event["log_failure"].value) for event in seen] == ["a defect"]


def test_one_that_nobody_took_is_written_without_its_body():
    play = Play()
    play.relay.desert(Ending.CLIENT_GONE)
    play.relay.desert(Ending.CLIENT_GONE)
    [(response, ending)] = play.kept
    assert (response.head, response.body, ending) == (play.response.head, EMPTY, Ending.CLIENT_GONE)


def test_one_that_somebody_took_is_not_written_again_when_all_have_left():
    play = Play()
    play.join()
    play.relay.desert(Ending.CLIENT_GONE)
    play.relay.balance()
    assert [ending for _, ending in play.kept] == [Ending.COMPLETE]


def test_it_is_at_hand_until_somebody_joins():
    play = Play()
    assert play.relay.at_hand is play.response
    play.join()
    assert play.relay.at_hand is None


class TestWithoutAnOutlet:
    """Who wants no more than the octets waits until they are kept."""

    def test_it_fires_when_it_is_committed_for_each_who_waits(self):
        play = Play()
        assert play.relay.whole is play.relay
        fired = []
        for _ in range(2):
            play.relay.kept().addCallback(fired.append)
        assert (fired, play.kept, play.relay.octets) == ([], [(play.response, Ending.COMPLETE)], OCTETS)
        play.commit.callback(True)
        play.relay.kept().addCallback(fired.append)
        assert fired == [None] * 3
        assert len(play.kept) == 1

    def test_one_that_leaves_does_not_end_it_for_others(self):
        play = Play()
        gone, stays = play.relay.kept(), play.relay.kept()
        left = []
        gone.addErrback(left.append)
        gone.cancel()
        client, _, ending = play.join()
        play.commit.callback(True)
        assert left[0].check(CancelledError)
        assert (stays.called, client.pieces, ending) == (True, [OCTETS], [Ending.COMPLETE])

    def test_it_is_not_at_hand_any_more(self):
        play = Play()
        play.relay.kept()
        assert play.relay.at_hand is None
        play.relay.desert(Ending.CLIENT_GONE)
        assert [ending for _, ending in play.kept] == [Ending.COMPLETE]

    def test_where_the_store_raises_it_fires_too(self):
        def keep(response, ending):
            raise ValueError("a defect")

        with logged() as seen:
            assert Play(keep=keep).relay.kept().called
        assert [str(event["log_failure"].value) for event in seen] == ["a defect"]


def test_its_tape_is_one_piece():
    tape = OnePiece(OCTETS, 7)
    assert (list(tape.pieces.sizes), list(tape.pieces.times), tape.cut) == ([len(OCTETS)], [7], False)
    assert (tape.tail(3), tape.tail(100)) == (OCTETS[-3:], OCTETS)
