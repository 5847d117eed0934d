"""Sends requests to upstreams (`pipeline.ports.UpstreamClient`): pools, TLS, one retry, and the built-in model."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint

from proxy_daemon.core.connect import PROXY_WANTS_PASSWORD, refusal_in_words
from proxy_daemon.core.messages import Request
from proxy_daemon.core.proxying import Proxy
from proxy_daemon.core.upstreams import Place, Upstream
from proxy_daemon.net.player import Player
from proxy_daemon.net.upstream.answer import LiveAnswer
from proxy_daemon.net.upstream.connection import Connection, Stale
from proxy_daemon.net.upstream.handshake import Tls
from proxy_daemon.net.upstream.names import Named
from proxy_daemon.net.upstream.pool import Ends, Pool
from proxy_daemon.net.upstream.request_head import is_last, request_head
from proxy_daemon.net.upstream.tunnel import ToProxy, Tunnel
from proxy_daemon.net.upstream.way import Way
from proxy_daemon.net.upstream.words import once_in_words
from proxy_daemon.pipeline.faults import Refusal, UpstreamFault
from proxy_daemon.pipeline.ports import Answer, Timer
from proxy_daemon.settings import Settings

# What may always be sent again on another connection: a second time changes nothing (RFC 9110 section 9.2.2).
IDEMPOTENT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"))
# Seconds in which a kept connection is lost whose end was under way while we asked on it: the request was not read.
RACE = 1.0


@frozen(slots=False)
class Upstreams:
    """All upstreams' connections. ``reactor`` gives sockets and time, ``way`` what lies between."""

    reactor: Any
    timer: Timer
    settings: Settings
    way: Way = field(factory=Way)
    _pools: dict[Place, Pool] = field(factory=dict, init=False)
    _ends: set[Ends] = field(factory=set, init=False)

    def close(self) -> None:
        """Close the connections that rest."""
        for pool in self._pools.values():
            pool.close()

    def stats(self) -> dict[str, int]:
        """Open connections by upstream."""
        return {_shown(place): pool.open for place, pool in self._pools.items()}

    def queues(self) -> dict[str, Any]:
        """Requests that wait for a connection, by upstream, and how many have given up."""
        waiting = {_shown(place): len(pool.line) for place, pool in self._pools.items() if pool.line}
        return {"waiting": waiting, "given_up": sum(pool.line.given_up for pool in self._pools.values())}

    def has(self, peer: str, port: int, host: str, host_port: int) -> bool:
        """Whether a connection with these ends is one of ours to an upstream: who comes on it is ourselves."""
        return (peer.removeprefix("::ffff:"), port, host.removeprefix("::ffff:"), host_port) in self._ends

    async def send(self, upstream: Upstream, request: Request, *, at_once: bool = True) -> Answer:
        """The answer, once its head is there. Raises `UpstreamFault`. Cancelling what awaits it aborts.

        ``at_once``: the request does not wait for others of this turn, to leave with them.
        """
        if upstream.scheme == "demo":
            from proxy_daemon.core import model  # noqa: PLC0415  (few ask it: a quick start)

            script = model.answer(request)
            return Player(script.head, iter(script.pieces), self.timer)
        request = self.way.with_key(upstream, request)
        proxy = self.way.proxy(upstream)
        try:
            head = request_head(upstream, request, proxy if upstream.scheme == "http" else None)
        except ValueError as error:
            raise Refusal(400, f"The request cannot be sent on: {error}.") from error
        pool = self._pool(upstream, proxy)
        connection = await pool.take()
        asked = self.timer.seconds()
        try:
            answer = await _asked(connection, head, request, at_once)
        except Stale as stale:
            if request.method not in IDEMPOTENT and self.timer.seconds() - asked > RACE:
                raise UpstreamFault(502, once_in_words(stale, request.method)) from stale
            answer = await _asked(await pool.take(fresh=True), head, request, True)
        if proxy is not None and upstream.scheme == "http" and answer.head.status == PROXY_WANTS_PASSWORD:
            answer.abort()
            why = refusal_in_words(PROXY_WANTS_PASSWORD)
            raise UpstreamFault(502, f"no way to upstream {upstream.name} through the proxy {proxy}: {why}")
        return answer

    def _pool(self, upstream: Upstream, proxy: Proxy | None) -> Pool:
        origin = ("", upstream.scheme, upstream.host, upstream.port)
        if self.way.trust.is_special(upstream):
            origin = upstream.place
        if origin not in self._pools:
            settings = self.settings
            self._pools[origin] = Pool(
                self._endpoint(upstream, proxy),
                self.timer,
                _title(upstream, proxy),
                settings.upstream_connections,
                settings.upstream_idle,
                settings.first_byte_timeout,
                self._tls(upstream) if upstream.scheme == "https" else None,
                settings.queue_timeout,
            )
            self._pools[origin].ends = self._ends
        return self._pools[origin]

    def _tls(self, upstream: Upstream) -> Tls:
        verified = upstream.place not in self.way.trust.insecure
        return Tls(upstream.host, self.settings.connect_timeout, verified)

    def _endpoint(self, upstream: Upstream, proxy: Proxy | None) -> IStreamClientEndpoint:
        """Happy eyeballs for names; TLS verifies as `way` says, with the upstream itself where a proxy is between."""
        try:
            endpoint = self._through(proxy, upstream) if proxy else self._straight(upstream.host, upstream.port)
            if upstream.scheme == "https":
                endpoint = wrapClientTLS(self.way.trust.options(upstream.place), endpoint, self.reactor)
        except (ValueError, UnicodeError) as error:
            raise UpstreamFault(502, f"upstream {upstream.name} has an unusable host: {error}") from error
        return endpoint

    def _through(self, proxy: Proxy, upstream: Upstream) -> IStreamClientEndpoint:
        endpoint = ToProxy(self._straight(proxy.host, proxy.port), proxy)
        if upstream.scheme == "http":
            return endpoint
        return Tunnel(endpoint, self.timer, upstream.host_and_port, self.settings.connect_timeout)

    def _straight(self, host: str, port: int) -> IStreamClientEndpoint:
        endpoint: IStreamClientEndpoint = _endpoint_kind(host)(self.reactor, host, port, self.settings.connect_timeout)
        return endpoint


def _asked(connection: Connection, head: bytes, request: Request, at_once: bool) -> Deferred[LiveAnswer]:
    return connection.ask(head, request.body, request.method == b"HEAD", last=is_last(request), at_once=at_once)


def _title(upstream: Upstream, proxy: Proxy | None) -> str:
    """As the upstream is called where something goes wrong."""
    through = f", through the proxy {proxy}" if proxy is not None else ""
    return f"{upstream.name} ({upstream.scheme}://{upstream.authority}{through})"


def _shown(place: Place) -> str:
    """An origin, or one upstream there that has connections of its own."""
    name, scheme, host, port = place
    return f"{scheme}://{host}:{port}" + (f" ({name})" if name else "")


def _endpoint_kind(host: str) -> Any:
    """What connects to it: an address, or a name with as many addresses as it has."""
    if isIPAddress(host):
        return TCP4ClientEndpoint
    return TCP6ClientEndpoint if isIPv6Address(host) else Named
