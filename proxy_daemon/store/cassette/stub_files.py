"""The folder `__files` of WireMock, in which the bodies of its stubs stand.

Invariant: nothing is read but regular files within that folder, through no link. It stands beside the file of stubs, or
beside the folder `mappings` that this is in. Called by `core/cassettes/wiremock.py` through what `stub_files` gives.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from proxy_daemon.core.cassettes import MOST
from proxy_daemon.core.cassettes.llmproxy.values import Beside

FOLDER, STUBS = "__files", "mappings"
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


def stub_files(file: str) -> Beside:
    """Of a file of stubs: what gives the octets of a file by its path within `__files`. Raises OSError."""

    def read(name: str) -> bytes:
        missing = FileNotFoundError(errno.ENOENT, "there is no such file", name)
        for folder in _folders(Path(os.path.abspath(file)).parent):
            try:
                return _read(str(folder), name)
            except FileNotFoundError as error:
                missing = error
        raise missing

    return read


def _folders(place: Path) -> Iterator[Path]:
    """Where `__files` may be: beside the file; else beside the nearest `mappings` above it."""
    yield place / FOLDER
    for above in (place, *place.parents):
        if above.name == STUBS:
            yield above.parent / FOLDER
            return


def _read(folder: str, name: str) -> bytes:
    """Step by step, so that no part of the way is a link. Raises OSError."""
    *ways, last = name.split("/")
    if any(part in ("", ".", "..") for part in (*ways, last)):
        raise OSError(errno.EINVAL, "no name of a file within a folder", name)
    place = os.open(folder, _FLAGS | os.O_DIRECTORY)
    try:
        for way in ways:
            new = os.open(way, _FLAGS | os.O_DIRECTORY, dir_fd=place)
            os.close(place)
            place = new
        return _octets(os.open(last, _FLAGS | os.O_NONBLOCK, dir_fd=place), name)
    finally:
        os.close(place)


def _octets(descriptor: int, name: str) -> bytes:
    """All of a file, which is closed then. Raises OSError."""
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MOST:
            raise OSError(errno.EINVAL, f"it is no regular file of at most {MOST} octets", name)
        return file.read(found.st_size)
