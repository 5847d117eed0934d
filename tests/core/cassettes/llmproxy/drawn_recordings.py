"""Recordings that hypothesis draws: everything that the file keeps of one, in all the shapes that the wire allows."""

from array import array

from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.cassettes.addresses import NOWHERE
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import (
    Ending,
    Outcome,
    Pieces,
    Recording,
    Request,
    Response,
    ResponseHead,
    Unknown,
)
from proxy_daemon.core.pattern import Pattern
from proxy_daemon.core.upstreams import Upstream, parse_upstream

HARD = (" ", "\t", "\n", "\r", "\n\n", "---", "...", "\n---\n", "\n...\n", "# ", ": ", "\x85", "\u2028", "\ufeff")
HARD += ("<<<<<<< a", "\n=======\n", "'", '"', "\\", "|", "> ", "- ", "yes", "null", "1e5", "0.10", "\u202e", "\x00")
HARD += ("data: {}\n\n", "\x7f", "é", "%TAG", "!!python", "*a", "&a", "{", "[", "~", "<<", "\ufffe", "\U0001ffff")
HARD += ("\x1b", "\U0001f600")

texts = st.lists(st.sampled_from(HARD) | st.text(max_size=5), max_size=12).map("".join)
octets = st.binary(max_size=40) | texts.map(lambda text: text.encode("utf-8", "replace"))
names = st.from_regex(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}", fullmatch=True) | st.sampled_from((b"Content-Type", b"x y"))
values = octets.map(lambda data: data.replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b""))
headers = st.lists(st.tuples(names, values), max_size=6).map(Headers)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
times = st.integers(0, 2**40)
upstreams = st.sampled_from(
    (
        NOWHERE,
        parse_upstream("openai=https://api.openai.com/v1"),
        parse_upstream("demo=demo:"),
        Upstream("a b", "u", "ftp", "h: #", 70000, "\n"),
    )
)


@st.composite
def pieces(draw, size):
    """In any number of pieces; with times, without, or none at all."""
    cuts = sorted(draw(st.lists(st.integers(0, size), max_size=5)))
    sizes = [end - start for start, end in zip([0, *cuts], [*cuts, size], strict=True)]
    kind = draw(st.sampled_from(("timed", "untimed", "none")))
    if kind == "none":
        return Pieces()
    moments = draw(st.lists(times, min_size=len(sizes), max_size=len(sizes))) if kind == "timed" else []
    return Pieces(array("Q", sizes), array("Q", moments))


@st.composite
def responses(draw, bodies):
    """With trailers, reasons and statuses of all kinds."""
    body = draw(bodies)
    head = ResponseHead(draw(st.integers(0, 999)), draw(values), draw(headers))
    return Response(head, Bytes(body), draw(pieces(len(body))), draw(headers))


patterns = st.builds(
    Pattern,
    method=texts,
    path=octets.map(lambda data: data.decode("utf-8", "surrogateescape")),
    query=st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
    body=octets,
    wild=st.lists(texts, max_size=2).map(tuple),
    whole=st.booleans(),
    alone=st.booleans(),
    leading=st.booleans(),
)


def recordings(bodies):
    """Whole recordings; ``bodies`` draws the octets of both bodies."""
    return st.builds(
        Recording,
        id=st.just(0),
        request=st.builds(Request, octets, octets, headers, bodies.map(Bytes)),
        response=st.none() | responses(bodies),
        upstream=upstreams,
        ending=st.sampled_from(Ending),
        outcome=st.just(Outcome.LIVE),
        started=st.integers(0, 4 * 10**15).map(lambda micros: micros / 1_000_000),
        status=st.integers(0, 999),
        detail=texts,
        head_time=times,
        duration=times,
        replayable=st.booleans(),
        pinned=st.booleans(),
        cut=st.booleans(),
        redacted=st.booleans(),
        written=st.booleans(),
        unknown=st.frozensets(st.sampled_from(Unknown)),
        pattern=st.none() | patterns,
    )
