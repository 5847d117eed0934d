"""When each piece of a recording is due, by `--replay-speed`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from proxy_daemon.core.speed import Speed

LONGEST_GAP = 3600.0  # seconds: a recording must not hold a client for days, whatever stands in it


def schedule(sizes: Sequence[int], times: Sequence[int], speed: Speed) -> list[float]:
    """Seconds to wait before each piece. ``times``: microseconds since the exchange began; missing ones count as 0."""
    if speed.at_once:
        return [0.0] * len(sizes)
    if speed.events_per_second:
        return [min(LONGEST_GAP, 1 / speed.events_per_second)] * len(sizes)
    waits, before = [], 0
    for time in [*times[: len(sizes)], *[0] * (len(sizes) - len(times))]:
        waits.append(min(LONGEST_GAP, max(0, time - before) / 1_000_000 / speed.factor))
        before = max(before, time)
    return waits


def pace_of(value: Any) -> float:
    """`Recording.pace` of a value in a file. Raises ValueError, with what is wrong."""
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 <= value <= LONGEST_GAP:
        raise ValueError(f"no seconds from 0 to {LONGEST_GAP:g}")
    return float(value)
