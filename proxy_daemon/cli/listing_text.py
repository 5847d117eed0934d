"""An exchange as a line of a table: when, which, how it went, what was asked of whom, and its first words.

Invariant: nothing in it steers a terminal, and it is no wider than that. Called by `listing.py`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rich.cells import cell_len, set_cell_size

from proxy_daemon.cli.harmless import one_line

_WIDTHS = {"outcome": 9, "status": 3, "place": 32, "model": 24, "tokens": 7, "took": 8}
_UNITS = ((1000, "ms", 1), (60_000, "s", 1000), (3_600_000, "min", 60_000))


def line(row: dict[str, Any], width: int | None) -> str:
    """A ROW of the API. ``width``: columns that there are; None: as many as it needs."""
    told = row["told"] or {}
    cells = {
        "outcome": row["outcome"],
        "status": str(row["status"] or "-"),
        "place": f"{row['method']} {row['path']}",
        "model": row["model"] or "-",
        "tokens": _tokens(told),
        "took": took(row["duration_ms"]),
    }
    columns = [_fitted(text, _WIDTHS[name], name in ("tokens", "took")) for name, text in cells.items()]
    text = "  ".join([_moment(row["started"]), row["id"], *columns, _words(row, told)]).rstrip()
    return text if width is None or cell_len(text) <= width else set_cell_size(text, width).rstrip()


def took(milliseconds: float) -> str:
    """A duration as people say it."""
    for below, unit, divisor in _UNITS:
        if milliseconds < below:
            number = milliseconds / divisor
            return f"{number:.0f} {unit}" if unit == "ms" else f"{number:.1f} {unit}"
    return f"{milliseconds / 3_600_000:.1f} h"


def _moment(seconds: float) -> str:
    """In the machine's own time."""
    try:
        return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return "-".ljust(19)


def _tokens(told: dict[str, Any]) -> str:
    total = told.get("total")
    return "-" if total is None else str(total)


def _words(row: dict[str, Any], told: dict[str, Any]) -> str:
    """What was asked; where nothing is known of that, why it ended so."""
    text = told.get("asked") or told.get("error") or row["detail"] or ""
    return one_line(" ".join(str(text).split()))


def _fitted(text: str, width: int, right: bool) -> str:
    """In so many columns; what is cut ends in a mark."""
    text = one_line(text)
    if cell_len(text) > width:
        text = set_cell_size(text, width - 1).rstrip() + "…"
    pad = " " * (width - cell_len(text))
    return pad + text if right else text + pad
