"""Answers requests from the store: which recording of several, in whose words, and with whose ids.

    recordings with the request's fingerprint, young enough -> `--repeat` -> renamed ids
    else those whose pattern fits                           -> `--repeat` -> a written answer in the form asked for

The choice is made in one go, so that equal requests under way at the same time get an answer each.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from proxy_daemon.core.bodies import Body, Bytes, chunks
from proxy_daemon.core.dialects.dialect import CannotRender
from proxy_daemon.core.matching.patterns import PatternIndex
from proxy_daemon.core.matching.renaming import renamed
from proxy_daemon.core.matching.sequence import OUTDATED, Cursors
from proxy_daemon.core.matching.written import UNFIT, as_asked
from proxy_daemon.core.messages import JSON_LIMIT, Exchange, Recording, Request
from proxy_daemon.core.modes import MODES
from proxy_daemon.core.services import Candidate, Services
from proxy_daemon.hookspecs import hookimpl
from proxy_daemon.settings import Settings

SCOPE = "llmproxy.scope"  # a note of an exchange: whose recordings its fingerprint finds
TRIES = 8  # of several recordings, some may be gone, or damaged


class Replay:
    """`llmproxy_lookup` over the store."""

    @hookimpl
    def llmproxy_configure(self, settings: Settings, services: Services) -> None:
        """Keep the store, and the age limit: it holds in recording modes only."""
        self._store = services.store
        self._clock = services.clock
        self._redactor = services.redactor
        self._cursors = Cursors(settings.repeat)
        self._listed: Sequence[Recording] = ()
        self._patterns = _Patterns(())
        services.facts["repeats"] = self._cursors.stats
        self._take(settings)

    @hookimpl
    def llmproxy_reload(self, settings: Settings) -> None:
        """The age limit and the policy may be other ones; sessions keep their places."""
        self._take(settings)

    def _take(self, settings: Settings) -> None:
        self._forwards = MODES[settings.mode].forwards
        self._max_age = settings.replay_max_age if self._forwards else None
        self._cursors.repeat = settings.repeat
        self._ends = settings.repeat.name == "exhaust"

    @hookimpl
    def llmproxy_lookup(self, exchange: Exchange) -> Recording | None:
        """The recording that answers, or None."""
        candidates = self._store.candidates(exchange.fingerprint)
        if candidates and self._max_age is not None:
            candidates = self._young(exchange, candidates)
        if not candidates:
            return self._by_pattern(exchange)
        recording = self._chosen(exchange, exchange.fingerprint, candidates)
        if recording is None or _is_same(recording.request.body, exchange.request.body):
            return recording
        return _with_ids_of(recording, exchange)

    def _young(self, exchange: Exchange, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        """What is too old does not count. Where all of it is, the answer that comes takes its place."""
        oldest = self._clock.wall() - (self._max_age or 0.0)
        young = [each for each in candidates if each.started >= oldest]
        if not young:
            exchange.notes[OUTDATED] = True
        return young

    def _chosen(self, exchange: Exchange, key: bytes, candidates: Sequence[Candidate]) -> Recording | None:
        """The one of them whose turn it is."""
        again = (self._ends or len(candidates) > 1) and _is_retry(exchange.request)
        left = TRIES
        while left and (chosen := self._cursors.choose(exchange.session, key, candidates, again=again)) is not None:
            recording = self._store.get(chosen.id)
            if recording is not None and recording.response is not None:
                return _in_form(recording, exchange) if recording.written else recording
            left, candidates = left - 1, [each for each in candidates if each is not chosen]
        if self._ends:
            self._missed(exchange, key)
        return None

    def _missed(self, exchange: Exchange, key: bytes) -> None:
        """With `exhaust`, an answer that is recorded now has been served by then: the session goes on behind it."""
        if self._forwards:
            live = Candidate(exchange.id, exchange.started, 0, exchange.session)
            self._cursors.answered(exchange.session, key, live)

    # --- patterns ----------------------------------------------------------------------------------------------------

    def _by_pattern(self, exchange: Exchange) -> Recording | None:
        # What has a pattern was recorded by nobody's credential: where that counts, it is for those without one.
        listed = () if exchange.notes.get(SCOPE) else self._store.patterns()
        if listed is not self._listed:
            self._listed, self._patterns = listed, _Patterns(listed)
        found = self._patterns.first(self._redactor.request(exchange.request), exchange.session) if listed else None
        if found is not None:
            return self._chosen(exchange, *found)
        if self._ends:
            self._missed(exchange, exchange.fingerprint)
        return None


class _Patterns:
    """Recordings with patterns. Those with one and the same pattern follow each other as those of one request do."""

    def __init__(self, listed: Sequence[Recording]) -> None:
        self._index = PatternIndex(listed)
        self._groups: dict[object, list[Candidate]] = {}
        for each in listed:
            if each.pattern is not None:
                candidate = Candidate(each.id, each.started, each.status, each.session)
                self._groups.setdefault(each.pattern, []).append(candidate)

    def first(self, request: Request, session: str) -> tuple[bytes, Sequence[Candidate]] | None:
        """Key and recordings of the first pattern that fits: of the same session, where there is such; else of any."""
        first: Recording | None = None
        for each in self._index.answering(request):
            first = each if first is None or each.session == session else first
            if each.session == session:
                break
        if first is None:
            return None
        group = self._groups[first.pattern]
        return b"pattern %d" % group[0].id, group


def _in_form(recording: Recording, exchange: Exchange) -> Recording | None:
    """A written answer as the request asks for it. Where that cannot be: None, and a note why."""
    try:
        return as_asked(recording, exchange.request, exchange.dialect)
    except CannotRender as error:
        exchange.notes[UNFIT] = str(error)
        return None


def _is_retry(request: Request) -> bool:
    """Whether an SDK sends it once more of its own accord (openai-python, `_base_client.py`, and all of its kind)."""
    count = request.headers.get(b"x-stainless-retry-count")
    return count.isdigit() and bool(count.strip(b"0"))


def _is_same(recorded: Body, live: Body) -> bool:
    """Whether no id can differ; so it is taken where a body is too large to be looked into."""
    data, incoming = recorded.whole(), live.whole()
    if data is not None or incoming is None:
        return incoming is None or data == incoming
    return recorded.size > JSON_LIMIT or (recorded.size == live.size and _read(recorded) == incoming)


def _with_ids_of(recording: Recording, exchange: Exchange) -> Recording:
    """The ids of this conversation in the place of the recorded one's. The same object where there is nothing to do."""
    loaded = _loaded(recording)
    found = renamed(loaded, exchange.request, exchange.dialect)
    return recording if found is loaded else found


def _loaded(recording: Recording) -> Recording:
    """With bodies in memory: the store leaves larger ones on the disk, and renaming looks into them."""
    request, response = recording.request, recording.response
    if request.body.whole() is None and request.body.size <= JSON_LIMIT:
        recording = evolve(recording, request=evolve(request, body=Bytes(_read(request.body))))
    if response is not None and response.body.whole() is None and response.body.size <= JSON_LIMIT:
        recording = evolve(recording, response=evolve(response, body=Bytes(_read(response.body))))
    return recording


def _read(body: Body) -> bytes:
    return b"".join(chunks(body))
