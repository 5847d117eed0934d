"""The case `codec`: what it costs to read and to edit what passes, without daemon or network.

Inputs are made here, in the shapes and sizes that recorded traffic has. Times are CPU times, and of several rounds the
lowest counts, since noise only adds to them. Called by bench.py.
"""

import gc
import importlib
import time
from functools import partial

from cases import check
from codec_inputs import EVENTS, STREAM, cassette, chat, pieces, stream
from standing import ours_only

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request, Response, ResponseHead

MB = 1_000_000
GROWTH = 2.6  # times as long for twice as much
DEPTH, LINE, TINY = 200_000, 128 * 1024 * 1024, 1_000_000  # levels, octets, events


class Wrong(Exception):
    """A part did something else than it was asked for: its time says nothing."""


def expect(what, given, expected):
    if given != expected:
        raise Wrong(f"{what}: {str(given)[:80]!r} in place of {str(expected)[:80]!r}")


def seconds(work, rounds=1):
    """CPU time of ``work``, at best."""
    best = float("inf")
    for _ in range(rounds):
        gc.collect()
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return max(best, 1e-9)


def at_least(what, figure, limit, unit):
    """One figure that has to stay at or above its limit."""
    figure = round(figure, 1)
    return {"what": f"{what}, at least", "figure": figure, "limit": limit, "unit": unit, "met": figure >= limit}


def core(name):
    """A module of `proxy_daemon.core`. Loaded by the part that needs it, so that only that part breaks without it."""
    return importlib.import_module(f"proxy_daemon.core.{name}")


# --- parts: each gives its checks ------------------------------------------------------------------------------------


def request(body):
    fields = Headers([(b"Content-Type", b"application/json")])
    return Request(b"POST", b"/v1/chat/completions", fields, Bytes(body))


def sse_found(bench):
    """Events are found, and nobody asks what they say."""
    sse = core("wire.sse")

    octets = stream()[0] * 6

    def work():
        reader = sse.SSEReader()
        return sum(len(reader.feed(piece)) for piece in fed)

    fed = list(pieces(octets))
    expect("events", work(), EVENTS * 6)
    return [at_least("SSE, events found", len(octets) / MB / seconds(work, bench.rounds * 3), 150, "MB/s")]


def sse_decoded(bench):
    """The name of each event, and what its JSON says."""
    parse = core("wire.json_text").parse
    sse = core("wire.sse")

    octets = stream()[0] * 3

    def work():
        reader, count = sse.SSEReader(), 0
        for piece in fed:
            for event in reader.feed(piece):
                said = event.data
                count += event.name == "" and (said == b"[DONE]" or "choices" in parse(said))
        return count

    fed = list(pieces(octets))
    expect("decoded events", work(), EVENTS * 3)
    return [at_least("SSE, events decoded", len(octets) / MB / seconds(work, bench.rounds * 3), 25, "MB/s")]


def recognised(bench):
    """A chat request: parsed, its dialect, its model, whether it streams."""
    dialects = core("dialects")
    body = chat()

    def work():
        for _ in range(50):
            asked = request(body)
            dialect = dialects.recognise(asked, dialects.BUILT_IN)
            said = (dialect.model(asked), dialect.streams(asked), dialect is not dialects.GENERIC)
        return said

    expect("the request", work(), ("lab-1", True, True))
    return [check("30 KB chat request recognised", seconds(work, bench.rounds * 5) / 50 * 1e6, 400, "µs")]


def spliced(bench):
    """Its model is replaced."""
    splice = core("splice")

    body = chat()

    def work():
        for _ in range(50):
            result = splice.replace(body, ("model",), "lab-2")
        return result

    expect("the edited request", work(), body.replace(b'"lab-1"', b'"lab-2"'))
    return [check("30 KB chat request, model replaced", seconds(work, bench.rounds * 5) / 50 * 1e6, 400, "µs")]


def assembled(bench):
    """The answer of a long stream."""
    read_answer = core("dialects.reading").read_answer
    octets, text = stream()
    expect("the size of the stream is right", abs(len(octets) - STREAM) < STREAM / 20, True)
    head = ResponseHead(200, b"OK", Headers([(b"Content-Type", b"text/event-stream")]))
    response, asked, dialect = (
        Response(head, Bytes(octets)),
        request(chat(1000)),
        core("dialects.openai.chat").OpenAIChat(),
    )

    def work():
        return read_answer(dialect, asked, response)

    answer, problem = work()
    expect("the answer", (answer.text, problem, answer.complete), (text, "", True))
    took = seconds(work, bench.rounds * 3) * 1000
    return [check(f"1.6 MB stream of {EVENTS:,} events assembled", took, 60, "ms")]


def recordings(bench):
    """A cassette of vcrpy."""
    data, form = cassette(), core("cassettes.vcrpy").Vcrpy()
    expect("the format is recognised", form.recognises("chat.yaml", data), True)
    expect("recordings", len(list(form.read("chat.yaml", data))), 120)
    took = seconds(lambda: list(form.read("chat.yaml", data)), bench.rounds)
    return [at_least("vcrpy YAML", len(data) / MB / took, 10, "MB/s")]


# --- nothing is quadratic --------------------------------------------------------------------------------------------


def growth(what, work, make, size, bench, limit=GROWTH):
    """How much longer ``work`` takes with what ``make`` makes of ``size`` than of half of it; asked in turns."""
    half = whole = float("inf")
    for _ in range(bench.rounds + 3):
        half = min(half, seconds(partial(work, make(size // 2))))
        whole = min(whole, seconds(partial(work, make(size))))
    return check(f"{what}: twice as much takes", whole / half, limit, "x")


def deep(bench):
    """Documents of many levels, whole and cut: one is spliced; none of them is held."""
    splice = core("splice")
    json_text = core("wire.json_text")

    def make(levels):
        return [opener * levels + b"1" + closer * levels for opener, closer in ((b"[", b"]"), (b'{"a":', b"}"))]

    def edit(texts):
        for text in texts:
            expect("the span", splice.find(text, ()).end, len(text))

    def refuse(texts):
        for text in texts:
            for each in (text, text[:-1]):
                try:
                    json_text.parse(each)
                except json_text.NotJSON:
                    continue
                raise Wrong("it is held, however deep it is")

    size = DEPTH // 10 if bench.quick else DEPTH
    return [
        growth(f"{size:,} levels, spliced", edit, make, size, bench),
        growth(f"{size:,} levels, parsed", refuse, make, size, bench),
    ]


def long_line(bench):
    """One event of one line, and one string in a document."""
    splice = core("splice")
    sse = core("wire.sse")

    def read(octets):
        reader = sse.SSEReader(limit=2 * LINE)
        events = [event for piece in pieces(octets) for event in reader.feed(piece)]
        expect("octets of data", [len(event.data) for event in events], [len(octets) - 8])

    def edit(octets):
        expect("the span", splice.find_all(octets[6:-2], ("x",))[0].start, 5)

    def make(size):
        return b'data: {"x":"' + b"The \\n answer " * (size // 14) + b'"}\n\n'

    size = LINE // 16 if bench.quick else LINE
    return [
        growth(f"one line of {size >> 20} MiB, read", read, make, size, bench),
        growth(f"one line of {size >> 20} MiB, spliced", edit, make, size, bench),
    ]


def tiny_events(bench):
    """Many of a few octets."""
    sse = core("wire.sse")

    def read(octets):
        reader = sse.SSEReader()
        count = sum(event.data == b"1" for piece in pieces(octets) for event in reader.feed(piece))
        expect("events", count, len(octets) // 9)

    size = TINY // 10 if bench.quick else TINY
    return [growth(f"{size:,} tiny events", read, lambda count: b"data: 1\n\n" * count, size, bench)]


PARTS = (sse_found, sse_decoded, recognised, spliced, assembled, recordings, deep, long_line, tiny_events)


def measured(part, bench):
    """Its checks; one that is never met where it breaks."""
    try:
        return part(bench)
    except (ImportError, AttributeError, TypeError, ValueError, Wrong) as error:
        return [check(f"parts that broke: {part.__name__} ({type(error).__name__}: {error})", 1, 0, "")]


def codec(bench):
    """All parts."""
    checks = [one for part in PARTS for one in measured(part, bench)]
    found = {one["what"]: one["figure"] for one in checks}
    rates = [found.get(f"SSE, events {how}, at least", "broken") for how in ("found", "decoded")]
    figure = " / ".join(f"{rate:.0f}" if isinstance(rate, float) else rate for rate in rates)
    return ours_only("MB/s of SSE, found / decoded", figure, checks, found)


CASES = {"codec": codec}
