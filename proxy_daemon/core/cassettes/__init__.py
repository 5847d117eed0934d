"""Recordings of other tools: one file a format, each a reader that gives `Recording`s.

The format is chosen by content, never by the file's name alone. Nothing is skipped in silence: an entry that cannot be
read is given as `Skipped`, a file as `Unreadable`, each with its reason. Called by `llmproxy import` and
`llmproxy show`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from attrs import frozen

from proxy_daemon.core.messages import Recording

MOST = 256 * 1024 * 1024  # octets of a file, unpacked


class Unreadable(Exception):
    """A file that no format reads. ``entry``: which one of its interactions, from 0; None: all of it."""

    def __init__(self, file: str, reason: str, entry: int | None = None) -> None:
        place = file if entry is None else f"{file}#{entry}"
        super().__init__(f"{place}: {reason}")
        self.file, self.reason, self.entry = file, reason, entry


@frozen
class Skipped:
    """An entry that is no exchange of HTTP, or holds no answer. ``entry``: its number in the file, from 0."""

    entry: int
    reason: str


class Format(Protocol):
    """One format of recordings; `llmproxy_formats()` adds more."""

    name: str

    def recognises(self, file: str, data: bytes) -> bool:
        """Whether the content looks like this format. Cheap: it looks at the beginning, mostly."""

    def read(self, file: str, data: bytes) -> Iterator[Recording | Skipped]:
        """All entries in their order. Raises `Unreadable`, also after some have been given."""
