"""What was worked out for the last bodies: requests that are replayed are asked again and again, octet for octet.

Invariant: it holds at most ``limit`` octets of bodies and keys, whatever comes. Called by `fingerprint.py`,
`pipeline/admission.py`, `pipeline/recognising.py` and `core/rewriting/ruleset.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field

MOST_SEEN = 4096  # signs of what came once
LIMIT, LONGEST = 8 * 1024 * 1024, 512 * 1024  # octets: of all, of one
_ENTRY = 512  # octets that an entry takes besides
Key = tuple[bytes, tuple[object, bytes]]


@define(eq=False)
class Kept:
    """Two generations: what is asked for goes into the young one; when that is full, the old one goes.

    ``second``: only what comes a second time is remembered. Most of what a daemon forwards never comes again. A key is
    hashed once for each question, which costs more than all else here; so entries are found by that hash, and two keys
    with one hash put each other out.
    """

    limit: int = LIMIT
    longest: int = LONGEST
    second: bool = False
    _seen: set[int] = field(factory=set, init=False)
    _young: dict[int, tuple[Key, Any]] = field(factory=dict, init=False)
    _old: dict[int, tuple[Key, Any]] = field(factory=dict, init=False)
    _size: int = field(default=0, init=False)

    def of(self, data: bytes, rules: tuple[object, bytes], work_out: Callable[[], Any]) -> Any:
        """What ``work_out`` gave for this key, or gives now. Too long a key is not remembered.

        ``rules``: what it follows besides ``data``, and the content type where that counts.
        """
        key = (data, rules)
        sign = hash(key)
        entry = self._young.get(sign)
        if entry is None and (entry := self._old.pop(sign, None)) is not None:
            self._remember(sign, entry)
        if entry is not None and entry[0] == key:
            return entry[1]
        value = work_out()
        if not self.second or not self._is_first(sign):
            self._remember(sign, (key, value))
        return value

    def _remember(self, sign: int, entry: tuple[Key, Any]) -> None:
        data, (_, kind) = entry[0]
        size = len(data) + len(kind)
        if size > self.longest:
            return
        if self._size + size > self.limit // 2:
            self._old, self._young, self._size = self._young, {}, 0
        self._young[sign] = entry
        self._size += size + _ENTRY

    def _is_first(self, sign: int) -> bool:
        """Two keys of one hash are a mistake that costs nothing: the second is remembered at once."""
        if sign in self._seen:
            return False
        if len(self._seen) >= MOST_SEEN:
            self._seen.clear()
        self._seen.add(sign)
        return True
