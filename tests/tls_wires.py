"""TLS clients in memory, in front of `wires.Front`. Time is the front's clock; nothing waits."""

import ssl
from contextlib import suppress

from wires import Wire

from proxy_daemon.net.serving_tls import TransportFactory


class TLSWire(Wire):
    """Closing ends it at once, as a socket does whose octets are all sent. ``waiting``: for `eager.unsent`."""

    def __init__(self, peer):
        super().__init__(peer=peer)
        self.closed = False
        self.waiting = 0

    def setTcpNoDelay(self, enabled):
        """A socket's."""

    def stop_taking(self, waiting=100_000):
        """As a socket whose peer reads no more."""
        self.waiting = waiting
        self.producer.pauseProducing()

    def loseConnection(self):
        super().loseConnection()
        self.closed = not self.waiting


class TLSClient:
    """A client of Python's `ssl` and our side of its connection. ``trusted``: the file of its authority."""

    def __init__(self, front, certificates, trusted, protocols=(), site=None, peer="127.0.0.1"):
        self.front, self.wire = front, TLSWire(peer)
        factory = TransportFactory(certificates, False, site or front.site, front.clock)
        self.server = factory.buildProtocol(self.wire.getPeer())
        self.server.makeConnection(self.wire)
        self._context = ssl.create_default_context(cafile=trusted)
        if protocols:
            self._context.set_alpn_protocols(protocols)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._wrap()
        self.ended = False

    def _wrap(self):
        self.tls = self._context.wrap_bio(self._in, self._out, server_hostname="localhost")

    def limit(self, version):
        """Speak this version of TLS only, however old."""
        self._context.set_ciphers("ALL:@SECLEVEL=0")
        self._context.minimum_version = self._context.maximum_version = version
        self._wrap()

    def handshake(self):
        """Raises `ssl.SSLError` where the client does not accept the server."""
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.turn()
            else:
                self.turn()
                return self

    def serial(self):
        """Which certificate the server has shown."""
        return int(self.tls.getpeercert()["serialNumber"], 16)

    def send(self, data):
        self.tls.write(data)
        self.turn()

    def take(self):
        """What has come. Afterwards `ended` tells whether the server has ended TLS."""
        self.turn()
        taken = b""
        try:
            while data := self.tls.read(65536):
                taken += data
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        return taken

    def end(self):
        """The client's own end of TLS."""
        with suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        self.turn()

    def turn(self):
        """Octets both ways, and one turn of the reactor."""
        if data := self._out.read():
            self.server.dataReceived(data)
        self.front.clock.advance(0)
        self._in.write(self.wire.taken())
