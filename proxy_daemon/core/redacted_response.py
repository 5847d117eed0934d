"""A recorded response without its secrets: head fields, and token bodies, also where they are coded.

Called by `pipeline/keeping.py`; for large or coded bodies in a thread.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from itertools import pairwise

from attrs import evolve

from proxy_daemon.core.bodies import EMPTY, Body, Bytes, chunks
from proxy_daemon.core.coding import CodingError, decoder_for
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import JSON_LIMIT, Pieces, Response
from proxy_daemon.core.redact import Redactor


def redacted_response(redactor: Redactor, response: Response) -> Response:
    """The response as it may be written; the same object where nothing had to be replaced.

    A body that can neither be rewritten nor shown to be free of secrets is left out (it becomes empty).
    """
    head = response.head
    headers = redactor.headers(head.headers)
    if headers is not head.headers:
        response = evolve(response, head=evolve(head, headers=headers))
    if b"content-encoding" in headers:
        return _coded(redactor, response)
    data = response.body.whole()
    if data is None:
        return _withheld(response) if redactor.withholds(headers.get(b"content-type"), response.body) else response
    return _plain(redactor, response, data)


def _plain(redactor: Redactor, response: Response, data: bytes) -> Response:
    kind = response.head.headers.get(b"content-type")
    safe = redactor.body(kind, data)
    if safe is data:
        return response
    spans = redactor.spans(kind, data)
    return evolve(response, body=Bytes(safe), pieces=_moved(response.pieces, spans, len(safe) - len(data)))


def _moved(pieces: Pieces, spans: list[tuple[int, int]], growth: int) -> Pieces:
    """The pieces' sizes after each span was replaced by a text of one length. A cut inside a span moves to its end."""
    each = (growth + sum(end - start for start, end in spans)) // len(spans)
    starts = [start for start, _ in spans]
    cuts, offset = [0], 0
    for size in pieces.sizes:
        offset += size
        before = bisect_right(starts, offset - 1)
        shift = sum(each - (end - start) for start, end in spans[:before])
        at = max(offset, spans[before - 1][1]) if before else offset
        cuts.append(at + shift)
    return Pieces(array("Q", [cut - previous for previous, cut in pairwise(cuts)]), pieces.times)


def _coded(redactor: Redactor, response: Response) -> Response:
    """Look inside the coding; where a secret stands there, the decoded, redacted body takes its place."""
    try:
        data = _decoded(response.head.headers, response.body)
    except CodingError:
        return response  # nobody can read it, and no client could
    kind = response.head.headers.get(b"content-type")
    if data is None:
        return _withheld(response)
    safe = redactor.body(kind, data)
    if safe is data:
        return response
    headers = response.head.headers.without((b"content-encoding",))
    pieces = Pieces(array("Q", [len(safe)]), response.pieces.times[-1:])
    return evolve(response, head=evolve(response.head, headers=headers), body=Bytes(safe), pieces=pieces)


def _decoded(headers: Headers, body: Body) -> bytes | None:
    """The decoded body; None where it is too large to look through."""
    decoder = decoder_for(b",".join(headers.all(b"content-encoding")), limit=JSON_LIMIT)
    try:
        return b"".join([decoder.piece(part) for part in chunks(body)]) + decoder.end()
    except CodingError as error:
        if "limit" in str(error):
            return None
        raise


def _withheld(response: Response) -> Response:
    return evolve(response, body=EMPTY, pieces=Pieces())
