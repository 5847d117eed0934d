"""Sends what a TCP socket takes at once, where nothing waits before it.

Twisted sends in its next turn, and arms and disarms the socket in epoll for that: three system calls where one does.
What the socket does not take goes Twisted's way, and so does everything on transports of other kinds (TLS, memory).
Used by `net/client.py` and `net/upstream/connection.py`.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.tcp import Connection


def is_idle(transport: Any) -> bool:
    """Whether all that was written is on its way. TLS stands on another transport; kinds we do not know are idle."""
    while not isinstance(transport, Connection) and hasattr(transport, "transport"):
        transport = transport.transport
    return not isinstance(transport, Connection) or not (transport.dataBuffer or transport._tempDataLen)  # noqa: SLF001  (see below)


def unsent(transport: Any) -> int:
    """How many octets wait until the peer takes more; 0 where the kind of the transport is not known."""
    while not isinstance(transport, Connection) and hasattr(transport, "transport"):
        transport = transport.transport
    if not isinstance(transport, Connection):
        return 0
    waiting = len(transport.dataBuffer) - transport.offset + transport._tempDataLen  # noqa: SLF001  (see below)
    return int(waiting)


def send(transport: Any, data: bytes) -> None:
    """Like ``transport.write(data)``, but sooner."""
    if isinstance(transport, Connection) and _idle(transport):
        sent = transport.writeSomeData(data)
        if sent == len(data):
            return
        if isinstance(sent, int) and sent > 0:  # else it is full, or lost, as Twisted finds out
            data = data[sent:]
    transport.write(data)


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
