"""Sizes and durations as people write them: `64MiB`, `30d`, `500ms`."""

from __future__ import annotations

import math
import re
from decimal import Decimal

_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)")
SIZES = {"": 1, "b": 1, "k": 1024, "kib": 1024, "kb": 1000, "m": 1024**2, "mib": 1024**2, "mb": 1000**2}
SIZES |= {"g": 1024**3, "gib": 1024**3, "gb": 1000**3, "t": 1024**4, "tib": 1024**4}
DURATIONS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
LARGEST = 2**60


def parse_size(text: str) -> int:
    """Octets. Raises ValueError with a sentence."""
    return int(_parse(text, SIZES, "a size, such as 64MiB, 500k or 4GiB"))


def parse_duration(text: str) -> float:
    """Seconds. Raises ValueError with a sentence."""
    return float(_parse(text, DURATIONS, "a duration, such as 30d, 12h, 90s or 500ms"))


def size_text(octets: int) -> str:
    """The shortest exact form."""
    for unit, factor in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if octets and octets % factor == 0:
            return f"{octets // factor}{unit}"
    return str(octets)


def duration_text(seconds: float) -> str:
    """The shortest exact form."""
    for unit, factor in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % factor == 0:
            return f"{int(seconds // factor)}{unit}"
    return f"{Decimal(repr(float(seconds))).normalize():f}s"


def _parse(text: str, units: dict[str, float] | dict[str, int], what: str) -> float:
    found = _QUANTITY.fullmatch(text.strip())
    factor = units.get(found[2].lower()) if found else None
    value = float(found[1]) * factor if found and factor is not None else math.inf
    if value > LARGEST:
        raise ValueError(f"{text!r} is not {what}")
    return value
