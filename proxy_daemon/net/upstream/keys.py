"""Our own keys for upstreams, each in a file that only we may read. A file that has changed is read again.

A key stands in memory and on the wire to its upstream, nowhere else. Made by `net/upstream/way.py`.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

from proxy_daemon.pipeline.faults import StartError, UpstreamFault

LOOK_SECONDS = 1.0  # between two looks at a file
LONGEST = 16 * 1024
KEY = re.compile(rb"[\x21-\x7e]+( [\x21-\x7e]+)*")


class KeyFile:
    """The key in one file. ``name``: of the upstream. Raises `StartError` where there is none at the start."""

    def __init__(self, name: str, path: str, seconds: Callable[[], float]) -> None:
        self._name = name
        self._path = path
        self._seconds = seconds
        self._seen: tuple[int, ...] = ()
        self._key = b""
        self._fault = ""
        self._look()
        if self._fault:
            raise StartError(f"--upstream-key: {self._fault}")

    def current(self) -> bytes:
        """The key. Raises `UpstreamFault` while the file holds none: the client's own must not go up instead."""
        if self._seconds() - self._looked >= LOOK_SECONDS:
            self._look()
        if self._fault:
            raise UpstreamFault(502, self._fault)
        return self._key

    def _look(self) -> None:
        self._looked = self._seconds()
        try:
            self._read_if_changed()
        except OSError as error:
            self._told(f"cannot be read: {error.strerror}")
        except RuntimeError:
            self._told("is in the home of somebody unknown")

    def _read_if_changed(self) -> None:
        path = Path(self._path).expanduser()
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for whoever writes
            self._told("is not a plain file")
            return
        with path.open("rb") as file:
            state = os.fstat(file.fileno())
            seen = (state.st_mtime_ns, state.st_size, state.st_ino, state.st_dev, state.st_mode)
            if seen == self._seen:
                return
            if state.st_mode & stat.S_IRWXO:
                self._told("may be read by everybody on this machine; chmod 600 it")
                return
            key = file.read(LONGEST + 1).strip()
        if not KEY.fullmatch(key) or len(key) > LONGEST:
            self._told("holds no key: one line of ASCII")
            return
        self._key, self._fault, self._seen = key, "", seen

    def _told(self, why: str) -> None:
        self._key, self._seen = b"", ()
        self._fault = f"the file with the key for upstream {self._name} {why} ({self._path})"
