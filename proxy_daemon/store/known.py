"""Which fingerprints the store may hold: says no for sure, or maybe. A Bloom filter of fixed size.

Most requests are new; asking SQLite about each costs more than the rest of a look-up, since every commit empties the
reading connection's cache. Never says no to what is there.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct

BITS = 25  # 2**25 bits are 4 MiB; with a million fingerprints, one unknown in 6,000 is looked up in vain
_PARTS = Struct("<4I")  # a fingerprint is a hash: parts of it serve as four independent ones
_MASK = (1 << BITS) - 1


class Known:
    """Fingerprints, of 16 octets or more each; what is shorter is none, and never there."""

    def __init__(self) -> None:
        self._bits = bytearray(1 << (BITS - 3))

    def add(self, fingerprint: bytes) -> None:
        """From now on it may be there."""
        if len(fingerprint) < _PARTS.size:
            return
        for part in _PARTS.unpack_from(fingerprint):
            place = part & _MASK
            self._bits[place >> 3] |= 1 << (place & 7)

    def add_all(self, fingerprints: Iterable[bytes]) -> None:
        """Each of them."""
        for fingerprint in fingerprints:
            self.add(fingerprint)

    def may_hold(self, fingerprint: bytes) -> bool:
        """False: it is not there. True: it may be."""
        bits = self._bits
        if len(fingerprint) < _PARTS.size:
            return False
        for part in _PARTS.unpack_from(fingerprint):
            place = part & _MASK
            if not bits[place >> 3] >> (place & 7) & 1:
                return False
        return True
