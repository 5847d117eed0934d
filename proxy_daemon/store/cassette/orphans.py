"""The files beside cassettes that no cassette of their directory names: found, and removed.

Invariant: a file that any cassette names stays, whichever cassettes were asked about, and however damaged they are;
where one of the directory cannot be read nothing is called an orphan. Called by `llmproxy lint` and `llmproxy prune`.
Blocks. Raises OSError.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import MappingProxyType

from attrs import frozen

from proxy_daemon.core.cassettes.llmproxy.splitting import is_ours
from proxy_daemon.store.cassette.disk import read_from
from proxy_daemon.store.cassette.locking import locked, shared

_BESIDE = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{1,8}")
_NAMED = re.compile(rb"[0-9a-f]{64}\.[a-z0-9]{1,8}")
_YAML = (".yaml", ".yml")  # also one whose first line a merge has damaged
_FIRST_LINE = 100  # octets, more than it has


@frozen
class Orphan:
    """A file that nobody names. ``size``: octets."""

    path: str
    size: int


def orphans(directory: str, instead: Mapping[str, bytes] = MappingProxyType({})) -> list[Orphan]:
    """Those of a directory, by name. ``instead``: what would stand in some of its cassettes, by their paths."""
    if not _beside(directory):
        return []
    return _orphans(directory, lambda path: instead[path] if path in instead else _read(path))


def removed(directory: str) -> list[Orphan]:
    """Remove them, while nobody writes a cassette of the directory. Those that were removed."""
    if not _beside(directory):
        return []
    with ExitStack() as locks:
        held = {path: locks.enter_context(locked(path, make=False)) for path in _cassettes(directory)}
        found = _orphans(directory, lambda path: read_from(held[path], path))
        for orphan in found:
            os.unlink(orphan.path)
    return found


def named_in(document: bytes) -> set[str]:
    """All that may name a file beside a cassette, also in what is damaged, or a comment."""
    return {name.decode() for name in _NAMED.findall(document)}


def _orphans(directory: str, read: Callable[[str], bytes]) -> list[Orphan]:
    named = {name for path in _cassettes(directory) for name in named_in(read(path))}
    found = [os.path.join(directory, name) for name in _beside(directory) if name not in named]
    return [Orphan(path, os.lstat(path).st_size) for path in found]


def _beside(directory: str) -> list[str]:
    names = [name for name in os.listdir(directory) if _BESIDE.fullmatch(name)]
    return sorted(name for name in names if stat.S_ISREG(os.lstat(os.path.join(directory, name)).st_mode))


def _cassettes(directory: str) -> list[str]:
    """What may name files here. A link leads to a file that is here too, or names those of its own directory."""
    found = [os.path.join(directory, name) for name in sorted(os.listdir(directory)) if not _BESIDE.fullmatch(name)]
    return [path for path in found if stat.S_ISREG(os.lstat(path).st_mode) and _may_name(path)]


def _may_name(path: str) -> bool:
    if path.endswith(_YAML):
        return True
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return is_ours(os.read(descriptor, _FIRST_LINE))
    finally:
        os.close(descriptor)


def _read(path: str) -> bytes:
    """Whole: nobody is in the midst of writing it."""
    with shared(path) as descriptor:
        return read_from(descriptor, path)
