"""What a scanner gives, and what its parts share.

Invariant: no empty text, and no two in a row that go to the same field.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple, Protocol

_moved = attrgetter("moved")


class Said(NamedTuple):
    """Text for the field that is scanned; ``moved``: for the field for reasoning instead.

    A tuple, as one is made for each piece of each stream: an attrs value takes three times as long.
    """

    text: str
    moved: bool = False


class Machine(Protocol):
    """One rule on the text of one field. ``changed``: how many times it gave something else than it took."""

    changed: int

    @property
    def held(self) -> int:
        """How many characters are held back."""
        ...

    def feed(self, text: str) -> list[Said]:
        """What is certain after ``text``: what was held back before it comes first."""
        ...

    def end(self) -> list[Said]:
        """What was held back; nothing may follow."""
        ...


def joined(pieces: Sequence[Said]) -> list[Said]:
    """The same with neighbours of a kind made one, and without empty ones. In one go: a text may have many pieces."""
    full = [piece for piece in pieces if piece.text]
    if len(full) <= 1:
        return full
    return [Said("".join([each.text for each in group]), moved) for moved, group in groupby(full, _moved)]
