"""Names and numbers that come out of a hash: the built-in model has no clock and no chance.

Equal requests get equal answers, down to ids and times.
"""

from __future__ import annotations

from hashlib import blake2b

CREATED = 1_735_689_600  # seconds since 1970 of everything that the model makes: 2025-01-01T00:00:00Z
CREATED_TEXT = "2025-01-01T00:00:00Z"


def seed_of(*parts: bytes) -> bytes:
    """32 octets from what was asked."""
    return blake2b(b"\n".join(parts), digest_size=32).digest()


def name_from(seed: bytes, prefix: str, index: int = 0) -> str:
    """An id such as ``call_`` and 24 hexadecimal digits."""
    return prefix + blake2b(b"%s%d" % (prefix.encode(), index), key=seed, digest_size=12).hexdigest()


def pick(text: str, choice: int, size: int) -> int:
    """A number below ``size``, from the text and which choice of several it is."""
    data = blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()
    return (int.from_bytes(data) + choice) % size
