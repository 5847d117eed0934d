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

from proxy_daemon.core import strictness
from proxy_daemon.core.access import is_loopback
from proxy_daemon.core.headers import Headers, Pair
from proxy_daemon.core.messages import Request
from proxy_daemon.core.strictness import Wrong
from proxy_daemon.net import eager
from proxy_daemon.net.chunks import StrictChunks
from proxy_daemon.net.guard import Caller
from proxy_daemon.net.limits import MAX_FIELDS, LimitMet, head_too_large, too_many_fields
from proxy_daemon.net.watched import WatchedChannel
from proxy_daemon.pipeline.faults import Refusal
from proxy_daemon.pipeline.ports import Flow

if TYPE_CHECKING:
    from proxy_daemon.net.site import FrontSite

MAX_KNOWN = 256  # heads
LARGEST_KNOWN = 8 * 1024  # octets of one
LINGER_SECONDS = 10.0
QUIET_SECONDS = 0.25  # behind an answer: so soon a busy client asks again
END = b"\r\n\r\n"


@frozen(slots=False)
class KnownHead:
    """What came of a head. ``length``: octets of the body behind it."""

    command: bytes
    path: bytes
    fields: Headers
    length: int
    caller: Caller


class FrontChannel(WatchedChannel):
    """One client connection. ``local_host`` and ``peer_host`` are looked up once: each is a system call."""

    transport: Any
    site: FrontSite
    rejected = False
    _line = b""  # the request line, where the head did not come in one read
    _doubtful = False  # the parser has seen two lengths, or one that is none
    asked = False  # whether a request has been answered on it
    flow: Flow | None = None  # whom to hold up then
    _queued = False  # behind the last request there is more, which waits for the next turn of the reactor
    maxHeaders = MAX_FIELDS

    def connectionMade(self) -> None:
        """Look the addresses up."""
        self._site = self.site
        # One line may be all there is of a head.
        self.totalHeadersSize = self.MAX_LENGTH = self._site.limits.max_head
        super().connectionMade()
        self._peer = self.transport.getPeer()
        self._host = self.transport.getHost()
        self.local_host = getattr(self._host, "host", "")
        self.peer_host = getattr(self._peer, "host", "") or ""
        self.ends = (self.peer_host, getattr(self._peer, "port", 0), self.local_host, getattr(self._host, "port", 0))
        self.peer_is_local = is_loopback(self.peer_host) or isinstance(self._peer, UNIXAddress)
        self.raw_fields: list[Pair] = []
        self._head = b""  # of the request that the parser reads, where it may become known
        self.forget()
        self._site.entered(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget it."""
        self._site.left(self)
        self.flow = None
        super().connectionLost(reason)

    def forget(self) -> None:
        """Who may ask is another: take no head for known that the old rules have passed."""
        self._known = self._site.known_heads(self.local_host, self.peer_is_local)

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
            if self._buffer:
                self._look_at_rest()
            return
        end = data.find(END) + len(END)
        known = self._known.get(data[:end])
        if known is not None and known.length == len(data) - end:
            self._take(known, data[end:])
            return
        # one behind an empty line is not learned: it would be known behind two of them
        self._head = data[:end] if len(END) <= end <= LARGEST_KNOWN and not data.startswith(b"\r") else b""
        self._head_since = self._silent_since
        if self._head:
            self.lineReceived = super().lineReceived  # type: ignore[method-assign]  # `judge` looks at the lines
        super().dataReceived(data)
        if self._buffer:
            self._look_at_rest()

    def _take(self, known: KnownHead, body: bytes) -> None:
        """What the parser does at the end of a head and of a body, by `allHeadersReceived` and `allContentReceived`."""
        request: Any = self.requestFactory(self, 0)
        self.requests.append(request)
        self._HTTPChannel__first_line = 1  # an empty line before it counts no more
        self._savedTimeOut = self.setTimeout(None)
        self._handlingRequest = True
        self.setRawMode()
        request.known(known.fields, known.caller, body)
        request.requestReceived(known.command, known.path, b"HTTP/1.1")

    def learn(self, fields: Headers, length: int | None, caller: Caller) -> None:
        """The parser has passed a head, and the request is not refused: know it from now on."""
        head, self._head = self._head, b""
        if head and length is not None and self.persistent and self._version == b"HTTP/1.1":
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[head] = KnownHead(self._command, self._path, fields, length, caller)

    def allHeadersReceived(self) -> None:
        """The head of a request is whole. Where it was not learned, the next one must not be learned in its place."""
        super().allHeadersReceived()
        self._next_head()

    def checkPersistence(self, request: Any, version: bytes) -> bool:
        """Whether the connection stays for another request: not while the daemon drains.

        Twisted's own reads the first line of Connection, and no lists.
        """
        connection = request.requestHeaders.getRawHeaders(b"connection", [])
        if version == b"HTTP/1.1" and not self._site.draining and not (connection and strictness.closes(connection)):
            return True
        request.responseHeaders.setRawHeaders(b"connection", [b"close"])
        return False

    def headerReceived(self, line: bytes) -> bool:
        """Keep the field as it was written, where Twisted's checks pass it."""
        try:
            passed: bool = super().headerReceived(line)
        except ValueError:  # a Content-Length of thousands of digits
            passed = self._failChooseTransferDecoder()
        if passed:
            name, _, value = line.partition(b":")
            self.raw_fields.append((name, value.strip(b" \t")))
        return passed

    def lineLengthExceeded(self, line: bytes) -> None:
        """A line longer than all fields may be. Twisted would close without a word."""
        self._receivedHeaderSize += len(line)
        self._respondToBadRequestAndDisconnect()

    # --- rules (`core.strictness`) -----------------------------------------------------------------------------------

    def lineReceived(self, line: bytes) -> None:
        """One line of a head that came in parts, or behind another in one read."""
        first = self._HTTPChannel__first_line
        wrong = None
        if not first:
            wrong = strictness.wrong_field_line(line) if line else None
        elif (line or first != 1) and self.persistent:  # one empty line before a request is nothing
            wrong = strictness.wrong_request_line(line)
            self._line = line
        if wrong is None:
            super().lineReceived(line)
        else:
            self.reject(wrong)

    def judge(self, fields: Headers, length: int | None) -> bool:
        """Whether a head may pass. Where not, it has been answered. Called by `FrontRequest.gotLength`."""
        size = self._receivedHeaderSize + 2 * (len(fields.pairs) + 2)  # and a line each for the first and the empty one
        wrong = strictness.wrong_lines(self._head, size, self._command, self._path) if self._head else None
        wrong = wrong or strictness.wrong_head(self._version, fields)
        if wrong is not None or self._doubtful:
            self.reject(wrong or strictness.UNCLEAR)
            return False
        if length is None:
            self._transferDecoder = StrictChunks(self.requests[-1].handleContentChunk, self._finishRequestBody)
        return True

    def rawDataReceived(self, data: bytes) -> None:
        """A body; or requests behind one that is being answered: in one piece, as Twisted looks at each each time."""
        if self._handlingRequest and self._dataBuffer:
            data = self._dataBuffer.pop() + data
        super().rawDataReceived(data)

    def _next_head(self) -> None:
        self._head = self._line = b""
        if not self.rejected:
            self.__dict__.pop("lineReceived", None)

    def _look_at_rest(self) -> None:
        """A line that is not whole and never will be: its client may wait for an answer for ever."""
        if self.line_mode and not self._busyReceiving and not self.rejected and strictness.has_bare_end(self._buffer):
            self.reject(strictness.BARE)

    def _failChooseTransferDecoder(self) -> bool:
        """Called by Twisted's parser for lengths that it refuses: `judge` says why once the head is whole."""
        self._doubtful = True
        return True

    def _finishRequestBody(self, data: bytes) -> None:
        """Called by Twisted's decoders behind a body. Trailers end here, but must not hide another request."""
        if strictness.are_trailers(getattr(self._transferDecoder, "_trailerHeaders", [])):
            super()._finishRequestBody(data)
        else:
            self.reject(strictness.CHUNKS)

    def _respondToBadRequestAndDisconnect(self) -> None:
        """Called by Twisted's parser for all that it refuses. It says not why, but the rules do."""
        if (excess := self._excess()) is not None:
            self.refuse(excess)
            return
        wrong = strictness.first_wrong_line(self._head) if self._head else None
        self.reject(wrong or (strictness.REQUEST_LINE if self.line_mode else strictness.CHUNKS))

    def _excess(self) -> LimitMet | None:
        """The limit of a head that was passed, where that is what the parser refuses."""
        if self._receivedHeaderCount > MAX_FIELDS:
            return too_many_fields()
        if self._receivedHeaderSize > self.totalHeadersSize:
            return head_too_large(self.totalHeadersSize, in_target=bool(self._HTTPChannel__first_line))
        return None

    def reject(self, wrong: Wrong) -> None:
        """Say what is wrong."""
        self.refuse(Refusal(wrong.status, wrong.message))

    def refuse(self, refusal: Refusal) -> None:
        """Answer what has come of a request, and read nothing any more: where the next one begins is in doubt."""
        if self.rejected:
            return
        if isinstance(refusal, LimitMet):
            self._site.met.add(refusal.limit)
        fields = getattr(self.requests[-1], "fields", None) if self.requests else None  # there once the head is whole
        fields = Headers(self.raw_fields) if fields is None else fields
        command, path = strictness.shown(self._line or self._head.partition(b"\r\n")[0])
        request = Request(getattr(self, "_command", command), getattr(self, "_path", path), fields)
        head, own, body = self._site.root.turn_away(request, self.peer_host, refusal)
        framing = b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
        eager.send(self.transport, head.wire + own + framing + (b"" if request.method == b"HEAD" else body))
        self.linger()

    # --- writing -----------------------------------------------------------------------------------------------------

    def pauseProducing(self) -> None:
        """Remembered for who registers later: Twisted tells only those who are there."""
        self.held_up = True
        super().pauseProducing()
        if self.flow is not None:
            self.flow.pause()

    def resumeProducing(self) -> None:
        """It takes more."""
        super().resumeProducing()
        if self._queued:
            self.callLater(0, self._next)
        if self.flow is not None:
            self.flow.resume()

    def requestDone(self, request: Any) -> None:
        """The answer is written. While the client does not take it, no further request is read."""
        self.asked = True
        rest, self._dataBuffer = self._dataBuffer, []  # else it would be read at once
        super().requestDone(request)
        if not self.persistent:
            return
        if rest or self._buffer:
            self._queue(rest)
        if self.held_up:
            self._networkProducer.pauseProducing()

    def _queue(self, rest: list[bytes]) -> None:
        """A client may send a thousand requests in one read: each has its turn, as those of other clients have."""
        self._handlingRequest = self._queued = True  # so that what comes is put behind it, and not too much is read
        self.setRawMode()
        self._dataBuffer = rest
        self.callLater(0, self._next)

    def _next(self) -> None:
        """Read the request that was queued, if its client takes answers and is still there."""
        if not self._queued or self.held_up or self.rejected or self not in self._site.channels:
            return
        self._handlingRequest = self._queued = False
        data, self._dataBuffer = b"".join(self._dataBuffer), []
        self._networkProducer.resumeProducing()
        self.setLineMode(data)

    def leave(self, *, new_too: bool = True) -> None:
        """The daemon stops: close when idle, else after the answer that is under way.

        A client that has just been answered may be asking again at this moment, and could not know that it should not:
        its connection stays until it is quiet, and an answer on it says that it is the last one. A connection on which
        nothing was asked yet gets its first answer, unless ``new_too``.
        """
        if self.requests:
            if not self.requests[0].startedWriting:  # else it is too late to say so
                self.persistent = 0
        elif not self._buffer and not self._queued and (self._is_quiet() if self.asked else new_too):
            self.persistent = 0
            self.loseConnection()

    def _is_quiet(self) -> bool:
        """Whether a close now would hardly take a question away from its client."""
        quiet: bool = self._site.seconds() - self._silent_since >= QUIET_SECONDS
        return quiet and not eager.unread(self.transport)

    def linger(self) -> None:
        """The answer is written and nothing more is read, but the client still sends.

        A close would reset the connection, perhaps before the client has read the answer (RFC 9112 section 9.6): so end
        our side only, and pass over what comes, for a while.
        """
        self.persistent = 0
        self.rejected = True  # also in the midst of a read: what is behind it in there gets no answer
        self.setTimeout(None)
        self.lineReceived = self.allContentReceived = self.rawDataReceived = _ignored  # type: ignore[method-assign,assignment]
        self.dataReceived = _ignored  # type: ignore[assignment]
        cast(Any, self._networkProducer).unregisterProducer()  # a held-up producer would keep our side open
        self._networkProducer.resumeProducing()  # the octets that come must not lie there, nor the end be missed
        eager.end(self.transport)
        self._abortingCall = self.callLater(LINGER_SECONDS, self.forceAbortClient)

    def getPeer(self) -> Any:
        """The client's address."""
        return self._peer

    def getHost(self) -> Any:
        """Our own address on this connection."""
        return self._host


def _ignored(*_: object) -> None:
    """Nothing."""
