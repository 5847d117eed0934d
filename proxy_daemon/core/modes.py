"""The modes, as tables: what each looks up, forwards and keeps, for the store and for cassettes.

The design's table in data; `pipeline/exchange.py` asks nothing but this. The store is a cache and a history, a cassette
is a test's fixture: they behave as their users expect.
"""

from __future__ import annotations

from attrs import frozen


@frozen
class Mode:
    """What a mode does. ``generating_only``: only generating POSTs are answered."""

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
_CASSETTE = {
    mode.name: mode
    for mode in (
        #    name          looks_up generating_only forwards keeps replaces
        Mode("off", False, False, True, False, False),
        Mode("new_episodes", True, False, True, True, False, heeds_no_cache=False),
        Mode("none", True, False, False, False, False, heeds_no_cache=False),
        Mode("all", False, False, True, True, True),
    )
}
ONCE = "once"
NAMES = (*MODES, ONCE)
# With a cassette that holds recordings at the start, and with one that is empty or not there yet.
_ONCE_KNOWN = Mode(ONCE, True, False, False, False, False, heeds_no_cache=False)
_ONCE_NEW = Mode(ONCE, True, False, True, True, False, heeds_no_cache=False)


def cassette_mode(name: str, *, holds_recordings: bool) -> Mode:
    """What a mode of `NAMES` does with a cassette. ``holds_recordings``: when it was opened."""
    if name == ONCE:
        return _ONCE_KNOWN if holds_recordings else _ONCE_NEW
    return _CASSETTE[name]


def may_forward(name: str) -> bool:
    """Whether a mode of `NAMES` ever sends a request to an upstream."""
    return name == ONCE or MODES[name].forwards


def looks_up(mode: Mode, generates: bool, no_cache: bool) -> bool:
    """Whether this request may be answered by a recording."""
    if not mode.looks_up or (no_cache and mode.heeds_no_cache):
        return False
    return generates or not mode.generating_only
