"""Writes what `llmproxy import` brings into a store's file, which a daemon may have open meanwhile.

Invariant: nothing that is in the file is changed or dropped but fingerprints of other rules, the limits of size and age
are the daemon's business; the order is that of the files; and no file comes in twice, though one may hold the same
answer several times: how often is what a client sees that asks again and again. Called by `cli/importing.py`, without
a reactor: it waits for the writer's thread.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator, Sequence
from typing import Literal

from attrs import evolve

from proxy_daemon.core.ids import Ids
from proxy_daemon.core.messages import Recording
from proxy_daemon.store.access import BUSY_SECONDS, StoreError, connect
from proxy_daemon.store.imported import Imported
from proxy_daemon.store.opening import fingerprint_anew, prepare
from proxy_daemon.store.refingerprint import Rules
from proxy_daemon.store.retention import Retention
from proxy_daemon.store.writer import OFF, Report, Write, Writer

WAIT_SECONDS = 60.0
_NEVER = Retention(max_bytes=1 << 62, max_age=1e12, wall=time.time)


class NotWritten(Exception):
    """One recording could not be written; the next may be. The message says why."""


class _WallClock:
    def seconds(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()


class Imports:
    """An open store that imports go into. Use `close`."""

    def __init__(self, path: str, rules: Rules | None = None) -> None:
        """Raises `StoreError`, also where the file may only be read. ``rules``: as for `SQLiteStore.open`."""
        file = prepare(path)
        if file.trouble:
            raise StoreError(f"the store {path} may only be read, and imports are written; name another with --store")
        if rules is not None:
            fingerprint_anew(path, rules)
        self._path = path
        self._reading = connect(path, BUSY_SECONDS)
        self._imported = Imported(path, self._reading)
        self._ids, self._last = Ids(_WallClock()), 0
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._writer = Writer(path, _NEVER, self._reports.put)

    def close(self) -> None:
        """Let the thread and the file go."""
        self._writer.stop()
        self._reading.close()

    def add(self, recording: Recording) -> bool:
        """Write one; whether it is new. Raises `NotWritten`, and as `add_all`."""
        (found,) = self.add_all([recording])
        if isinstance(found, NotWritten):
            raise found
        return found

    def add_all(self, recordings: Sequence[Recording]) -> Iterator[bool | NotWritten]:
        """Write them in one go. In their order, whether each is new, or why it is not there.

        Not new is what another file, or an earlier import of this one, has brought. Raises `StoreError` at the first
        that the store could not take: it takes nothing more.
        """
        begun = [self._begun(recording) for recording in recordings]
        written = self._written({id(each): each for each in begun if isinstance(each, Write)})
        for each in begun:
            if isinstance(each, Write):
                yield self._outcome(each.recording, written[id(each)])
            else:
                yield each

    def _begun(self, recording: Recording) -> Write | Literal[False] | NotWritten:
        if self._imported.knows(recording):
            return False
        self._last = max(self._last + 1, self._ids.next())
        new = evolve(recording, id=self._last, imported=time.time())
        write = Write(new, False, time.monotonic(), _size(new))
        return write if self._writer.put(write) else NotWritten("too large to be written")

    def _outcome(self, recording: Recording, trouble: str | None) -> bool | NotWritten:
        if trouble is None:
            self._imported.brought(recording)
            return True
        why = trouble.removeprefix(OFF)
        if why != trouble:
            raise self._error(why)
        return NotWritten(why)

    def end_file(self) -> None:
        """What comes now is of another file: it may hold what this one has brought."""
        self._imported.end_file()

    def _written(self, waiting: dict[int, Write]) -> dict[int, str | None]:
        """By id, what hindered each; None where it is on the disk. Raises `StoreError` where that takes too long."""
        found: dict[int, str | None] = {}
        self._writer.wake()
        while len(found) < len(waiting):
            try:
                report = self._reports.get(timeout=WAIT_SECONDS)
            except queue.Empty:
                raise self._error("the disk takes too long") from None
            found |= {id(write): None if good else report.trouble for write, good in report.written}
        return found

    def _error(self, why: str) -> StoreError:
        locked = "; wait until nobody else writes to it, then import again" if "locked" in why else ""
        return StoreError(f"the store {self._path} takes nothing: {why}{locked}")


def _size(recording: Recording) -> int:
    response = recording.response
    return recording.request.body.size + (response.body.size if response is not None else 0)
