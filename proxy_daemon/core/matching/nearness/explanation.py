"""A near miss in words, for people: the console, the log, the error of a refused request."""

from __future__ import annotations

from collections.abc import Iterable

NOTHING = "Nothing recorded is near it."
USED_UP = "Nothing differs: its answers have been served (--repeat exhaust), or it is passed over."


def explanation(called: str, score: float, parts: Iterable[tuple[str, float]], differences: Iterable[str]) -> list[str]:
    """Lines: which recording is nearest, how alike it is, which parts are not equal, and what differs.

    ``called``: by what people find it, `exchange 0123456789abcdef` or `FILE#n`.
    """
    unlike = ", ".join(f"{name} {percent(share)}" for name, share in parts if share < 1)
    shares = f"; {unlike}" if unlike else ""
    lines = list(differences)
    differs = "It differs in:" if lines else USED_UP
    return [f"Nearest: {called} ({percent(score)} alike{shares}). {differs}", *lines]


def percent(share: float) -> str:
    """A share as people read it, rounded down."""
    return f"{int(share * 100 + 1e-9)}%"
