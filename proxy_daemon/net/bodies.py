"""Bodies that grow: in memory up to a limit, then in an unnamed file that is gone with the process.

Used for request bodies (`net/site.py`) and for what upstream sends (`pipeline/tape.py`). Reading is allowed from any
thread and while it grows; the file is closed with the last reference.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress

MEMORY_LIMIT = 1024 * 1024


class Unnamed:
    """A temporary file without a name: it is gone with the process, and with the last reference."""

    def __init__(self) -> None:
        with tempfile.TemporaryFile(prefix="llmproxy-") as file:
            self.fd = os.dup(file.fileno())

    def __del__(self) -> None:
        with suppress(AttributeError):  # it could not be made
            os.close(self.fd)

    def write(self, data: bytes, offset: int) -> None:
        """All of ``data`` at ``offset``. Raises OSError where the disk is full."""
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
        """Append. Raises OSError where the disk is full; what was there before is there still."""
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
