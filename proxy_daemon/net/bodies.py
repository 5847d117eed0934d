"""Bodies that grow: in memory up to a limit, then in an unnamed file that is gone with the process.

Used for request bodies (`net/site.py`) and for what upstream sends (`pipeline/tape.py`). Reading is allowed from any
thread and while it grows; the file is closed with the last reference.
"""

from __future__ import annotations

import os
import tempfile

MEMORY_LIMIT = 1024 * 1024


class Spool:
    """A body (`core.bodies.Body`) that can be appended to."""

    def __init__(self, memory_limit: int = MEMORY_LIMIT) -> None:
        self.size = 0
        self._limit = memory_limit
        self._parts: list[bytes] = []
        self._fd = -1

    def write(self, data: bytes) -> None:
        """Append. Raises OSError where the disk is full."""
        if self._fd < 0 and self.size + len(data) > self._limit:
            self._spill()
        if self._fd < 0:
            self._parts.append(data)
        else:
            _write_at(self._fd, data, self.size)
        self.size += len(data)

    def whole(self) -> bytes | None:
        """All of it while it lies in memory, else None."""
        if self._fd >= 0:
            return None
        if len(self._parts) != 1:
            self._parts = [b"".join(self._parts)]
        return self._parts[0]

    def read(self, offset: int, size: int) -> bytes:
        """At most ``size`` octets from ``offset`` on."""
        if self._fd >= 0:
            return os.pread(self._fd, min(size, max(0, self.size - offset)), offset)
        data = self.whole() or b""
        return data[offset : offset + size]

    def _spill(self) -> None:
        """All or nothing: where the disk is full, what was in memory stays there."""
        with tempfile.TemporaryFile(prefix="llmproxy-") as file:
            _write_at(file.fileno(), b"".join(self._parts), 0)
            self._fd = os.dup(file.fileno())
        self._parts = []

    def __del__(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)


def _write_at(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        offset, view = offset + written, view[written:]
