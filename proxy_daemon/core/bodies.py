"""What a message carries behind its head, whether it lies in memory or in a file.

A `Body` does not change once it is handed over. The spooled one is made in `net/bodies.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from attrs import field, frozen

CHUNK = 65536


class Body(Protocol):
    """Bytes of a message. Reading may happen from any thread and more than once."""

    @property
    def size(self) -> int:
        """Octets."""

    def whole(self) -> bytes | None:
        """All of it where it lies in memory; None where it is too large for that."""

    def read(self, offset: int, size: int) -> bytes:
        """At most ``size`` octets from ``offset`` on; empty at the end."""


@frozen(slots=False, init=False)
class Bytes:
    """A body in memory. ``size``: octets; asked for so often that it is not counted each time."""

    data: bytes = field(default=b"", repr=lambda data: f"<{len(data)} octets>")
    size: int = field(init=False, eq=False, repr=False)

    def __init__(self, data: bytes = b"") -> None:
        self.__dict__.update(data=data, size=len(data))

    def whole(self) -> bytes:
        """All of it."""
        return self.data

    def read(self, offset: int, size: int) -> bytes:
        """At most ``size`` octets from ``offset`` on."""
        return self.data[offset : offset + size]


EMPTY = Bytes()


def chunks(body: Body, size: int = CHUNK) -> Iterator[bytes]:
    """The body in parts of at most ``size`` octets: for what may not hold it whole."""
    offset = 0
    while data := body.read(offset, size):
        yield data
        offset += len(data)
