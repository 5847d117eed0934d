"""An answer with its pace, as a value: what the built-in model gives, and what tests play.

A script has no clock. The player waits, writes, and adds the framing (Content-Length or chunks) that fits.
"""

from __future__ import annotations

from attrs import frozen

from proxy_daemon.core.messages import ResponseHead


@frozen(slots=False)
class Script:
    """A response: ``head`` without framing fields; ``pieces`` of (seconds since the previous piece, octets)."""

    head: ResponseHead
    pieces: tuple[tuple[float, bytes], ...]
