"""Twisted's epoll reactor that tells the end of its turns, and makes no context of its old log for each event.

What whole requests and answers are sent in a turn leaves at its end (`eager.py`): a fifth of a hit. That context, two
in a hundred of a miss, tells `twisted.python.log.msg` which connection it was; we log by `twisted.logger`, which does
not ask it. What goes wrong is logged as before, and ends nothing else. Called by `tap.py`, once; other reactors are
left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from select import EPOLLIN
from typing import Any

from twisted.python import log

from proxy_daemon.net import eager

MODULE = "twisted.internet.epollreactor"  # not imported: it is on Linux only
_PARTS = ("_poller", "_selectables", "_doReadOrWrite")


def poll_plainly(reactor: Any) -> None:
    """From its next turn on. Does nothing to a reactor that is not built as this one."""
    if type(reactor).__module__ == MODULE and all(hasattr(reactor, part) for part in _PARTS):
        reactor.doIteration = partial(_poll, reactor, eager.gather(reactor))


def _read(reactor: Any, selectable: Any) -> None:
    """As `posixbase._PollLikeMixin._doReadOrWrite` does it, where it is known what there is to do."""
    try:
        why = selectable.doRead()
    except BaseException as error:  # noqa: BLE001  (as there: the connection of a defect ends)
        log.err()
        why = error
    if why:
        reactor._disconnectSelectable(selectable, why, True)  # noqa: SLF001


def _poll(reactor: Any, send: Callable[[], None], timeout: float | None) -> None:
    """As `EPollReactor.doPoll`, and ``send`` what timers and threads want to send, and then what these sockets do.

    Since PEP 475, `poll` itself goes on when a signal comes.
    """
    send()
    found = reactor._poller.poll(-1 if timeout is None else timeout, len(reactor._selectables))  # noqa: SLF001
    for descriptor, event in found:
        selectable = reactor._selectables.get(descriptor)  # noqa: SLF001  (gone, where one before it has closed it)
        if selectable is not None:
            try:
                if event == EPOLLIN:  # as nearly all
                    _read(reactor, selectable)
                else:
                    reactor._doReadOrWrite(selectable, descriptor, event)  # noqa: SLF001
            except Exception:  # noqa: BLE001  (a defect in how Twisted lets go of it)
                log.err()
    send()
