"""Talks by what they say: which of them answer a request, the exact before those with wildcards, `anything` last.

Invariant: a talk without wildcards is found by what its last turn says; only those with wildcards are compared one by
one. Called by `PatternIndex` where a recording's pattern tells what is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from heapq import merge

from attrs import evolve, field, frozen

from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.matching.patterns.heard import Heard, heard
from proxy_daemon.core.matching.patterns.said import Key, Rank, Talk, roles_of, talk
from proxy_daemon.core.messages import Recording, Request
from proxy_daemon.core.pattern import Pattern, Said


@frozen(eq=False)
class _Entry:
    number: int
    talk: Talk
    rest: Pattern | None  # what is asked for besides; None: nothing
    recording: Recording = field(repr=False)


class TalkIndex:
    """Recordings whose pattern tells what is said. ``besides``: whether the rest of a pattern fits a request."""

    def __init__(self, numbered: Iterable[tuple[int, Recording]], besides: Callable[[Pattern, Request], bool]) -> None:
        self._besides = besides
        self._by_key: dict[Key, list[_Entry]] = {}
        self._tails: set[int] = set()
        for number, recording in numbered:
            pattern = recording.pattern
            if pattern is not None and pattern.said is not None:
                self._add(number, recording, pattern, pattern.said)

    def _add(self, number: int, recording: Recording, pattern: Pattern, said: Said) -> None:
        read = talk(said)
        rest = None if pattern == Pattern(said=said) else evolve(pattern, said=None)
        self._by_key.setdefault(read.key, []).append(_Entry(number, read, rest, recording))
        if said.tail and not said.anything:
            self._tails.add(len(read.turns))

    def answering(self, request: Request, dialect: Dialect) -> Iterator[Recording]:
        """Those that fit, in the order in which they are to be asked. Lazy."""
        found = heard(request, dialect)
        if found is None:
            return
        for entry in merge(*[self._by_key.get(key, ()) for key in self._keys(found)], key=_order):
            if entry.talk.fits(found) and (entry.rest is None or self._besides(entry.rest, request)):
                yield entry.recording

    def _keys(self, found: Heard) -> Iterator[Key]:
        yield (Rank.ANYTHING,)
        turns = found.turns
        for tail, said in ((False, turns), *((True, turns[-count:]) for count in self._tails if count <= len(turns))):
            yield (Rank.WILD, tail, roles_of(said))
            yield (Rank.EXACT, tail, roles_of(said), said[-1].words if said else ())


def _order(entry: _Entry) -> tuple[int, int]:
    return entry.talk.rank, entry.number
