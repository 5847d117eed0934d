"""A recorded body in parts, its content coding undone: as much of it as there is.

Invariant: nothing raises, and no more than a part is held; what could not be read is a `problem` once all was read.
Called by `bodies.py`, `stream.py` and `media.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

from proxy_daemon.core.bodies import Body, chunks
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.wire import LONGEST_ITEM
from proxy_daemon.core.wire.coding import CodingError
from proxy_daemon.core.wire.uncoding import Uncoder

PART = 64 * 1024


class Unpacked:
    """Iterate over it, as often as needed. ``coded``: what is undone, known from the first part on.

    ``size``: octets that came out; of a body that is not coded, those that there are.
    """

    def __init__(self, headers: Headers, body: Body, limit: int = LONGEST_ITEM) -> None:
        self.problem = ""
        self.coded = ""
        self.size = 0
        self._codings = b",".join(headers.all(b"content-encoding"))
        self._body, self._limit = body, limit

    def __iter__(self) -> Iterator[bytes]:
        """Parts that are not empty."""
        return self._read(chunks(self._body, PART))

    def pieces(self, sizes: Iterator[int]) -> Iterator[tuple[int, bytes]]:
        """(octets on the wire so far, what has come out) for each piece of the wire, and for the rest of the body."""
        at = [0]
        for part in self._read(_cut(self._body, sizes, at), empty=True):
            yield at[0], part

    def _read(self, parts: Iterator[bytes], *, empty: bool = False) -> Iterator[bytes]:
        self.problem, self.size = "", 0
        uncoder = Uncoder(self._codings, self._limit)
        try:
            for part in parts:
                out = uncoder.piece(part)
                self._count(out, uncoder)
                if out or empty:
                    yield out
            if out := uncoder.end():
                self._count(out, uncoder)
                yield out
        except CodingError as error:
            self.problem = f"not decodable: {error}"
        except OSError as error:
            self.problem = str(error)

    def _count(self, out: bytes, uncoder: Uncoder) -> None:
        self.size += len(out)
        self.coded = uncoder.coding.decode("latin-1").strip()

    def whole(self, most: int) -> bytes:
        """The first octets, so many at most."""
        out: list[bytes] = []
        size = 0
        for part in self:
            out.append(part)
            size += len(part)
            if size >= most:
                break
        return b"".join(out)[:most]

    def measure(self) -> None:
        """Find `size` and `problem` of all of it. A body that is not coded need not be read for that."""
        if self.is_coded:
            for _ in self:
                pass
        else:
            self.size = self._body.size

    @property
    def is_coded(self) -> bool:
        """Whether anything is undone: by the first octets, where the head says something else."""
        uncoder = Uncoder(self._codings, self._limit)
        try:
            uncoder.piece(self._body.read(0, 16))
            uncoder.end()
        except (CodingError, OSError):
            pass
        return uncoder.coding.strip().lower() not in (b"", b"identity")


def _cut(body: Body, sizes: Iterator[int], at: list[int]) -> Iterator[bytes]:
    """The body by these sizes; what they leave, in parts of one size."""
    for size in sizes:
        yield b"".join(_span(body, at, size))
    while piece := body.read(at[0], PART):
        at[0] += len(piece)
        yield piece


def _span(body: Body, at: list[int], size: int) -> Iterator[bytes]:
    """So many octets; fewer at the end."""
    while size > 0 and (part := body.read(at[0], size)):
        at[0] += len(part)
        size -= len(part)
        yield part
