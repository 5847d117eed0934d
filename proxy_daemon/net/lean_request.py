"""Twisted's `server.Request`, made in fewer steps: most requests go to the pipeline, which reads none of its headers.

Invariant: whatever an instance of Twisted's own has after `__init__`, one of this has too, once it is looked at. The
base of `net.request.FrontRequest`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IAddress
from twisted.web import server
from twisted.web.http_headers import Headers

from proxy_daemon.core.lazy import lazy

if TYPE_CHECKING:
    from proxy_daemon.net.channel import FrontChannel


class LeanRequest(server.Request):
    """What Twisted makes at once is made here when it is first read."""

    channel: FrontChannel
    transport: Any
    queued = False
    _parsePOSTFormSubmission = True

    def __init__(self, channel: FrontChannel, queued: object = False) -> None:
        """``queued``: as Twisted's parser gives it, which is never true."""
        self.channel, self.transport = channel, channel.transport
        self.notifications: list[Any] = []

    @lazy
    def client(self) -> IAddress:
        """The client's address."""
        return self.transport.getPeer()  # type: ignore[no-any-return]

    @lazy
    def host(self) -> IAddress:
        """Ours."""
        return self.transport.getHost()  # type: ignore[no-any-return]

    @lazy
    def requestHeaders(self) -> Headers:
        """As the parser has read them."""
        return Headers()

    @lazy
    def responseHeaders(self) -> Headers:
        """Of one of our own pages."""
        return Headers()

    @lazy
    def received_cookies(self) -> dict[bytes, bytes]:
        """None: see `FrontRequest.parseCookies`."""
        return {}

    @lazy
    def cookies(self) -> list[bytes]:
        """That one of our own pages sets."""
        return []

    @lazy
    def _adapterCache(self) -> dict[str, Any]:
        """Of `twisted.python.components.Componentized`."""
        return {}
