"""HTTP/2 to clients, where the extra `http2` is installed: each stream is a connection of its own to `FrontChannel`.

A stream's request is written out as HTTP/1.1, and the answer read back. So every rule, limit and time of the front
holds for HTTP/2 as it does for HTTP/1.1, and nothing there knows of HTTP/2. Made by `net/serving_tls.py` for clients
that choose `h2` by ALPN (RFC 9113).
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, RequestReceived, StreamEnded, StreamReset, WindowUpdated
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IProtocolNegotiationFactory
from twisted.internet.protocol import Protocol
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from proxy_daemon.core.access import is_loopback
from proxy_daemon.net import eager
from proxy_daemon.net.http2_stream import BadRequest, Stream

STREAMS = 100  # of one connection, at a time
RESETS = (
    200  # by the client, beyond RESETS_A_SECOND: opening and resetting is cheap for it, not for us (CVE-2023-44487)
)
RESETS_A_SECOND = 20
MAX_UNSENT = 1024 * 1024  # octets of answers to control frames that a client does not take
DONE = Failure(ConnectionDone())


class Gateway(Protocol):
    """One HTTP/2 connection. The site looks after it as after a `FrontChannel`."""

    transport: Any

    def __init__(self, site: Any, now: float) -> None:
        self._site = site
        self._streams: dict[int, Stream] = {}
        self._blocked = False
        self._resets, self._reset_at = float(RESETS), now
        self._active = now
        self._asked = self._leaving = False
        self._h2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))

    # --- the connection ----------------------------------------------------------------------------------------------

    def connectionMade(self) -> None:
        """Send our settings."""
        self.peer_host = getattr(self.transport.getPeer(), "host", "")
        self.peer_is_local = is_loopback(self.peer_host)
        self._h2.local_settings.update(
            {
                SettingCodes.MAX_CONCURRENT_STREAMS: STREAMS,
                SettingCodes.MAX_HEADER_LIST_SIZE: self._site.limits.max_head,
            }
        )
        self.transport.registerProducer(self, True)
        self._site.entered(self)
        self._h2.initiate_connection()
        self.flush()

    def connectionLost(self, reason: Failure = DONE) -> None:
        """The client is gone, with all its requests."""
        self._site.left(self)
        for stream in tuple(self._streams.values()):
            self.drop(stream)

    def dataReceived(self, data: bytes) -> None:
        """One read."""
        self._active = self._site.seconds()
        try:
            for event in self._h2.receive_data(data):
                self._take(event)
        except ProtocolError:
            self._close()  # h2 has written why
            return
        self.flush()
        if self._blocked and eager.unsent(self.transport) > MAX_UNSENT:
            self.transport.abortConnection()

    def _take(self, event: Any) -> None:
        stream = self._streams.get(getattr(event, "stream_id", 0) or 0)
        if isinstance(event, RequestReceived):
            self._begin(event)
        elif isinstance(event, WindowUpdated):
            self.send()
        elif isinstance(event, ConnectionTerminated):
            self._close()
        elif stream is None:
            pass  # it has ended here, and the client did not know
        elif isinstance(event, DataReceived):
            stream.body(event.data, event.flow_controlled_length)
        elif isinstance(event, StreamEnded):
            stream.body_ended()
        elif isinstance(event, StreamReset):
            self.drop(stream)
            self._count_reset()

    def _begin(self, event: Any) -> None:
        number = event.stream_id
        if self._leaving:
            self._reset(number, ErrorCodes.REFUSED_STREAM)
            return
        self._asked = True
        channel = self._site.buildProtocol(self.transport.getPeer())  # or what says that there is no room
        stream = self._streams[number] = Stream(self, number, channel)
        try:
            stream.begin(event.headers, whole=event.stream_ended is not None)
        except BadRequest:
            self.drop(stream)
            self._reset(number, ErrorCodes.PROTOCOL_ERROR)

    def _count_reset(self) -> None:
        now = self._site.seconds()
        self._resets = min(RESETS, self._resets + (now - self._reset_at) * RESETS_A_SECOND) - 1
        self._reset_at = now
        if self._resets < 0:
            self._h2.close_connection(ErrorCodes.ENHANCE_YOUR_CALM)
            self._close()

    def _reset(self, number: int, code: ErrorCodes) -> None:
        with suppress(ProtocolError):  # the client has reset it in the same read
            self._h2.reset_stream(number, code)

    def _close(self) -> None:
        """Send what is written, and the end."""
        self.flush()
        self.transport.unregisterProducer()  # a held-up one would keep it open
        self.transport.loseConnection()

    # --- called by streams -------------------------------------------------------------------------------------------

    def head(self, number: int, fields: list[tuple[bytes, bytes]]) -> None:
        """The head of an answer."""
        with suppress(ProtocolError):  # as in `_reset`
            self._h2.send_headers(number, fields)
            self.flush()

    def taken(self, number: int, size: int) -> None:
        """So much of a body was taken in: the client may send as much again."""
        if size:
            with suppress(ProtocolError):  # as in `_reset`
                self._h2.acknowledge_received_data(size, number)
                self.flush()

    def send(self) -> None:
        """What the streams have, a frame of each in turn, as long as the client and its connection take it."""
        waiting = [stream for stream in self._streams.values() if stream.has_something]
        while waiting and not self._blocked:
            waiting = [stream for stream in waiting if self._send_frame(stream)]
            self.flush()

    def _send_frame(self, stream: Stream) -> bool:
        """Whether it might have another one."""
        try:
            return self._try_frame(stream)
        except ProtocolError:  # as in `_reset`
            self.drop(stream)
            return False

    def _try_frame(self, stream: Stream) -> bool:
        room = min(self._h2.local_flow_control_window(stream.number), self._h2.max_outbound_frame_size)
        data = stream.take(room)
        if data:
            self._h2.send_data(stream.number, data)
        if stream.waiting:
            return bool(data)
        if stream.ending is not None:
            self._end(stream)
        return False

    def _end(self, stream: Stream) -> None:
        if stream.ending == "whole":
            self._h2.end_stream(stream.number)
            if not stream.request_ended:  # an early answer: the rest is not wanted (RFC 9113 section 8.1)
                self._reset(stream.number, ErrorCodes.NO_ERROR)
        else:
            self._reset(stream.number, ErrorCodes.INTERNAL_ERROR)
        self.drop(stream)

    def drop(self, stream: Stream) -> None:
        """It has ended, one way or another."""
        if self._streams.pop(stream.number, None) is not None:
            stream.lost()
        if self._leaving and not self._streams:
            self._say_goodbye()

    def flush(self) -> None:
        """Send what h2 has written."""
        if data := self._h2.data_to_send():
            self.transport.write(data)

    def later(self, function: Any) -> None:
        """In the next turn of the reactor."""
        self._site.reactor.callLater(0, function)

    # --- called by the transport -------------------------------------------------------------------------------------

    def pauseProducing(self) -> None:
        """The connection takes no more for now."""
        self._blocked = True

    def resumeProducing(self) -> None:
        """It takes more."""
        self._blocked = False
        self.send()

    def stopProducing(self) -> None:
        """The connection is lost; `connectionLost` follows."""

    # --- called by the site ------------------------------------------------------------------------------------------

    def look(self, now: float) -> None:
        """Close it where nothing is asked on it."""
        if not self._streams and now - self._active > self._site.timeOut:
            self._site.met.add("idle_timeout")
            self.leave(new_too=True)

    def leave(self, *, new_too: bool) -> None:
        """Take no more requests, and close behind the last answer. ``new_too``: as for a `FrontChannel`."""
        self._leaving = self._asked or new_too
        if self._leaving and not self._streams:
            self._say_goodbye()

    def _say_goodbye(self) -> None:
        """Behind the last answer: clients that stand on h2 take nothing after it."""
        with suppress(ProtocolError):  # it is said
            self._h2.close_connection()
        self._close()

    def forget(self) -> None:
        """Each stream has its own channel, which forgets."""


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
        self.wrappedProtocol = Gateway(site, site.seconds())
        self.wrappedProtocol.makeConnection(self.transport)
