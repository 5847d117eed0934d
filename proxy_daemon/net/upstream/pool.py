"""The connections to one upstream: kept alive, the last used first, never more than the cap.

Requests beyond the cap wait in line. A connection that rests for longer than the idle limit is closed.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from proxy_daemon.net.upstream.connection import Connection
from proxy_daemon.net.upstream.handshake import Tls
from proxy_daemon.net.upstream.words import connect_in_words
from proxy_daemon.pipeline.faults import UpstreamFault
from proxy_daemon.pipeline.ports import Timer


class Pool:
    """Connections to one origin. ``cap``: open at once; ``rest``: seconds an idle one is kept.

    ``tls`` belongs to an ``endpoint`` that begins a handshake: no connection is given out before that is done.
    """

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        timer: Timer,
        name: str,
        cap: int,
        rest: float,
        silence: float,
        tls: Tls | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._timer = timer
        self._name = name
        self._cap = cap
        self._rest = rest
        self._tls = tls
        self._factory = Factory.forProtocol(lambda: Connection(timer, silence, name))
        self._factory.noisy = False
        self._idle: list[tuple[float, Connection]] = []
        self._line: deque[Deferred[None]] = deque()
        self._counted: set[Connection] = set()
        self._opening = 0
        self._sweep: Any = None

    @property
    def open(self) -> int:
        """Connections that are there or under way."""
        return len(self._counted) + self._opening

    async def take(self, *, fresh: bool = False) -> Connection:
        """A connection to ask on: one that rests, unless ``fresh``, or a new one. Raises `UpstreamFault`."""
        while not fresh and self._idle:
            _, connection = self._idle.pop()
            if connection.usable:
                return connection
        while self.open >= self._cap:
            if self._idle:
                self._idle.pop(0)[1].abort()
                break
            await self._turn()
            if self._idle and not fresh:
                return self._idle.pop()[1]
        return await self._connect()

    def close(self) -> None:
        """Close what rests; what is in use ends with its answer."""
        idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.abort()
        if self._sweep is not None and self._sweep.active():
            self._sweep.cancel()

    async def _connect(self) -> Connection:
        self._opening += 1
        connection: Any = None
        try:
            connection = await (
                self._endpoint.connect(self._factory) if self._tls is None else self._secured(self._tls)
            )
        except UpstreamFault:
            raise
        except (CancelledError, ConnectingCancelledError) as error:
            raise CancelledError from error
        except Exception as error:
            raise UpstreamFault(*_status(self._name, error)) from error
        finally:
            self._opening -= 1
            if connection is None:
                self._next()
        self._counted.add(connection)
        connection.released = self._released
        return connection  # type: ignore[no-any-return]

    async def _secured(self, tls: Tls) -> Connection:
        """A connection whose handshake is done. What TCP took is taken from its time."""
        began = self._timer.seconds()
        connection: Any = await self._endpoint.connect(self._factory)
        await connection.secured(tls, tls.limit - (self._timer.seconds() - began))
        return connection  # type: ignore[no-any-return]

    def _turn(self) -> Deferred[None]:
        waiter: Deferred[None] = Deferred(self._line.remove)
        self._line.append(waiter)
        return waiter

    def _next(self) -> None:
        if self._line:
            self._line.popleft().callback(None)

    def _released(self, connection: Connection, reusable: bool) -> None:
        if not reusable:
            self._counted.discard(connection)
            self._idle = [entry for entry in self._idle if entry[1] is not connection]  # it makes no room twice
        else:
            self._idle.append((self._timer.seconds(), connection))
            if self._sweep is None or not self._sweep.active():
                self._sweep = self._timer.callLater(self._rest, self._close_rested)
        self._next()

    def _close_rested(self) -> None:
        now = self._timer.seconds()
        while self._idle and self._idle[0][0] + self._rest <= now:
            self._idle.pop(0)[1].abort()
        if self._idle:
            self._sweep = self._timer.callLater(self._idle[0][0] + self._rest - now, self._close_rested)


def _status(name: str, error: Exception) -> tuple[int, str]:
    words = connect_in_words(name, Failure(error))
    return (504 if "in time" in words else 502), words
