"""Which of several recordings of one request answers: a place in their order for each session (`--repeat`).

Invariant: the choice is made at once, so that equal requests under way at the same time get an answer each; and memory
is bounded: what was asked longest ago is forgotten first, and begins again. Called by `plugins/replay.py`. No clock.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b

from attrs import define, field, frozen

from proxy_daemon.core.services import Candidate

MOST_SESSIONS = 10_000  # whose last answer is known
MOST_MARKS = 200_000  # requests that have a place, and answers that are known as served, together
MOST_LIVE = 100  # answers of one request that are marked before they are recorded; one that failed never is
LONGEST_SEED = 18  # digits
NAMES = ("sequence", "exhaust", "cycle", "first", "last")
ERRORS = 400  # RFC 9110 section 15
OUTDATED = "llmproxy.outdated"  # a note of an exchange: all that was recorded is too old, its answer replaces it


@frozen
class Repeat:
    """What is served to a request that was recorded more than once; see docs/repeated-requests.md."""

    name: str = "sequence"
    seed: int = 0

    def __str__(self) -> str:
        return f"random:{self.seed}" if self.name == "random" else self.name


SEQUENCE = Repeat()


def parse_repeat(text: str) -> Repeat:
    """One of `NAMES`, or random:SEED with a whole number. Raises ValueError."""
    name, colon, seed = text.partition(":")
    if name == "random" and colon and seed.isascii() and seed.isdigit() and len(seed) <= LONGEST_SEED:
        return Repeat(name, int(seed))
    if text not in NAMES:
        known = ", ".join(NAMES)
        raise ValueError(f"{text!r} is unknown: one of {known}, or random:SEED with a whole number such as random:7")
    return Repeat(text)


@define
class _Place:
    """Where a session is in the answers to one request."""

    served: set[int] = field(factory=set)
    last: int = 0
    count: int = 0


class Cursors:
    """The places of all sessions. ``repeat`` may be assigned: the places stay."""

    def __init__(self, repeat: Repeat = SEQUENCE) -> None:
        self.repeat = repeat
        self._last: OrderedDict[str, Candidate] = OrderedDict()
        self._places: OrderedDict[tuple[str, bytes], _Place] = OrderedDict()
        self._marks = 0
        self._forgotten = {"sessions": 0, "requests": 0}

    def choose(
        self, session: str, key: bytes, candidates: Sequence[Candidate], *, again: bool = False
    ) -> Candidate | None:
        """The one that answers now, or None. ``candidates``: oldest first. ``key``: of the request.

        ``again``: the client repeats a request whose answer it did not get: it gets the same one, unless that was an
        error, for which it asks again.
        """
        if len(candidates) == 1 and self.repeat.name != "exhaust":
            chosen = candidates[0]  # the way of most requests: no place is needed
            if self._last.get(session) is not chosen:
                self._follow(session, chosen)
            return chosen
        if not candidates:
            return None
        group = _group(session, candidates)
        found = (self._same(session, key, group) if again else None) or self._chosen(session, key, group)
        if found is not None:
            self.answered(session, key, found)
        return found

    def live(self, session: str, key: bytes, candidate: Candidate, candidates: Sequence[Candidate]) -> None:
        """A request is answered by an upstream: by what is about to become one of these recordings, or fails."""
        self.answered(session, key, candidate)
        self._prune(self._place(session, key), _group(session, candidates))

    def answered(self, session: str, key: bytes, candidate: Candidate) -> None:
        """A request has its answer: one of these recordings."""
        place = self._place(session, key)
        self._marks += candidate.id not in place.served
        place.served.add(candidate.id)
        place.last, place.count = candidate.id, place.count + 1
        self._follow(session, candidate)
        self._forget()

    def stats(self) -> dict[str, int]:
        """Sessions and requests that have a place, and how many were forgotten."""
        return {
            "sessions": len(self._last),
            "requests": len(self._places),
            "forgotten_sessions": self._forgotten["sessions"],
            "forgotten_requests": self._forgotten["requests"],
        }

    # --- the policies ------------------------------------------------------------------------------------------------

    def _same(self, session: str, key: bytes, group: Sequence[Candidate]) -> Candidate | None:
        place = self._places.get((session, key))
        if place is None:
            return None
        return next((each for each in group if each.id == place.last and each.status < ERRORS), None)

    def _chosen(self, session: str, key: bytes, group: Sequence[Candidate]) -> Candidate | None:
        name = self.repeat.name
        if name in ("first", "last"):
            return group[0 if name == "first" else -1]
        place = self._place(session, key)
        if name == "random":
            return group[_random(self.repeat.seed, session, key, place.count) % len(group)]
        self._prune(place, group)
        left = [each for each in group if each.id not in place.served]
        if left:
            return _next(self._last.get(session), left)
        return self._at_end(session, place, group)

    def _at_end(self, session: str, place: _Place, group: Sequence[Candidate]) -> Candidate | None:
        """All were served."""
        if self.repeat.name == "exhaust":
            return None
        if self.repeat.name == "sequence":
            return group[-1]
        self._marks -= len(place.served)
        place.served.clear()
        return _next(self._last.get(session), group)

    # --- bounded memory ----------------------------------------------------------------------------------------------

    def _place(self, session: str, key: bytes) -> _Place:
        place = self._places.get((session, key))
        if place is None:
            place = self._places[session, key] = _Place()
            self._marks += 1
        else:
            self._places.move_to_end((session, key))
        return place

    def _follow(self, session: str, candidate: Candidate) -> None:
        self._last[session] = candidate
        self._last.move_to_end(session)
        if len(self._last) > MOST_SESSIONS:
            self._last.popitem(last=False)
            self._forgotten["sessions"] += 1

    def _prune(self, place: _Place, group: Sequence[Candidate]) -> None:
        """Where recordings come and go, those that went need no mark. The newest may not be there yet."""
        if len(place.served) > 2 * (len(group) + MOST_LIVE):
            newest = sorted(place.served)[-MOST_LIVE:]
            self._marks -= len(place.served)
            place.served &= {*newest, *(each.id for each in group)}
            self._marks += len(place.served)

    def _forget(self) -> None:
        while self._marks > MOST_MARKS and len(self._places) > 1:
            _, place = self._places.popitem(last=False)
            self._marks -= 1 + len(place.served)
            self._forgotten["requests"] += 1


def _group(session: str, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    """What was recorded in the same session, where there is such; else all."""
    return [each for each in candidates if each.session == session] or candidates


def _next(last: Candidate | None, left: Sequence[Candidate]) -> Candidate:
    """What goes on from the last answer: of the same session as that one, else of any; else the oldest."""
    behind = [each for each in left if last is not None and each.place > last.place]
    same = (each for each in behind if last is not None and each.session == last.session)
    return next(same, (behind or left)[0])


def _random(seed: int, session: str, key: bytes, count: int) -> int:
    """The same numbers for the same seed, in each process and version."""
    digest = blake2b(b"%d:%d:%b:%b" % (seed, count, session.encode("utf-8", "replace"), key), digest_size=8).digest()
    return int.from_bytes(digest, "big")
