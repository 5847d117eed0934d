"""What commands that read recordings share: the daemon's settings without a daemon, and how a file is named.

Called by `import`, `export`, `show` and `diff`.
"""

from __future__ import annotations

import argparse
import os
import re
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from proxy_daemon.core.cassettes import MOST, Unreadable
from proxy_daemon.settings import Settings
from proxy_daemon.settings.sources import load

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

_NUMBERED = re.compile(r"(.+)#([0-9]{1,9})\Z", re.DOTALL | re.ASCII)
_OPTIONS = ("store", "config")
_REPEATABLE = ("plugin", "block_plugin")


class Parser(argparse.ArgumentParser):
    """Tells whoever calls where its help cannot be written, which argparse keeps to itself."""

    def __init__(self, name: str, description: str) -> None:
        super().__init__(name, description=description, allow_abbrev=False)

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        """Raises OSError."""
        (file or sys.stdout).write(self.format_help())


def add_options(parser: argparse.ArgumentParser) -> None:
    """Those that are the daemon's too."""
    parser.add_argument("--store", metavar="PATH", help="the store's file, as of llmproxy serve")
    parser.add_argument("--config", metavar="PATH", help="the configuration file of llmproxy serve")
    parser.add_argument(
        "--plugin", metavar="MODULE", action="append", help="a plugin: a module or a .py file; repeatable"
    )
    parser.add_argument("--block-plugin", metavar="NAME", action="append", help="a plugin to leave out; repeatable")


def settings(said: argparse.Namespace, **more: Sequence[str]) -> Settings:
    """As `llmproxy serve` with these options would have them. Raises `SettingsError`."""
    given: dict[str, Sequence[str]] = {name: values for name, values in more.items() if values}
    for name in _OPTIONS:
        if getattr(said, name) is not None:
            given[name] = [getattr(said, name)]
    for name in _REPEATABLE:
        if getattr(said, name):
            given[name] = getattr(said, name)
    return load(given, os.environ)


def octets(name: str) -> bytes:
    """All of a regular file: others may have no end, or nobody who writes into them. Raises `Unreadable`."""
    if not name:
        raise Unreadable("''", "an empty name")
    try:
        with open(name, "rb", opener=_opened) as file:
            _check_regular(name, file.fileno())
            data = file.read(MOST + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise Unreadable(name, getattr(error, "strerror", "") or str(error)) from None
    if len(data) > MOST:
        raise Unreadable(name, f"larger than {MOST} octets")
    return data


def opened(name: str) -> BinaryIO:
    """A regular file, to be read in parts. Raises `Unreadable`."""
    if not name:
        raise Unreadable("''", "an empty name")
    try:
        file = open(name, "rb", opener=_opened)  # noqa: SIM115  (who calls closes it)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise Unreadable(name, getattr(error, "strerror", "") or str(error)) from None
    try:
        _check_regular(name, file.fileno())
    except BaseException:
        file.close()
        raise
    return file


def _opened(name: str, flags: int) -> int:
    """Without waiting for whoever writes into a pipe."""
    return os.open(name, flags | os.O_NONBLOCK)


def _check_regular(name: str, descriptor: int) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise Unreadable(name, "no regular file")


def numbered(name: str) -> tuple[str, int] | None:
    """`FILE#N` as (FILE, N); None for any other name."""
    found = _NUMBERED.match(name)
    return None if found is None else (found[1], int(found[2]))


def is_there(name: str) -> bool:
    """Whether a file, or what else a path may lead to, has this name."""
    try:
        return bool(name) and Path(name).exists()
    except (OSError, ValueError):
        return False
