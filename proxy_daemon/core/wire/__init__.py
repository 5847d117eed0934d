"""What stands on the wire within a body: a reader and a writer for each framing, one file each.

A reader is fed pieces of any size and gives items. It loses nothing: the `raw` octets of all items, and what is left
at the end, are the stream again, octet for octet; the same items come however the stream is cut. Hostile input ends in
`Malformed`, in linear time, and with no more memory than the longest item that the reader allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

LONGEST_ITEM = 64 * 1024 * 1024  # octets of one event, line, element or frame


class Malformed(ValueError):
    """The stream does not keep to its framing. ``at``: the offset of the octet at which that was seen."""

    def __init__(self, reason: str, at: int) -> None:
        super().__init__(f"{reason}, at octet {at}")
        self.reason, self.at = reason, at


class Item(Protocol):
    """One event, line, element or frame."""

    @property
    def raw(self) -> bytes:
        """Its octets, framing included."""

    @property
    def start(self) -> int:
        """Where they begin in the stream."""

    @property
    def name(self) -> str:
        """Of the event or frame; empty where the framing has no names."""

    @property
    def data(self) -> bytes:
        """What it says, without framing; empty for what says nothing (a comment, an empty line)."""


class Reader(Protocol):
    """Reads one stream."""

    def feed(self, data: bytes) -> Sequence[Item]:
        """The items that are whole with ``data``. Raises `Malformed`; nothing may be fed afterwards."""

    def end(self) -> Sequence[Item]:
        """The items that the end of the stream makes whole. Raises `Malformed` where it ends within one."""

    @property
    def rest(self) -> bytes:
        """The octets that belong to no item yet."""
