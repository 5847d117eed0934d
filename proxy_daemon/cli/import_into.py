"""Where an import goes: a store, one of our cassettes (`import_into_cassette.py`), or nowhere (`--dry-run`).

Invariant: what is there is not changed; nothing comes in twice, though a file may hold the same answer several times;
each takes recordings in batches, in the file's order. Called by `import_reader.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from proxy_daemon.core.adopting import Adopter
from proxy_daemon.core.messages import Recording
from proxy_daemon.store.imported import DryRun
from proxy_daemon.store.imports import Imports, NotWritten


class Into(Protocol):
    """What takes recordings. Use `close`."""

    def adopted(self, recording: Recording) -> tuple[Recording, str]:
        """As it is kept there, and why it is not served. Raises `NotOurs`, and what a plugin's dialect raises."""

    def add_all(self, recordings: Sequence[Recording]) -> Iterator[bool | NotWritten]:
        """In their order, whether each is new, or why it is not there. Raises `StoreError`: it takes nothing more."""

    def end_file(self) -> None:
        """What comes now is of another file."""

    def close(self) -> None:
        """Let the file go."""


class IntoStore:
    """A store, or what tells what would come into it."""

    def __init__(self, store: Imports | DryRun, adopter: Adopter) -> None:
        self.adopted: Callable[[Recording], tuple[Recording, str]] = adopter.adopt
        self.add_all: Callable[[Sequence[Recording]], Iterator[bool | NotWritten]] = store.add_all
        self.end_file: Callable[[], None] = store.end_file
        self.close: Callable[[], None] = store.close
