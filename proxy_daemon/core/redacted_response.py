"""A recorded response without its secrets: head fields, and token bodies, also where they are coded.

And whether a coded request body holds a secret. A coding counts also where the octets show it and no head tells of it.

Called by `pipeline/keeping.py`, for large or coded bodies in a thread, and by `core/adopting.py`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise

from attrs import evolve

from proxy_daemon.core.bodies import EMPTY, Body, Bytes, chunks
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import JSON_LIMIT, Pieces, Request, Response
from proxy_daemon.core.redact import Redactor, replaced
from proxy_daemon.core.secret_shapes import Found
from proxy_daemon.core.wire.coding import CodingError, TooLarge, decoder_for

_FRAMED = b"application/vnd.amazon.eventstream"
_HARMLESS = (b"", b"OK")  # words beside a status; others repeat the key that is wrong
_SHOWN = {b"\x1f\x8b": b"gzip", b"\x28\xb5": b"zstd", b"x\x9c": b"deflate"}  # RFC 1952, RFC 8878, RFC 1950


def is_coded(headers: Headers, body: Body) -> bool:
    """Whether a body is coded, by what its head says or by its first octets: then it takes long to look into."""
    return body.size > 0 and (b"content-encoding" in headers or body.read(0, 2) in _SHOWN)


def redacted_response(redactor: Redactor, response: Response) -> Response:
    """The response as it may be written; the same object where nothing had to be replaced.

    A body that can neither be rewritten nor shown to be free of secrets is left out (it becomes empty).
    """
    response = _head_redacted(redactor, response)
    headers, data = response.head.headers, response.body.whole()
    if b"content-encoding" in headers:
        return _coded(redactor, response)
    kind = headers.get(b"content-type")
    if data is not None and data[:2] not in _SHOWN:  # as most are
        return _plain(redactor, response, data)
    if is_coded(headers, response.body):
        return _withheld(response) if _hidden(redactor, kind, response.body) else response
    return _withheld(response) if redactor.withholds(kind, response.body) else response


def _head_redacted(redactor: Redactor, response: Response) -> Response:
    head = response.head
    headers = redactor.headers(head.headers)
    if headers is not head.headers:
        response = evolve(response, head=evolve(head, headers=headers))
    if head.reason not in _HARMLESS and (reason := redactor.value(head.reason)) is not head.reason:
        response = evolve(response, head=evolve(response.head, reason=reason))
    if response.trailers.pairs and (trailers := redactor.headers(response.trailers)) is not response.trailers:
        response = evolve(response, trailers=trailers)
    return response


def withholds_request(redactor: Redactor, request: Request) -> bool:
    """Whether a request body that is coded, or too large to be rewritten, may hold a secret: then it is not stored."""
    headers, body = request.headers, request.body
    kind = headers.get(b"content-type")
    if b"content-encoding" in headers:
        return _holds(redactor, kind, _codings(headers), body)
    return _hidden(redactor, kind, body) if is_coded(headers, body) else redactor.withholds(kind, body)


def _codings(headers: Headers) -> bytes:
    return b",".join(headers.all(b"content-encoding")).lower()


def _hidden(redactor: Redactor, kind: bytes, body: Body) -> bool:
    """Whether a body that looks coded, of which no head tells it, may hold a secret."""
    return _holds(redactor, kind, _SHOWN.get(body.read(0, 2), b""), body)


def _holds(redactor: Redactor, kind: bytes, codings: bytes, body: Body) -> bool:
    data, fault = _decoded(codings, body)
    if redactor.body(kind, data) is not data or _twice(redactor, kind, data):
        return True
    return fault is not None and (_shows(redactor, kind, body) or _hides(fault, codings, kind))


def _twice(redactor: Redactor, kind: bytes, data: bytes) -> bool:
    """Whether what was decoded is coded once more, and may hold a secret there. No mistake codes a body thrice."""
    codings = _SHOWN.get(data[:2])
    if codings is None:
        return False
    inner, fault = _decoded(codings, Bytes(data))
    return redactor.body(kind, inner) is not inner or (fault is not None and _hides(fault, codings, kind))


def _plain(redactor: Redactor, response: Response, data: bytes) -> Response:
    kind = response.head.headers.get(b"content-type")
    found = redactor.secrets(kind, data)
    if not found:
        return response
    if kind.lower().startswith(_FRAMED):  # a frame tells its length and its checksum
        return _withheld(response)
    new = redactor.words(data, found)
    return evolve(response, body=Bytes(replaced(data, found, new)), pieces=_moved(response.pieces, found, new))


def _moved(pieces: Pieces, found: Sequence[Found], new: Sequence[bytes]) -> Pieces:
    """The pieces' sizes after what was found was replaced. A cut inside a secret moves to its end."""
    starts = [each.start for each in found]
    shifts = [0, *accumulate(len(word) - (each.end - each.start) for each, word in zip(found, new, strict=True))]
    cuts, offset = [0], 0
    for size in pieces.sizes:
        offset += size
        before = bisect_right(starts, offset - 1)
        at = max(offset, found[before - 1].end) if before else offset
        cuts.append(at + shifts[before])
    return Pieces(array("Q", [cut - previous for previous, cut in pairwise(cuts)]), pieces.times)


def _coded(redactor: Redactor, response: Response) -> Response:
    """Look inside the coding; where a secret stands there, the decoded, redacted body takes its place."""
    headers = response.head.headers
    kind = headers.get(b"content-type")
    codings = _codings(headers)
    data, fault = _decoded(codings, response.body)
    safe = redactor.body(kind, data)
    if fault is not None:
        seen = safe is not data or _shows(redactor, kind, response.body)
        return _withheld(response) if seen or _hides(fault, codings, kind) else response
    if _twice(redactor, kind, data):
        return _withheld(response)
    if safe is data:
        return response
    pieces = Pieces(array("Q", [len(safe)]), response.pieces.times[-1:])
    head = evolve(response.head, headers=headers.without((b"content-encoding",)))
    return evolve(response, head=head, body=Bytes(safe), pieces=pieces)


def _hides(fault: CodingError, codings: bytes, kind: bytes) -> bool:
    """Whether more stands in it than was decoded: it is too large, or zstd, which gives only whole blocks."""
    return isinstance(fault, TooLarge) or (b"zstd" in codings and not kind.startswith(b"text/event-stream"))


def _shows(redactor: Redactor, kind: bytes, body: Body) -> bool:
    """Whether a secret stands in the octets as they are: the coding may be said, but not applied."""
    data = body.whole()
    return redactor.withholds(kind, body) if data is None else redactor.body(kind, data) is not data


def _decoded(codings: bytes, body: Body, careful_at: int = -1) -> tuple[bytes, CodingError | None]:
    """All that can be decoded, and why it is not the whole.

    Decoders give nothing of a part that holds damage: that part, at ``careful_at``, is read again octet by octet.
    """
    out: list[bytes] = []
    offset = 0
    try:
        decoder = decoder_for(codings, limit=JSON_LIMIT)
        for part in chunks(body):
            step = 1 if offset == careful_at else len(part)
            out.extend(decoder.piece(part[at : at + step]) for at in range(0, len(part), step))
            offset += len(part)
        decoder.end()
    except CodingError as error:
        if careful_at < 0 and offset < body.size and not isinstance(error, TooLarge):
            return _decoded(codings, body, offset)
        return b"".join(out), error
    return b"".join(out), None


def _withheld(response: Response) -> Response:
    return evolve(response, body=EMPTY, pieces=Pieces())
