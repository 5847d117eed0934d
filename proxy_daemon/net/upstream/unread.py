"""Whether anything waits to be read from a connection that rests: its end, or octets that nobody has asked for.

The reactor learns of both in its next turn only. A request that is sent before is lost, and octets that came before it
would be taken for its answer. Used by `net/upstream/connection.py`, before a connection is asked again.
"""

from __future__ import annotations

import select
from typing import Any

from twisted.internet.tcp import Connection


class Unread:
    """Looks at one connection, while it is open. ``transport``: its own, or one that TLS stands on."""

    def __init__(self, transport: Any) -> None:
        while not isinstance(transport, Connection) and hasattr(transport, "transport"):
            transport = transport.transport
        self._poll: Any = None
        if isinstance(transport, Connection) and hasattr(select, "poll"):
            self._poll = select.poll()
            self._poll.register(transport.fileno(), select.POLLIN)

    def __bool__(self) -> bool:
        """One system call. False for kinds of transports that we do not know, and where the system has no `poll`."""
        return self._poll is not None and bool(self._poll.poll(0))
