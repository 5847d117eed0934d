"""Time, threads and things done again and again: the services that plugins get (`core/services.py`), on a reactor."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred, maybeDeferred
from twisted.internet.defer import TimeoutError as Overdue
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from proxy_daemon.core.services import Writable

log = Logger()

FLUSH_SECONDS = 0.1
STOP_SECONDS = 2.0
END = b""
MAX_WAITING = 16 * 1024 * 1024  # octets of lines; beyond it lines are dropped and counted


class SystemClock:
    """The machine's clocks."""

    seconds = staticmethod(time.monotonic)
    wall = staticmethod(time.time)


class ThreadWorker:
    """One thread; calls run in the order given."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(minthreads=0, maxthreads=1, name="llmproxy-worker")
        self._pool.start()

    def run(self, function: Callable[..., Any], *args: Any) -> Deferred[Any]:
        """Call it in the thread; fires with the result."""
        return deferToThreadPool(self._reactor, self._pool, function, *args)

    def stop(self) -> None:
        """Let the call that runs end, and the thread with it."""
        self._pool.stop()


class LoopingScheduler:
    """What is done again and again, until `stop`."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._loops: list[LoopingCall] = []
        self._at_stop: list[Callable[[], object]] = []

    def every(self, seconds: float, function: Callable[[], object]) -> None:
        """Call it every so many seconds; a fault is logged and does not end it."""

        def call() -> None:
            try:
                function()
            except Exception:  # noqa: BLE001  (whatever a plugin raises)
                log.failure("a scheduled call failed: {function}", function=function)

        loop = LoopingCall(call)
        loop.clock = self._reactor
        loop.start(seconds, now=False).addErrback(_logged)
        self._loops.append(loop)

    def at_stop(self, function: Callable[[], object]) -> None:
        """Call it once when the daemon stops; the last registered first."""
        self._at_stop.append(function)

    async def stop(self) -> None:
        """End all loops, then do what is to be done at the end."""
        for loop in self._loops:
            loop.stop()
        while self._at_stop:
            await maybeDeferred(self._at_stop.pop()).addErrback(_logged)


def within(reactor: Any, seconds: float, waiting: Any) -> Deferred[Any]:
    """`core.services.Services.within`: the result, or None where it is not there in time."""
    result: Deferred[Any] = waiting if isinstance(waiting, Deferred) else ensureDeferred(waiting)
    result.addTimeout(seconds, reactor)
    return result.addErrback(lambda failure: None if failure.trap(Overdue) else failure)


class Lines:
    """Gathers lines for a thread of its own: neither a slow disk nor a full pipe holds up an exchange, or the end."""

    def __init__(self, file: Writable, scheduler: LoopingScheduler) -> None:
        self._file = file
        self._waiting: list[bytes] = []
        self._size = 0
        self._dropped = 0
        self._writing = False
        self._queue: SimpleQueue[bytes] = SimpleQueue()
        self._thread = Thread(target=self._run, name="llmproxy-lines", daemon=True)
        self._thread.start()
        scheduler.every(FLUSH_SECONDS, self._flush)
        scheduler.at_stop(self._write_rest)

    def write(self, line: bytes) -> None:
        """One more line, with its line end."""
        if self._size > MAX_WAITING:
            self._dropped += 1
            return
        self._size += len(line)
        self._waiting.append(line)

    def _flush(self) -> None:
        if self._waiting and not self._writing:
            self._writing = True
            self._queue.put(self._taken())

    def _write_rest(self) -> None:
        """Wait for the thread, but not for a reader who is gone."""
        if self._waiting:
            self._queue.put(self._taken())
        self._queue.put(END)
        self._thread.join(STOP_SECONDS)

    def _taken(self) -> bytes:
        lines, self._waiting, self._size = self._waiting, [], 0
        if self._dropped:
            lines.append(b'{"dropped_lines": %d}\n' % self._dropped)
            self._dropped = 0
        return b"".join(lines)

    def _run(self) -> None:
        """In the thread. A disk that stays full is told of once, not ten times a second."""
        failing = False
        while (data := self._queue.get()) != END:
            try:
                self._file.write(data)
                self._file.flush()
                failing = False
            except (OSError, ValueError) as error:
                if not failing:
                    sys.stderr.write(f"llmproxy: the log cannot be written, lines are lost: {error}\n")
                failing = True
            self._writing = False


def _logged(failure: Failure) -> None:
    log.failure("something failed in the background", failure)
