"""One stream of HTTP/2 as the transport of a `FrontChannel`: HTTP/1.1 on that side, header lists and data on the other.

Made by `net/http2.py`; what it may be asked is said by `core/http2_requests.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import httptools
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IPushProducer, ITransport
from twisted.python.failure import Failure
from zope.interface import implementer

from proxy_daemon.core.headers import HOP_BY_HOP, Pair
from proxy_daemon.core.http2_requests import Http1Head

NO_BODY = frozenset((204, 304))
FIRST_FINAL = 200  # below are interim answers
DONE = Failure(ConnectionDone())


@implementer(ITransport, IPushProducer)
class Stream:
    """``ending``: None while it lasts, "whole", or "broken" where the client must see that its answer is not whole."""

    disconnecting = False

    def __init__(self, gateway: Any, number: int, channel: Any) -> None:
        self.number, self.request_ended = number, False
        self.ending: str | None = None
        self._gateway, self._channel = gateway, channel
        self._producer: Any = None
        self._out, self._held_up = bytearray(), False
        self._in: list[tuple[bytes, int]] = []
        self._complete = False
        self._reading, self._chunked, self._is_head, self._lost = True, False, False, False
        self._fields: list[Pair] = []
        self._parser = httptools.HttpResponseParser(self)

    # --- the request -------------------------------------------------------------------------------------------------

    def begin(self, head: Http1Head) -> None:
        """Its head."""
        self._chunked, self._is_head = head.chunked, head.is_head
        self._channel.makeConnection(self)
        self._feed(head.wire, 0)

    def body(self, data: bytes, size: int) -> None:
        """A part of its body. ``size``: what counts for flow control."""
        self._feed(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked and data else data, size)

    def body_ended(self) -> None:
        """The request is whole."""
        self.request_ended = True
        if self._chunked:
            self._feed(b"0\r\n\r\n", 0)

    def _feed(self, data: bytes, size: int) -> None:
        self._in.append((data, size))
        while self._in and self._reading and not self._lost:
            data, size = self._in.pop(0)
            self._channel.dataReceived(data)
            self._gateway.taken(self.number, size)

    def lost(self) -> None:
        """The stream has ended: by us, by the client, or with its connection."""
        if not self._lost:
            self._lost = True
            self._gateway.taken(self.number, sum(size for _, size in self._in))
            self._channel.connectionLost(DONE)

    # --- the answer --------------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Octets that wait until the client takes more, for `eager.unsent`: fewer where it takes something."""
        return len(self._out) + int(self._gateway.unsent(self.number))

    @property
    def has_body(self) -> bool:
        """Whether there are octets of the body to send."""
        return bool(self._out)

    @property
    def has_something(self) -> bool:
        """Whether there is something to send."""
        return bool(self._out) or self.ending is not None

    def take(self, room: int) -> bytes:
        """At most so many octets. When all are taken, more may come."""
        data = bytes(self._out[: max(0, room)])
        del self._out[: len(data)]
        if not self._out and self._held_up:
            self._held_up = False
            self._gateway.later(self._resume)
        return data

    def _resume(self) -> None:
        if self._producer is not None and not self._held_up and not self._lost:
            self._producer.resumeProducing()

    def write(self, data: bytes) -> None:
        """HTTP/1.1 from the channel."""
        if self._lost or self.ending is not None:
            return
        self._parser.feed_data(data)
        self._gateway.send()
        if self._out and not self._held_up and self._producer is not None:
            self._held_up = True
            self._producer.pauseProducing()

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: one field."""
        if name.lower() not in HOP_BY_HOP:
            self._fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """httptools: the head is whole."""
        status, fields, self._fields = self._parser.get_status_code(), self._fields, []
        self._gateway.head(self.number, [(b":status", b"%d" % status), *fields])
        if status >= FIRST_FINAL and (self._is_head or status in NO_BODY):
            self._whole()

    def on_body(self, data: bytes) -> None:
        """httptools: a part of the body."""
        self._out += data

    def on_message_complete(self) -> None:
        """httptools: the answer is whole."""
        if self._parser.get_status_code() >= FIRST_FINAL:
            self._whole()

    def _whole(self) -> None:
        self._complete = True
        self._gateway.later(self._end)  # the channel is still writing

    def _end(self) -> None:
        if self.ending is None and not self._lost:
            self.ending = "whole" if self._complete else "broken"
            self._gateway.send()

    # --- the channel's transport -------------------------------------------------------------------------------------

    def writeSequence(self, parts: Iterable[bytes]) -> None:
        """At once."""
        self.write(b"".join(parts))

    def loseConnection(self) -> None:
        """Behind the answer; where that is not whole, it is broken off."""
        self.disconnecting = True
        self._gateway.later(self._end)

    def loseWriteConnection(self) -> None:
        """What the client still sends is passed over, whichever way it ends."""
        self.loseConnection()

    def abortConnection(self) -> None:
        """In the next turn, whether the connection takes anything or not."""
        self.disconnecting = True
        self._gateway.later(self._abort)

    def _abort(self) -> None:
        if not self._lost:
            self._out.clear()
            self.ending = "broken"
            self._gateway.finish(self)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """The channel."""
        self._producer = producer

    def unregisterProducer(self) -> None:
        """No longer."""
        self._producer = None

    def pauseProducing(self) -> None:
        """The channel reads no more for now: the client's window closes."""
        self._reading = False

    def resumeProducing(self) -> None:
        """It reads on."""
        self._reading = True
        if self._in:
            self._feed(b"", 0)

    def stopProducing(self) -> None:
        """The channel never reads again."""
        self.abortConnection()

    def getPeer(self) -> Any:
        """The connection's."""
        return self._gateway.transport.getPeer()

    def getHost(self) -> Any:
        """The connection's."""
        return self._gateway.transport.getHost()
