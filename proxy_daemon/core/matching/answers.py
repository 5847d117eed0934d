"""Which recording of a store answers an exchange: which of several, in whose words, and with whose ids.

    recordings with the request's fingerprint, young enough  -> `--repeat` -> renamed ids
    else written ones of the same request in the other form  -> `--repeat` -> renamed ids
    else those whose pattern fits                            -> `--repeat`

What is written by a person comes in the form that is asked for. The choice is made in one go, so that equal requests
under way at the same time get an answer each. One for each shelf; called by `plugins/replay.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from proxy_daemon.core.bodies import Body, Bytes, chunks
from proxy_daemon.core.dialects import recognise
from proxy_daemon.core.dialects.dialect import CannotRender, Dialect
from proxy_daemon.core.matching.either_form import EitherForm
from proxy_daemon.core.matching.patterns.written import UNFIT, as_asked, misfit
from proxy_daemon.core.matching.sequence import OUTDATED, Cursors, Repeat
from proxy_daemon.core.messages import JSON_LIMIT, SAFE, SCOPE, Exchange, Recording, Request
from proxy_daemon.core.services import Candidate, Services
from proxy_daemon.core.shelves import Shelf

TRIES = 8  # of several recordings, some may be gone, or damaged


class Answers:
    """Those of one shelf, with the places of its sessions. ``either_form``: as its fingerprints are taken."""

    def __init__(self, shelf: Shelf, services: Services, either_form: EitherForm) -> None:
        self._store, self._forwards, self._own = shelf.store, shelf.mode.forwards, shelf.repeat
        self._clock, self._redactor, self._either_form = services.clock, services.redactor, either_form
        self._max_age: float | None = None
        self._cursors = Cursors()
        self._listed: Sequence[Recording] = ()
        self._patterns: _Patterns | None = None
        self._written: dict[bytes, list[Candidate]] = {}

    def take(self, repeat: Repeat, max_age: float) -> None:
        """The policy and the age limit, which may be other ones than before; sessions keep their places.

        The limit holds in recording modes only.
        """
        self._cursors.repeat = self._own or repeat
        self._ends = self._cursors.repeat.name == "exhaust"
        self._max_age = max_age if self._forwards else None

    def stats(self) -> dict[str, int]:
        """Numbers for people."""
        return self._cursors.stats()

    def of(self, exchange: Exchange) -> Recording | None:
        """The recording that answers, or None."""
        candidates = self._store.candidates(exchange.fingerprint)
        if candidates and self._max_age is not None:
            candidates = self._young(exchange, candidates)
        if not candidates:
            return self._by_more(exchange)
        return _fitted(self._chosen(exchange, exchange.fingerprint, candidates), exchange)

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
                return recording
            left, candidates = left - 1, [each for each in candidates if each is not chosen]
        if self._ends:
            self._missed(exchange, key, candidates)
        return None

    def _missed(self, exchange: Exchange, key: bytes, candidates: Sequence[Candidate] = ()) -> None:
        """With `exhaust`, an answer that is recorded now has been served by then: the session goes on behind it."""
        if self._forwards:
            live = Candidate(exchange.id, exchange.started, 0, exchange.session)
            self._cursors.live(exchange.session, key, live, candidates)

    # --- what answers more than its own request ----------------------------------------------------------------------

    def _by_more(self, exchange: Exchange) -> Recording | None:
        listed = self._store.patterns()
        if listed is not self._listed:
            self._listed, self._patterns = listed, _Patterns(listed)
            self._written = _written(listed, self._either_form)
        if listed:
            request = exchange.notes.get(SAFE) or self._redactor.request(exchange.request)
            if (recording := self._in_other_form(exchange, request)) is not None:
                return recording
            # What has a pattern was recorded by nobody's credential: where that counts, it is for those without one.
            patterns = None if exchange.notes.get(SCOPE) else self._patterns
            if patterns is not None and (found := patterns.first(request, exchange)) is not None:
                recording = self._chosen(exchange, *found)
                return None if recording is None else _if_fit(recording, exchange, self._teller(recording))
        if self._ends:
            self._missed(exchange, exchange.fingerprint)
        return None

    def _teller(self, recording: Recording) -> Dialect | None:
        """The dialect of a recording that answers in any; None: that of the request."""
        if recording.pattern is None or recording.pattern.said is None:
            return None
        return recognise(recording.request, self._either_form.anew.dialects)

    def _in_other_form(self, exchange: Exchange, request: Request) -> Recording | None:
        """A written recording of the same request, but that one of the two asks for a stream. ``request``: redacted."""
        if not self._written:
            return None
        scope = exchange.notes.get(SCOPE, b"")
        key = self._either_form.of_request(request, exchange.dialect, exchange.upstream, scope)
        candidates: Sequence[Candidate] = self._written.get(key, ())
        if candidates and self._max_age is not None:
            candidates = self._young(exchange, candidates)
        return _fitted(self._chosen(exchange, key, candidates), exchange) if candidates else None


class _Patterns:
    """Recordings with patterns. Those with one and the same pattern follow each other as those of one request do."""

    def __init__(self, listed: Sequence[Recording]) -> None:
        from proxy_daemon.core.matching.patterns.patterns import PatternIndex  # noqa: PLC0415  (few need it: a quick start)

        self._index = PatternIndex(listed)
        self._groups: dict[object, list[Candidate]] = {}
        for each in listed:
            if each.pattern is not None:
                self._groups.setdefault(each.pattern, []).append(_candidate(each))

    def first(self, request: Request, exchange: Exchange) -> tuple[bytes, Sequence[Candidate]] | None:
        """Key and recordings of the first pattern that fits: of the same session, where there is such; else of any."""
        first: Recording | None = None
        for each in self._index.answering(request, exchange.dialect):
            first = each if first is None or each.session == exchange.session else first
            if each.session == exchange.session:
                break
        if first is None:
            return None
        group = self._groups[first.pattern]
        return b"pattern %d" % group[0].id, group


def _candidate(recording: Recording) -> Candidate:
    return Candidate(recording.id, recording.started, recording.status, recording.session, recording.edits)


def _written(listed: Sequence[Recording], either_form: EitherForm) -> dict[bytes, list[Candidate]]:
    """What persons wrote, by the fingerprints in either form of the requests that it answers."""
    found: dict[bytes, list[Candidate]] = {}
    for each in listed:
        if not each.written:
            continue
        try:
            key = either_form.of_recording(each)
        except Exception:  # noqa: BLE001, S112  (a plugin's dialect raises anything: the fault is told where it is asked)
            continue
        if key:
            found.setdefault(key, []).append(_candidate(each))
    return found


def _fitted(recording: Recording | None, exchange: Exchange) -> Recording | None:
    """With the ids of the conversation, in the form that is asked for."""
    if recording is None:
        return None
    if not _is_same(recording.request.body, exchange.request.body):
        recording = _with_ids_of(recording, exchange)
    return _in_form(recording, exchange)


def _in_form(recording: Recording, exchange: Exchange, own: Dialect | None = None) -> Recording | None:
    """A written answer as the request asks for it. Where that cannot be: None, and a note why."""
    if not recording.written:
        return recording
    try:
        return as_asked(recording, exchange.request, exchange.dialect, own)
    except CannotRender as error:
        exchange.notes[UNFIT] = str(error)
        return None


def _if_fit(recording: Recording, exchange: Exchange, own: Dialect | None) -> Recording | None:
    """What answers by its pattern: it may have been recorded in the other form. Then None, and a note why."""
    why = "" if recording.written else misfit(recording, exchange.request, exchange.dialect)
    if why:
        exchange.notes[UNFIT] = why
        return None
    return _in_form(recording, exchange, own)


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
    from proxy_daemon.core.matching.renaming.renaming import renamed  # noqa: PLC0415  (few need it: a quick start)

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
