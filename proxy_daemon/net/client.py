"""The client's side of an exchange (`pipeline.ports.Client`): one response on a Twisted request.

The head is written here and not by Twisted, which would change the case and order of its fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve

from proxy_daemon.core import cors
from proxy_daemon.core.messages import ResponseHead
from proxy_daemon.net import eager
from proxy_daemon.pipeline.ports import Flow

if TYPE_CHECKING:
    from proxy_daemon.net.request import FrontRequest

# An upstream's page in a browser has the same origin as our own pages, which show what was said. It is shown, but no
# script of it runs, and nothing of it reads them (https://www.w3.org/TR/CSP3/#directive-sandbox).
SANDBOX = b"Content-Security-Policy: sandbox\r\n"
# What an upstream says to a browser of its whole origin, or host, would hold for ours: where faults are reported (each
# address of our pages among them), cookies for all servers of this machine, TLS, other ports, workers.
OF_ITS_ORIGIN = frozenset(
    (
        *(b"nel", b"report-to", b"reporting-endpoints", b"set-cookie", b"clear-site-data", b"service-worker-allowed"),
        *(b"strict-transport-security", b"public-key-pins", b"expect-ct", b"alt-svc", b"accept-ch", b"critical-ch"),
        *(b"origin-agent-cluster", b"no-vary-search", b"speculation-rules", b"use-as-dictionary"),
    )
)
NO_CONTENT = 204
NO_BODY = frozenset((NO_CONTENT, 304))


class FrontClient:
    """Writes one response. After the client is gone all calls do nothing."""

    def __init__(self, request: FrontRequest) -> None:
        self._request: Any = request
        self._begun = False
        self._held = b""  # goes out with what follows
        self._flows = False  # a part of the answer has left
        self._chunked = False
        self._bodiless = False
        self._without_content = False  # no length either (RFC 9110 section 8.6)
        self._framed = True  # the client can tell a body that was broken off

    @property
    def _gone(self) -> bool:
        return self._request.gone or bool(self._request.finished)

    def begin(self, head: ResponseHead, own: bytes) -> None:
        """Send the head with our own fields, and the framing that fits the body (RFC 9112 section 6)."""
        request = self._request
        if request.gone or request.finished:
            return
        if self._begun:  # a second head would be read as a part of the first body
            request.transport.abortConnection()
            return
        self._begun = True
        self._without_content = head.status == NO_CONTENT
        self._bodiless = request.method == b"HEAD" or head.status in NO_BODY
        framing = self._framing(head.length)
        if not request.channel.persistent:
            framing += b"Connection: close\r\n"
        request.startedWriting = 1
        if request.caller.shows:
            own += SANDBOX
            head = evolve(head, headers=head.headers.without(OF_ITS_ORIGIN))
        origin = request.caller.origin
        self._held = b"%b%b%b\r\n" % (cors.wire(head, origin) if origin else head.wire, own, framing)

    def _framing(self, length: bytes) -> bytes:
        if length and not self._without_content:
            return b"Content-Length: %b\r\n" % length
        if self._bodiless:
            return b""
        if self._request.clientproto == b"HTTP/1.1":
            self._chunked = True
            return b"Transfer-Encoding: chunked\r\n"
        self._request.channel.persistent = 0
        self._framed = False
        return b""

    def flush(self) -> None:
        """Send what is held."""
        if self._held and not self._gone:
            self._send(b"")

    def write(self, data: bytes, *, more: bool = False) -> None:
        """Send a part of the body; where ``more`` follows at once, it goes out with that."""
        request = self._request
        if request.gone or request.finished or self._bodiless or not data:
            return
        if self._chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        if more:
            self._held += data
        else:
            self._send(data)

    def finish(self) -> None:
        """The body is whole."""
        request = self._request
        if request.gone or request.finished:
            return
        end = b"0\r\n\r\n" if self._chunked and not self._bodiless else b""
        if self._flows:
            self._send(end)
        else:
            eager.send_together(request.channel.transport, self._held + end)
        request.end()

    def _send(self, data: bytes) -> None:
        held, self._held, self._flows = self._held, b"", True
        if held or data:
            eager.send(self._request.channel.transport, held + data if held else data)

    def break_off(self) -> None:
        """Let the client see that the body is not whole: the connection ends before the framing does."""
        if self._gone:
            return
        self.flush()
        transport: Any = self._request.transport
        self._request.channel.persistent = 0
        if self._framed and self._begun:
            self._request.channel.loseConnection()  # not the transport's: a held-up producer would keep that open
        else:
            transport.abortConnection()

    def feed_from(self, flow: Flow | None) -> None:
        """Whom to hold up while the client reads too slowly."""
        if self._gone:
            return
        self._request.channel.flow = flow
        if flow is not None and self._request.channel.held_up:
            flow.pause()
