"""What was asked for lately, in bounded memory, for a short while: another daemon may have changed the file since."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Generic, TypeVar

HOT_SECONDS = 1.0

Key = TypeVar("Key")
Value = TypeVar("Value")


class Hot(Generic[Key, Value]):
    """At most ``limit`` octets; what nobody asked for the longest time goes first."""

    def __init__(self, limit: int) -> None:
        self.size = 0
        self._limit = limit
        self._held: OrderedDict[Key, tuple[float, int, Value]] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """What is known of it; None where that is nothing, or too old."""
        held = self._held.get(key)
        if held is None or time.monotonic() - held[0] >= HOT_SECONDS:
            return None
        self._held.move_to_end(key)
        return held[2]

    def warm(self, key: Key, size: int, value: Value) -> None:
        """Remember it, unless it is too large for that."""
        self.cool(key)
        if size > self._limit // 8:
            return
        self._held[key] = (time.monotonic(), size, value)
        self.size += size
        while self.size > self._limit:
            self.size -= self._held.popitem(last=False)[1][1]

    def cool(self, key: Key) -> Value | None:
        """Forget it; what it was, however old."""
        held = self._held.pop(key, None)
        if held is None:
            return None
        self.size -= held[1]
        return held[2]
