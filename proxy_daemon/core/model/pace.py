"""How fast the built-in model speaks: like a person's idea of a model, or at once.

The first piece comes after 0.25 s, then about 25 spoken events a second with a slight variation from the request's
hash; JSON comes after 0.3 s. The model "demo-fast" takes no time, "demo-slow" four times as much.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from proxy_daemon.core.dialects.dialect import Piece

FIRST = 0.25
EACH = 0.04
WHOLE = 0.3
SLOWNESS = {"demo-fast": 0, "demo-slow": 4}


def whole(octets: bytes, model: str) -> tuple[tuple[float, bytes], ...]:
    """A JSON answer, with its delay."""
    return ((WHOLE * SLOWNESS.get(model, 1), octets),)


def paced(events: Sequence[Piece], model: str, seed: bytes) -> tuple[tuple[float, bytes], ...]:
    """One piece an event, with the seconds before each."""
    slowness = SLOWNESS.get(model, 1)
    delays = _delays(events, seed)
    return tuple((round(delay * slowness, 4), one.octets) for delay, one in zip(delays, events, strict=True))


def _delays(events: Sequence[Piece], seed: bytes) -> Iterator[float]:
    for index, one in enumerate(events):
        if index == 0:
            yield FIRST
        else:
            yield EACH * (0.6 + 0.8 * seed[index % len(seed)] / 255) if one.spoken else 0.0
