"""Signals of the process, on the reactor's thread. Nothing else installs handlers but Twisted's reactor.

`tap.py` makes one; tests give `net.service` a stand-in, as handlers belong to the whole process.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from attrs import frozen

HUP, TERM, INT = signal.SIGHUP, signal.SIGTERM, signal.SIGINT


@frozen
class Signals:
    """Installs handlers; each takes the place of the one before, the reactor's own too."""

    reactor: Any

    def on(self, function: Callable[[], object], *numbers: signal.Signals) -> None:
        """Call ``function`` in the reactor's next turn for each of these signals. In the main thread only."""
        for number in numbers:
            signal.signal(number, lambda *_: self.reactor.callFromThread(function))

    def last(self, function: Callable[[], object], *numbers: signal.Signals) -> None:
        """The same for the first of these signals; one more ends the process, even where the reactor does not turn."""

        def handle(*_: object) -> None:
            for number in numbers:
                signal.signal(number, _end)
            self.reactor.callFromThread(function)

        for number in numbers:
            signal.signal(number, handle)


def _end(number: int, _: object) -> None:
    """As the system does it. The first process of a container does not die so: the kernel keeps it."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)  # the code that a shell gives to a process that died of a signal
