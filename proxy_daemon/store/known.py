"""Which fingerprints the store may hold: says no for sure, or maybe. A Bloom filter of fixed size, in words.

Most requests are new; asking SQLite about each costs more than the rest of a look-up, since every commit empties the
reading connection's cache. Never says no to what is there. All bits of a fingerprint stand in one word of 64: each
look at the memory waits for it, and the filter is larger than a processor's cache (Putze, Sanders, Singler, "Cache-,
hash- and space-efficient Bloom filters", 2009).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from struct import Struct

WORDS = 19  # 2**19 words are 4 MiB; with a million fingerprints, one unknown in 1,000 is looked up in vain
_PLACES = Struct("<I4x4B")  # a fingerprint is a hash: its first octets say where, four behind them which bits
_MASK = (1 << WORDS) - 1
_SHORTEST = 16
_BIT = [1 << each for each in range(64)] * 4  # by octet: cheaper than to shift


class Known:
    """Fingerprints, of 16 octets or more each; what is shorter is none, and never there."""

    def __init__(self) -> None:
        self._words = array("Q", bytes(8 << WORDS))

    def add(self, fingerprint: bytes) -> None:
        """From now on it may be there."""
        if len(fingerprint) < _SHORTEST:
            return
        place, one, two, three, four = _PLACES.unpack_from(fingerprint)
        self._words[place & _MASK] |= _BIT[one] | _BIT[two] | _BIT[three] | _BIT[four]

    def add_all(self, fingerprints: Iterable[bytes]) -> None:
        """Each of them."""
        for fingerprint in fingerprints:
            self.add(fingerprint)

    def may_hold(self, fingerprint: bytes) -> bool:
        """False: it is not there. True: it may be."""
        if len(fingerprint) < _SHORTEST:
            return False
        place, one, two, three, four = _PLACES.unpack_from(fingerprint)
        bits = _BIT[one] | _BIT[two] | _BIT[three] | _BIT[four]
        return bool(self._words[place & _MASK] & bits == bits)
