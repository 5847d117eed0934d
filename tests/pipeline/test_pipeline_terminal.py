"""Whether a stream has had its last event, however large that is, and how little is read to know it."""

import pytest

from proxy_daemon.core.dialects import BUILT_IN
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.headers import Headers
from proxy_daemon.net.bodies import Spool
from proxy_daemon.pipeline.tape import Tape
from proxy_daemon.pipeline.terminal import LONGER_TAILS, TAIL, seen_terminal

SSE = Headers([(b"Content-Type", b"text/event-stream; charset=utf-8")])
RESPONSES = next(dialect for dialect in BUILT_IN if dialect.name == "openai-responses")
DELTA = b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"a"}\n\n'
DONE = b'event: response.completed\ndata: {"type":"response.completed","response":"%b"}\n\n'
SIZES = (10, TAIL - 60, TAIL, TAIL + 1, *(size + more for size in LONGER_TAILS[:2] for more in (-60, 0, 1)))


def tape(*pieces):
    made = Tape(Spool(1024 * 1024), 1 << 30)
    for piece in pieces:
        made.add(piece, 0)
    return made


def seen(*pieces, dialect=RESPONSES):
    return seen_terminal(dialect, SSE, tape(*pieces))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("before", [b"", DELTA, DELTA * 2000])
def test_the_last_event_may_be_large(size, line_end, before):
    stream = (before + DONE % (b"x" * size)).replace(b"\n", line_end)
    assert seen(stream)
    assert seen(stream.rstrip() + line_end)


@pytest.mark.parametrize("size", SIZES)
def test_a_large_event_that_is_another(size):
    assert not seen(DELTA, DELTA.replace(b'"a"', b'"%b"' % (b"x" * size)))


@pytest.mark.parametrize("size", [size for size in SIZES if size > TAIL])
def test_a_large_event_that_is_cut_off(size):
    stream = DELTA + DONE % (b"x" * size)
    assert not seen(stream[:-10])


ANTHROPIC = next(dialect for dialect in BUILT_IN if dialect.name == "anthropic")
REPLICATE = next(dialect for dialect in BUILT_IN if dialect.name == "replicate")
LAST_OF = [
    (RESPONSES, DONE % b"x"),
    (ANTHROPIC, b'event: message_stop\ndata: {"type":"message_stop"}\n\n'),
]
CUT = [(dialect, last.replace(b"\n", end), end) for dialect, last in LAST_OF for end in (b"\n", b"\r\n")]
CUT.append((REPLICATE, b"event: done\ndata: {}\n\n", b"\n"))


@pytest.mark.parametrize(("dialect", "last", "line_end"), CUT, ids=range(len(CUT)))
def test_a_small_event_that_is_cut_off_anywhere(dialect, last, line_end):
    """Its name alone is no event, nor is the beginning of its data."""
    before = b'data: {"type":"ping"}\n\n'.replace(b"\n", line_end)
    whole = len(last.rstrip())
    found = [seen(before, last[:size], dialect=dialect) for size in range(len(last) + 1)]
    assert found == [False] * whole + [True] * (len(last) + 1 - whole)


@pytest.mark.parametrize("after", [b": a comm", b"event: pi", b'data: {"type":"pin'])
def test_what_is_cut_off_behind_the_last_event_takes_nothing_from_it(after):
    assert seen(DONE % b"x", after)


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n"])
def test_a_mark_that_is_no_json_needs_no_line_end(end):
    chat = next(dialect for dialect in BUILT_IN if dialect.name == "openai-chat")
    assert seen(b'data: {"choices":[]}\n\ndata: [DONE]' + end, dialect=chat)
    assert not seen(b'data: {"choices":[]}\n\ndata: [DONE' + end, dialect=chat)


def test_a_mark_in_an_event_before_the_last_one_does_not_count():
    assert not seen(DONE % b"x", DELTA.replace(b'"a"', b'"%b"' % (b"x" * 9000)))


def test_an_event_beyond_all_measure_is_not_searched():
    assert not seen(DELTA, DONE % (b"x" * LONGER_TAILS[-1]))


@pytest.mark.parametrize(
    "stream", [b"", b"\n", b"\n" * 9000, b"\r\n" * 9000, b"x" * 9000 + b"\n", b"\n\n" + b"x" * 9000]
)
def test_odd_streams(stream):
    assert not seen(stream)


class Asked(Dialect):
    """Keeps what it was asked about."""

    name = "asked"

    def __init__(self):
        self.tails = []

    def ends_with_terminal(self, tail):
        self.tails.append(tail)
        return False


@pytest.mark.parametrize(
    ("stream", "sizes"),
    [
        (DELTA * 2000, [TAIL]),
        (b"data: a\n\n", [9]),
        (b"x" * 9000, [TAIL]),
        (b"data: a\n\ndata: " + b"x" * 9000 + b"\n\n", [TAIL, 9009]),
        (b"data: " + b"x" * 9000 + b"\n\n", [TAIL, 9008]),
    ],
)
def test_no_more_is_read_than_the_last_event(stream, sizes):
    dialect = Asked()
    assert not seen(stream, dialect=dialect)
    assert [len(tail) for tail in dialect.tails] == sizes


def test_what_is_no_stream_is_not_looked_at():
    dialect = Asked()
    assert not seen_terminal(dialect, Headers([(b"Content-Type", b"application/json")]), tape(DONE % b"x"))
    assert dialect.tails == []
