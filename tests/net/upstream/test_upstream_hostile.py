"""Each trick of an upstream against the connection in memory: whole, cut anywhere, and with a second request behind."""

import pytest
from hostile_answers import ANSWER, BROKEN, LATE, REFUSED, TRICKS
from hypothesis import example, given, settings
from hypothesis import strategies as st
from talks import Talk, http

from proxy_daemon.core.messages import Ending
from proxy_daemon.net.upstream import framing
from proxy_daemon.pipeline.faults import UpstreamFault

READ = 65536  # what a reactor reads at once
NEXT = http(b"Content-Length: 4", line=b"HTTP/1.1 201 Next", body=b"next")
cuts = st.lists(st.floats(0, 1), max_size=6).map(sorted)
WHOLE, BROKEN_OFF, FAULT = "whole", "broken off", "fault"
MAY = {
    ANSWER: {WHOLE},
    REFUSED: {FAULT},
    BROKEN: {BROKEN_OFF},
    LATE: {FAULT, BROKEN_OFF},
}
by_name = pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.name)


def play(trick, where):
    """A request that is answered with the trick, cut at these places, as a reactor reads."""
    ends = [*[int(place * len(trick.octets)) for place in where], len(trick.octets)]
    parts = [trick.octets[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    reads = [part[at : at + READ] for part in parts for at in range(0, len(part), READ)]
    return Talk().ask(head_only=trick.head_only).feed(*reads)


def outcome(talk):
    """What the client gets."""
    if talk.answer is None:
        assert (type(talk.fault), talk.fault.status) == (UpstreamFault, 502)
        assert "sent " in talk.fault.message
        return FAULT
    return WHOLE if talk.ears.endings == [Ending.COMPLETE] else BROKEN_OFF


class TestEachTrick:
    @by_name
    @settings(max_examples=20)
    @given(where=cuts)
    @example(where=[])
    @example(where=[number / 40 for number in range(40)])
    def test_cut_anywhere_what_comes_of_it_is_in_the_table(self, trick, where):
        talk = play(trick, where)
        free = talk.connection.usable and not talk.wire.disconnected
        got = outcome(talk) if free or talk.wire.disconnected else outcome(talk.end())
        assert got in MAY[trick.client]
        assert free in ((True, False) if trick.reused is None else (trick.reused,))
        if got != FAULT:
            assert talk.ears.body == trick.body[: len(talk.ears.body)]
            assert got == BROKEN_OFF or talk.ears.body == trick.body
            assert b"x-evil" not in talk.answer.head.headers

    @by_name
    def test_the_next_answer_is_its_own(self, trick):
        """Where the connection may be used again, nothing of the trick is left on it."""
        talk = play(trick, [])
        if talk.wire.disconnected or not talk.connection.usable:
            assert not trick.reused
            return
        talk.ask().feed(NEXT)
        assert (talk.answer.head.status, talk.ears.body, talk.ears.endings) == (201, b"next", [Ending.COMPLETE])
        assert talk.answer.trailers.pairs == ()

    @by_name
    def test_octet_by_octet(self, trick):
        if len(trick.octets) < READ:
            talk = Talk().ask(head_only=trick.head_only)
            talk.feed(*[trick.octets[at : at + 1] for at in range(len(trick.octets))])
            got = outcome(talk if talk.releases or talk.wire.disconnected else talk.end())
            assert got in MAY[trick.client]
            assert got == FAULT or talk.ears.body == trick.body  # all of it had come before the fault


def test_a_chunk_that_is_framed_too_long_is_counted_anew_for_each():
    """Frames are limited each, not all together: a stream of small chunks may be long."""
    reads = [b"1;" + b"x" * 60_000, b"\r\nc\r\n"]
    talk = Talk().ask().feed(http(b"Transfer-Encoding: chunked"), *reads * 20, b"0\r\n\r\n")
    assert (talk.ears.body, talk.ears.endings) == (b"c" * 20, [Ending.COMPLETE])


@pytest.mark.parametrize("start", [b"3;", b"3\r\nabc\r\n0\r\nX-A: "])
def test_a_frame_without_an_end_is_given_up_while_it_comes(start):
    """Upstream goes on for ever, and the parser keeps a trailer until it is whole."""
    talk = Talk().ask().feed(http(b"Transfer-Encoding: chunked"), start, *[b"x" * READ] * 6)
    assert talk.wire.disconnected
    assert talk.ears.endings == [Ending.BROKEN_OFF]
    assert "sent the frame of a chunk of more than 262144 octets" in talk.answer.why_broken


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"HTTP/2.0 200 OK\r\n\r\n", "its answer is HTTP/2.0, and only HTTP/1.1 and HTTP/1.0 are read here"),
        (b"HTTP/1.1 007 X\r\n\r\n", "its status code 007 is none"),
        (b"HTTP/1.1 101 X\r\n\r\n", "it switched to another protocol, which nobody had asked for"),
        (b"HTTP/1.1 200 \x1b[2J\r\n\r\n", "its reason phrase holds a control character"),
        (http(*[b"a:b"] * (framing.MAX_FIELDS + 1)), "it sent more than 1000 header fields"),
        (http(b"Transfer-Encoding: chunked,"), "its body has a transfer coding that nobody had asked for"),
        (
            http(b"Transfer-Encoding: chunked", body=b"0\r\ntransfer-Encoding: x\r\n\r\n"),
            "it sent transfer-Encoding behind its body",
        ),
    ],
)
def test_our_own_checks_say_so_in_plain_words(octets, words):
    assert Talk().ask().feed(octets).fault.message == f"upstream test (http://upstream) sent what is not HTTP: {words}"


def test_just_few_enough_fields():
    most = http(*[b"a: b"] * (framing.MAX_FIELDS - 1), b"Content-Length: 3", body=b"abc")
    assert Talk().ask().feed(most).ears.body == b"abc"
