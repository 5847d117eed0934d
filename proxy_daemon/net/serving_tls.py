"""`--listen ssl:...`: TLS for clients, with certificates that are read again when their files change.

A handshake gets the newest certificate that could be read whole; connections under way keep theirs. Files that cannot
be used leave the old ones in force, and the log says so once. Made by `net/listening.py`.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator, IStreamServerEndpoint
from twisted.logger import Logger
from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOFactory
from zope.interface import implementer

from proxy_daemon.net.certificates import CertificateError, Files, load, warnings

log = Logger()

LOOK_SECONDS = 1.0  # between two looks at the files


@implementer(IOpenSSLServerConnectionCreator)
class Certificates:
    """Makes the TLS state of each new connection. Raises `CertificateError` where the files cannot be used now."""

    def __init__(self, files: Files, reactor: Any) -> None:
        self._files = files
        self._reactor = reactor
        self._looked = reactor.seconds()
        self._marks = files.marks()  # before reading: what is written meanwhile is then seen as a change
        self._trouble = ""
        self._options, self._own = load(files)

    def serverConnectionForTLS(self, protocol: Any) -> Any:
        """For a client that has just connected. `twisted.internet.interfaces.IOpenSSLServerConnectionCreator`."""
        now = self._reactor.seconds()
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            self._look()
        return self._options.serverConnectionForTLS(protocol)

    def warn(self) -> None:
        """Tell what is unwise about the files."""
        for line in warnings(self._files, self._own):
            log.warn("{line}", line=line)  # noqa: G010  (a Twisted logger)

    def _look(self) -> None:
        marks = self._files.marks()
        if marks == self._marks and not self._trouble:
            return
        self._marks = marks
        try:
            self._options, self._own = load(self._files)
        except CertificateError as error:
            self._keep(str(error))
        else:
            self._trouble = ""
            log.info("new TLS connections get the certificate now in {file}", file=str(self._files.certificate))
            self.warn()

    def _keep(self, trouble: str) -> None:
        """Files are often replaced one after the other: look again, but say it once."""
        if trouble != self._trouble:
            log.error("TLS goes on with the old certificate: {trouble}", trouble=trouble)
        self._trouble = trouble


class Transport(BufferingTLSTransport):
    """Closes as a socket does.

    Twisted's waits until the client has confirmed the end, for ever if need be: who never answers would hold the
    connection, and an idle one would hold up the end of the daemon. RFC 8446 section 6.1 does not ask us to wait.
    """

    transport: Any

    def loseConnection(self) -> None:
        """Send what was written and the end of TLS; then close."""
        super().loseConnection()
        if self.connected and self._producer is None:
            self.transport.loseConnection()

    def loseWriteConnection(self) -> None:
        """Send what was written and the end of TLS; go on reading. Without this it would be the socket's own."""
        super().loseConnection()


class TransportFactory(TLSMemoryBIOFactory):
    """Twisted's, with our transport."""

    protocol = Transport


@implementer(IStreamServerEndpoint)
class TLSEndpoint:
    """Listens on TCP and speaks TLS."""

    def __init__(self, endpoint: TCP4ServerEndpoint, certificates: Certificates, reactor: Any) -> None:
        self._endpoint = endpoint
        self._certificates = certificates
        self._reactor = reactor

    def listen(self, factory: Any) -> Any:
        """A Deferred of the port. See `twisted.internet.interfaces.IStreamServerEndpoint`."""
        self._certificates.warn()
        negotiated = _with_http2(factory)
        return self._endpoint.listen(TransportFactory(self._certificates, False, negotiated, self._reactor))


def _with_http2(factory: Any) -> Any:
    """The factory, behind one that also speaks HTTP/2 where the extra `http2` is installed."""
    if find_spec("h2") is None:
        return factory
    from proxy_daemon.net.negotiating import Negotiating  # noqa: PLC0415  (it may not be there)

    return Negotiating(factory)
