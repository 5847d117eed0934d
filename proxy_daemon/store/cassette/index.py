"""What a cassette serves, in memory, by all that is asked for. On the reactor thread; no files.

Invariant: what this run has recorded is not served to it, so that equal requests become a sequence; and where it has
recorded a request, it is not served either what another daemon has recorded of it since.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from itertools import islice

from attrs import evolve

from proxy_daemon.core.bodies import EMPTY
from proxy_daemon.core.messages import Recording
from proxy_daemon.core.services import MOST_CANDIDATES, MOST_PATTERNS, Candidate
from proxy_daemon.store.cassette.values import Changes, Held, without_answer

Row = tuple[bytes, int, str]


class Index:
    """``run``: the number of this one; what is of an earlier one is served."""

    def __init__(self) -> None:
        self.run = 1
        self._held: dict[int, Held] = {}
        self._by_fingerprint: dict[bytes, list[Held]] = {}
        self._own: set[bytes] = set()  # fingerprints that this run has recorded
        self._candidates: dict[bytes, tuple[Candidate, ...]] = {}
        self._by_model: dict[tuple[bytes, str], list[int]] = {}  # ids of what is served, in order
        self._by_path: dict[bytes, list[int]] = {}
        self._ids: list[int] | None = None
        self._rows: list[Row] | None = None
        self._patterns: Sequence[Recording] | None = None

    def __len__(self) -> int:
        return len(self._held)

    # --- what has changed --------------------------------------------------------------------------------------------

    def change(self, changes: Changes) -> None:
        """Bring it up to date."""
        for fingerprint, held in changes.anew.items():
            self._own.update(_key(one) for one in held if one.own and one.run >= self.run)
            self._place(fingerprint, held)
        for one in changes.added:
            self._add(one)
        if changes.anew or changes.added:
            self._ids = self._rows = None

    def begin_run(self) -> None:
        """From here on, what was recorded so far is served too."""
        self.run += 1
        own, self._own = self._own, set()
        for fingerprint in own:
            self._place(fingerprint, self._by_fingerprint.get(fingerprint, []))
        self._rows = None

    def _add(self, one: Held) -> None:
        fingerprint, before = _key(one), self._by_fingerprint.setdefault(_key(one), [])
        before.append(one)
        if one.own and one.run >= self.run and fingerprint not in self._own:
            self._own.add(fingerprint)
            self._place(fingerprint, before)  # what others have recorded of it in this run is not served any more
            return
        self._held[one.recording.id] = one
        self._serve(fingerprint, self._served(fingerprint, (one,)))

    def _place(self, fingerprint: bytes, held: Sequence[Held]) -> None:
        for one in reversed(self._by_fingerprint.pop(fingerprint, ())):  # lists are shortened at their ends
            self._drop(one)
        if held:
            self._by_fingerprint[fingerprint] = list(held)
        self._held.update((one.recording.id, one) for one in held)
        self._candidates.pop(fingerprint, None)
        self._serve(fingerprint, self._served(fingerprint, held))

    def _drop(self, one: Held) -> None:
        recording, path = one.recording, one.recording.request.path
        self._held.pop(recording.id, None)
        if _taken(self._by_path.get(path, []), recording.id):
            _taken(self._by_model[path, recording.model], recording.id)
            self._forget_patterns(one)

    def _serve(self, fingerprint: bytes, held: Sequence[Held]) -> None:
        if held:
            self._candidates.pop(fingerprint, None)
        for one in held:
            path = one.recording.request.path
            insort(self._by_model.setdefault((path, one.recording.model), []), one.recording.id)
            insort(self._by_path.setdefault(path, []), one.recording.id)
            self._forget_patterns(one)

    def _forget_patterns(self, one: Held) -> None:
        """The list is the same object until one comes or goes: others remember what follows from it."""
        if one.answers_more:
            self._patterns = None

    def _served(self, fingerprint: bytes, held: Sequence[Held]) -> list[Held]:
        """Those of earlier runs; where this run has recorded none of them, what others have since, too."""
        own = fingerprint in self._own
        return [one for one in held if one.recording.replayable and (one.run < self.run or not (own or one.own))]

    # --- what is asked -----------------------------------------------------------------------------------------------

    def candidates(self, fingerprint: bytes) -> Sequence[Candidate]:
        """Those that may answer, oldest first; of many, the newest."""
        found = self._candidates.get(fingerprint)
        if found is None:
            held = self._by_fingerprint.get(fingerprint, ()) if fingerprint else ()
            if not held:
                return ()
            found = tuple(one.candidate for one in self._served(fingerprint, held))[-MOST_CANDIDATES:]
            self._candidates[fingerprint] = found
        return found

    def get(self, number: int) -> Held | None:
        """The recording with this id."""
        return self._held.get(number)

    def patterns(self) -> Sequence[Recording]:
        """Those that answer more than their own request, oldest first, without their answers' bodies."""
        if self._patterns is None:
            self._patterns = tuple(one.unanswered or one.recording for one in self._all_patterns())
        return self._patterns

    def _all_patterns(self) -> list[Held]:
        found = (one for key, held in self._by_fingerprint.items() for one in self._served(key, held))
        more = [one for one in found if one.answers_more]
        others = sorted((one for one in more if not _is_talk(one)), key=_number)[:MOST_PATTERNS]
        return sorted([*others, *filter(_is_talk, more)], key=_number)

    def similar(self, path: bytes, model: str, limit: int) -> Sequence[Recording]:
        """Of this path, those of this model first, newest first."""
        same = self._by_model.get((path, model), [])
        found = [self._held[number].recording for number in islice(reversed(same), limit)]
        others = (self._held[number].recording for number in reversed(self._by_path.get(path, [])))
        return found + list(islice((one for one in others if one.model != model), limit - len(found)))

    def page(self, limit: int, before: int) -> Sequence[Recording]:
        """Those with ids below ``before`` (0: all), newest first, without bodies."""
        ids = self.ids()
        end = bisect_left(ids, before) if before else len(ids)
        numbers = ids[max(0, end - max(0, limit)) : end]
        return [_bodiless(self._held[number].recording) for number in reversed(numbers)]

    def ids(self) -> Sequence[int]:
        """Of all recordings, smallest first."""
        if self._ids is None:
            self._ids = sorted(self._held)
        return self._ids

    def replayable(self, limit: int, behind: tuple[bytes, int]) -> Sequence[Row]:
        """(fingerprint, id, session) of what is served, in this order, behind a place."""
        if self._rows is None:
            self._rows = sorted(self._all_rows())
        start = bisect_right(self._rows, behind, key=lambda row: (row[0], row[1]))
        return self._rows[start : start + max(0, limit)]

    def _all_rows(self) -> Iterator[Row]:
        for fingerprint, held in self._by_fingerprint.items():
            for one in self._served(fingerprint, held):
                yield fingerprint, one.recording.id, one.recording.session


def _taken(numbers: list[int], number: int) -> bool:
    """Whether it was among them; it is no more. They are in order."""
    place = bisect_left(numbers, number)
    there = place < len(numbers) and numbers[place] == number
    if there:
        del numbers[place]
    return there


def _number(one: Held) -> int:
    return one.recording.id


def _is_talk(one: Held) -> bool:
    """Talks are found by what they say, however many there are."""
    pattern = one.recording.pattern
    return pattern is not None and pattern.said is not None


def _key(one: Held) -> bytes:
    return one.recording.fingerprint


def _bodiless(recording: Recording) -> Recording:
    return evolve(without_answer(recording), request=evolve(recording.request, body=EMPTY))
