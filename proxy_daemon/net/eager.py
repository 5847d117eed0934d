"""Sends what a TCP socket takes at once, or at the end of the reactor's turn, where nothing waits before it.

Twisted sends in its next turn, and arms and disarms the socket in epoll for that: three system calls where one does.
Pieces of streams leave at once. Of whole requests and answers, many come of a turn, and each wakes the process that
waits for it unless that is awake already, as when several are sent behind each other: a fifth of a hit. So these
leave together, at the end of the turn or when there are `MOST`, where the reactor tells its turns (`gather`).
What the socket does not take goes Twisted's way, and so does everything on transports of other kinds (TLS, memory).
Used by `net/client.py` and `net/upstream/connection.py`. And what else is asked of a socket itself, past Twisted.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.tcp import Connection

MOST = 16  # sockets that wait for each other: below a millisecond's work
_due: dict[object, list[Connection]] = {}  # by reactor that tells its turns


def gather(reactor: object) -> Callable[[], None]:
    """The function is to be called at the end of each turn, and before the reactor waits."""
    return partial(_leave, _due.setdefault(reactor, []))


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
        _send_now(transport, data)
    else:
        transport.write(data)


def send_together(transport: Any, data: bytes) -> None:
    """As `send`, with what else this turn sends."""
    due = _due.get(transport.reactor) if isinstance(transport, Connection) else None
    if due is None or not data or not _idle(transport):
        send(transport, data)
        return
    transport._tempDataBuffer.append(data)  # noqa: SLF001  (where Twisted looks for it too, whatever comes next)
    transport._tempDataLen = len(data)  # noqa: SLF001  (as above)
    due.append(transport)
    if len(due) >= MOST:
        _leave(due)


def _leave(due: list[Connection]) -> None:
    """All that is due is sent."""
    now = due[:]
    due.clear()
    for transport in now:
        _leave_one(transport)


def _leave_one(transport: Connection) -> None:
    """What was written, ended or sent since has been told to the reactor by Twisted."""
    held = transport._tempDataBuffer  # noqa: SLF001  (as in `send_together`)
    ended = transport.disconnecting or transport._writeDisconnecting  # noqa: SLF001  (as in `_idle`)
    if len(held) == 1 and not transport.dataBuffer and transport.connected and not ended:
        transport._tempDataBuffer, transport._tempDataLen = [], 0  # noqa: SLF001  (as in `send_together`)
        _send_now(transport, held[0])


def _send_now(transport: Connection, data: bytes) -> None:
    try:
        sent = transport.socket.send(data)
    except OSError:  # it is full, or lost, as Twisted finds out
        sent = 0
    if sent != len(data):
        transport.write(data[sent:])


def push(transport: Any) -> None:
    """What was sent in this turn leaves now."""
    due = _due.get(getattr(transport, "reactor", None))
    if due and transport in due:
        due.remove(transport)
        _leave_one(transport)


def end(transport: Any) -> None:
    """End our side, and go on reading; where that cannot be, close. As `send`, at once where nothing waits."""
    push(transport)
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
