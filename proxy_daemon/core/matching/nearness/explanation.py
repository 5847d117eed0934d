"""A near miss in words, for people: the console, the log, the error of a refused request."""

from __future__ import annotations

from collections.abc import Iterable

from proxy_daemon.core.messages import id_text

NOTHING = "Nothing recorded is near it."


def explanation(
    exchange_id: int, score: float, parts: Iterable[tuple[str, float]], differences: Iterable[str]
) -> list[str]:
    """Lines: which recording is nearest, how alike it is, which parts are not equal, and what differs."""
    unlike = ", ".join(f"{name} {percent(share)}" for name, share in parts if share < 1)
    shares = f"; {unlike}" if unlike else ""
    return [f"Nearest: exchange {id_text(exchange_id)} ({percent(score)} alike{shares}). It differs in:", *differences]


def percent(share: float) -> str:
    """A share as people read it, rounded down."""
    return f"{int(share * 100 + 1e-9)}%"
