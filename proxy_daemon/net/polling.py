"""Twisted's epoll reactor without the context that it makes of its old log for each event: two in a hundred of a miss.

That context tells `twisted.python.log.msg` which connection it was; we log by `twisted.logger`, which does not ask it.
What goes wrong is logged as before, and ends nothing else. Called by `tap.py`, once; other reactors are left alone.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.python import log

MODULE = "twisted.internet.epollreactor"  # not imported: it is on Linux only
_PARTS = ("_poller", "_selectables", "_doReadOrWrite")


def poll_plainly(reactor: Any) -> None:
    """From its next turn on. Does nothing to a reactor that is not built as this one."""
    if type(reactor).__module__ == MODULE and all(hasattr(reactor, part) for part in _PARTS):
        reactor.doIteration = partial(_poll, reactor)


def _poll(reactor: Any, timeout: float | None) -> None:
    """As `EPollReactor.doPoll`. Since PEP 475, `poll` itself goes on when a signal comes."""
    found = reactor._poller.poll(-1 if timeout is None else timeout, len(reactor._selectables))  # noqa: SLF001
    for descriptor, event in found:
        selectable = reactor._selectables.get(descriptor)  # noqa: SLF001  (gone, where one before it has closed it)
        if selectable is not None:
            try:
                reactor._doReadOrWrite(selectable, descriptor, event)  # noqa: SLF001
            except Exception:  # noqa: BLE001  (a defect in how Twisted lets go of it)
                log.err()
