"""Where the daemon's own log goes under `llmproxy serve`: the standard error, the standard output is JSON lines."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any, TextIO, cast

from attrs import define, field
from twisted.logger import FileLogObserver, formatEvent, formatEventAsClassicLogText

from proxy_daemon.core.notices import NOTICES

PRINTED = ("stdout", "stderr")  # Twisted's names for what is printed: it takes the place of both files
PATIENCE = 0.05  # seconds that a line may hold up the daemon: so the last one is written before it exits
MOST_WAITING = 1024 * 1024  # octets of lines that wait for a terminal that is stopped; beyond it they are counted


def to_stderr() -> Any:
    """A log observer, as `twistd --logger` wants it. Only what has gone wrong is worth a line.

    What is printed, by plugins too, is shown as it is.
    """
    output = _Output(_patient(sys.stderr))
    observer = FileLogObserver(cast(TextIO, output), formatEventAsClassicLogText)

    def worth_a_line(event: Mapping[str, Any]) -> None:
        level = event.get("log_level")
        if event.get("log_namespace") in PRINTED:
            output.write(formatEvent(dict(event)) + "\n")
        elif event.get("isError") or (level is not None and level.name in ("warn", "error", "critical")):
            observer(dict(event))

    return worth_a_line


def _patient(file: TextIO) -> Callable[[str], object]:
    """Writes to this file; where it is a real one, in a thread."""
    try:
        number = file.fileno()
    except (OSError, ValueError):

        def write(text: str) -> None:
            file.write(text)
            file.flush()

        return write
    NOTICES.show = Patient(number).write
    return NOTICES.show


@define
class _Output:
    """What an observer takes for a file. The console may show it instead."""

    _write: Callable[[str], object]

    def write(self, text: str) -> None:
        if not NOTICES.is_shown(text):
            self._write(text)

    def flush(self) -> None:
        """It is."""


@define(eq=False)
class Patient:
    """Writes in a thread of its own: a terminal that is stopped (Ctrl-S), or a full pipe, holds up nobody for long."""

    _number: int  # of the open file
    _queue: SimpleQueue[tuple[bytes, Event]] = field(factory=SimpleQueue)
    _given: int = 0  # octets, counted by those who write
    _written: int = 0  # and by the thread
    _dropped: int = 0
    _is_stuck: bool = False
    _thread: Thread | None = None  # twistd may fork, before which there must be none

    def write(self, text: str) -> None:
        """These lines; without its end the last one gets it."""
        data = (text.rstrip("\n") + "\n").encode("utf-8", "backslashreplace")
        if self._given - self._written > MOST_WAITING:
            self._dropped += 1
            return
        if self._dropped:
            data, self._dropped = b"llmproxy: %d lines were left out here\n" % self._dropped + data, 0
        if self._thread is None:
            self._thread = Thread(target=self._run, name="llmproxy-stderr", daemon=True)
            self._thread.start()
        self._given += len(data)
        done = Event()
        self._queue.put((data, done))
        if not self._is_stuck:
            self._is_stuck = not done.wait(PATIENCE)

    def _run(self) -> None:
        while True:
            data, done = self._queue.get()
            written_to(self._number, data)
            self._written += len(data)
            self._is_stuck = False
            done.set()


def written_to(number: int, data: bytes) -> None:
    """All of it, also where somebody who shares the file has made it non-blocking. Who has gone reads nothing."""
    while data:
        try:
            data = data[os.write(number, data) :]
        except BlockingIOError:
            select.select([], [number], [])
        except OSError:
            return
