"""Endpoints that reach an upstream through an HTTP proxy: by CONNECT, or to the proxy itself.

What fails on the way to the proxy is told as the proxy's fault, by its address, never with its credentials.
Used by `net/upstream/way.py`.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen
from twisted.internet import error
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from proxy_daemon.core.connect import ConnectAnswer, State, connect_request
from proxy_daemon.core.proxying import Proxy
from proxy_daemon.net.upstream.names import LookupTimeout
from proxy_daemon.pipeline.faults import UpstreamFault
from proxy_daemon.pipeline.ports import Timer


@implementer(IStreamClientEndpoint)
@frozen(eq=False)
class ToProxy:
    """Connects to the proxy, for requests in absolute form. Fails with `UpstreamFault`."""

    endpoint: IStreamClientEndpoint
    proxy: Proxy

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:  # noqa: N803  (the interface's name)
        """As every endpoint."""
        return self.endpoint.connect(protocolFactory).addErrback(self._failed)

    def _failed(self, failure: Failure) -> Failure:
        failure.trap(Exception)
        if failure.check(CancelledError, error.ConnectingCancelledError):
            return failure
        raise UpstreamFault(*_in_words(self.proxy, failure)) from failure.value


@implementer(IStreamClientEndpoint)
@frozen(eq=False)
class Tunnel:
    """Connects through the proxy. ``authority``: of the upstream, with its port; ``limit``: seconds for all of it."""

    endpoint: ToProxy
    timer: Timer
    authority: str
    limit: float

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:  # noqa: N803  (the interface's name)
        """Fires with the protocol behind the tunnel once that is open."""
        return Deferred.fromCoroutine(self._connect(protocolFactory))

    async def _connect(self, factory: IProtocolFactory) -> IProtocol:
        began = self.timer.seconds()
        digging: Any = await self.endpoint.connect(Factory.forProtocol(lambda: Digging(self, factory)))
        return await digging.open(began + self.limit - self.timer.seconds())  # type: ignore[no-any-return]


class Digging(Protocol):
    """A connection to the proxy: first the CONNECT, then the protocol of ``factory`` has it."""

    def __init__(self, tunnel: Tunnel, factory: IProtocolFactory) -> None:
        self._tunnel = tunnel
        self._factory = factory
        self._answer = ConnectAnswer()
        self._done: Deferred[IProtocol] = Deferred(lambda _: self._abort())
        self._timeout: Any = None
        self._inner: Any = None

    def open(self, left: float) -> Deferred[IProtocol]:
        """Ask the proxy, which has ``left`` seconds. Fails with `UpstreamFault`; cancelling aborts."""
        transport: Any = self.transport
        self._timeout = self._tunnel.timer.callLater(max(0.0, left), self._late)
        transport.write(connect_request(self._tunnel.authority, self._tunnel.endpoint.proxy.authorization))
        return self._done

    def dataReceived(self, data: bytes) -> None:
        """The proxy's answer; behind it, the upstream's octets."""
        if self._inner is not None:
            self._inner.dataReceived(data)
            return
        rest = self._answer.feed(data)
        if self._answer.state is State.OPEN and not self._done.called:
            self._opened(rest)
        elif self._answer.state is State.REFUSED:
            self._fail(502, self._answer.fault)

    def _opened(self, rest: bytes) -> None:
        self._timeout.cancel()
        self._inner = self._factory.buildProtocol(self.transport.getPeer())  # type: ignore[union-attr]
        self._inner.makeConnection(self.transport)
        self._done.callback(self._inner)
        if rest:
            self._inner.dataReceived(rest)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """By anybody."""
        if self._inner is not None:
            self._inner.connectionLost(reason)
        else:
            self._fail(502, "it closed the connection without an answer")

    def _late(self) -> None:
        self._fail(504, f"it did not answer in {self._tunnel.limit:g} s (--connect-timeout)")

    def _fail(self, status: int, why: str) -> None:
        self._abort()
        if not self._done.called:
            proxy = self._tunnel.endpoint.proxy
            words = f"no way to {self._tunnel.authority} through the proxy {proxy}: {why}"
            self._done.errback(UpstreamFault(status, words))

    def _abort(self) -> None:
        if self._timeout is not None and self._timeout.active():
            self._timeout.cancel()
        transport: Any = self.transport
        transport.abortConnection()


def _in_words(proxy: Proxy, failure: Failure) -> tuple[int, str]:
    """Why there is no connection to the proxy."""
    problem = failure.value
    if isinstance(problem, error.DNSLookupError):
        return 502, f"the name of the proxy {proxy} does not resolve (--upstream-proxy, HTTPS_PROXY)"
    if isinstance(problem, error.ConnectionRefusedError):
        return 502, f"the proxy {proxy} refuses connections (--upstream-proxy, HTTPS_PROXY); is it running?"
    if isinstance(problem, LookupTimeout):
        return 504, f"the name of the proxy {proxy} was not resolved in time (--connect-timeout)"
    if isinstance(problem, error.TimeoutError | error.TCPTimedOutError):
        return 504, f"the proxy {proxy} did not accept a connection in time (--connect-timeout)"
    return 502, f"no connection to the proxy {proxy}: {problem}"
