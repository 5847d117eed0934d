"""One of our cassettes as where an import goes, under its lock and by the daemon's own way of writing.

Invariant: as that of `import_into.py`. Only what is served is taken; secrets become numbered placeholders, as in what
is recorded. Called by `importing.py`, without a reactor: it waits for the thread that writes.
"""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred

from proxy_daemon.cli.given import opened
from proxy_daemon.cli.import_known import Known
from proxy_daemon.core.access import is_own_address
from proxy_daemon.core.adopting import Adopter, NotOurs
from proxy_daemon.core.cassettes import Unreadable
from proxy_daemon.core.cassettes.llmproxy import HEADER
from proxy_daemon.core.cassettes.llmproxy.splitting import is_ours
from proxy_daemon.core.ids import Ids
from proxy_daemon.core.messages import Recording
from proxy_daemon.core.numbered import NumberedRequests, numbered
from proxy_daemon.store.access import StoreError
from proxy_daemon.store.cassette.cassette import Cassette, CassetteError, Reading
from proxy_daemon.store.cassette.recognised import Recognised
from proxy_daemon.store.imports import WAIT_SECONDS, NotWritten

_BEGINNING = 256  # octets


class IntoCassette:
    """An open cassette. Use `close`. ``dry``: it is only read, and need not be there."""

    def __init__(self, path: str, adopter: Adopter, *, dry: bool = False) -> None:
        """Raises `StoreError`, also for a file that is none of our cassettes."""
        _check_ours(path)
        self._dry, self._path, self._rules = dry, path, adopter.redactor.rules
        self._adopter = evolve(adopter, redactor=NumberedRequests(self._rules))
        self._recognised = Recognised(adopter.matcher, adopter.dialects, self._adopter.redactor)
        self._ids = Ids(_WallClock())
        self._calls: queue.SimpleQueue[tuple[Callable[..., None], tuple[Any, ...]]] = queue.SimpleQueue()
        reading = Reading(self._ids, "none" if dry else "new_episodes", self._recognised)
        try:
            self._cassette = Cassette.open(
                path, reading, call_in_reactor=lambda call, *more: self._calls.put((call, more))
            )
        except CassetteError as error:
            raise StoreError(str(error)) from error
        self._known = Known(self._cassette)

    def close(self) -> None:
        """See `Into`."""
        self._cassette.close()

    def adopted(self, recording: Recording) -> tuple[Recording, str]:
        """See `Into`."""
        copy, why = self._adopter.adopt(numbered(_hostless(recording), self._rules))
        if why:
            raise NotOurs(f"a cassette holds only what is served: {why}")
        return self._recognised(copy, self._ids.next()), ""

    def add_all(self, recordings: Sequence[Recording]) -> Iterator[bool | NotWritten]:
        """See `Into`."""
        new = [not self._known.knows(each) for each in recordings]
        begun = [self._put(each) if is_new else None for each, is_new in zip(recordings, new, strict=True)]
        for each, is_new, done in zip(recordings, new, begun, strict=True):
            if done is not None and not self._settled(done):
                yield self._failed()
            else:
                if is_new:
                    self._known.brought(each)
                yield is_new

    def end_file(self) -> None:
        """What was written until now counts as there before."""
        self._known.end_file()
        self._cassette.begin_run()

    def _put(self, recording: Recording) -> Deferred[bool] | None:
        return None if self._dry else self._cassette.put(evolve(recording, session="", imported=0.0))

    def _settled(self, done: Deferred[bool]) -> bool:
        """Whether it is in the file. Waits for the thread that writes. Raises `StoreError`."""
        while not done.called:
            try:
                call, more = self._calls.get(timeout=WAIT_SECONDS)
            except queue.Empty:
                raise StoreError(f"the cassette {self._path} takes nothing: the disk takes too long") from None
            call(*more)
        return bool(done.result)

    def _failed(self) -> NotWritten:
        """Raises `StoreError` where nothing can be written."""
        trouble = self._cassette.trouble
        if "recording is off" in trouble:
            raise StoreError(trouble)
        return NotWritten(trouble or "it was not written")


def _check_ours(path: str) -> None:
    try:
        with opened(path) as file:
            begin = file.read(_BEGINNING)
    except Unreadable as error:
        if os.path.lexists(path):
            raise StoreError(f"{path}: {error.reason}") from None
        return  # it is made
    if not is_ours(begin) and not HEADER.startswith(begin):
        raise StoreError(f"{path} is no cassette of llmproxy: --into adds to one of these, or makes a new file")


def _hostless(recording: Recording) -> Recording:
    """Without a field `Host` that names a proxy on this machine: its port is another one in each run."""
    request = recording.request
    if not is_own_address(request.headers.get(b"host").decode("latin-1")):
        return recording
    return evolve(recording, request=request.with_head(request.target, request.headers.without((b"host",))))


class _WallClock:
    """For ids."""

    seconds, wall = staticmethod(time.monotonic), staticmethod(time.time)
