"""Sends requests to upstreams (`pipeline.ports.UpstreamClient`): pools, TLS, one retry, and the built-in model."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.endpoints import HostnameEndpoint, TCP4ClientEndpoint, TCP6ClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import optionsForClientTLS

from proxy_daemon.core import model
from proxy_daemon.core.messages import Request
from proxy_daemon.core.upstreams import Upstream
from proxy_daemon.net.player import Player
from proxy_daemon.net.upstream.connection import Connection, Stale
from proxy_daemon.net.upstream.handshake import Tls
from proxy_daemon.net.upstream.pool import Pool
from proxy_daemon.net.upstream.request_head import request_head
from proxy_daemon.pipeline.faults import Refusal, UpstreamFault
from proxy_daemon.pipeline.ports import Answer, Timer
from proxy_daemon.settings import Settings


@frozen(slots=False)
class Upstreams:
    """All upstreams' connections. ``reactor`` gives sockets and time."""

    reactor: Any
    timer: Timer
    settings: Settings
    _pools: dict[tuple[str, str, int], Pool] = field(factory=dict, init=False)

    def close(self) -> None:
        """Close the connections that rest."""
        for pool in self._pools.values():
            pool.close()

    def stats(self) -> dict[str, int]:
        """Open connections by upstream."""
        return {f"{scheme}://{host}:{port}": pool.open for (scheme, host, port), pool in self._pools.items()}

    async def send(self, upstream: Upstream, request: Request) -> Answer:
        """The answer, once its head is there. Raises `UpstreamFault`. Cancelling what awaits it aborts."""
        if upstream.scheme == "demo":
            script = model.answer(request)
            return Player(script.head, iter(script.pieces), self.timer)
        try:
            head = request_head(upstream, request)
        except ValueError as error:
            raise Refusal(400, f"The request cannot be sent on: {error}.") from error
        pool = self._pool(upstream)
        connection = await pool.take()
        try:
            return await self._ask(connection, head, request)
        except Stale:
            return await self._ask(await pool.take(fresh=True), head, request)

    async def _ask(self, connection: Connection, head: bytes, request: Request) -> Answer:
        return await connection.ask(head, request.body, request.method == b"HEAD")

    def _pool(self, upstream: Upstream) -> Pool:
        origin = (upstream.scheme, upstream.host, upstream.port)
        if origin not in self._pools:
            settings = self.settings
            self._pools[origin] = Pool(
                self._endpoint(upstream),
                self.timer,
                f"{upstream.name} ({upstream.scheme}://{upstream.authority})",
                settings.upstream_connections,
                settings.upstream_idle,
                settings.first_byte_timeout,
                Tls(upstream.host, settings.connect_timeout) if upstream.scheme == "https" else None,
            )
        return self._pools[origin]

    def _endpoint(self, upstream: Upstream) -> IStreamClientEndpoint:
        """Happy eyeballs for names; TLS verifies against the platform's certificates."""
        try:
            kind = _endpoint_kind(upstream.host)
            endpoint: IStreamClientEndpoint = kind(
                self.reactor, upstream.host, upstream.port, self.settings.connect_timeout
            )
            if upstream.scheme == "https":
                options = optionsForClientTLS(upstream.host, acceptableProtocols=[b"http/1.1"])
                endpoint = wrapClientTLS(options, endpoint, self.reactor)
        except (ValueError, UnicodeError) as error:
            raise UpstreamFault(502, f"upstream {upstream.name} has an unusable host: {error}") from error
        return endpoint


def _endpoint_kind(host: str) -> Any:
    """A name may have several addresses, tried one after the other; a failure is known only after the last."""
    if isIPAddress(host):
        return TCP4ClientEndpoint
    return TCP6ClientEndpoint if isIPv6Address(host) else HostnameEndpoint
