"""What one client, and all of them together, may take of the daemon; and how often each of these limits was met.

Values and numbers only: `net/watched.py`, `net/crowd.py` and `net/request.py` look at them, `tap.py` makes them from
the settings, and `/_llmproxy/api/stats` shows the numbers.
"""

from __future__ import annotations

import math
import resource
from collections import Counter
from typing import TYPE_CHECKING

from attrs import field, frozen

from proxy_daemon.core.quantities import duration_text
from proxy_daemon.pipeline.faults import Refusal

if TYPE_CHECKING:
    from proxy_daemon.settings import Settings

SPARE_DESCRIPTORS = 64  # for the store, the log, listeners and plugins
FEWEST = 16  # connections, however few descriptors there are
MAX_FIELDS = 500  # of one head: Twisted's own number, far above what any client sends
KINDS = (
    "head_too_large",
    "too_many_fields",
    "target_too_long",
    "body_too_large",
    "spool_failed",
    "head_timeout",
    "body_timeout",
    "idle_timeout",
    "too_many_connections",
    "too_many_connections_of_client",
    "http2_flood",
    "stalled",
    "request_timeout",
)


@frozen
class Limits:
    """Octets, seconds and numbers, by the options of these names in `settings`. Infinite: no limit."""

    max_head: int = 256 * 1024
    head_timeout: float = 30.0
    stall_timeout: float = 300.0
    request_timeout: float = 3600.0
    max_connections: int = 4096
    max_connections_per_client: float = math.inf


DEFAULTS = Limits()


def limits_of(settings: Settings) -> Limits:
    """The limits of these settings, and of the machine."""
    return Limits(
        max_head=settings.max_head,
        head_timeout=settings.head_timeout,
        stall_timeout=settings.stall_timeout,
        request_timeout=settings.request_timeout,
        max_connections=room_for(settings.max_connections, resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
        max_connections_per_client=settings.max_connections_per_client,
    )


def room_for(wanted: int, descriptors: int) -> int:
    """So many connections, or as many as there are descriptors for: each may need another one to an upstream."""
    if descriptors == resource.RLIM_INFINITY:
        return wanted
    return min(wanted, max(FEWEST, (descriptors - SPARE_DESCRIPTORS) // 2))


class LimitMet(Refusal):
    """A request that takes more than it may. ``limit``: one of `KINDS`."""

    def __init__(self, status: int, limit: str, message: str) -> None:
        super().__init__(status, message)
        self.limit = limit


@frozen
class Met:
    """How often each limit was met since the start."""

    _counts: Counter[str] = field(factory=Counter)

    def add(self, kind: str) -> None:
        """Once more; ``kind`` is one of `KINDS`."""
        self._counts[kind] += 1

    def numbers(self) -> dict[str, int]:
        """All kinds, those that never happened too."""
        return {kind: self._counts[kind] for kind in KINDS}


def head_too_large(limit: int, *, in_target: bool) -> LimitMet:
    """431 (RFC 6585 section 5); 414 where the request line alone is too long (RFC 9112 section 3)."""
    if in_target:
        return LimitMet(414, "target_too_long", f"The request line is longer than {limit} octets (--max-head).")
    return LimitMet(431, "head_too_large", f"The request's header fields are larger than {limit} octets (--max-head).")


def too_many_fields() -> LimitMet:
    """431, by their number."""
    return LimitMet(431, "too_many_fields", f"The request has more than {MAX_FIELDS} header fields.")


def body_too_large(limit: int) -> LimitMet:
    """413."""
    return LimitMet(413, "body_too_large", f"The request body is larger than {limit} octets (--max-body).")


def spool_failed(reason: str) -> LimitMet:
    """507: the disk is full, or cannot be written."""
    return LimitMet(507, "spool_failed", f"The request body cannot be spooled: {reason}.")


def late(part: str, option: str, seconds: float) -> LimitMet:
    """408 (RFC 9110 section 15.5.9). ``part``: head or body."""
    how = "Nothing of it has come for" if option == "client-timeout" else "It was not whole within"
    text = f"llmproxy waits no longer for the {part} of the request. {how} {duration_text(seconds)} (--{option})."
    return LimitMet(408, f"{part}_timeout", text)


def stalled(seconds: float) -> str:
    """Why an exchange was broken off, for its record."""
    return f"the client has taken nothing of the answer for {duration_text(seconds)} (--stall-timeout)"


def overdue(seconds: float) -> str:
    """Why an exchange was ended, for its record and for a 504."""
    return f"The exchange has taken longer than {duration_text(seconds)} (--request-timeout)."
