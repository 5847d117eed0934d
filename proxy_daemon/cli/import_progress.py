"""A bar on the terminal that shows how much of a file has been read. It is gone when that has ended.

Called by `import_files.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from proxy_daemon.cli.harmless import one_line


@contextmanager
def bar(name: str) -> Iterator[Callable[[int], None]]:
    """Gives what takes the number of octets that were read so far."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    shown = Progress(
        *columns,
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    task = shown.add_task(escape(one_line(Path(name).name)), total=_size(name))
    with shown:
        yield lambda octets: shown.update(task, completed=octets)


def _size(name: str) -> int | None:
    try:
        return Path(name).stat().st_size
    except (OSError, ValueError):
        return None
