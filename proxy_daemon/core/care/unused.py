"""Which documents of cassettes a verdict calls unused. The verdict: docs/verdict.md.

A verdict knows recordings by what was asked and when they were recorded: ids are another daemon's own. Invariant: what
cannot be told apart is not called unused. Called by `llmproxy lint` and `llmproxy prune`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import define, field

from proxy_daemon.core.care.findings import Document
from proxy_daemon.core.cassettes.llmproxy import Entry
from proxy_daemon.core.cassettes.llmproxy.times import recorded

_MEMBERS = ("method", "path", "model", "recorded")
_Key = tuple[str, ...]


class NoUse(ValueError):
    """The verdict does not say what is unused; one line that says why."""


@define
class Unused:
    """Those of one verdict. ``unlisted``: how many more there are that it does not name; ``apart``: not told apart."""

    left: Counter[_Key]
    unlisted: int = 0
    apart: int = field(default=0, init=False)

    @classmethod
    def of(cls, verdict: Mapping[str, Any]) -> Unused:
        """``verdict``: of the right shape, as the daemon gives it. Raises `NoUse`."""
        sessions = verdict["sessions"]
        if not any(each["exchanges"] for each in sessions):
            raise NoUse("nothing was asked in the run of this verdict: all would be unused")
        told = max((each["unused"] for each in sessions), key=lambda each: len(each["first"]))
        if told.get("at_most"):
            raise NoUse("this verdict speaks of a run so long that it does not know all that was used")
        if any("recorded" not in each for each in told["first"]):
            raise NoUse("this verdict does not say when each recording was made: it is of an older llmproxy")
        keys = (tuple(each.get(name, "") for name in _MEMBERS) for each in told["first"])
        return cls(Counter(keys), told["count"] - len(told["first"]))

    def among(self, documents: Sequence[Document]) -> list[int]:
        """The places of those that are unused; each recording of the verdict is found once."""
        found: list[int] = []
        for key, places in _by_key(documents).items():
            if self.left[key] >= len(places):
                self.left[key] -= len(places)
                found += places
            else:
                self.apart += self.left.pop(key, 0)
        return sorted(found)

    @property
    def elsewhere(self) -> int:
        """How many were in none of the files."""
        return self.left.total()


def moment(started: float) -> str:
    """When a recording was made, as a verdict says it."""
    return recorded(started, 0, 0)


def _by_key(documents: Iterable[Document]) -> dict[_Key, list[int]]:
    found: dict[_Key, list[int]] = {}
    for at, entry in _entries(documents):
        one = entry.recording
        method, path = one.request.method.decode("latin-1"), one.request.target.decode("latin-1")
        found.setdefault((method, path, one.model, moment(one.started)), []).append(at)
    return found


def _entries(documents: Iterable[Document]) -> Iterator[tuple[int, Entry]]:
    for at, each in enumerate(documents):
        if each.entry is not None and each.entry.recording.replayable:
            yield at, each.entry
