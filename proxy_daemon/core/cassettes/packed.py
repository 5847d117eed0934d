"""gzip, bzip2, xz and zstd around a file of recordings.

Invariant: what comes out comes in parts of bounded size, however little it was made of, and what is cut off or damaged
is an error. Called by `source.py` for every file, and by the formats that know a packed file by its beginning.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import BinaryIO, Protocol

import zstandard
from attrs import frozen

from proxy_daemon.core.cassettes import MOST

STEP = 16 * 1024  # octets that are taken at once; each member copies what of them is behind it
PART = 256 * 1024  # octets that come at once, about
_GZIP = zlib.MAX_WBITS | 16
_MOST_EMPTY = 1000  # members in a row of which nothing comes: whoever reads on waits for long
_XZ_MEMORY = 100 * 1024 * 1024  # octets: `xz -9` wants 65 MiB
_ZSTD_WINDOW = 64 * 1024 * 1024  # octets; `zstd -19` wants 8 MiB
_ZSTD_STEP = 256  # octets that zstd gets at once: it gives all that it can make of them
_FAULTS = (zlib.error, lzma.LZMAError, zstandard.ZstdError, OSError, EOFError)


class NotUnpacked(ValueError):
    """Why a file cannot be unpacked. The sentence holds nothing of the file."""


class _Member(Protocol):
    """As `bz2.BZ2Decompressor`."""

    @property
    def eof(self) -> bool:
        """Whether it has ended."""

    @property
    def needs_input(self) -> bool:
        """Whether it gives nothing more without more data."""

    @property
    def unused_data(self) -> bytes:
        """What of the data stands behind it."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """What ``data`` adds, at most ``max_length`` octets; the next call gives more."""


class _Gzip:
    """RFC 1952."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(_GZIP)
        self.needs_input = True

    def decompress(self, data: bytes, max_length: int) -> bytes:
        part = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        # A full part may have left more inside, also where all of the data was taken.
        self.needs_input = not self._inner.unconsumed_tail and len(part) < max_length
        return part

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


class _Zstd:
    """RFC 8878. Its library has no limit for what comes at once: it gets little at once."""

    def __init__(self) -> None:
        self._inner = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
        self._held = b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        self._held += data
        step, self._held = self._held[:_ZSTD_STEP], self._held[_ZSTD_STEP:]
        return self._inner.decompress(step)

    @property
    def needs_input(self) -> bool:
        return not self._held

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data + self._held


@frozen
class _Coding:
    """``magic``: what each member begins with."""

    name: str
    magic: bytes
    make: Callable[[], _Member]


_CODINGS = (
    _Coding("gzip", b"\x1f\x8b", _Gzip),
    _Coding("bzip2", b"BZh", bz2.BZ2Decompressor),
    _Coding("xz", b"\xfd7zXZ\0", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY)),
    _Coding("zstd", b"\x28\xb5\x2f\xfd", _Zstd),
)
_LONGEST = max(len(each.magic) for each in _CODINGS)


def is_packed(source: BinaryIO) -> bool:
    """By its first octets. Raises OSError."""
    source.seek(0)
    return _coding(source.read(_LONGEST)) is not None


def parts(source: BinaryIO) -> Iterator[bytes]:
    """What is inside, part by part; the source's own octets where it is not packed.

    Raises `NotUnpacked`, also after some parts, and OSError.
    """
    data = source.read(_LONGEST)
    coding = _coding(data)
    if coding is not None:
        yield from _members(coding, data, source)
        return
    while data:
        yield data
        data = source.read(PART)


def unpacked(data: bytes) -> bytes:
    """What is inside; ``data`` itself where it is not packed. Raises `NotUnpacked`, also for more than `MOST`."""
    if len(data) > MOST:
        raise NotUnpacked(f"larger than {MOST} octets")
    if _coding(data) is None:
        return data
    found, size = [], 0
    for part in parts(BytesIO(data)):
        found.append(part)
        size += len(part)
        if size > MOST:
            raise NotUnpacked(f"larger than {MOST} octets when unpacked")
    return b"".join(found)


def beginning(data: bytes, size: int) -> bytes:
    """The first ``size`` octets of what is inside; fewer where there are fewer, or where it is damaged."""
    found = b""
    try:
        for part in parts(BytesIO(data)):
            found += part
            if len(found) >= size:
                break
    except NotUnpacked:
        pass
    return found[:size]


def _coding(data: bytes) -> _Coding | None:
    return next((each for each in _CODINGS if data.startswith(each.magic)), None)


def _members(coding: _Coding, data: bytes, source: BinaryIO) -> Iterator[bytes]:
    """Of one behind the other. What stands behind the last is padding."""
    empty = 0
    while data.startswith(coding.magic):
        member = coding.make()
        empty += 1
        for part in _parts(coding, member, data, source):
            empty = 0
            yield part
        if empty > _MOST_EMPTY:
            raise NotUnpacked(f"{coding.name} of more than {_MOST_EMPTY} members that hold nothing")
        data = member.unused_data
        if len(data) < _LONGEST:
            data += source.read(_LONGEST)


def _parts(coding: _Coding, member: _Member, data: bytes, source: BinaryIO) -> Iterator[bytes]:
    """Of one member, which begins with ``data``."""
    while not member.eof:
        if not data and member.needs_input and not (data := source.read(STEP)):
            raise NotUnpacked(f"{coding.name} that is cut off")
        try:
            part = member.decompress(data, PART)
        except _FAULTS:
            raise NotUnpacked(f"damaged {coding.name}") from None
        data = b""
        if part:
            yield part
