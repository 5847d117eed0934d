"""A file of recordings as a stream: unpacked, read forward, and from the beginning again where that is needed.

Invariant: no more of it is in memory than was asked for. Called by `formats.py`; what a format's `stream` gets is what
`opened` gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import SEEK_END, BufferedReader, RawIOBase
from typing import TYPE_CHECKING, BinaryIO

from proxy_daemon.core.cassettes.packed import NotUnpacked, is_packed, parts

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LONGEST = 32 * 1024 * 1024  # octets of one entry, where a file is read as a stream
_BUFFER = 1024 * 1024


class NotStreamed(ValueError):
    """A file, or what is left of it, that must be read whole. The sentence says why, and holds nothing of the file."""


def opened(source: BinaryIO) -> BinaryIO:
    """What is inside, from the beginning. ``source``: can be sought. Reading raises `NotUnpacked` and OSError."""
    source.seek(0)
    return BufferedReader(_Parts(parts(source)), _BUFFER)


def tail(source: BinaryIO, size: int) -> bytes:
    """The last octets of what is inside. Raises as `opened`; what is packed must be read through for it."""
    if not is_packed(source):
        source.seek(max(0, source.seek(0, SEEK_END) - size))
        return source.read(size)
    inner, last = opened(source), b""
    while part := inner.read(_BUFFER):
        last = (last + part)[-size:]
    return last


class _Parts(RawIOBase):
    """Octets that come part by part."""

    def __init__(self, given: Iterator[bytes]) -> None:
        self._given, self._held = given, memoryview(b"")
        self._fault: NotUnpacked | None = None

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """As many as there is room for; fewer at the end, or before a fault."""
        room = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(room) and (self._held or self._next()):
            size = min(len(room) - filled, len(self._held))
            room[filled : filled + size] = self._held[:size]
            self._held = self._held[size:]
            filled += size
        if self._fault is not None and not filled:
            raise self._fault
        return filled

    def _next(self) -> bool:
        """Whether there is another part."""
        try:
            self._held = memoryview(next(self._given, b""))
        except NotUnpacked as error:
            self._fault = error
        return bool(self._held)
