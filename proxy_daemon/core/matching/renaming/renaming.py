"""A recorded answer with the ids of the conversation that it is served to.

Two runs of one agent differ in the ids that servers mint: of tool calls, responses, messages. Requests that differ in
nothing else have one fingerprint; the n-th id of the recorded request then is the n-th of the live one. In the recorded
answer each JSON string that is such an id becomes the live one. All other octets stay.

Invariant: renamed as a whole or not at all. Where a body cannot be renamed (its coding is damaged, its framing broken,
it is larger than `JSON_LIMIT`) it is served as it was recorded. Called for each hit, on the reactor's thread.
"""

from __future__ import annotations

from array import array
from itertools import accumulate, pairwise

from attrs import evolve

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.dialects.framing import framing_of
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.counting.ids import ids_in
from proxy_daemon.core.matching.renaming.changes import applied, moved, with_sizes
from proxy_daemon.core.matching.renaming.new_names import NewNames, NotRenamed, paired
from proxy_daemon.core.matching.renaming.renamed_body import body_changes
from proxy_daemon.core.messages import JSON_LIMIT, Pieces, Recording, Request, Response
from proxy_daemon.core.wire import Malformed
from proxy_daemon.core.wire.coding import CodingError
from proxy_daemon.core.wire.json_text import NotJSON
from proxy_daemon.core.wire.uncoding import Uncoder


def renamed(recording: Recording, request: Request, dialect: Dialect) -> Recording:
    """``recording`` with the ids of ``request``; the same object where nothing is to be renamed, or nothing can be.

    ``request``: the live one, redacted or not. A coded body comes out uncoded. Raises nothing.
    """
    response = recording.response
    if response is None or recording.request.body.whole() == request.body.whole() or not response.body.size:
        return recording
    names = _names(recording.request, request, dialect)
    if names is None:
        return recording
    try:
        new = _renamed(response, names, streams=dialect.streams(recording.request))
    except (CodingError, Malformed, NotJSON, NotRenamed):
        return recording
    return recording if new is response else evolve(recording, response=new, fitted=True)


def _names(recorded: Request, live: Request, dialect: Dialect) -> NewNames | None:
    """None where all ids are the same, or where there are not as many: then no id has a partner by its number."""
    old, new = ids_in(recorded.json, dialect), ids_in(live.json, dialect)
    if old == new or len(old) != len(new):
        return None
    names = paired(old, new)
    return names if names.of else None


def _renamed(response: Response, names: NewNames, *, streams: bool) -> Response:
    """The same object where it holds none of the ids. Raises what cannot be renamed."""
    plain = _uncoded(response)
    data, headers = plain.body.whole(), plain.head.headers
    if data is None or len(data) > JSON_LIMIT:
        return response
    form = framing_of(headers.get(b"content-type"), data, status=plain.head.status, streams=streams)
    changes = body_changes(data, form, names)
    if not changes:
        return response
    new = Bytes(applied(data, changes))
    head = evolve(plain.head, headers=_of_length(headers, new.size))
    return evolve(plain, head=head, body=new, pieces=moved(plain.pieces, changes))


def _of_length(headers: Headers, size: int) -> Headers:
    """A length that is stated is the right one."""
    if b"content-length" not in headers:
        return headers
    stated = b"%d" % size
    return Headers([(name, stated if name.lower() == b"content-length" else value) for name, value in headers.pairs])


def _uncoded(response: Response) -> Response:
    """Without its content coding, in pieces that fit. Raises `CodingError`, also for what holds over `JSON_LIMIT`."""
    headers, pieces = response.head.headers, _fitting(response)
    if b"content-encoding" not in headers:
        return evolve(response, pieces=pieces)
    uncoder = Uncoder(b",".join(headers.all(b"content-encoding")), JSON_LIMIT)
    cuts = pairwise([0, *accumulate(pieces.sizes)])
    parts = [uncoder.piece(response.body.read(start, end - start)) for start, end in cuts]
    parts[-1] += uncoder.end()
    head = evolve(response.head, headers=headers.without((b"content-encoding",)))
    return evolve(response, head=head, body=Bytes(b"".join(parts)), pieces=with_sizes(pieces, map(len, parts)))


def _fitting(response: Response) -> Pieces:
    """One piece where those that are known do not make up the body."""
    pieces, size = response.pieces, response.body.size
    return pieces if sum(pieces.sizes) == size else Pieces(array("Q", [size]), pieces.times[-1:])
