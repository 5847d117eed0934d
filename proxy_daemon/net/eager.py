"""Sends what a TCP socket takes at once, where nothing waits before it.

Twisted sends in its next turn, and arms and disarms the socket in epoll for that: three system calls where one does.
What the socket does not take goes Twisted's way, and so does everything on transports of other kinds (TLS, memory).
Used by `net/client.py` and `net/upstream/connection.py`. And what else is asked of a socket itself, past Twisted.
"""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet.tcp import Connection


def is_idle(transport: Any) -> bool:
    """Whether all that was written is on its way. Kinds of transports that we do not know are idle."""
    return not unsent(transport)


def unsent(transport: Any) -> int:
    """How many octets wait until the peer takes more; 0 where the kind of the transport is not known."""
    waiting = 0
    while not isinstance(transport, Connection):
        waiting += _waiting(transport)
        if not hasattr(transport, "transport"):
            return waiting
        transport = transport.transport
    return waiting + len(transport.dataBuffer) - transport.offset + transport._tempDataLen  # noqa: SLF001  (see `_idle`)


def _waiting(transport: Any) -> int:
    """What a layer above the socket holds: TLS gathers what is written in a turn, and all before its handshake.

    A stream of HTTP/2 (`net/http2_stream.py`) says how many octets are ``waiting``.
    """
    gathered = getattr(getattr(transport, "_aggregator", None), "_buffer", ())
    held = getattr(transport, "_appSendBuffer", ())
    return sum(map(len, gathered)) + sum(map(len, held)) + getattr(transport, "waiting", 0)


def unread(transport: Any) -> bool:
    """Whether octets have come that Twisted has not read yet; False where the kind of the transport is not known."""
    below = _below(transport)
    try:
        return below is not None and bool(below.getHandle().recv(1, socket.MSG_PEEK))
    except OSError:  # nothing has come, or the connection is lost
        return False


def _below(transport: Any) -> Connection | None:
    """The connection that a transport stands on, or is."""
    while not isinstance(transport, Connection) and hasattr(transport, "transport"):
        transport = transport.transport
    return transport if isinstance(transport, Connection) else None


def send(transport: Any, data: bytes) -> None:
    """Like ``transport.write(data)``, but sooner."""
    if isinstance(transport, Connection) and _idle(transport):
        sent = transport.writeSomeData(data)
        if sent == len(data):
            return
        if isinstance(sent, int) and sent > 0:  # else it is full, or lost, as Twisted finds out
            data = data[sent:]
    transport.write(data)


def end(transport: Any) -> None:
    """End our side, and go on reading; where that cannot be, close. As `send`, at once where nothing waits."""
    if isinstance(transport, Connection) and _idle(transport):
        transport._writeDisconnected = True  # noqa: SLF001  (what `doWrite` does when nothing waits any more)
        transport._closeWriteConnection()  # noqa: SLF001  (as above)
    else:
        getattr(transport, "loseWriteConnection", transport.loseConnection)()


def _idle(transport: Connection) -> bool:
    """Whether nothing waits, and nothing has been ended."""
    return bool(
        transport.connected
        and not transport.dataBuffer
        and not transport._tempDataLen  # noqa: SLF001  (no public way to ask what waits)
        and not transport.TLS
        and not transport.disconnecting
        and not transport._writeDisconnected  # noqa: SLF001  (as above)
        and not transport._writeDisconnecting  # noqa: SLF001  (as above)
    )
