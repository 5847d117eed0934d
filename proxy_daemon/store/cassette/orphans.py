"""The files beside cassettes that no cassette of their directory names: found, and removed.

Invariant: a file that any cassette names stays, whichever cassettes were asked about; where one of the directory cannot
be read nothing is called an orphan. Called by `llmproxy lint` and `llmproxy prune`. Blocks. Raises OSError.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import ExitStack

from attrs import frozen

from proxy_daemon.core.cassettes.llmproxy.splitting import is_ours
from proxy_daemon.store.cassette.disk import read_from
from proxy_daemon.store.cassette.locking import locked, shared

BESIDE = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{1,8}")
_NAMED = re.compile(rb"[0-9a-f]{64}\.[a-z0-9]{1,8}")
_FIRST_LINE = 100  # octets, more than it has


@frozen
class Orphan:
    """A file that nobody names. ``size``: octets."""

    path: str
    size: int


def orphans(directory: str) -> list[Orphan]:
    """Those of a directory, by name."""
    beside = sorted(name for name in os.listdir(directory) if BESIDE.fullmatch(name))
    if not beside:
        return []
    named = {name for path in cassettes_in(directory) for name in names_in(_read(path))}
    found = [os.path.join(directory, name) for name in beside if name not in named]
    return [Orphan(path, os.lstat(path).st_size) for path in found if _is_regular(path)]


def removed(directory: str) -> list[Orphan]:
    """Remove them, while nobody writes a cassette of the directory. Those that were removed."""
    with ExitStack() as locks:
        for path in cassettes_in(directory):
            locks.enter_context(locked(path, make=False))
        found = orphans(directory)
        for orphan in found:
            os.unlink(orphan.path)
    return found


def names_in(data: bytes) -> set[str]:
    """All that may name a file beside a cassette, also in a document that is damaged, or in a comment."""
    return {name.decode() for name in _NAMED.findall(data)}


def cassettes_in(directory: str) -> Iterator[str]:
    """The cassettes of ours in it, by name; links among them lead to files that stand elsewhere, or here."""
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        if not BESIDE.fullmatch(name) and _is_regular(path) and is_ours(_beginning(path)):
            yield path


def _is_regular(path: str) -> bool:
    return stat.S_ISREG(os.lstat(path).st_mode)


def _beginning(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _FIRST_LINE)
    finally:
        os.close(descriptor)


def _read(path: str) -> bytes:
    """What stands in a cassette, whole: nobody is in the midst of writing it.

    The lock of `removed` is ours already; then it is read as it is.
    """
    with shared(path) as descriptor:
        return read_from(descriptor, path)
