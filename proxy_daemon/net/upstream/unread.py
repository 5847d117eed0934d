"""Whether anything waits to be read from a connection that rests: its end, or octets that nobody has asked for.

The reactor learns of both in its next turn only. A request that is sent before is lost, and octets that came before it
would be taken for its answer. Used by `net/upstream/connection.py`, before a connection is asked again.
"""

from __future__ import annotations

import select
from typing import Any

from twisted.internet.tcp import Connection


def has_unread(transport: Any) -> bool:
    """One system call. False for kinds of transports that we do not know, and where the system has no `poll`."""
    while not isinstance(transport, Connection) and hasattr(transport, "transport"):
        transport = transport.transport  # TLS stands on another transport
    if not isinstance(transport, Connection) or not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(transport.fileno(), select.POLLIN)
    return bool(poll.poll(0))
