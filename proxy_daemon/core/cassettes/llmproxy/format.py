"""Our own cassettes as one of the formats that `llmproxy import` and `llmproxy show` read.

Invariant: recognised by its first line alone. Called by `core/cassettes/formats.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from proxy_daemon.core.cassettes import Skipped
from proxy_daemon.core.cassettes.llmproxy.reading import read
from proxy_daemon.core.cassettes.llmproxy.splitting import is_ours
from proxy_daemon.core.cassettes.llmproxy.streaming import streamed
from proxy_daemon.core.cassettes.llmproxy.values import Beside, Damaged, Entry
from proxy_daemon.core.messages import Recording


def nothing_beside(file: str) -> Beside:
    """For those who hold the cassette alone: what it gives raises FileNotFoundError."""

    def missing(name: str) -> bytes:
        raise FileNotFoundError(2, f"only {file} itself was read", name)

    return missing


class LlmproxyCassette:
    """The format. ``beside``: of a cassette's name, what gives the octets of the files beside it."""

    name = "llmproxy"

    def __init__(self, beside: Callable[[str], Beside] = nothing_beside) -> None:
        self._beside = beside

    def recognises(self, file: str, data: bytes) -> bool:
        """By its first line."""
        return is_ours(data)

    def read(self, file: str, data: bytes) -> Iterator[Recording | Skipped]:
        """All documents in their order. Raises `Unreadable` for one of a newer version."""
        return _told(read(file, data, self._beside(file)))

    def stream(self, file: str, source: BinaryIO) -> Iterator[Recording | Skipped]:
        """As `read`."""
        return _told(streamed(file, source, self._beside(file)))


def _told(entries: Iterable[Entry | Damaged]) -> Iterator[Recording | Skipped]:
    for number, each in enumerate(entries):
        yield Skipped(number, f"line {each.line}: {each.reason}") if isinstance(each, Damaged) else each.recording
