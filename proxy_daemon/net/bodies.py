"""Bodies that grow: in memory up to a limit, then in an unnamed file that is gone with the process.

Used for request bodies (`net/request.py`) and for what upstream sends (`pipeline/tape.py`). Reading is allowed from any
thread and while it grows; the file is closed with the last reference.
"""

from __future__ import annotations

import errno
import math
import os
import shutil
import tempfile
from collections import deque
from contextlib import suppress

from proxy_daemon.core.quantities import size_text

MEMORY_LIMIT = 1024 * 1024
MIB = 1024 * 1024
MOST_SPACE = 4 * 1024 * MIB


class SpoolFull(OSError):
    """All bodies together have taken the space that they may."""


class Space:
    """What all temporary files together may take of the disk: ``limit`` octets. One for the process.

    Files grow in the reactor's thread alone; they go in any thread, and in the midst of anything. So what is given back
    is put in line, which is one step, and counted when somebody looks.
    """

    def __init__(self, limit: float = math.inf) -> None:
        self.limit = limit
        self.refused = 0  # how often there was no space
        self._taken = 0
        self._given_back: deque[int] = deque()

    @property
    def used(self) -> int:
        """Octets in files now."""
        while self._given_back:
            self._taken -= self._given_back.popleft()
        return self._taken

    def take(self, size: int) -> None:
        """Room for so many octets more. Raises `SpoolFull`."""
        if self.used + size > self.limit:
            self.refused += 1
            limit = f"{size_text(int(self.limit))} (--max-spool)"
            raise SpoolFull(errno.ENOSPC, f"all bodies together may take no more of the disk than {limit}")
        self._taken += size

    def give_back(self, size: int) -> None:
        """They are free again."""
        self._given_back.append(size)

    def stats(self) -> dict[str, int]:
        """For `api/stats`."""
        return {"octets": self.used, "limit": int(self.limit), "refused": self.refused}


SPACE = Space()


def space_limit(wanted: int) -> int:
    """Octets that all bodies may take; where ``wanted`` is 0: 4 GiB, or half of what is free where that is less."""
    return wanted or min(MOST_SPACE, shutil.disk_usage(tempfile.gettempdir()).free // 2 // MIB * MIB)


class Unnamed:
    """A temporary file without a name: it is gone with the process, and with the last reference."""

    def __init__(self, space: Space = SPACE) -> None:
        self._space = space
        self._held = 0
        with tempfile.TemporaryFile(prefix="llmproxy-") as file:
            self.fd = os.dup(file.fileno())

    def __del__(self) -> None:
        with suppress(AttributeError):  # it could not be made
            os.close(self.fd)
            self._space.give_back(self._held)

    def write(self, data: bytes, offset: int) -> None:
        """All of ``data`` at ``offset``. Raises OSError where the disk is full, `SpoolFull` where it may not grow.

        What could not be written stays counted: the next try is at the same place.
        """
        grown = offset + len(data) - self._held
        if grown > 0:
            self._space.take(grown)
            self._held += grown
        view = memoryview(data)
        while view:
            written = os.pwrite(self.fd, view, offset)
            offset, view = offset + written, view[written:]


class Spool:
    """A body (`core.bodies.Body`) that can be appended to."""

    def __init__(self, memory_limit: int = MEMORY_LIMIT) -> None:
        self.size = 0
        self._limit = memory_limit
        self._parts: list[bytes] = []
        self._file: Unnamed | None = None

    def write(self, data: bytes) -> None:
        """Append. Raises OSError where disk or `SPACE` is full; what was there before is there still."""
        if self._file is None and self.size + len(data) > self._limit:
            self._spill()
        if self._file is None:
            self._parts.append(data)
        else:
            self._file.write(data, self.size)
        self.size += len(data)

    def whole(self) -> bytes | None:
        """All of it while it lies in memory, else None."""
        if self._file is not None:
            return None
        if len(self._parts) != 1:
            self._parts = [b"".join(self._parts)]
        return self._parts[0]

    def read(self, offset: int, size: int) -> bytes:
        """At most ``size`` octets from ``offset`` on."""
        if self._file is not None:
            return os.pread(self._file.fd, min(size, max(0, self.size - offset)), offset)
        data = self.whole() or b""
        return data[offset : offset + size]

    def _spill(self) -> None:
        file = Unnamed()
        file.write(b"".join(self._parts), 0)
        self._file, self._parts = file, []
