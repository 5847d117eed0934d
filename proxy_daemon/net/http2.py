"""HTTP/2 to clients, where the extra `http2` is installed: each stream is a connection of its own to `FrontChannel`.

A stream's request is written out as HTTP/1.1, and the answer read back. So every rule, limit and time of the front
holds for HTTP/2 as it does for HTTP/1.1, and nothing there knows of HTTP/2. Made by `net/negotiating.py` for clients
that choose `h2` by ALPN (RFC 9113).
"""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

from h2.config import H2Configuration
from h2.connection import ConnectionInputs, H2Connection, H2ConnectionStateMachine
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, RequestReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

from proxy_daemon.core.access import is_loopback
from proxy_daemon.core.http2_frames import OVER, Frames
from proxy_daemon.core.http2_requests import BadRequest, http1_head
from proxy_daemon.net import eager
from proxy_daemon.net.http2_stream import Stream

STREAMS = 100  # of one connection, at a time
MAX_UNSENT = 1024 * 1024  # octets that wait although they are no answer's body: a client that takes nothing
GOODBYE_SECONDS = 1.0  # a request that is on its way finds the connection open, and its client then reads the GOAWAY
DONE = Failure(ConnectionDone())


class _Connection(H2Connection):
    """h2's, with what it knows of a connection bounded, and the limits in force before the client agrees to them."""

    MAX_CLOSED_STREAMS = 10 * STREAMS

    def __init__(self, max_head: int) -> None:
        super().__init__(H2Configuration(client_side=False, header_encoding=None))
        limits = {SettingCodes.MAX_CONCURRENT_STREAMS: STREAMS, SettingCodes.MAX_HEADER_LIST_SIZE: max_head}
        self.state_machine = _States()
        self.local_settings = Settings(client=False, initial_values=limits)
        self.decoder.max_header_list_size = max_head + OVER


class _States(H2ConnectionStateMachine):
    """A client's GOAWAY is not the end: what it has asked before is still answered (RFC 9113 section 6.8)."""

    def process_input(self, input_: ConnectionInputs) -> Any:
        """h2: what has come or is to be sent."""
        return [] if input_ is ConnectionInputs.RECV_GOAWAY else super().process_input(input_)


class Gateway(Protocol):
    """One HTTP/2 connection. The site looks after it as after a `FrontChannel`."""

    transport: Any

    def __init__(self, site: Any) -> None:
        self._site = site
        self._streams: dict[int, Stream] = {}
        self._blocked = self._asked = self._leaving = self._closed = False
        self._idle_since = site.seconds()
        self._unsent = math.inf  # octets that waited at the last look after the end
        self._end: Any = None
        self._frames = Frames(site.limits.max_head, self._idle_since)
        self._h2 = _Connection(site.limits.max_head)

    # --- the connection ----------------------------------------------------------------------------------------------

    def connectionMade(self) -> None:
        """Send our settings."""
        self.peer_host = getattr(self.transport.getPeer(), "host", "")
        self.peer_is_local = is_loopback(self.peer_host)
        self.transport.registerProducer(self, True)
        self._site.entered(self)
        self._h2.initiate_connection()
        self.flush()

    def connectionLost(self, reason: Failure = DONE) -> None:
        """The client is gone, with all its requests."""
        self._closed = True
        self._site.left(self)
        if self._end is not None and self._end.active():
            self._end.cancel()
        self._drop_all()

    def dataReceived(self, data: bytes) -> None:
        """One read."""
        if self._closed:
            return
        if code := self._frames.trouble(data, self._site.seconds()):
            self._site.met.add("http2_flood")
            self._break_off(code)
            return
        try:
            for event in self._h2.receive_data(data):
                self._take(event)
        except ProtocolError:  # h2 has written why
            self._break_off(None)
            return
        self.send()  # windows may have grown, by WINDOW_UPDATE or by SETTINGS
        if eager.unsent(self.transport) > MAX_UNSENT:
            self.transport.abortConnection()

    def _take(self, event: Any) -> None:
        stream = self._streams.get(getattr(event, "stream_id", 0) or 0)
        if isinstance(event, RequestReceived):
            self._begin(event)
        elif isinstance(event, ConnectionTerminated):
            self._client_leaves(event)
        elif isinstance(event, DataReceived):
            self._take_body(stream, event)
        elif stream is None:
            pass  # it has ended here, and the client did not know
        elif isinstance(event, StreamEnded):
            stream.body_ended()
        elif isinstance(event, StreamReset):
            self.drop(stream)

    def _begin(self, event: Any) -> None:
        number, whole = event.stream_id, event.stream_ended is not None
        if self._leaving:
            self._reset(number, ErrorCodes.REFUSED_STREAM)
            return
        self._asked = True
        try:
            head = http1_head(event.headers, whole=whole)
        except BadRequest:
            self._reset(number, ErrorCodes.PROTOCOL_ERROR)
            return
        channel = self._site.buildProtocol(self.transport.getPeer())  # or what says that there is no room
        stream = self._streams[number] = Stream(self, number, channel)
        stream.begin(head)

    def _take_body(self, stream: Stream | None, event: Any) -> None:
        if stream is None:
            self.taken(event.stream_id, event.flow_controlled_length)  # or the others could send less and less
        else:
            stream.body(event.data, event.flow_controlled_length)

    def _client_leaves(self, event: Any) -> None:
        """It asks no more, but waits for what it has asked (RFC 9113 section 6.8)."""
        if event.error_code == ErrorCodes.NO_ERROR:
            self.leave(new_too=True)
        else:
            self._break_off(None)

    def _reset(self, number: int, code: ErrorCodes) -> None:
        with suppress(ProtocolError):  # the client has reset it in the same read
            self._h2.reset_stream(number, code)

    # --- called by streams -------------------------------------------------------------------------------------------

    def head(self, number: int, fields: list[tuple[bytes, bytes]]) -> None:
        """The head of an answer."""
        with suppress(ProtocolError):  # as in `_reset`
            self._h2.send_headers(number, fields)
            self._frames.sent()
            self.flush()

    def taken(self, number: int, size: int) -> None:
        """So much of a body was taken in: the client may send as much again."""
        if size:
            with suppress(ProtocolError):  # as in `_reset`
                self._h2.acknowledge_received_data(size, number)
                self.flush()

    def unsent(self, number: int) -> int:
        """Octets of all streams that wait in our socket; 0 where it is its own window that a stream waits for."""
        with suppress(ProtocolError):
            if self._h2.local_flow_control_window(number) > 0:
                return eager.unsent(self.transport)
        return 0

    def send(self) -> None:
        """What the streams have, a frame of each in turn, as long as the client and its connection take it."""
        self.flush()
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
            self._frames.sent(len(data))
        if stream.has_body:
            return bool(data)
        if stream.ending is not None:
            self.finish(stream)
        return False

    def finish(self, stream: Stream) -> None:
        """Tell the client how its answer has ended."""
        if stream.ending == "whole":
            self._h2.end_stream(stream.number)
            if not stream.request_ended:  # an early answer: the rest is not wanted (RFC 9113 section 8.1)
                self._reset(stream.number, ErrorCodes.NO_ERROR)
        else:
            self._reset(stream.number, ErrorCodes.INTERNAL_ERROR)
        self.flush()
        self.drop(stream)

    def drop(self, stream: Stream) -> None:
        """It has ended, one way or another."""
        if self._streams.pop(stream.number, None) is not None:
            stream.lost()
            self._idle_since = self._site.seconds()
        if self._leaving and not self._streams:
            self._say_goodbye()

    def _drop_all(self) -> None:
        for stream in tuple(self._streams.values()):
            self.drop(stream)

    def flush(self) -> None:
        """Send what h2 has written."""
        if data := self._h2.data_to_send():
            self.transport.write(data)

    def later(self, function: Any, seconds: float = 0) -> Any:
        """By default in the next turn of the reactor."""
        return self._site.reactor.callLater(seconds, function)

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

    # --- the end -----------------------------------------------------------------------------------------------------

    def look(self, now: float) -> None:
        """Close it where nothing is asked on it, whatever else is sent; once closed, wait for no client for ever."""
        if self._closed:
            self._look_at_end(now)
        elif not self._streams and now - self._idle_since > self._site.timeOut:
            self._site.met.add("idle_timeout")
            self.leave(new_too=True)

    def _look_at_end(self, now: float) -> None:
        unsent = eager.unsent(self.transport)
        if unsent < self._unsent:
            self._unsent, self._idle_since = unsent, now
        elif now - self._idle_since > self._site.limits.stall_timeout:
            self.transport.abortConnection()

    def leave(self, *, new_too: bool) -> None:
        """Take no more requests, and close behind the last answer. ``new_too``: as for a `FrontChannel`."""
        self._leaving = self._leaving or self._asked or new_too
        if self._leaving and not self._streams:
            self._say_goodbye()

    def _say_goodbye(self) -> None:
        """A GOAWAY that names the last request that was taken: clients send later ones again elsewhere.

        Not before the last answer, as RFC 9113 section 6.8 would have it: clients that stand on h2 (httpx) take a
        GOAWAY for the end of all answers that are under way.
        """
        if not self._closed:
            self._write_goaway(ErrorCodes.NO_ERROR)
            self._end = self.later(self.transport.loseConnection, GOODBYE_SECONDS)

    def _break_off(self, code: int | None) -> None:
        """The end of a client that does not keep to the rules. None: h2 has written why."""
        self._write_goaway(code)
        self._drop_all()
        self.transport.loseConnection()

    def _write_goaway(self, code: int | None) -> None:
        self._closed = True
        if code is not None:
            self._h2.close_connection(code)
        self.flush()
        self.transport.unregisterProducer()  # a held-up one would keep it open

    def forget(self) -> None:
        """Each stream has its own channel, which forgets."""
