"""What the parts of a cassette hand to each other: values only.

Invariant: a `Held` never changes; the thread that writes and the reactor thread may both refer to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import define, evolve, field, frozen

from proxy_daemon.core.bodies import EMPTY
from proxy_daemon.core.cassettes.llmproxy import Damaged, Entry
from proxy_daemon.core.messages import Pieces, Recording
from proxy_daemon.core.services import Candidate


class CassetteError(Exception):
    """One line: which file, where in it, what is wrong, what to do."""


@frozen(eq=False)
class Held:
    """A recording of the file, as it is served. ``digest``: of its document, by which it is known again.

    ``run``: the number of the run in which it came; what was there at the start came in run 0. ``own``: made by us.
    ``unanswered``: without the answer's body, where it answers more; made here since files are read in threads.
    """

    entry: Entry
    digest: bytes
    run: int
    own: bool = False
    candidate: Candidate = field(init=False)
    unanswered: Recording | None = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        one = self.entry.recording
        object.__setattr__(self, "candidate", Candidate(one.id, one.started, one.status, one.session))
        object.__setattr__(self, "unanswered", without_answer(one) if self.answers_more else None)

    @property
    def recording(self) -> Recording:
        """With its id and its fingerprint."""
        return self.entry.recording

    @property
    def answers_more(self) -> bool:
        """Whether it answers other requests than its own too."""
        return self.recording.pattern is not None or self.recording.written


def without_answer(recording: Recording) -> Recording:
    """Without its answer's body."""
    response = recording.response
    return recording if response is None else evolve(recording, response=evolve(response, body=EMPTY, pieces=Pieces()))


@frozen
class Changes:
    """What is in the file now. ``anew``: of these fingerprints all recordings in the file's order; none: all gone.

    ``added``: behind all others of their fingerprints, and these are not in ``anew``.
    """

    anew: Mapping[bytes, Sequence[Held]] = field(factory=dict)
    added: Sequence[Held] = ()


@define(eq=False)
class Write:
    """A recording on its way to the file. ``run``: the number of the run that it belongs to; ``size``: octets, about.

    ``all_before``: it replaces what was there before its run; else, with ``replace``, whatever answers its request.
    """

    recording: Recording
    replace: bool
    all_before: bool
    run: int
    since: float
    size: int


@frozen
class Report:
    """What became of a batch, for the reactor thread.

    ``settled``: with whether it is in the file; ``released``: they stay in memory until the file can be written.
    ``notice``: worth a line in the log, once.
    """

    settled: Sequence[tuple[Write, bool]] = ()
    released: Sequence[Write] = ()
    changes: Changes = field(factory=Changes)
    damaged: Sequence[Damaged] | None = None  # documents that are not served; None: nothing is told of them
    trouble: str = ""
    notice: str = ""
