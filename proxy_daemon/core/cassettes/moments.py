"""When something was recorded and how long it took, from the texts in which recorders write it.

Invariant: what cannot be read is None, never a guess. Called by the formats of this folder that tell times.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

_PART = re.compile(r"([0-9]{1,12}(?:\.[0-9]{0,12})?)(h|ms|m|s|us|µs|μs|ns)", re.ASCII)
_MICROSECONDS = {"h": 3.6e9, "m": 6e7, "s": 1e6, "ms": 1e3, "us": 1.0, "µs": 1.0, "μs": 1.0, "ns": 1e-3}
_MOST = 2**63
_LONGEST = 64  # characters


def moment(text: Any) -> float | None:
    """Seconds since 1970 of an HTTP date (RFC 9110 section 5.6.7) or ISO 8601; UTC where it names no zone."""
    if not isinstance(text, str) or len(text) > _LONGEST:
        return None
    for read in (_iso, parsedate_to_datetime):
        try:
            found = read(text)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None


def _iso(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix(" GMT").removesuffix(" UTC").strip())


def microseconds(duration: Any) -> int | None:
    """Of a Go duration: `1m2.5s` (https://pkg.go.dev/time#ParseDuration), or a number of nanoseconds."""
    if isinstance(duration, int) and not isinstance(duration, bool):
        return duration // 1000 if 0 <= duration < _MOST else None
    if not isinstance(duration, str) or len(duration) > _LONGEST or not duration:
        return None
    parts = _PART.findall(duration)
    if "".join(number + unit for number, unit in parts) != duration:
        return None
    found = round(sum(float(number) * _MICROSECONDS[unit] for number, unit in parts))
    return found if found < _MOST else None
