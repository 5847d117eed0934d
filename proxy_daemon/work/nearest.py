"""The answer to the question which recording is nearest to a request, and how the two differ.

A few candidates come from the index; each is compared as a whole. Called by `serving.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from attrs import frozen

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import BUILT_IN, GENERIC, recognise
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.nearness.difference import request_differences
from proxy_daemon.core.matching.nearness.servable import servable
from proxy_daemon.core.matching.nearness.similarity import Likeness, likeness_of
from proxy_daemon.core.matching.nearness.sketch import kind_of, sketch
from proxy_daemon.core.matching.nearness.subject import Subject, subject
from proxy_daemon.core.messages import Recording, Request
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.secret_rules import NO_RULES, Rules
from proxy_daemon.work.catching_up import CatchingUp, is_open

CANDIDATES = 32  # from the index
LEAST_COMPARED, COMPARED = 4, 16
COMPARING_SECONDS = 0.03  # more than the least number are compared within this time only
ALIKE = 0.95  # nor where one as alike as this was among the first
CATCHING_SECONDS = 0.02
MOST_SHOWN = 20


@frozen
class Found:
    """A candidate that was compared."""

    recording: Recording
    likeness: Likeness
    same_upstream: bool

    @property
    def rank(self) -> tuple[float, bool, int]:
        """The most alike; of equal ones this upstream's, then the newest."""
        return self.likeness.score, self.same_upstream, self.recording.id


@frozen
class _Elsewhere:
    """A body that was too large to be sent here: nothing is known but its size."""

    size: int

    def whole(self) -> None:
        """It is not here."""

    def read(self, offset: int, size: int) -> bytes:
        """None of it is."""
        return b""


def nearest(catching_up: CatchingUp, head: dict[str, Any], octets: bytes, rules: Rules = NO_RULES) -> dict[str, Any]:
    """The answer to one question. ``rules``: for secrets, besides the built-in ones: differences show none.

    ``head``: method, target, headers (in Latin-1), upstream (its URL), shown (lines), late (ids), size (of the body,
    which is not here where `octets` are fewer), judged (whether the nearest may be served is asked), below: an id;
    recordings with ids from there on are not meant (0: all are), and besides: the id of one that is not meant either.
    Raises ValueError, TypeError, AttributeError or KeyError for a head that is none.
    """
    request, shown = _request(head, octets), min(int(head["shown"]), MOST_SHOWN)
    catching_up.add([each for each in head.get("late", ()) if type(each) is int])
    more = catching_up.take(CATCHING_SECONDS)
    dialect = recognise(request, BUILT_IN)
    asked = subject(request, dialect)
    found, count = None, -1
    while found is None and count != catching_up.index.count:  # what the store has no more was dropped: once more
        count = catching_up.index.count
        bounds = int(head.get("below", 0)), int(head.get("besides", 0))
        compared = _compared(catching_up, request, dialect, asked, str(head["upstream"]), *bounds)
        found = max(compared, key=_rank, default=None)
    answer = {} if found is None else _told(found, request, dialect, shown, rules, judged=bool(head.get("judged")))
    return answer | {"index": index_facts(catching_up), "making": more}


def index_facts(catching_up: CatchingUp) -> dict[str, Any]:
    """Numbers for people: recordings in the index, those that are still to come, octets on the disk."""
    index = catching_up.index
    broken = {"broken": catching_up.broken} if catching_up.broken else {}
    return {"recordings": index.count, "left": len(catching_up.left), "octets": index.octets} | broken


def _rank(found: Found) -> tuple[float, bool, int]:
    return found.rank


def _request(head: dict[str, Any], octets: bytes) -> Request:
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in head["headers"]]
    size = int(head.get("size", len(octets)))
    body = Bytes(octets) if size == len(octets) else _Elsewhere(size)
    return Request(head["method"].encode("latin-1"), head["target"].encode("latin-1"), Headers(pairs), body)


def _compared(
    catching_up: CatchingUp, request: Request, dialect: Dialect, asked: Subject, upstream: str, below: int, besides: int
) -> Iterator[Found]:
    until, best = catching_up.seconds() + COMPARING_SECONDS, 0.0
    ids = catching_up.index.nearest(sketch(asked, kind_of(request, dialect)), CANDIDATES, below)
    ids = [each for each in ids if each != besides]
    fitting = _recordings(catching_up, ids, lambda other: _is_of_kind(other, request, dialect))
    for count, recording in enumerate(fitting, 1):
        likeness = likeness_of(subject(recording.request, dialect), asked)
        yield Found(recording, likeness, recording.upstream.url == upstream)
        best = max(best, likeness.score)
        if count >= COMPARED or (count >= LEAST_COMPARED and (best >= ALIKE or catching_up.seconds() >= until)):
            return


def _recordings(catching_up: CatchingUp, ids: list[int], fits: Callable[[Request], bool]) -> Iterator[Recording]:
    """Those that are still there and ask for the same. The others are dropped from the index."""
    gone = []
    for each in ids:
        recording = catching_up.store.get(each)
        if recording is None or not is_open(recording):
            gone.append(each)
        elif fits(recording.request):
            yield recording
    if gone:
        catching_up.index.drop(gone)


def _is_of_kind(recorded: Request, request: Request, dialect: Dialect) -> bool:
    """Of the same path, or of the same operation of the same API: a model may stand in the path."""
    if recorded.path == request.path:
        return True
    if dialect is GENERIC or recognise(recorded, BUILT_IN) is not dialect:
        return False
    return dialect.operation(recorded) == dialect.operation(request)


def _told(
    found: Found, request: Request, dialect: Dialect, shown: int, rules: Rules, *, judged: bool
) -> dict[str, Any]:
    recorded = found.recording.request
    safe = Redactor(rules).request(recorded) if shown else recorded
    return {
        "id": found.recording.id,
        "score": found.likeness.score,
        "parts": found.likeness.parts,
        "differences": request_differences(safe, request, shown),
        "servable": servable(recorded, request, dialect) if judged else "not asked",
        "fingerprint": found.recording.fingerprint.hex(),
    }
