"""The life of a connection to an upstream: asking, uploading, pace, silence, and how it ends."""

import pytest
from talks import DONE, LOST, SILENCE, Ears, Talk, http
from twisted.internet.defer import CancelledError

from proxy_daemon.core.bodies import CHUNK, Bytes
from proxy_daemon.core.messages import Ending
from proxy_daemon.net import eager
from proxy_daemon.net.bodies import Spool
from proxy_daemon.net.upstream.connection import Stale
from proxy_daemon.pipeline.faults import UpstreamFault

GOOD = http(b"Content-Length: 3", body=b"abc")
BEGUN = http(b"Content-Length: 9", body=b"abc")
BROKEN, TIMEOUT = [Ending.BROKEN_OFF], [Ending.TIMEOUT]


def filed(data):
    """A body that lies in a file."""
    spool = Spool(0)
    spool.write(data)
    return spool


class TestAsking:
    def test_head_and_body_go_in_one_write(self, monkeypatch):
        talk, writes = Talk(), []
        monkeypatch.setattr(talk.wire, "write", writes.append)
        talk.ask(body=Bytes(b"body"))
        assert writes == [b"ASK\r\n\r\nbody"]

    def test_it_is_usable_between_answers_and_not_while_asked(self):
        talk = Talk()
        states = [talk.connection.usable]
        for part in (None, BEGUN[:10], BEGUN[10:], b"defghi"):
            talk.feed(part) if part else talk.ask()
            states.append(talk.connection.usable)
        assert states == [True, False, False, False, True]
        assert talk.releases == [True]

    def test_head_with_a_length_leaves_nothing_to_wait_for(self):
        talk = Talk()
        for _ in range(2):
            talk.ask(head_only=True).feed(GOOD[:-3])
            talk.ask().feed(GOOD)
            assert (talk.ears.body, talk.ears.endings) == (b"abc", [Ending.COMPLETE])
        assert talk.releases == [True] * 4

    def test_the_first_piece_comes_with_the_head(self):
        talk = Talk().ask(listen=False)
        talk.feed(BEGUN)
        talk.answer.start(ears := Ears())
        assert (ears.pieces, ears.endings) == ([b"abc"], [])

    def test_the_answer_may_be_asked_for_again_from_within_it(self):
        """The connection is free before the last piece is handed over."""
        talk = Talk()
        talk.ask(listen=False)
        usable = []
        talk.asked.addCallback(lambda _: usable.append(talk.connection.usable))
        talk.feed(GOOD)
        assert usable == [True]


class TestUploading:
    DATA = bytes(range(256)) * (CHUNK // 256) * 3 + b"rest"

    def test_all_of_it_goes_as_the_transport_asks(self):
        talk = Talk().ask(body=filed(self.DATA))
        assert talk.wire.value() == b"ASK\r\n\r\n"
        talk.wire.pump()
        assert talk.wire.value() == b"ASK\r\n\r\n" + self.DATA

    def test_the_connection_is_free_after_the_last_octet(self):
        talk = Talk().ask(body=filed(self.DATA))
        talk.wire.pump()
        talk.feed(GOOD)
        assert (talk.ears.body, talk.releases) == (b"abc", [True])

    def test_an_answer_before_the_last_octet_is_passed_on_and_the_connection_ends(self):
        talk = Talk().ask(body=filed(self.DATA))
        talk.wire.producer.resumeProducing()
        talk.feed(GOOD)
        assert (talk.ears.body, talk.ears.endings, talk.wire.disconnected) == (b"abc", [Ending.COMPLETE], True)
        talk.end()
        assert (talk.releases, talk.wire.producer) == ([False], None)

    def test_a_stream_that_begins_early_goes_on_while_it_is_sent(self):
        talk = Talk().ask(body=filed(self.DATA)).feed(BEGUN)
        talk.wire.pump()
        talk.feed(b"defghi")
        assert (talk.ears.body, talk.releases) == (b"abcdefghi", [True])

    @pytest.mark.parametrize("idle", [True, False])
    def test_a_body_that_still_waits_in_the_transport_ends_the_connection(self, monkeypatch, idle):
        """An early answer: what the network has not taken yet would stand before the next request."""
        asked = []
        monkeypatch.setattr(eager, "is_idle", lambda transport: asked.append(transport) or idle)
        talk = Talk().ask(body=Bytes(self.DATA)).feed(GOOD)
        assert (talk.ears.body, talk.ears.endings) == (b"abc", [Ending.COMPLETE])
        assert (talk.wire.disconnected, talk.connection.usable, asked) == (not idle, idle, [talk.wire])
        assert talk.releases == ([True] if idle else [])

    def test_lost_in_the_midst_of_it(self):
        talk = Talk().ask(body=filed(self.DATA))
        talk.wire.producer.resumeProducing()
        talk.end(LOST)
        assert talk.result == (UpstreamFault, 502)
        assert talk.wire.producer is None

    def test_silence_is_counted_from_the_last_part_that_was_taken(self):
        talk = Talk().ask(body=filed(self.DATA))
        talk.clock.advance(SILENCE - 1)
        talk.wire.producer.resumeProducing()
        talk.clock.advance(SILENCE - 1)
        assert talk.fault is None
        talk.wire.pump()
        talk.clock.advance(SILENCE - 1)
        assert talk.fault is None
        talk.clock.advance(1)
        assert talk.result == (UpstreamFault, 504)

    def test_an_upstream_that_takes_nothing_is_silent(self):
        talk = Talk().ask(body=filed(self.DATA))
        talk.clock.advance(SILENCE)
        assert talk.result == (UpstreamFault, 504)
        talk.end(LOST)
        assert talk.wire.producer is None


class TestLost:
    @pytest.mark.parametrize("reason", [DONE, LOST], ids=["closed", "reset"])
    @pytest.mark.parametrize("part", [b"", b"HTTP/1.1 2"])
    def test_before_the_answer(self, reason, part):
        talk = Talk().ask().feed(part).end(reason)
        assert talk.result == (UpstreamFault, 502)
        assert "test (http://upstream)" in talk.fault.message
        assert talk.releases == [False]

    @pytest.mark.parametrize(("part", "expected"), [(b"", Stale), (b"H", UpstreamFault)])
    def test_a_kept_one_is_stale_only_where_no_octet_came(self, part, expected):
        """What upstream may have begun to answer is not sent again."""
        talk = Talk().ask().feed(GOOD).ask().feed(part).end()
        assert talk.result[0] is expected

    def test_a_silent_kept_one_is_not_stale(self):
        talk = Talk().ask().feed(GOOD).ask()
        talk.clock.advance(SILENCE)
        talk.end()
        assert talk.result == (UpstreamFault, 504)

    @pytest.mark.parametrize(
        ("fields", "reason", "ending"),
        [
            ([b"Content-Length: 9"], DONE, Ending.BROKEN_OFF),
            ([b"Content-Length: 9"], LOST, Ending.BROKEN_OFF),
            ([b"Transfer-Encoding: chunked"], DONE, Ending.BROKEN_OFF),
            ([], DONE, Ending.COMPLETE),
            ([], LOST, Ending.BROKEN_OFF),
        ],
    )
    def test_in_the_midst_of_the_body(self, fields, reason, ending):
        """Only an orderly end can be the end of a body without a length."""
        talk = Talk().ask().feed(http(*fields)).end(reason)
        assert talk.ears.endings == [ending]
        assert bool(talk.answer.why_broken) is (ending is Ending.BROKEN_OFF)

    def test_no_timer_is_left(self):
        talk = Talk().ask().feed(GOOD).end()
        assert talk.clock.getDelayedCalls() == []


class TestSilence:
    def test_before_the_head(self):
        talk = Talk().ask()
        talk.clock.advance(SILENCE - 1)
        assert talk.fault is None
        talk.clock.advance(1)
        assert talk.result == (UpstreamFault, 504)
        assert "silent for 100 s (--first-byte-timeout)" in talk.fault.message
        assert talk.wire.disconnected

    def test_in_the_midst_of_the_body(self):
        talk = Talk().ask().feed(BEGUN)
        talk.clock.advance(SILENCE)
        assert (talk.ears.body, talk.ears.endings) == (b"abc", TIMEOUT)
        assert "silent" in talk.answer.why_broken

    def test_each_octet_counts(self):
        talk = Talk().ask()
        for octet in BEGUN:
            talk.clock.advance(SILENCE - 1)
            talk.feed(bytes([octet]))
        assert (talk.fault, talk.ears.endings) == (None, [])
        talk.clock.pump([SILENCE / 2] * 3)
        assert talk.ears.endings == TIMEOUT

    def test_the_time_between_two_requests_does_not(self):
        talk = Talk().ask().feed(GOOD)
        talk.clock.pump([SILENCE - 1] * 5)
        talk.ask()
        talk.clock.advance(SILENCE - 1)
        assert talk.fault is None
        talk.clock.pump([0.5] * 4)
        assert talk.result == (UpstreamFault, 504)

    def test_nor_the_time_of_another_request(self):
        talk = Talk().ask()
        talk.clock.advance(SILENCE - 1)
        talk.feed(GOOD).ask()
        talk.clock.advance(SILENCE - 1)
        assert talk.fault is None

    def test_nor_the_time_in_which_nothing_is_read(self):
        talk = Talk().ask().feed(BEGUN)
        talk.answer.pause()
        talk.clock.pump([SILENCE / 2] * 5)
        assert talk.ears.endings == []
        talk.answer.resume()
        talk.clock.advance(SILENCE - 1)
        assert talk.ears.endings == []
        talk.clock.pump([SILENCE] * 2)
        assert talk.ears.endings == TIMEOUT

    def test_a_request_costs_no_timer(self):
        talk = Talk()
        for _ in range(5):
            talk.ask().feed(GOOD)
        assert len(talk.clock.getDelayedCalls()) == 1


class TestPace:
    def test_nothing_is_read_until_somebody_listens(self):
        talk = Talk().ask(listen=False).feed(BEGUN)
        assert talk.wire.producerState == "paused"
        talk.answer.start(Ears())
        assert talk.wire.producerState == "producing"

    def test_pausing_twice_is_pausing_once(self):
        talk = Talk().ask().feed(BEGUN)
        talk.connection.pause()
        talk.connection.pause()
        assert talk.wire.producerState == "paused"
        talk.connection.resume()
        assert talk.wire.producerState == "producing"

    def test_one_that_is_paused_at_the_end_of_its_answer_is_not_kept(self):
        """A read may bring the end although a pause was asked for: nobody would ever resume it."""
        talk = Talk().ask().feed(BEGUN)
        talk.answer.pause()
        talk.feed(b"defghi").end()
        assert (talk.ears.body, talk.ears.endings) == (b"abcdefghi", [Ending.COMPLETE])
        assert talk.releases == [False]

    def test_what_is_lost_is_neither_paused_nor_resumed(self, monkeypatch):
        talk = Talk().ask().feed(BEGUN).end()
        monkeypatch.setattr(talk.wire, "pauseProducing", None)
        monkeypatch.setattr(talk.wire, "resumeProducing", None)
        talk.connection.pause()
        talk.connection.resume()


class TestAborting:
    def test_cancelling_the_question(self):
        talk = Talk().ask()
        talk.asked.cancel()
        assert isinstance(talk.fault, CancelledError)
        assert talk.wire.disconnected
        talk.end()
        assert talk.releases == [False]

    def test_aborting_the_answer(self):
        talk = Talk().ask().feed(BEGUN)
        talk.answer.abort()
        assert talk.wire.disconnected
        talk.end()
        assert (talk.ears.body, talk.ears.endings, talk.releases) == (b"abc", [], [False])

    def test_what_comes_afterwards_is_passed_over(self):
        talk = Talk().ask().feed(BEGUN)
        talk.answer.abort()
        talk.connection.dataReceived(b"def")
        talk.clock.advance(10 * SILENCE)
        assert (talk.ears.body, talk.ears.endings) == (b"abc", [])
