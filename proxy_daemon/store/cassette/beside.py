"""The files beside a cassette: large bodies, each named by the hash of its octets.

Invariant: a name leads to a file in the cassette's own directory and nowhere else, and a file that is there whole is
never written again. Bodies that stand in such files stay on the disk until they are read.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Mapping
from hashlib import sha256

from attrs import define, evolve, field, frozen

from proxy_daemon.core.bodies import Body, Bytes, chunks
from proxy_daemon.core.cassettes import MOST
from proxy_daemon.core.messages import Recording
from proxy_daemon.store.cassette.disk import whole_file

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}\Z")


@frozen
class FileBody:
    """A body (`core.bodies.Body`) that stands in a file. Raises OSError where that is gone, or has become shorter."""

    path: str
    size: int

    def whole(self) -> bytes | None:
        """Never: it is large."""
        return None

    def read(self, offset: int, size: int) -> bytes:
        """At most ``size`` octets from ``offset`` on; empty at the end."""
        size = min(size, self.size - offset)
        if size <= 0:
            return b""
        descriptor = _opened(self.path)
        try:
            data = os.pread(descriptor, size, offset)
        finally:
            os.close(descriptor)
        if not data:
            raise OSError(errno.EIO, "octets of a body are missing", self.path)
        return data


@define
class Beside:
    """Those of one directory. ``read_names`` are those that were asked for, with their octets, until `swapped`."""

    directory: str
    _read: dict[str, bytes] = field(factory=dict, init=False)

    def __call__(self, name: str) -> bytes:
        """The octets of the file of this name. Raises OSError."""
        descriptor = _opened(self._path(name))
        try:
            size = os.fstat(descriptor).st_size
            if size > MOST:
                raise OSError(errno.EFBIG, f"it has {size} octets, more than {MOST}", name)
            with os.fdopen(os.dup(descriptor), "rb") as file:
                data = file.read(size)
        finally:
            os.close(descriptor)
        self._read[name] = data
        return data

    def write(self, files: Mapping[str, bytes]) -> None:
        """Those that are not there yet, each whole or not at all. Raises OSError."""
        for name, data in files.items():
            path = self._path(name)
            if _size(path) != len(data):
                os.close(whole_file(path, data))

    def swapped(self, recording: Recording, files: Mapping[str, bytes] | None = None) -> Recording:
        """The recording with large bodies left on the disk, and the others in memory.

        ``files``: those that it was written with; else those that were read since the last call. Raises OSError.
        """
        files, self._read = (self._read if files is None else files), {}
        request, response = recording.request, recording.response
        recording = evolve(recording, request=evolve(request, body=self._swapped(request.body, files)))
        if response is None:
            return recording
        return evolve(recording, response=evolve(response, body=self._swapped(response.body, files)))

    def _swapped(self, body: Body, files: Mapping[str, bytes]) -> Body:
        if isinstance(body, FileBody):
            return body
        data = body.whole()
        if data is None and files and (name := _named(_digest(body), files)) is not None:
            return FileBody(self._path(name), body.size)
        if data is None:
            return Bytes(b"".join(chunks(body)))
        name = next((name for name, octets in files.items() if octets == data), None)
        return body if name is None else FileBody(self._path(name), body.size)

    def _path(self, name: str) -> str:
        if _NAME.match(name) is None:
            raise OSError(errno.EINVAL, "no name of a file beside a cassette", name)
        return os.path.join(self.directory, name)


def _opened(path: str) -> int:
    """To read; a link is not followed: it may lead anywhere."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no regular file", path)
    return descriptor


def _size(path: str) -> int:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return -1
    return found.st_size if stat.S_ISREG(found.st_mode) else -1


def _digest(body: Body) -> str:
    digest = sha256()
    for part in chunks(body):
        digest.update(part)
    return digest.hexdigest()


def _named(digest: str, files: Mapping[str, bytes]) -> str | None:
    """A file's name is the hash of its octets, and a suffix."""
    return next((name for name in files if name.startswith(digest)), None)
