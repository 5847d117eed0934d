"""An answer that a person wrote, in the form that a request asks for: a document, or a stream of its dialect.

One of them is written, the other follows from it. Invariant: what already has the form that is asked for is served
octet for octet as it was written; errors, which APIs never stream, too. What tells a talk (`Pattern.said`) is written
in the words of the API that asks. Called for a hit on a recording that is `written`.
"""

from __future__ import annotations

from array import array
from itertools import accumulate

from attrs import evolve

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.conversation import Answer, Choice, Finish, Text
from proxy_daemon.core.dialects.dialect import CannotRender, Dialect, Piece, Rendered
from proxy_daemon.core.dialects.framing import FAILED, Framing, framing_of
from proxy_daemon.core.dialects.reading import read_answer
from proxy_daemon.core.messages import JSON_LIMIT, Pieces, Recording, Request, Response
from proxy_daemon.core.timing import LONGEST_GAP
from proxy_daemon.core.wire.coding import CodingError
from proxy_daemon.core.wire.uncoding import Uncoder

UNFIT = "llmproxy.unfit"  # a note of an exchange: why the written answer to it cannot be served in the form asked for
_PROBE = Answer((Choice((Text("-"),), Finish.STOP),), model="-")
_FIRST = 64 * 1024  # octets of a body of which the framing is told
# Of the body that is replaced: its coding, its length, its framing, its digests.
_OF_THE_BODY = (
    b"content-type",
    b"content-encoding",
    b"content-length",
    b"transfer-encoding",
    b"content-md5",
    b"content-digest",
    b"repr-digest",
    b"digest",
    b"etag",
)


def as_asked(recording: Recording, request: Request, dialect: Dialect, own: Dialect | None = None) -> Recording:
    """``recording`` with its answer in the form that ``request`` asks for; the same object where it has that already.

    ``dialect``: of the request; ``own``: of the recording, where that may be another one. Raises `CannotRender`, with
    the reason: the answer cannot be read, or not be written.
    """
    response = recording.response
    if response is None or not response.body.size:
        return recording
    if recording.pattern is not None and recording.pattern.said is not None:
        return _spoken(recording, response, request, dialect, own or dialect)
    if response.head.status >= FAILED:
        return recording
    form = _form(response, streams=dialect.streams(request))
    if form is Framing.OPAQUE or _is_asked(form, request, dialect):
        return _paced(recording, response) if recording.pace and form is not Framing.DOCUMENT else recording
    rendered = dialect.render(read_written(response, request, dialect), request)
    return evolve(recording, response=with_body(response, rendered, recording.pace), fitted=True)


def _spoken(recording: Recording, response: Response, request: Request, dialect: Dialect, own: Dialect) -> Recording:
    from proxy_daemon.core.matching.patterns.spoken import said_in  # noqa: PLC0415  (few need it: a quick start)

    rendered = said_in(recording, request, dialect, own)
    return evolve(recording, response=with_body(response, rendered, recording.pace), fitted=True)


def _paced(recording: Recording, response: Response) -> Recording:
    """What was written as a stream has its own pieces: each is waited for."""
    sizes = response.pieces.sizes
    times = array("Q", accumulate([_gap(recording.pace)] * len(sizes)))
    return evolve(recording, response=evolve(response, pieces=Pieces(sizes, times)))


def misfit(recording: Recording, request: Request, dialect: Dialect) -> str:
    """Why what an upstream said has not the form that ``request`` asks for; empty where it has."""
    response = recording.response
    if response is None or not response.body.size or response.head.status >= FAILED or not dialect.generates(request):
        return ""
    streams = dialect.streams(request)
    try:
        form = _form(response, streams=streams)
    except CannotRender as error:
        return str(error)
    if form is Framing.OPAQUE or (form is Framing.DOCUMENT) is not streams:
        return ""
    if streams:
        return "a document was recorded, a stream is asked for"
    return "a stream was recorded, a document is asked for"


def _form(response: Response, *, streams: bool) -> Framing:
    """The framing of what was written. Raises `CannotRender` where its coding is damaged."""
    first, head = response.body.read(0, _FIRST), response.head
    codings = b",".join(head.headers.all(b"content-encoding"))
    try:
        first = Uncoder(codings, JSON_LIMIT).piece(first) if codings else first
    except CodingError as error:
        raise CannotRender(f"the written answer cannot be read: {error}") from error
    return framing_of(head.headers.get(b"content-type"), first, status=head.status, streams=streams)


def _is_asked(form: Framing, request: Request, dialect: Dialect) -> bool:
    """Whether that is the form asked for. Some APIs have two framings of streams: what they would write tells."""
    if not dialect.streams(request):
        return form is Framing.DOCUMENT
    if form is Framing.DOCUMENT:
        return False
    try:
        asked = dialect.render(_PROBE, request)
    except CannotRender:
        return True
    return form is framing_of(asked.content_type, asked.body, status=200, streams=True)


def read_written(response: Response, request: Request, dialect: Dialect) -> Answer:
    """What the answer says. Raises `CannotRender`."""
    answer, problem = read_answer(dialect, request, response, limit=JSON_LIMIT)
    if problem or not answer.complete or answer.error:
        reason = problem or answer.error or "it is not whole"
        raise CannotRender(f"the written answer cannot be read as one of {dialect.name}: {reason}")
    if not answer.choices:
        raise CannotRender(f"the written answer says nothing that {dialect.name} knows")
    return answer


def with_body(response: Response, rendered: Rendered, pace: float = 0.0) -> Response:
    """``response`` with another body, and a head that fits.

    ``pace``: seconds before each piece that is spoken; 0: all come when the last of the old ones came.
    """
    head, body = response.head, Bytes(rendered.body)
    fields = [(b"Content-Type", rendered.content_type)]
    if len(rendered.pieces) == 1 and b"content-length" in head.headers:
        fields.append((b"Content-Length", b"%d" % body.size))
    pieces = [piece for piece in rendered.pieces if piece.octets]
    sizes = array("Q", [len(piece.octets) for piece in pieces])
    times = _times(pieces, pace) if pace else array("Q", [max(response.pieces.times, default=0)] * len(sizes))
    headers = head.headers.without(_OF_THE_BODY).plus(*fields)
    return Response(evolve(head, headers=headers), body, Pieces(sizes, times), response.trailers)


def _times(pieces: list[Piece], pace: float) -> array[int]:
    """A document comes at once, whatever the pace: nothing in it is spoken."""
    gap = _gap(pace)
    return array("Q", accumulate(gap if piece.spoken else 0 for piece in pieces))


def _gap(pace: float) -> int:
    """Microseconds."""
    return int(min(pace, LONGEST_GAP) * 1_000_000)
