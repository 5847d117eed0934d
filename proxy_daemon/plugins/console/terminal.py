"""The terminal as a file that a thread writes to, and what the console wants to know of it.

Written without a buffer: a thread that waits for a stopped terminal must hold no lock that the process wants to end.
Invariant: nothing raises; who has gone reads nothing. Given to `Services.lines`, asked by `Console` at each tick.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable
from typing import TextIO

from attrs import define

MOST_BEHIND = 64 * 1024  # octets that may wait for the terminal; what is drawn beyond them would be old when it is seen


@define(eq=False)
class Terminal:
    """``output``: as Python opened it. ``is_gone``: it was closed."""

    output: TextIO
    is_gone: bool = False
    _given: int = 0  # octets, counted by the reactor's thread
    _written: int = 0  # and by the one that writes

    def given_to(self, write: Callable[[bytes], object]) -> Callable[[bytes], None]:
        """The same function, which counts what it is given. ``write`` lets the thread call ours."""

        def counted(data: bytes) -> None:
            self._given += len(data)
            write(data)

        return counted

    @property
    def is_behind(self) -> bool:
        """Whether it is slow, or stopped."""
        return self._given - self._written > MOST_BEHIND

    def size(self) -> tuple[int, int]:
        """Its columns and rows."""
        try:
            columns, rows = os.get_terminal_size(self.output.fileno())
        except (OSError, ValueError):
            return 80, 24
        return (columns or 80), (rows or 24)

    def write(self, data: bytes) -> None:
        """All of it, also where somebody who shares the terminal has made it non-blocking. Called in the thread."""
        left = data
        while left and not self.is_gone:
            try:
                left = left[os.write(self.output.fileno(), left) :]
            except BlockingIOError:
                select.select([], [self.output], [])
            except (OSError, ValueError):
                self.is_gone = True
        self.taken(len(data))

    def taken(self, octets: int) -> None:
        """So many are written."""
        self._written += octets

    def flush(self) -> None:
        """It is."""

    @property
    def shows_errors(self) -> bool:
        """Whether the standard error is this terminal too."""
        if sys.__stderr__ is None:
            return False
        try:
            return os.path.samestat(os.fstat(self.output.fileno()), os.fstat(sys.__stderr__.fileno()))
        except (OSError, ValueError):
            return False
