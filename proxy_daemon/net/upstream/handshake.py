"""The TLS handshake of a new connection: it is done, within the connect timeout, before anything is asked.

Begun by `net/upstream/pool.py`; told by `net/upstream/connection.py` what happens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from proxy_daemon.net.upstream.certificate import name_in_words
from proxy_daemon.net.upstream.words import handshake_in_words
from proxy_daemon.pipeline.faults import UpstreamFault
from proxy_daemon.pipeline.ports import Timer


@frozen
class Tls:
    """What is asked of an upstream's TLS. ``limit``: seconds in which TCP and TLS together must be done.

    ``verified``: whether the name in the certificate is looked at.
    """

    host: str
    limit: float
    verified: bool = True


class Handshake:
    """The wait for one handshake. ``done`` fires once, or fails with `UpstreamFault`; cancelling it aborts."""

    def __init__(self, timer: Timer, name: str, tls: Tls, left: float, abort: Callable[[], None]) -> None:
        self.done: Deferred[None] = Deferred(lambda _: self._stop())
        self._name = name
        self._tls = tls
        self._abort = abort
        self._timeout = timer.callLater(max(0.0, left), self._late)

    def completed(self, transport: Any) -> None:
        """Both sides have finished; nothing was sent yet."""
        if self.done.called:
            return
        wrong = name_in_words(transport.getHandle(), self._tls.host) if self._tls.verified else ""
        if wrong:
            self._stop()
            self.done.errback(UpstreamFault(502, f"TLS with upstream {self._name} failed: {wrong}"))
        else:
            self._timeout.cancel()
            self.done.callback(None)

    def lost(self, transport: Any, reason: Failure) -> None:
        """The connection is gone. Says why, unless it was us."""
        if not self.done.called:
            self._timeout.cancel()
            words = handshake_in_words(self._name, self._tls.host, transport.getHandle(), reason)
            self.done.errback(UpstreamFault(502, words))

    def _late(self) -> None:
        self._abort()
        limit = f"{self._tls.limit:g} s (--connect-timeout)"
        self.done.errback(UpstreamFault(504, f"upstream {self._name} did not finish the TLS handshake in {limit}"))

    def _stop(self) -> None:
        self._timeout.cancel()
        self._abort()
