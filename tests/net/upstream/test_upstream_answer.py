"""An answer before and after somebody listens: nothing is lost, nothing comes twice, and it lets go of everything."""

import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st
from talks import Ears

from proxy_daemon.core.messages import Ending, ResponseHead
from proxy_daemon.net.upstream.answer import LiveAnswer

HEAD = ResponseHead(200, b"OK")


class Calls:
    """Stands for the connection: what the answer asks of it."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        return lambda: self.calls.append(name)


def made():
    connection = Calls()
    return LiveAnswer(connection, HEAD), connection


class TestBeforeSomebodyListens:
    def test_what_came_is_kept_and_the_connection_goes_on(self):
        answer, connection = made()
        answer.deliver(b"ab", None)
        answer.deliver(b"c", None)
        answer.start(ears := Ears())
        assert (ears.pieces, ears.endings) == ([b"abc"], [])
        assert (answer.started, connection.calls) == (True, ["resume"])

    @pytest.mark.parametrize("ending", [Ending.COMPLETE, Ending.BROKEN_OFF, Ending.TIMEOUT])
    @pytest.mark.parametrize("early", [b"", b"abc"])
    def test_an_end_that_came_is_kept_too(self, ending, early):
        answer, connection = made()
        answer.deliver(early, ending, "why")
        answer.start(ears := Ears())
        assert (ears.pieces, ears.endings, answer.why_broken) == ([early], [ending], "why")
        assert connection.calls == []

    @pytest.mark.parametrize("early", [b"", b"abc"])
    def test_all_of_it_is_at_hand_until_somebody_starts_it(self, early):
        answer, _ = made()
        assert answer.at_hand is None
        answer.deliver(early, Ending.COMPLETE)
        assert answer.at_hand == early
        answer.start(Ears())
        assert answer.at_hand is None

    @pytest.mark.parametrize("ending", [None, Ending.BROKEN_OFF, Ending.TIMEOUT])
    def test_a_part_is_not_at_hand(self, ending):
        answer, _ = made()
        answer.deliver(b"abc", ending, "why")
        assert answer.at_hand is None

    def test_nothing_that_came_is_no_piece(self):
        answer, _ = made()
        answer.start(ears := Ears())
        assert ears.pieces == []

    def test_who_is_full_at_once_holds_it_up(self):
        """Starting lets the connection go on before anything is received, and not behind that."""
        answer, connection = made()

        class Full(Ears):
            def received(self, data, ending):
                super().received(data, ending)
                answer.pause()

        answer.deliver(b"abc", None)
        answer.start(ears := Full())
        assert (ears.pieces, connection.calls) == ([b"abc"], ["resume", "pause"])

    @given(st.lists(st.binary(min_size=1, max_size=5)), st.integers(0, 10))
    def test_whenever_somebody_listens_all_is_there(self, pieces, when):
        answer, ears = made()[0], Ears()
        for number, piece in enumerate(pieces):
            if number == when:
                answer.start(ears)
            answer.deliver(piece, None)
        if not answer.started:
            answer.start(ears)
        answer.deliver(b"", Ending.COMPLETE)
        early = b"".join(pieces[:when])
        assert ears.pieces == [*([early] if early else []), *pieces[when:], b""]
        assert ears.endings == [Ending.COMPLETE]


class TestAfterwards:
    def test_pieces_stay_pieces(self):
        answer, _ = made()
        answer.start(ears := Ears())
        for piece in (b"a", b"bc"):
            answer.deliver(piece, None)
        answer.deliver(b"d", Ending.COMPLETE)
        assert ears.pieces == [b"a", b"bc", b"d"]

    def test_pace_and_abort_are_the_connections(self):
        answer, connection = made()
        answer.pause()
        answer.resume()
        answer.abort()
        assert connection.calls == ["pause", "resume", "abort"]

    def test_after_the_end_the_connection_belongs_to_others(self):
        answer, connection = made()
        answer.deliver(b"", Ending.COMPLETE)
        answer.start(Ears())
        answer.pause()
        answer.resume()
        answer.abort()
        assert connection.calls == []

    def test_who_aborts_hears_no_more(self):
        answer, _ = made()
        answer.start(ears := Ears())
        answer.abort()
        answer.deliver(b"abc", None)
        answer.deliver(b"", Ending.BROKEN_OFF)
        assert (ears.pieces, ears.endings) == ([], [])

    def test_the_end_may_be_answered_by_an_abort(self):
        answer, connection = made()

        class Rash(Ears):
            def received(self, data, ending):
                super().received(data, ending)
                answer.abort()

        answer.start(ears := Rash())
        answer.deliver(b"abc", Ending.COMPLETE)
        assert (ears.body, connection.calls) == (b"abc", ["resume"])

    def test_it_holds_nobody_when_it_is_over(self):
        """A receiver holds its answer: a cycle would wait for the garbage collector."""
        gc.disable()
        try:
            answer, ears = made()[0], Ears()
            ears.answer = answer
            answer.start(ears)
            answer.deliver(b"", Ending.COMPLETE)
            gone = weakref.ref(ears)
            del answer, ears
            assert gone() is None
        finally:
            gc.enable()
