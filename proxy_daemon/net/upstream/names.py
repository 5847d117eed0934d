"""A host by its name: all its addresses, of both families, the first that takes the connection wins (RFC 8305).

Look-up and attempts have one limit together. Whoever has not won is closed, and nothing is left of any. Twisted's
`HostnameEndpoint` has no limit for the look-up, calls one that was cancelled a name that does not resolve, tries one
family after the other, and waits where an address refuses. Made by `net/upstream/client.py`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import chain, zip_longest
from typing import Any

from attrs import frozen
from twisted.internet import error
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IResolutionReceiver, IStreamClientEndpoint
from twisted.python.failure import Failure
from zope.interface import implementer

HEAD_START = 0.25  # seconds that an address has before the next one is tried, too (RFC 8305 section 8)


class LookupTimeout(error.TimeoutError):
    """The name was not resolved in time."""


@implementer(IStreamClientEndpoint)
@frozen(eq=False)
class Named:
    """Connects to a name. ``limit``: seconds in all. Made with a name that is none, it raises UnicodeError."""

    reactor: Any
    host: str
    port: int
    limit: float

    def __attrs_post_init__(self) -> None:
        self.host.encode("idna")  # what the look-up does in its thread, where nobody would hear of the error

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:  # noqa: N803  (the interface's name)
        """Fails with `LookupTimeout`, `DNSLookupError`, or as the first address did. Cancelling stops all."""
        race = Race(self.reactor, protocolFactory, self.limit)
        self.reactor.nameResolver.resolveHostName(race, self.host, self.port)
        return race.done


@implementer(IResolutionReceiver)
class Race:
    """One connection to be: those who run, those who wait, and the time."""

    def __init__(self, reactor: Any, factory: IProtocolFactory, limit: float) -> None:
        self.done: Deferred[IProtocol] = Deferred(lambda _: self._stop())
        self._reactor = reactor
        self._factory = factory
        self._deadline = reactor.callLater(limit, self._late)
        self._next: Any = None
        self._addresses: list[Any] = []
        self._waiting: deque[Any] = deque()
        self._running: list[Deferred[IProtocol]] = []
        self._failure: Failure | None = None

    # --- the look-up -------------------------------------------------------------------------------------------------

    def resolutionBegan(self, resolutionInProgress: Any) -> None:  # noqa: N803  (the interface's name)
        """Twisted's cannot be cancelled: what it brings later is passed over."""

    def addressResolved(self, address: Any) -> None:
        """One of them."""
        self._addresses.append(address)

    def resolutionComplete(self) -> None:
        """There are no more."""
        if self.done.called:
            return
        self._waiting.extend(alternating(self._addresses))
        if self._waiting:
            self._try()
        else:
            self._stop()
            self.done.errback(error.DNSLookupError("the name has no address"))

    # --- the attempts ------------------------------------------------------------------------------------------------

    def _try(self) -> None:
        """The next address; those before it run on."""
        address = self._waiting.popleft()
        kind: Any = TCP6ClientEndpoint if isinstance(address, IPv6Address) else TCP4ClientEndpoint
        attempt: Deferred[IProtocol] = kind(self._reactor, address.host, address.port, None).connect(self._factory)
        self._running.append(attempt)
        self._next = self._reactor.callLater(HEAD_START, self._try) if self._waiting else None
        attempt.addCallbacks(self._won, self._lost, (attempt,), errbackArgs=(attempt,))

    def _won(self, protocol: IProtocol, attempt: Deferred[IProtocol]) -> None:
        self._running.remove(attempt)
        self._stop()
        self.done.callback(protocol)

    def _lost(self, failure: Failure, attempt: Deferred[IProtocol]) -> None:
        if attempt not in self._running:  # we have stopped it
            return
        self._running.remove(attempt)
        self._failure = self._failure or failure
        if self._next is not None:
            self._next.cancel()
            self._try()
        elif not self._running:
            self._stop()
            self.done.errback(self._failure)

    def _late(self) -> None:
        looked_up = bool(self._running)
        self._stop()
        self.done.errback(error.TimeoutError() if looked_up else LookupTimeout())

    def _stop(self) -> None:
        running, self._running = self._running, []
        self._waiting.clear()
        for call in (self._deadline, self._next):
            if call is not None and call.active():
                call.cancel()
        for attempt in running:
            attempt.cancel()


def alternating(addresses: Iterable[Any]) -> list[Any]:
    """One of each family in turn, the family of the first one before the other (RFC 8305 section 4)."""
    found = [each for each in addresses if isinstance(each, IPv4Address | IPv6Address)]
    first = [each for each in found if type(each) is type(found[0])]
    others = [each for each in found if type(each) is not type(found[0])]
    return [each for each in chain.from_iterable(zip_longest(first, others)) if each is not None]
