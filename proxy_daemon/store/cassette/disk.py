"""Octets of files: read from a place on, written at a place, put in a file's place, set aside.

Invariant: where something fails, what was there before is there still. Raises OSError.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import threading
from contextlib import suppress

from proxy_daemon.core.cassettes import MOST

_ONE = threading.Lock()  # two cassettes of one process may have the same body beside them
Stat = tuple[int, int, int, int]


def stat_of(descriptor: int) -> Stat:
    """By which it is seen that a file is another one, or has been written."""
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def check_size(path: str, size: int) -> None:
    """Raise OSError where a cassette would be too large to be opened again."""
    if size > MOST:
        raise OSError(errno.EFBIG, f"a cassette holds at most {MOST} octets: record into another file", path)


def read_from(descriptor: int, path: str, start: int = 0) -> bytes:
    """All octets from ``start`` on."""
    size = os.fstat(descriptor).st_size
    check_size(path, size)
    parts = []
    while start < size and (data := os.pread(descriptor, size - start, start)):
        parts.append(data)
        start += len(data)
    return b"".join(parts)


def write_at(descriptor: int, data: bytes, start: int) -> None:
    """All of it at the end, which is at ``start``; or the file is as it was."""
    try:
        _write_all(descriptor, data, start)
    except OSError:
        os.ftruncate(descriptor, start)
        raise


def whole_file(path: str, data: bytes, mode: int | None = None) -> int:
    """Put a file with these octets in the place of what is there, in one step; the new one, open.

    ``mode``: what may be done with it, in the place of the usual.
    """
    with _ONE:
        return _whole_file(path, data, mode)


def _whole_file(path: str, data: bytes, mode: int | None) -> int:
    directory, name = os.path.split(path)
    _take_away(directory, name)
    new = os.path.join(directory, f".{name}.{os.getpid()}.new")
    descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        if mode is not None:
            os.fchmod(descriptor, stat.S_IMODE(mode))
        _write_all(descriptor, data, 0)
        os.fsync(descriptor)  # a name must not lead to octets that are not on the disk
        os.replace(new, path)
    except BaseException:
        os.close(descriptor)
        with suppress(OSError):
            os.unlink(new)
        raise
    return descriptor


def _take_away(directory: str, name: str) -> None:
    """What crashes left beside it: of this process' number, and of processes that are no more."""
    left = re.compile(rf"\.{re.escape(name)}\.([0-9]{{1,9}})\.new")
    for each in os.listdir(directory or "."):
        found = left.fullmatch(each)
        if found is not None and (int(found[1]) == os.getpid() or not _lives(int(found[1]))):
            with suppress(FileNotFoundError):
                os.unlink(os.path.join(directory, each))


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it is somebody else's
        pass
    return True


def set_aside(descriptor: int, path: str, start: int) -> None:
    """Move all from ``start`` on to the end of `FILE.damaged`, which has the mode of the file."""
    data = os.pread(descriptor, os.fstat(descriptor).st_size - start, start)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    aside = os.open(f"{path}.damaged", flags, stat.S_IMODE(os.fstat(descriptor).st_mode))
    try:
        _write_all(aside, data if data.endswith(b"\n") else data + b"\n", None)
    finally:
        os.close(aside)
    os.ftruncate(descriptor, start)


def _write_all(descriptor: int, data: bytes, place: int | None) -> None:
    """``place``: None for the end, of a file that is opened for that."""
    view = memoryview(data)
    while view:
        count = os.write(descriptor, view) if place is None else os.pwrite(descriptor, view, place)
        view, place = view[count:], None if place is None else place + count
