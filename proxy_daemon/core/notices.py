"""Lines for the person who started the daemon: warnings, what a plugin prints, what a reload has done.

By themselves they go to the standard error. Where the console draws on that terminal it shows them: else they would
tear what grows there. Invariant: `show`, where there is one, waits for no terminal, for the reactor calls it. It is set
by `cli/log.py` and by the console, asked by `cli/log.py` and by `net/service.py`.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define

Show = Callable[[str], object]  # a text of one or more lines; from any thread


@define(eq=False)
class Notices:
    """``show``: None where whoever has a line writes it himself."""

    show: Show | None = None

    def is_shown(self, text: str) -> bool:
        """Whether somebody shows it."""
        if self.show is None:
            return False
        self.show(text)
        return True


NOTICES = Notices()  # of this process, as the standard error is
