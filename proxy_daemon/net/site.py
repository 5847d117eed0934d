"""The front: Twisted's hardened HTTP/1.1 parser, with a channel and a request of our own, and who is connected.

It knows the rules of access, the limits, and the heads that have passed both. Made by `tap.py`, one for all ports.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.web import server
from twisted.web.resource import IResource

from proxy_daemon.core.access import Access
from proxy_daemon.net.channel import FrontChannel, KnownHead
from proxy_daemon.net.crowd import Crowd
from proxy_daemon.net.limits import DEFAULTS, Limits, Met
from proxy_daemon.net.request import FrontRequest

MAX_ADDRESSES = 16  # of ours, with their known heads


class FrontSite(server.Site):
    """Twisted's Site with our channel and request."""

    protocol: Any = FrontChannel

    def __init__(
        self,
        root: IResource,
        access: Access,
        max_body: int,
        timeout: float,
        seconds: Callable[[], float],
        limits: Limits = DEFAULTS,
    ) -> None:
        super().__init__(root, requestFactory=FrontRequest, timeout=timeout)
        self.root: Any = root
        self._access = access
        self.unauthorized = 0  # requests without a token that is known
        self.max_body = max_body
        self.seconds = seconds
        self.limits, self.met, self._crowd = limits, Met(), Crowd(limits)
        self.channels: set[FrontChannel] = set()
        self._known_heads: dict[tuple[str, bool], dict[bytes, KnownHead]] = {}
        self.draining = False
        self.displayTracebacks = False

    @property
    def access(self) -> Access:
        """Who may ask. Another value holds from the next request on, on connections that stand too."""
        return self._access

    @access.setter
    def access(self, access: Access) -> None:
        self._access = access
        self._known_heads.clear()
        for channel in self.channels:
            channel.forget()

    def known_heads(self, local_host: str, peer_is_local: bool) -> dict[bytes, KnownHead]:
        """What the parser and the rules of access have passed: the rules depend on our address and on the peer's."""
        place = (local_host, peer_is_local)
        if place not in self._known_heads and len(self._known_heads) >= MAX_ADDRESSES:
            self._known_heads.clear()
        return self._known_heads.setdefault(place, {})

    def entered(self, channel: FrontChannel) -> None:
        """One connection more. Programs on this machine are not counted by client: they have one address in common."""
        self.channels.add(channel)
        if not channel.peer_is_local:
            self._crowd.enter(channel.peer_host)

    def left(self, channel: FrontChannel) -> None:
        """One less."""
        self.channels.discard(channel)
        if not channel.peer_is_local:
            self._crowd.leave(channel.peer_host)

    def drain(self) -> None:
        """The daemon stops: each answer to a head that comes now ends its connection; none is known any more."""
        self.draining = True
        self.access = self._access

    def look(self) -> None:
        """End what has taken too long on any connection. Called once a second."""
        now = self.seconds()
        self._crowd.look()
        for channel in tuple(self.channels):
            channel.look(now)

    def log(self, request: Any) -> None:
        """Nothing: the pipeline logs."""

    def acceptableProtocols(self) -> list[bytes]:
        """What our channel speaks. Twisted's Site would offer HTTP/2 itself; here `net/http2.py` stands before it."""
        return [b"http/1.1"]

    def buildProtocol(self, addr: Any) -> Any:
        """Our channel, without the wrapper that negotiates HTTP/2; where there is no room for it, one that says so."""
        full = self._crowd.full(getattr(addr, "host", ""), len(self.channels))
        if full:
            self.met.add(full)
            return self._crowd.turn_away(full)
        channel = super().buildProtocol(addr)
        channel.site = self
        return channel
