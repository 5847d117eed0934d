"""Recordings of other tools: one file a format, each a reader that gives `Recording`s.

The format is chosen by content, never by the file's name alone. Nothing is skipped in silence: an entry that cannot be
read is given as `Skipped`, a file as `Unreadable`, each with its reason. Called by `llmproxy import` and
`llmproxy show`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Protocol, runtime_checkable

from attrs import frozen

from proxy_daemon.core.messages import Recording

TALKS = (".md", ".markdown")  # how names of files end in which a person writes what is said
MOST = 256 * 1024 * 1024  # octets of a file, unpacked


def is_talk(file: str) -> bool:
    """Whether a file's name says that a person writes talks in it (Markdown). Such a file is only read."""
    return file.lower().endswith(TALKS)


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


@runtime_checkable
class Streaming(Format, Protocol):
    """A format that also reads files of any size, in bounded memory."""

    def stream(self, file: str, source: BinaryIO) -> Iterator[Recording | Skipped]:
        """As `read` of all that ``source`` (an `io.BufferedReader`) gives, which is unpacked and read forward once.

        Raises `Unreadable`, and `source.NotStreamed` where it must be read whole after all: what was given until then
        counts as read. What reading raises passes.
        """
