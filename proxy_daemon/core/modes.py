"""The modes, as a table: what each looks up, forwards and keeps, for the store.

The design's table in data; `pipeline/exchange.py` asks nothing but this. Cassettes will add their own columns.
"""

from __future__ import annotations

from attrs import frozen


@frozen
class Mode:
    """What a mode does. ``generating_only``: only generating POSTs are answered from the store."""

    name: str
    looks_up: bool
    generating_only: bool
    forwards: bool
    keeps: bool  # good answers become recordings that later requests may get
    replaces: bool  # a good new answer takes the place of those that its session had before this run
    heeds_no_cache: bool = True


MODES = {
    mode.name: mode
    for mode in (
        #    name          looks_up generating_only forwards keeps replaces
        Mode("off", False, False, True, False, False),
        Mode("new_episodes", True, True, True, True, False),
        Mode("none", True, False, False, False, False, heeds_no_cache=False),
        Mode("all", False, False, True, True, True),
    )
}


def looks_up(mode: Mode, generates: bool, no_cache: bool) -> bool:
    """Whether this request may be answered by a recording."""
    if not mode.looks_up or (no_cache and mode.heeds_no_cache):
        return False
    return generates or not mode.generating_only
