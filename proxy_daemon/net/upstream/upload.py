"""Sends a body that lies in a file, as fast as upstream takes it, while the answer may already come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IPullProducer
from zope.interface import implementer

from proxy_daemon.core.bodies import CHUNK, Body


@implementer(IPullProducer)
class Upload:
    """One body on its way up. ``moved`` is called for each part, ``done`` behind the last one."""

    def __init__(self, transport: Any, body: Body, moved: Callable[[], None], done: Callable[[], None]) -> None:
        self._transport = transport
        self._body = body
        self._moved = moved
        self._done = done
        self._offset = 0
        transport.registerProducer(self, False)

    def resumeProducing(self) -> None:
        """The transport wants more."""
        data = self._body.read(self._offset, CHUNK)
        self._offset += len(data)
        if data:
            self._transport.write(data)
            self._moved()
        if self._offset >= self._body.size:
            self.stop()
            self._done()
        elif not data:  # cut by whatever holds it: upstream would take the next request for the rest
            self.stop()
            self._transport.abortConnection()

    def stopProducing(self) -> None:
        """The connection is gone."""

    def stop(self) -> None:
        """Send no more."""
        self._transport.unregisterProducer()
