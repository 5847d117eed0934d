"""One connection to an upstream: however its octets are cut, the same answer comes of them, and the same ending."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from talks import Talk, http

from proxy_daemon.core.messages import Ending
from proxy_daemon.net.upstream import connection as module
from proxy_daemon.pipeline.faults import UpstreamFault

LENGTH_3, CHUNKS = b"Content-Length: 3", b"Transfer-Encoding: chunked"
FIELDS = (b"x-B: 1", b"X-A: two  words", b"x-B: 3", b"X-Empty:")
PAIRS = ((b"x-B", b"1"), (b"X-A", b"two  words"), (b"x-B", b"3"), (b"X-Empty", b""))
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
CHUNKED = b"2;a=b\r\nab\r\n1\r\nc\r\n0\r\n"
C, B = [Ending.COMPLETE], [Ending.BROKEN_OFF]
OK = (200, b"OK")

# octets, asked by HEAD, (status, reason), body, ending, trailers, whether the connection can be used again
ANSWERS = {
    "a length": (http(*FIELDS, LENGTH_3, body=b"abc"), False, OK, b"abc", C, (), True),
    "a length of nothing": (http(b"content-length: 0"), False, OK, b"", C, (), True),
    "chunks": (http(CHUNKS, body=CHUNKED + b"\r\n"), False, OK, b"abc", C, (), True),
    "trailers": (
        http(CHUNKS, body=CHUNKED + b"X-Sum: 1\r\nx-b: 2\r\n\r\n"),
        *(False, OK, b"abc", C, ((b"X-Sum", b"1"), (b"x-b", b"2")), True),
    ),
    "to the end": (http(*FIELDS, body=b"abc"), False, OK, b"abc", C, (), False),
    "HTTP/1.0 to the end": (http(line=b"HTTP/1.0 200 OK", body=b"abc"), False, OK, b"abc", C, (), False),
    "HTTP/1.0 with a length": (http(LENGTH_3, line=b"HTTP/1.0 200 OK", body=b"abc"), False, OK, b"abc", C, (), False),
    "HEAD": (http(*FIELDS, LENGTH_3), True, OK, b"", C, (), True),
    "HEAD and chunks": (http(CHUNKS), True, OK, b"", C, (), True),
    "HEAD without framing": (http(*FIELDS), True, OK, b"", C, (), None),
    "204": (http(line=b"HTTP/1.1 204 No Content"), False, (204, b"No Content"), b"", C, (), True),
    "304 with a length": (http(LENGTH_3, line=b"HTTP/1.1 304 X"), False, (304, b"X"), b"", C, (), True),
    "no reason": (http(LENGTH_3, line=b"HTTP/1.1 200 ", body=b"abc"), False, (200, b""), b"abc", C, (), True),
    "an odd status": (http(LENGTH_3, line=b"HTTP/1.1 799 A b", body=b"abc"), False, (799, b"A b"), b"abc", C, (), True),
    "interim": (INTERIM + http(*FIELDS, LENGTH_3, body=b"abc"), False, OK, b"abc", C, (), True),
    "close": (http(b"Connection: close", LENGTH_3, body=b"abc"), False, OK, b"abc", C, (), False),
    "close and chunks": (http(b"connection: Close", CHUNKS, body=CHUNKED + b"\r\n"), False, OK, b"abc", C, (), False),
    "less than announced": (http(b"Content-Length: 9", body=b"abc"), False, OK, b"abc", B, (), False),
    "chunks without an end": (http(CHUNKS, body=CHUNKED), False, OK, b"abc", B, (), False),
    "a chunk without an end": (http(CHUNKS, body=b"9\r\nabc"), False, OK, b"abc", B, (), False),
    "no chunk": (http(CHUNKS), False, OK, b"", B, (), False),
}
LONG = http(b"X-Long: " + b"x" * 3000, b"content-length: 2000", body=b"y" * 2000)


def heads(octets):
    """The end of the head that counts."""
    start = len(INTERIM) if octets.startswith(INTERIM) else 0
    return octets.index(b"\r\n\r\n", start) + 4


def cut(octets, places):
    return [octets[start:end] for start, end in zip([0, *places], [*places, len(octets)], strict=True)]


cuts = st.lists(st.floats(0, 1), max_size=8).map(sorted)


class TestHoweverItIsCut:
    @pytest.mark.parametrize("case", ANSWERS.values(), ids=ANSWERS.keys())
    @given(where=cuts)
    @example(where=[])
    def test_the_same_answer_comes_of_it(self, case, where):
        octets, head_only, line, body, endings, trailers, reusable = case
        talk = Talk().ask(head_only=head_only).feed(*cut(octets, [int(place * len(octets)) for place in where]))
        free = talk.releases[:1]
        talk.end()
        status, reason, pairs = talk.result[0]
        assert ((status, reason), *talk.result[1:]) == (line, body, endings, trailers)
        assert pairs[: len(PAIRS)] == PAIRS or b"x-B" not in octets
        assert reusable is None or (free == [True]) is reusable

    @pytest.mark.parametrize("case", ANSWERS.values(), ids=ANSWERS.keys())
    def test_octet_by_octet(self, case):
        octets, head_only, line, body, endings, trailers, _ = case
        talk = Talk().ask(head_only=head_only).feed(*cut(octets, range(1, len(octets)))).end()
        assert (talk.result[0][:2], *talk.result[1:]) == (line, body, endings, trailers)

    @given(where=cuts)
    def test_two_answers_on_one_connection(self, where):
        talk = Talk()
        for octets in (LONG, http(CHUNKS, body=CHUNKED + b"T: 1\r\n\r\n"), http(line=b"HTTP/1.1 204 N"), LONG):
            talk.ask().feed(*cut(octets, [int(place * len(octets)) for place in where]))
            assert talk.ears.endings == C
        assert talk.releases == [True] * 4
        assert talk.ears.body == b"y" * 2000
        assert talk.answer.trailers.pairs == ()

    @given(where=cuts)
    def test_a_piece_for_each_read(self, where):
        """What was one read from upstream is one piece: the pace of a stream stays what it was."""
        octets = http(b"Content-Length: 9", body=b"123456789")
        parts = [part for part in cut(octets, [int(place * len(octets)) for place in where]) if part]
        talk = Talk().ask().feed(*parts)
        ends = [sum(map(len, parts[:number])) - heads(octets) for number in range(1, len(parts) + 1)]
        begun = [max(0, end) for end in ends if end >= 0]
        expected = [octets[heads(octets) :][start:end] for start, end in zip([0, *begun], begun, strict=False)]
        assert [piece for piece in talk.ears.pieces if piece] == [piece for piece in expected if piece]


GARBAGE = {
    "no HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n", 502),
    "TLS": (b"\x15\x03\x03\x00\x02\x02\x46", 502),
    "HTTP/0.9": (b"<html>", 502),
    "another version": (b"HTTP/3.7 200 OK\r\n\r\n", 502),
    "a status that is none": (b"HTTP/1.1 2x0 OK\r\n\r\n", 502),
    "a field without a colon": (http(b"no colon"), 502),
    "a space before the colon": (http(b"X-A : 1"), 502),
    "a length that is none": (http(b"Content-Length: 1x"), 502),
    "two lengths": (http(b"Content-Length: 1", b"Content-Length: 2"), 502),
    "a length and chunks": (http(b"Content-Length: 3", CHUNKS, body=CHUNKED), 502),
    "too long a head": (http(b"X-A: " + b"x" * module.MAX_HEAD), 502),
    "too many fields": (http(*[b"X-A: " + b"x" * 1000] * 300), 502),
    "another protocol": (http(b"Connection: upgrade", b"Upgrade: websocket", line=b"HTTP/1.1 101 S"), 502),
    "another protocol, unnamed": (http(line=b"HTTP/1.1 101 S") + http(LENGTH_3, body=b"abc"), 502),
    "a coding": (http(b"Transfer-Encoding: gzip", body=b"abc"), 502),
    "a coding and chunks": (http(b"Transfer-Encoding: gzip, chunked", body=CHUNKED + b"\r\n"), 502),
    "chunks twice": (http(b"Transfer-Encoding: chunked, chunked", body=CHUNKED + b"\r\n"), 502),
    "interim without end": (b"HTTP/1.1 100 C\r\n\r\n" * (module.MAX_INTERIM + 1), 502),
}


class TestGarbage:
    @pytest.mark.parametrize(("octets", "status"), GARBAGE.values(), ids=GARBAGE.keys())
    @given(where=cuts)
    @example(where=[])
    def test_it_fails_once_and_the_connection_is_aborted(self, octets, status, where):
        talk = Talk().ask().feed(*cut(octets, [int(place * len(octets)) for place in where]))
        assert talk.result == (UpstreamFault, status)
        assert "sent what is not HTTP" in talk.fault.message
        assert (talk.wire.disconnected, talk.connection.usable) == (True, False)
        talk.end()
        assert talk.releases == [False]

    @pytest.mark.parametrize(
        ("octets", "words"),
        [
            (GARBAGE["another protocol"][0], "it switched to another protocol, which nobody had asked for"),
            (GARBAGE["a coding"][0], "its body has a transfer coding that nobody had asked for"),
            (GARBAGE["a coding and chunks"][0], "its body has a transfer coding that nobody had asked for"),
            (GARBAGE["too many fields"][0], f"its header fields are larger than {module.MAX_HEAD} octets"),
            (GARBAGE["interim without end"][0], f"it sent more than {module.MAX_INTERIM} interim responses"),
        ],
    )
    def test_our_own_checks_say_so_in_plain_words(self, octets, words):
        """And not what the parser says of a callback that raised."""
        talk = Talk().ask().feed(octets)
        assert talk.fault.message == f"upstream test (http://upstream) sent what is not HTTP: {words}"

    @pytest.mark.parametrize("start", [b"HTTP/1.1 200 ", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nX-A: "])
    @pytest.mark.parametrize("size", [100, 1000, module.MAX_READ])
    def test_a_head_that_never_ends(self, start, size):
        """The parser holds a line until it is whole: all that has come is counted, and not only whole fields."""
        talk = Talk().ask().feed(start)
        sent = len(start)
        part = b"x" * size
        while talk.fault is None and sent <= module.MAX_HEAD + 3 * module.MAX_READ:
            talk.feed(part)
            sent += size
        assert talk.result == (UpstreamFault, 502)
        assert f"{module.MAX_HEAD} octets" in talk.fault.message
        assert talk.wire.disconnected
        talk.end()
        assert talk.releases == [False]

    @pytest.mark.parametrize(
        ("octets", "body"),
        [
            (http(CHUNKS, body=b"2\r\nab\r\nxyz\r\n"), b"ab"),
            (http(CHUNKS, body=b"2\r\nabXX"), b"ab"),
            (http(CHUNKS, body=b"2\r\nab\r\nffffffffffffffffff\r\n"), b"ab"),
            (http(CHUNKS, body=b"2\r\nab\r\n0\r\nno colon\r\n\r\n"), b"ab"),
        ],
    )
    @given(where=cuts)
    @example(where=[])
    def test_in_the_midst_of_a_body(self, octets, body, where):
        octets_cut = cut(octets, [int(place * len(octets)) for place in where])
        talk = Talk().ask().feed(*octets_cut)
        if talk.answer is None:  # all came in one read: no answer had begun
            assert talk.result == (UpstreamFault, 502)
        else:
            assert (talk.ears.body, talk.ears.endings) == (body, B)
            assert "sent what is not HTTP" in talk.answer.why_broken
        assert talk.wire.disconnected

    def test_just_small_enough(self):
        octets = http(*[b"X-A: " + b"x" * 1000] * 200, LENGTH_3, body=b"abc")
        assert Talk().ask().feed(octets).ears.body == b"abc"

    def test_just_few_enough_interim_answers(self):
        octets = b"HTTP/1.1 100 C\r\n\r\n" * module.MAX_INTERIM + http(LENGTH_3, body=b"abc")
        assert Talk().ask().feed(octets).ears.body == b"abc"

    @given(st.binary(min_size=1, max_size=200), cuts)
    def test_nothing_raises(self, octets, where):
        talk = Talk().ask().feed(*cut(octets, [int(place * len(octets)) for place in where])).end()
        assert (talk.answer is None) is (talk.fault is not None)


MORE = {
    "a second answer": (http(LENGTH_3, body=b"abc") + http(LENGTH_3, body=b"def"), False),
    "octets behind the body": (http(LENGTH_3, body=b"abcdef"), False),
    "octets behind the chunks": (http(CHUNKS, body=b"0\r\n\r\nHTTP"), False),
    "a body for HEAD": (http(LENGTH_3, body=b"abc"), True),
    "a body for 204": (http(line=b"HTTP/1.1 204 N", body=b"abc"), False),
    "a body for 304": (http(LENGTH_3, line=b"HTTP/1.1 304 N", body=b"abc"), False),
}


class TestMoreThanAnnounced:
    @pytest.mark.parametrize(("octets", "head_only"), MORE.values(), ids=MORE.keys())
    @given(where=cuts)
    @example(where=[])
    def test_the_connection_is_never_used_again(self, octets, head_only, where):
        """However it is cut: octets of one answer must not become the beginning of the next."""
        talk = Talk().ask(head_only=head_only)
        talk.feed(*cut(octets, [int(place * len(octets)) for place in where]))
        assert talk.wire.disconnected
        assert not talk.connection.usable
        talk.end()
        assert talk.releases[-1] is False

    def test_octets_on_an_idle_connection(self):
        talk = Talk().ask().feed(http(LENGTH_3, body=b"abc"))
        talk.feed(b"x")
        assert talk.ears.endings == C
        assert (talk.wire.disconnected, talk.connection.usable) == (True, False)
