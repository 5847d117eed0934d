"""One client connection: Twisted's hardened HTTP/1.1 parser, and what it need not do twice.

A client sends the same head again and again. A head that the parser has passed once is known by its octets; when
exactly these octets come again, with the whole body, the parser's result is taken as it was. All else - another
octet, a part of a request, two requests in one read - goes through the parser. Made by `net.site.FrontSite`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from attrs import frozen
from twisted.internet.address import UNIXAddress
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel

from proxy_daemon.core.access import is_loopback
from proxy_daemon.core.headers import Headers, Pair
from proxy_daemon.pipeline.ports import Flow

if TYPE_CHECKING:
    from proxy_daemon.net.site import FrontRequest, FrontSite

MAX_KNOWN = 256  # heads
LARGEST_KNOWN = 8 * 1024  # octets of one
LINGER_SECONDS = 10.0
BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
END = b"\r\n\r\n"


@frozen(slots=False)
class KnownHead:
    """What came of a head. ``length``: octets of the body behind it."""

    command: bytes
    path: bytes
    fields: Headers
    length: int


class FrontChannel(HTTPChannel):
    """One client connection. ``local_host`` and ``peer_host`` are looked up once: each is a system call."""

    transport: Any
    rejected = False
    held_up = False  # the transport takes no more for now
    flow: Flow | None = None  # whom to hold up then
    totalHeadersSize = 256 * 1024  # agents send long headers; HTTPChannel's own 16 KiB is answered by a bare 400
    MAX_LENGTH = totalHeadersSize  # one line of them may be all there is

    def connectionMade(self) -> None:
        """Look the addresses up."""
        self._site = cast("FrontSite", self.site)  # type: ignore[attr-defined]
        self._silent_since = 0.0
        super().connectionMade()
        self._peer = self.transport.getPeer()
        self._host = self.transport.getHost()
        self.local_host = getattr(self._host, "host", "")
        self.peer_host = getattr(self._peer, "host", "") or ""
        self.peer_is_local = is_loopback(self.peer_host) or isinstance(self._peer, UNIXAddress)
        self.raw_fields: list[Pair] = []
        self._head = b""  # of the request that the parser reads, where it may become known
        self._known = self._site.known_heads(self.local_host)
        self._site.channels.add(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget it."""
        self._site.channels.discard(self)
        self.flow = None
        super().connectionLost(reason)

    # --- reading -----------------------------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        """One read."""
        self._silent_since = self._site.seconds()
        if (
            self._handlingRequest
            or self._receivedHeaderSize
            or self._buffer
            or not self.line_mode
            or not self.persistent
        ):
            super().dataReceived(data)
            return
        end = data.find(END) + len(END)
        known = self._known.get(data[:end])
        if known is not None and known.length == len(data) - end:
            self._take(known, data[end:])
            return
        self._head = data[:end] if len(END) <= end <= LARGEST_KNOWN else b""
        super().dataReceived(data)

    def _take(self, known: KnownHead, body: bytes) -> None:
        """What the parser does at the end of a head and of a body, by `allHeadersReceived` and `allContentReceived`."""
        request = cast("FrontRequest", self.requestFactory(self, 0))
        self.requests.append(request)
        self._HTTPChannel__first_line = 1  # an empty line before it counts no more
        self._savedTimeOut = self.setTimeout(None)
        self._handlingRequest = True
        self.setRawMode()
        request.known(known.fields, body)
        request.requestReceived(known.command, known.path, b"HTTP/1.1")

    def learn(self, fields: Headers, length: int | None) -> None:
        """The parser has passed a head, and the request is not refused: know it from now on."""
        head, self._head = self._head, b""
        if head and length is not None and self.persistent and self._version == b"HTTP/1.1":
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[head] = KnownHead(self._command, self._path, fields, length)

    def allHeadersReceived(self) -> None:
        """The head of a request is whole. Where it was not learned, the next one must not be learned in its place."""
        super().allHeadersReceived()
        self._head = b""

    def headerReceived(self, line: bytes) -> bool:
        """Keep the field as it was written, where Twisted's checks pass it."""
        passed: bool = super().headerReceived(line)
        if passed:
            name, _, value = line.partition(b":")
            self.raw_fields.append((name, value.strip(b" \t")))
        return passed

    def lineLengthExceeded(self, line: bytes) -> None:
        """A line longer than all fields may be. Twisted would close without a word."""
        self._respondToBadRequestAndDisconnect()

    def _respondToBadRequestAndDisconnect(self) -> None:
        """Called by Twisted's parser for all that it refuses. It would read on; here nothing is read any more."""
        if not self.rejected:
            self.rejected = True
            self.lineReceived = self.allContentReceived = _ignored  # type: ignore[method-assign]
            self.transport.write(BAD_REQUEST)
            self.linger()

    # --- time: one look a second over all connections, instead of a timer a request ----------------------------------

    def setTimeout(self, period: float | None) -> float | None:
        """The time without an octet after which the connection is closed; None: never. Gives the one before."""
        before: float | None = self.timeOut
        self.timeOut = period  # type: ignore[assignment]
        self._silent_since = self._site.seconds()
        return before

    def resetTimeout(self) -> None:
        """An octet has come; `dataReceived` has noted it."""

    def look(self, now: float) -> None:
        """Close it where it has been silent for too long."""
        if self.timeOut is not None and now - self._silent_since > self.timeOut:
            self.timeOut = None
            self.timeoutConnection()

    # --- writing -----------------------------------------------------------------------------------------------------

    def pauseProducing(self) -> None:
        """Remembered for who registers later: Twisted tells only those who are there."""
        self.held_up = True
        super().pauseProducing()
        if self.flow is not None:
            self.flow.pause()

    def resumeProducing(self) -> None:
        """It takes more."""
        self.held_up = False
        super().resumeProducing()
        if self.flow is not None:
            self.flow.resume()

    def requestDone(self, request: Any) -> None:
        """The answer is written. While the client does not take it, no further request is read."""
        super().requestDone(request)
        if self.held_up and self.persistent:
            self._networkProducer.pauseProducing()

    def leave(self) -> None:
        """The daemon stops: close when idle, else after the answer that is under way."""
        self.persistent = 0
        if not self.requests and not self._receivedHeaderSize:
            self.loseConnection()

    def linger(self) -> None:
        """The answer is written and nothing more is read, but the client still sends.

        A close would reset the connection, perhaps before the client has read the answer (RFC 9112 section 9.6): so end
        our side only, and pass over what comes, for a while.
        """
        self.persistent = 0
        self.setTimeout(None)
        self.dataReceived = _ignored  # type: ignore[assignment]
        cast(Any, self._networkProducer).unregisterProducer()  # a held-up producer would keep our side open
        self._networkProducer.resumeProducing()  # the octets that come must not lie there, nor the end be missed
        getattr(self.transport, "loseWriteConnection", self.transport.loseConnection)()
        self._abortingCall = self.callLater(LINGER_SECONDS, self.forceAbortClient)

    def getPeer(self) -> Any:
        """The client's address."""
        return self._peer

    def getHost(self) -> Any:
        """Our own address on this connection."""
        return self._host


def _ignored(*_: object) -> None:
    """Nothing."""
