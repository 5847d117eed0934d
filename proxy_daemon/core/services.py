"""What `llmproxy_configure` hands to plugins, as types. The real ones are put together in `tap.py`.

Protocols and values only, no logic.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from attrs import Factory, define, field, frozen

from proxy_daemon.core.acts import Acts
from proxy_daemon.core.living.live import Live
from proxy_daemon.core.matching.either_form import EitherForm
from proxy_daemon.core.messages import Exchange, Recording
from proxy_daemon.core.modes import MODES
from proxy_daemon.core.notices import Notices
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.shelves import OnlyStore, Shelf, Shelves

MOST_CANDIDATES = 1000  # of one request; of more, the newest answer
MOST_PATTERNS = 1000  # recordings that answer more than the request that was recorded


@frozen
class Candidate:
    """A recording that may answer a request. ``session``: whose run it was made in; ``started``: seconds since 1970.

    ``edits``: the exchange whose place in the order it has, since a person edited its answer; 0: its own.
    """

    id: int
    started: float
    status: int
    session: str = ""
    edits: int = 0

    @property
    def place(self) -> int:
        """In the order of recordings."""
        return self.edits or self.id


class Store(Protocol):
    """Exchanges and recordings. `candidates`, `get`, `similar` and `page` are keyed reads: a few microseconds each."""

    trouble: str  # why recording is off, in words; empty while it works

    def candidates(self, fingerprint: bytes) -> Sequence[Candidate]:
        """The replayable recordings with this fingerprint, oldest first; of many, the newest `MOST_CANDIDATES`."""

    def get(self, exchange_id: int) -> Recording | None:
        """One exchange, whole."""

    def patterns(self) -> Sequence[Recording]:
        """Replayable recordings with a pattern, or that a person wrote, oldest first, without their answers' bodies.

        At most `MOST_PATTERNS`. The same object for as long as they are the same.
        """

    def similar(self, path: bytes, model: str, limit: int) -> Sequence[Recording]:
        """Replayable recordings of this path, those of this model first, newest first."""

    def page(self, limit: int, before: int = 0) -> Sequence[Recording]:
        """Exchanges without their bodies, newest first, with ids below ``before`` (0: from the newest on)."""

    def replayable(self, limit: int, behind: tuple[bytes, int] = (b"", 0)) -> Sequence[tuple[bytes, int, str]]:
        """(fingerprint, id, session) of replayable recordings, in this order; the next ``limit`` ``behind`` a place.

        The place is the first two of the last one that was read. None: there are no more.
        """

    def put(self, recording: Recording, *, replace: bool = False, run: int = 0) -> Awaitable[bool]:
        """Write; fires when committed, with whether it was. ``replace``: older answers to it are not served any more.

        ``run``: of these only what was recorded in the same session, with ids below this one; 0: all of them.
        Never fails: what went wrong stands in `trouble`.
        """

    def note(self, recording: Recording) -> None:
        """Write some time soon; nobody waits for it."""

    def amend(self, recording: Recording) -> None:
        """One that was put before: its `rules`, `delivered` and `redacted` are known now. Written as by `note`."""

    def stats(self) -> dict[str, Any]:
        """Numbers for people."""


@runtime_checkable
class Curated(Protocol):
    """A store in which people note things of exchanges, delete them, and edit answers. Cassettes are none.

    What changes something fires when it is committed, with whether it was; it never fails: why stands in `trouble`.
    """

    def remark(
        self, exchange_id: int, *, mark: str | None = None, comment: str | None = None, pinned: bool | None = None
    ) -> Awaitable[bool]:
        """Note these of an exchange; None leaves what is there, an empty text takes it away. False: it is gone."""

    def remarks(self, ids: Collection[int]) -> Mapping[int, tuple[str, str]]:
        """(mark, comment) of those of these that have either."""

    def remove(self, ids: Collection[int]) -> Awaitable[bool]:
        """Delete these, with their octets. What one with an edited answer had displaced is served again."""

    def supersede(self, recording: Recording, original: int) -> Awaitable[bool]:
        """Write ``recording``, which is new, and serve it in the place of ``original``, from now on. False: it is gone.

        Where that has been done to ``original`` before, the last of these gives way.
        """


@runtime_checkable
class InFile(Protocol):
    """A store whose recordings stand in a file that people read: a cassette."""

    def places(self, ids: Collection[int]) -> Mapping[int, str]:
        """Where these recordings stand: `FILE#n`, as `llmproxy show` takes it. Those that are gone are left out."""


class Clock(Protocol):
    """Time, as one thing that a test can turn."""

    def seconds(self) -> float:
        """Seconds since some moment; never goes back."""

    def wall(self) -> float:
        """Seconds since 1970."""


class Scheduler(Protocol):
    """What is done again and again, until the daemon stops."""

    def every(self, seconds: float, function: Callable[[], object]) -> None:
        """Call ``function`` on the reactor thread every so many seconds; a fault is logged."""

    def at_stop(self, function: Callable[[], object]) -> None:
        """Call ``function`` once when the daemon stops, before the store closes; it may return an awaitable."""


class Worker(Protocol):
    """Where slow calls go, so that the reactor does not wait for them."""

    def run(self, function: Callable[..., Any], *args: Any) -> Awaitable[Any]:
        """Call it in a thread, one after the other in the order given; the awaitable has the result."""


class Work(Protocol):
    """Heavy questions, answered by a child process. Nothing here fails: what went wrong stands in the answer."""

    def call(self, name: str, head: dict[str, Any], octets: bytes = b"") -> Awaitable[dict[str, Any]]:
        """The answer to question ``name``; {"trouble": why} where there is none in time. May be cancelled."""

    def post(self, name: str, head: dict[str, Any], octets: bytes, then: Callable[[dict[str, Any]], object]) -> None:
        """The same for those who do not await: calls ``then`` with the answer, later."""

    def stats(self) -> dict[str, Any]:
        """Numbers for people."""


class Writable(Protocol):
    """An open binary file, or what takes its place."""

    def write(self, data: bytes) -> object:
        """All of it."""

    def flush(self) -> object:
        """Let others see it."""


@define
class Life:
    """Where the daemon is in its life, for those who ask after its health."""

    draining: bool = False  # it stops: nothing new is let in, what is under way ends
    unread: str = ""  # why the last reload was not done; empty where it was
    scoped: bool = False  # recordings are their makers' own (--replay-scope key): they are shown to nobody else


@frozen
class Services:
    """All of it."""

    store: Store
    clock: Clock
    worker: Worker
    scheduler: Scheduler
    redactor: Redactor
    # Gives a function that takes lines (bytes with their line end) and lets a thread write them to the open file.
    lines: Callable[[Writable], Callable[[bytes], None]]
    # What `/_llmproxy/api/stats` shows, by name; plugins add theirs.
    facts: dict[str, Callable[[], Any]]
    life: Life = Factory(Life)
    # Tells all plugins (`llmproxy_log`) of something that happened to an exchange, also after its end.
    tell: Callable[[Exchange, Any], None] = lambda exchange, event: None
    # A child process for what is heavy; None where there is none, as with a store that is no SQLite file.
    work: Work | None = None
    # Under what a written recording is found by requests that ask for the other form of its answer.
    either_form: EitherForm = Factory(EitherForm)
    # What the awaitable gives, or None where it does not within so many seconds: then it is cancelled.
    within: Callable[[float, Awaitable[Any]], Awaitable[Any]] = lambda seconds, waiting: waiting
    # What people do to recordings and to the mode; None where nothing can be done, as in tests.
    acts: Acts | None = None
    # Who changes something below `/_llmproxy/` shows it (`core/tokens.py`); `api/token` tells it.
    page_token: str = field(default="", repr=False)
    # What happens now, for pages that follow it; `publish` tells them more.
    live: Live = Factory(Live)
    # Lines for the person who started the daemon; the console shows them where it draws on that terminal.
    notices: Notices = Factory(Notices)
    # Where recordings are found and kept: the store, and cassettes by their names.
    shelves: Shelves = Factory(lambda self: OnlyStore(Shelf(self.store, MODES["new_episodes"])), takes_self=True)
