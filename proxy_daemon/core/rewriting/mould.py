r"""Items that differ from the one before in a text alone, as many servers write them: only that text is read.

Invariant: an item fits where octet for octet all but one string is as in an item that was read as a whole, and that
string was proved to be its text; so all that was found in that item stands in this one too. Servers that put a time or
a count into each item have none that fit: after some tries no more is learned. Called by `stream.py` and `machine.py`.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from proxy_daemon.core.rewriting.channels.spot import Path, Spot
from proxy_daemon.core.rewriting.clones import blank_for
from proxy_daemon.core.rewriting.escapes import as_string
from proxy_daemon.core.rewriting.said import Said

_STRING = re.compile(rb'"(?:[^"\\\x00-\x1f]++|\\[^\x00-\x1f])++"')  # not empty: such a text may be left out
_PROBE = "\ue000probe"
_TRIES = 8  # items that are learned from and then fitted none

Place = tuple[int, int]


class Mould:
    """Of one stream."""

    __slots__ = ("_after", "_before", "_spot", "_tries")

    def __init__(self) -> None:
        self._before = self._after = b""
        self._spot: Spot | None = None
        self._tries = _TRIES

    def fits(self, raw: bytes) -> tuple[Spot, Place] | None:
        """The one text of an item, and where its string stands in the octets; None where the item must be read."""
        spot = self._spot
        if spot is None or not (raw.endswith(self._after) and raw.startswith(self._before)):
            return None
        place = (len(self._before), len(raw) - len(self._after))
        found = _STRING.fullmatch(raw, *place)
        try:
            text = orjson.loads(found[0]) if found else ""
        except orjson.JSONDecodeError:
            return None
        self._tries = _TRIES
        return (Spot._make((*spot[:3], text, *spot[4:])), place) if text else None

    def learn(self, raw: bytes, data: bytes, spot: Spot) -> None:
        """An item that was read: ``spot`` is all that was found in it, ``data`` its JSON."""
        if not self._tries or spot.so_far or spot.raw or not isinstance(spot.path[-1], str):
            return
        self._tries -= 1
        at, found = raw.find(data), _string_at(data, spot.path)
        if at >= 0 and found is not None and _proved(data, found, spot):
            self._before, self._after = raw[: at + found[0]], raw[at + found[1] :]
            self._spot = spot


def _string_at(data: bytes, path: Path) -> Place | None:
    """Where the first member of that name has its string."""
    name = orjson.dumps(path[-1]) + b":"
    start = data.find(name) + len(name)
    start += data.startswith(b" ", start)
    found = _STRING.match(data, start) if start >= len(name) else None
    return found.span() if found else None


def _proved(data: bytes, place: Place, spot: Spot) -> bool:
    """Whether the string there is the text: another in its place is found at the path."""
    try:
        value: Any = orjson.loads(data[: place[0]] + orjson.dumps(_PROBE) + data[place[1] :])
        for step in spot.path:
            value = value[step]
        return bool(value == _PROBE and orjson.loads(data[slice(*place)]) == spot.text)
    except (ValueError, LookupError, TypeError):
        return False


def recast(raw: bytes, place: Place, spot: Spot, said: list[Said]) -> bytes | None:
    """The item with another text, or with moved text beside it; None where that takes more than one string."""
    like = raw[slice(*place)]
    if len(said) > 1:
        return None
    text, moved = said[0] if said else ("", False)
    if not moved or spot.thought is None:
        written = as_string(text, like)
    else:
        member = orjson.dumps(spot.thought[-1])
        if spot.shape or spot.thought[:-1] != spot.path[:-1] or member in raw:
            return None
        written = orjson.dumps(blank_for(spot)) + b"," + member + b":" + as_string(text, like)
    return b"".join((raw[: place[0]], written, raw[place[1] :]))
