"""Chooses between HTTP/1.1 and HTTP/2 once a TLS handshake has (ALPN, RFC 7301). Made by `net/serving_tls.py`."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.interfaces import IProtocolNegotiationFactory
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from zope.interface import implementer

from proxy_daemon.net.http2 import DONE, Gateway


@implementer(IProtocolNegotiationFactory)
class Negotiating(WrappingFactory):
    """In front of the site: HTTP/2 for clients that choose it in their handshake, else the site's own protocol."""

    noisy = False

    def acceptableProtocols(self) -> list[bytes]:
        """The best first."""
        return [b"h2", b"http/1.1"]

    def buildProtocol(self, addr: Any) -> Any:
        """Until the handshake is done it is the site's, which counts it and looks after it."""
        return Negotiated(cast(Any, self), self.wrappedFactory.buildProtocol(addr))


class Negotiated(ProtocolWrapper):
    """Hands on what comes; its first octets tell that the handshake is done."""

    factory: Any
    transport: Any
    chosen = False

    def dataReceived(self, data: bytes) -> None:
        """One read."""
        if not self.chosen:
            self.chosen = True
            site = self.factory.wrappedFactory
            if self.transport.negotiatedProtocol == b"h2" and self.wrappedProtocol in site.channels:
                self._change(site)
        self.wrappedProtocol.dataReceived(data)

    def _change(self, site: Any) -> None:
        self.wrappedProtocol.connectionLost(DONE)
        self.transport.unregisterProducer()
        self.wrappedProtocol = Gateway(site)
        self.wrappedProtocol.makeConnection(self.transport)
