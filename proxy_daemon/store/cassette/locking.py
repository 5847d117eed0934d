"""The lock on a cassette: one writer at a time, over all processes of the machine.

The file itself is locked, since a lock file beside it would be committed with it. Who waits for the lock of a file that
is replaced meanwhile gets that of the new one. Systems without `flock` (Windows) do not record into cassettes.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

try:
    import fcntl
except ImportError:  # no POSIX
    fcntl = None  # type: ignore[assignment]

BUSY_SECONDS = 5.0
PAUSE_SECONDS = 0.002
MODE = 0o666  # minus the umask: it is committed, and read by all who may read the project
_BUSY = (errno.EWOULDBLOCK, errno.EACCES)


@contextmanager
def locked(path: str, *, make: bool = True) -> Iterator[int]:
    """The open file, which nobody else writes until the end. Blocks: never call it on the reactor thread.

    ``make``: where there is none, it is made, with its directories; else FileNotFoundError. Raises OSError: also where
    another process holds the lock for `BUSY_SECONDS`, and where the system has no such locks.
    """
    until = time.monotonic() + BUSY_SECONDS
    while True:
        descriptor = _opened(path, make)
        try:
            _lock(descriptor, path, until)
            if is_still_at(descriptor, path):
                yield descriptor
                return
        finally:
            os.close(descriptor)


@contextmanager
def shared(path: str) -> Iterator[int]:
    """The open file to read, which nobody writes until the end, as far as that can be had. Blocks. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        _check_regular(descriptor, path)
        with suppress(OSError):  # who may only read gets no lock on some file systems
            _lock(descriptor, path, time.monotonic() + BUSY_SECONDS, share=True)
        yield descriptor
    finally:
        os.close(descriptor)


def is_still_at(descriptor: int, path: str) -> bool:
    """Whether the path leads to this very file, and not to one that has replaced it."""
    try:
        there, ours = os.stat(path), os.fstat(descriptor)
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)


def _opened(path: str, make: bool) -> int:
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK  # a named pipe must not hold us
    try:
        descriptor = os.open(path, flags | (os.O_CREAT if make else 0), MODE)
    except FileNotFoundError:
        if not make:
            raise
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        descriptor = os.open(path, flags | os.O_CREAT, MODE)
    try:
        _check_regular(descriptor, path)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _check_regular(descriptor: int, path: str) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", path)


def _lock(descriptor: int, path: str, until: float, *, share: bool = False) -> None:
    if fcntl is None:
        raise OSError(errno.ENOLCK, "this system has no file locks: cassettes can be replayed (mode none) only", path)
    while True:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if share else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _BUSY:
                raise
        else:
            return
        if time.monotonic() > until:
            raise OSError(errno.EAGAIN, f"another process has kept it locked for {BUSY_SECONDS:g} s", path)
        time.sleep(PAUSE_SECONDS)
