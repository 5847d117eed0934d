"""The files that `llmproxy import` was given: folders as what is in them, each file open once, how far it was read.

Invariant: only regular files are read, and of a folder nothing that lies outside of it. Called by `importing.py`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from proxy_daemon.cli.given import is_there, opened
from proxy_daemon.core.cassettes import Format, Skipped, Unreadable
from proxy_daemon.core.cassettes.formats import read_stream
from proxy_daemon.core.messages import Recording

Entries = Iterator[Recording | Skipped]


def files(names: Sequence[str], own: Sequence[str] = ()) -> Iterator[str]:
    """The same; for a folder, written with a `/` at its end, the files below it, sorted.

    ``own``: are not read where they are found there; nor is what begins with a dot, or a link that leads out of it.
    """
    for name in names:
        if name.endswith("/") and is_there(name):
            yield from _below(name, {_place(each) for each in own})
        else:
            yield name


def _below(folder: str, own: set[Path]) -> Iterator[str]:
    home = _place(folder)
    for where, folders, found in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        for path in (Path(where, name) for name in sorted(found) if not name.startswith(".")):
            place = _place(path)
            if place.is_relative_to(home) and place not in own:
                yield str(path)


def _place(path: str | Path) -> Path:
    """Where it leads; itself, where it is a link that leads round in circles: `Path.resolve` would fail."""
    return Path(os.path.realpath(path))


def entries(name: str, formats: Sequence[Format], tell: Callable[[BinaryIO], None]) -> Entries:
    """All entries of a file. ``tell``: gets the open file, of which so much has been read. Raises `Unreadable`."""
    with opened(name) as source:
        try:
            for entry in read_stream(name, source, formats):
                tell(source)
                yield entry
        except OSError as error:
            raise Unreadable(name, error.strerror or str(error)) from None


@contextmanager
def progress(name: str) -> Iterator[Callable[[BinaryIO], None]]:
    """A bar on standard error while a file is read, where that is a terminal; nothing otherwise."""
    if not sys.stderr.isatty():
        yield lambda source: None
        return
    from proxy_daemon.cli.import_progress import bar  # noqa: PLC0415  (rich takes a while to load)

    with bar(name) as tell:
        yield lambda source: tell(source.tell())
