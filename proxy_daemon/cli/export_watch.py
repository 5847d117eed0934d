"""How an export is followed and stopped: a bar on a terminal, and signals that end it cleanly.

Called by `exporting.py`.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
OFFSET = 128  # of exit codes, as shells have it


class Stopped(BaseException):
    """A signal came. ``code``: the exit code."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = OFFSET + number


@contextmanager
def stoppable() -> Iterator[None]:
    """Within, the first signal raises `Stopped`, and others do nothing: what was begun is taken away in peace."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    ours = [number for number, handler in before.items() if handler is not signal.SIG_IGN]  # as nohup has it
    try:
        for number in ours:
            signal.signal(number, _stop)
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])


def too_late() -> None:
    """From now on no signal stops it: what is left to do takes a moment."""
    if threading.current_thread() is threading.main_thread():
        for each in SIGNALS:
            if signal.getsignal(each) is _stop:
                signal.signal(each, signal.SIG_IGN)


def _stop(number: int, _: FrameType | None) -> None:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(number)


@contextmanager
def progress(total: int | None) -> Iterator[Callable[[], None]]:
    """Gives what is to be called for each exchange. Nothing is shown but on a terminal. ``total``: None: not known."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console  # noqa: PLC0415  (it takes long to import, and is shown on terminals only)
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("exporting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)
