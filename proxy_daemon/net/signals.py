"""Signals of the process, on the reactor's thread. Nothing else installs handlers but Twisted's reactor.

`tap.py` makes one; tests give `net.service` a stand-in, as handlers belong to the whole process.
"""

from __future__ import annotations

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

    def off(self, *numbers: signal.Signals) -> None:
        """What the system does by itself: the process ends."""
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
