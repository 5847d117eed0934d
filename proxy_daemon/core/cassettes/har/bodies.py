"""An answer's body as HAR holds it: without its content coding, in the pieces in which it came.

Invariant: the octets are those that a client gets out of the body, or the body itself where its coding cannot be undone
or would make too much of it. Called by `har/writing.py`.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import accumulate

from attrs import frozen

from proxy_daemon.core.cassettes.whole_exchange import octets
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Pieces, Response
from proxy_daemon.core.wire.coding import CodingError
from proxy_daemon.core.wire.uncoding import Uncoder

LARGEST = 1 << 26  # octets of a body, decoded; a larger one stays coded


@frozen
class Plain:
    """A body, and the pieces in which it came. ``uncoded``: a coding that its head told was undone."""

    data: bytes
    pieces: Pieces
    uncoded: bool = False


def plain(response: Response) -> Plain:
    """The body decoded, piece for piece; as it came where its head tells no coding, or one that cannot be undone."""
    data, pieces = octets(response.body), _true_pieces(response)
    codings = [coding for coding in response.head.headers.tokens(b"content-encoding") if coding != b"identity"]
    if not data or not codings:
        return Plain(data, pieces)
    uncoder = Uncoder(b",".join(codings), LARGEST)
    try:
        parts = [uncoder.piece(part) for part in _parts(data, pieces)]
        parts[-1] += uncoder.end()
    except CodingError:
        return Plain(data, pieces)
    found = b"".join(parts)
    return Plain(found, _sized(pieces, parts) if uncoder.coding else pieces, uncoded=True)


def _true_pieces(response: Response) -> Pieces:
    """Those of the body as it is; none where they are not of it."""
    sizes, times = response.pieces.sizes, response.pieces.times
    if not sizes or sum(sizes) != response.body.size:
        return Pieces()
    return response.pieces if len(times) == len(sizes) else Pieces(sizes)


def _parts(data: bytes, pieces: Pieces) -> list[bytes]:
    """The body as it came."""
    ends = [*accumulate(pieces.sizes or [len(data)])]
    return [data[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


def _sized(pieces: Pieces, parts: Sequence[bytes]) -> Pieces:
    """What became of each piece; those of which nothing came are none."""
    kept = [at for at, part in enumerate(parts) if part] if pieces.sizes else []
    times = pieces.times if len(pieces.times) else []
    return Pieces(array("Q", [len(parts[at]) for at in kept]), array("Q", [times[at] for at in kept] if times else []))


def uncoded(headers: Headers, size: int) -> Headers:
    """The fields of the same body without its coding."""
    kept = [(name, value) for name, value in headers.pairs if name.lower() != b"content-encoding"]
    return Headers([(name, b"%d" % size if name.lower() == b"content-length" else value) for name, value in kept])
