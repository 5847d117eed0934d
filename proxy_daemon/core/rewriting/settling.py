"""One channel: what its scanner gives, shared out among the pieces of text that it was fed.

A piece is settled when none of it is held back any more, and gets what came of it: joined, the shares are all that the
scanner gave, in its order. A piece that no rule changes gets its own text back, to the letter, however its neighbours
were changed; of what a match left, the first piece of it gets most. Called by `machine.py`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from proxy_daemon.core.rewriting.said import Said, joined
from proxy_daemon.core.rewriting.scanner import Scanner

Take = Callable[[list[Said]], None]


class _Piece(NamedTuple):
    """A piece that is not settled. ``given``, ``held``: how much there was of either when it had been fed."""

    text: str
    take: Take
    given: int
    held: int


class Channel:
    """The text of one channel under way. ``fed``, ``told``: what went in and came out, where pieces repeat it."""

    __slots__ = ("_given", "_pending", "_shared", "_size", "_total", "fed", "scanner", "told")

    def __init__(self, scanner: Scanner) -> None:
        self.scanner = scanner
        self.fed = ""
        self.told: list[Said] = []
        self._given: list[Said] = []  # to pieces that are not settled
        self._pending: deque[_Piece] = deque()
        self._size = 0  # of these pieces
        self._total = self._shared = 0  # characters given to any that had to wait, and those that they have

    @property
    def waits(self) -> bool:
        """Whether a piece is not settled."""
        return bool(self._pending)

    def feed(self, text: str, take: Take) -> None:
        """A piece. ``take`` is called once with its share, now or later."""
        given = self.scanner.feed(text)
        held = self.scanner.held
        if len(self._pending) == 1 and text and held <= len(text):
            given = self._without_first(given)
        if not held and not self._pending:
            take(given)
            return
        self._size += len(text)
        self._given += given
        self._total += sum([len(each.text) for each in given])
        self._pending.append(_Piece(text, take, self._total, held))
        self._settle(held)

    def _without_first(self, given: list[Said]) -> list[Said]:
        """What is left of ``given`` when the one piece that waits has its own text back, as nearly always it has.

        `_settle` would find the same; where it would find more, nothing is done.
        """
        first = self._pending[0]
        size = len(first.text)
        if len(given) != 1 or len(self._given) > 1 or first.given + first.held - self._shared != size:
            return given
        text, moved = given[0]
        if self._given:
            text = self._given[0].text + text
        if not text.startswith(first.text) or (self._given and self._given[0].moved is not moved):
            return given
        self._pending.clear()
        self._given = []
        self._size = self._total = self._shared = 0
        first.take([Said(first.text, moved)])
        return [Said(text[size:], moved)] if len(text) > size else []

    def grow(self, text: str, take: Take) -> bool:
        """A piece that begins with all that was fed before; ``take`` gets all that came out. False where it is none."""
        if not text.startswith(self.fed):
            return False
        piece, self.fed = text[len(self.fed) :], text
        self.feed(piece, lambda share: take(self._all(share)))
        return True

    def _all(self, share: list[Said]) -> list[Said]:
        self.told = joined([*self.told, *share])
        return self.told

    def end(self) -> None:
        """There is no more: all pieces are settled."""
        self._given += self.scanner.end()
        self._settle(0)

    def _settle(self, held: int) -> None:
        """What is held back are the last characters: of a piece with less behind it some may be among them."""
        if not self._pending or held > self._size - len(self._pending[0].text):
            return
        self._given, same = joined(self._given), -1
        while self._pending and held <= (behind := self._size - len(self._pending[0].text)):
            piece = self._pending.popleft()
            self._size = behind
            place = self._place(piece) if behind else sum(len(each.text) for each in self._given)
            if place < 0:
                same = self._unchanged(held) if same < 0 else same
                place = sum(len(each.text) for each in self._given) - min(same, behind - held)
                place = max(place, piece.given - self._shared)  # what came out when it was fed is its own
            share, self._given = _parted(self._given, max(place, 0))
            self._shared += sum(len(each.text) for each in share)
            piece.take(share)

    def _place(self, piece: _Piece) -> int:
        """Up to where what was given is of this piece, if what was held back of it came out as it was; else -1."""
        end = piece.given + piece.held - self._shared
        own = min(piece.held, len(piece.text))
        text = "".join(each.text for each in self._given)
        return end if text[max(end - own, 0) : max(end, 0)] == piece.text[len(piece.text) - own :] else -1

    def _unchanged(self, held: int) -> int:
        """How many characters at the end of what was given are those that were fed."""
        given = "".join(each.text for each in self._given)
        fed = "".join(piece.text for piece in self._pending)
        fed = fed[: len(fed) - held]
        low, high = 0, min(len(given), len(fed))
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if given[-middle:] == fed[-middle:] else (low, middle - 1)
        return low


def _parted(given: list[Said], place: int) -> tuple[list[Said], list[Said]]:
    """The first so many characters, and the rest."""
    share: list[Said] = []
    for at, (text, moved) in enumerate(given):
        if len(text) > place:
            share += [Said(text[:place], moved)] if place else []
            return share, [Said(text[place:], moved), *given[at + 1 :]]
        share.append(given[at])
        place -= len(text)
    return share, []
