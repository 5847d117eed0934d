"""gzip around a file of recordings.

Invariant: never more than `MOST` octets come out, and what is cut off or damaged is an error. Called by `formats.py`
for every file, and by the formats that know a packed file by its beginning.
"""

from __future__ import annotations

import zlib

from proxy_daemon.core.cassettes import MOST

_MAGIC = b"\x1f\x8b"
_GZIP = zlib.MAX_WBITS | 16
_MEMBERS = 16  # each copies what follows it


class NotUnpacked(ValueError):
    """Why a file cannot be unpacked. The sentence holds nothing of the file."""


def unpacked(data: bytes) -> bytes:
    """What is inside; ``data`` itself where it is not packed (RFC 1952). Raises `NotUnpacked`."""
    if len(data) > MOST:
        raise NotUnpacked(f"larger than {MOST} octets")
    return _members(data) if data.startswith(_MAGIC) else data


def beginning(data: bytes, size: int) -> bytes:
    """The first ``size`` octets of what is inside; fewer where there are fewer, or where it is damaged."""
    if not data.startswith(_MAGIC):
        return data[:size]
    try:
        return zlib.decompressobj(_GZIP).decompress(data, size)
    except zlib.error:
        return b""


def _members(data: bytes) -> bytes:
    found, room, rest = [], MOST, data
    for _ in range(_MEMBERS):
        member, rest = _member(rest, room)
        found.append(member)
        room -= len(member)
        if not rest.startswith(_MAGIC):  # zeros may pad the end
            return b"".join(found)
    raise NotUnpacked(f"gzip of more than {_MEMBERS} members")


def _member(data: bytes, room: int) -> tuple[bytes, bytes]:
    unzip = zlib.decompressobj(_GZIP)
    try:
        found = unzip.decompress(data, room + 1)
    except zlib.error:
        raise NotUnpacked("damaged gzip") from None
    if len(found) > room:
        raise NotUnpacked(f"larger than {MOST} octets when unpacked")
    if not unzip.eof:
        raise NotUnpacked("gzip that is cut off")
    return found, unzip.unused_data
