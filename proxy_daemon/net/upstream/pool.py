"""The connections to one upstream: kept alive, the last used first, never more than the cap.

Requests beyond the cap wait in line. A connection that rests for longer than the idle limit is closed; and none is kept
for ever, so that a name that has moved is found.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from proxy_daemon.net.upstream.connection import Connection
from proxy_daemon.net.upstream.handshake import Tls
from proxy_daemon.net.upstream.line import Line
from proxy_daemon.net.upstream.words import connect_in_words
from proxy_daemon.pipeline.faults import UpstreamFault
from proxy_daemon.pipeline.ports import Timer

MAX_AGE = 3600.0  # seconds after which a connection is not asked again
PATIENCE = 60.0  # seconds that a request waits in line
Ends = tuple[str, int, str, int]  # of a connection: who opened it and who accepted it, address and port of each
NOWHERE: Ends = ("", 0, "", 0)


class Pool:
    """Connections to one origin. ``cap``: open at once; ``rest``: seconds an idle one is kept.

    ``patience``: seconds that a request waits in line, then it fails with `Busy`.
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
        patience: float = PATIENCE,
    ) -> None:
        self._endpoint = endpoint
        self._timer = timer
        self._name = name
        self._cap = cap
        self._rest = min(rest, MAX_AGE)
        self._tls = tls
        self._factory = Factory.forProtocol(lambda: Connection(timer, silence, name))
        self._factory.noisy = False
        self._idle: list[tuple[float, Connection]] = []
        self.line = Line(timer, name, cap, patience)
        self._counted: dict[Connection, Ends] = {}
        self.ends: set[Ends] = set()  # of the connections that stand
        self._opening = 0
        self._sweep: Any = None

    @property
    def open(self) -> int:
        """Connections that are there or under way."""
        return len(self._counted) + self._opening

    async def take(self, *, fresh: bool = False) -> Connection:
        """A connection to ask on: one that rests, unless ``fresh``, or a new one. Raises `UpstreamFault`."""
        if not fresh and (rested := self._rested()) is not None:
            return rested
        while self.open >= self._cap:
            if self._idle:
                self._idle.pop(0)[1].abort()
                break
            await self.line.turn()
            if not fresh and (rested := self._rested()) is not None:
                return rested
        return await self._connect()

    def _rested(self) -> Connection | None:
        """The last used of those that rest and can be asked; those that cannot are closed."""
        while self._idle:
            _, connection = self._idle.pop()
            if connection.clean:
                return connection
            if connection.usable:
                connection.abort()
        return None

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
                self.line.next()
        self._counted[connection] = ends = ends_of(connection.transport)
        self.ends.add(ends)
        connection.released = self._released
        return connection  # type: ignore[no-any-return]

    async def _secured(self, tls: Tls) -> Connection:
        """A connection whose handshake is done. What TCP took is taken from its time."""
        began = self._timer.seconds()
        connection: Any = await self._endpoint.connect(self._factory)
        await connection.secured(tls, tls.limit - (self._timer.seconds() - began))
        return connection  # type: ignore[no-any-return]

    def _released(self, connection: Connection, reusable: bool) -> None:
        if not reusable:
            self.ends.discard(self._counted.pop(connection, NOWHERE))
            self._idle = [entry for entry in self._idle if entry[1] is not connection]  # it makes no room twice
        else:
            now = self._timer.seconds()
            if now - connection.born >= MAX_AGE:
                connection.abort()  # it comes here again when it is lost
                return
            self._idle.append((now, connection))
            if self._sweep is None or not self._sweep.active():
                self._sweep = self._timer.callLater(self._rest, self._close_rested)
        self.line.next()

    def _close_rested(self) -> None:
        now = self._timer.seconds()
        while self._idle and self._idle[0][0] + self._rest <= now:
            self._idle.pop(0)[1].abort()
        if self._idle:
            self._sweep = self._timer.callLater(self._idle[0][0] + self._rest - now, self._close_rested)


def ends_of(transport: Any) -> Ends:
    """Both ends of a connection that we have opened, in the order in which whoever accepts it sees peer and host.

    Our own end alone would not do: the system gives one port to several connections with different other ends.
    """
    here, there = transport.getHost(), transport.getPeer()
    return getattr(here, "host", ""), getattr(here, "port", 0), getattr(there, "host", ""), getattr(there, "port", 0)


def _status(name: str, error: Exception) -> tuple[int, str]:
    words = connect_in_words(name, Failure(error))
    return (504 if "in time" in words else 502), words
