"""How fast a recording is replayed (`--replay-speed`)."""

from __future__ import annotations

import math
import re

from attrs import frozen

_TPS = re.compile(r"([0-9.]+)tps")


@frozen
class Speed:
    """``factor``: 1 as recorded, 2 twice as fast, 0 at once; ``events_per_second`` above 0 rules instead."""

    factor: float = 0.0
    events_per_second: float = 0.0

    @property
    def at_once(self) -> bool:
        """Without any waiting."""
        return not self.factor and not self.events_per_second


AT_ONCE = Speed()
AS_RECORDED = Speed(1.0)


def parse_speed(text: str) -> Speed:
    """Read `0`, `1`, `2.5` or `20tps`. Raises ValueError with a sentence."""
    found = _TPS.fullmatch(text)
    try:
        number = float(found[1] if found else text)
    except ValueError:
        number = -1
    if not math.isfinite(number) or number < 0 or (found and not number):
        raise ValueError(
            f"{text!r} is not a speed: 0 is at once, 1 as recorded, 2 twice as fast, 20tps 20 events a second"
        )
    return Speed(0.0, number) if found else Speed(number, 0.0)
