"""What was worked out for the last bodies: requests that are replayed are asked again and again, octet for octet.

Invariant: it holds at most ``limit`` octets of bodies and keys, whatever comes. Called by `fingerprint.py`.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from attrs import define, field

MOST_SEEN = 4096  # signs of what came once
LIMIT, LONGEST = 8 * 1024 * 1024, 512 * 1024  # octets: of all, of one


@define(eq=False)
class Kept:
    """Two generations: what is asked for goes into the young one; when that is full, the old one goes.

    ``second``: only what comes a second time is remembered. Most of what a daemon forwards never comes again.
    """

    limit: int = LIMIT
    longest: int = LONGEST
    second: bool = False
    _seen: set[int] = field(factory=set, init=False)
    _young: dict[Hashable, Any] = field(factory=dict, init=False)
    _old: dict[Hashable, Any] = field(factory=dict, init=False)
    _size: int = field(default=0, init=False)

    def get(self, data: bytes, rules: tuple[object, bytes]) -> Any:
        """None where it is not known. ``rules``: what it follows, and the content type where that counts."""
        key = (data, rules)
        found = self._young.get(key)
        if found is None and (found := self._old.pop(key, None)) is not None:
            self.put(data, rules, found)
        return found

    def put(self, data: bytes, rules: tuple[object, bytes], value: Any) -> None:
        """Remember it; nothing happens where it is too long."""
        size = len(data) + len(rules[1])
        if size > self.longest or (self.second and self._is_first(hash((data, rules)))):
            return
        if self._size + size > self.limit // 2:
            self._old, self._young, self._size = self._young, {}, 0
        self._young[data, rules] = value
        self._size += size + _ENTRY

    def _is_first(self, sign: int) -> bool:
        """Two keys of one hash are a mistake that costs nothing: the second is remembered at once."""
        if sign in self._seen:
            return False
        if len(self._seen) >= MOST_SEEN:
            self._seen.clear()
        self._seen.add(sign)
        return True


_ENTRY = 512  # octets that an entry takes besides
