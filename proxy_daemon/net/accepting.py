"""New connections come in by few at a time: who is being answered does not wait behind a crowd at the door.

Twisted takes a hundred in one turn of the reactor, and more the more there are; all of them then have their turn before
a stream's next piece. Here the others wait in the kernel's queue, which `net/listening.py` makes long enough. Called by
`net/service.py` for each port.
"""

from __future__ import annotations

from typing import Any

A_TURN = 8  # connections: with their requests, and their ends, a few milliseconds


def in_parts(port: Any) -> Any:
    """The listening port, which takes no more than `A_TURN` connections in one turn. Ports of other kinds stay."""
    if hasattr(port, "numberAccepts"):
        accept = port.doRead

        def accept_some() -> Any:
            port.numberAccepts = A_TURN  # Twisted adapts it behind each turn
            return accept()

        port.doRead = accept_some
    return port
