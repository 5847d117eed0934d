"""Says how a request that found no recording differs from the nearest one; the child process searches and compares.

A refused request waits for that. For one that is forwarded it follows in the background: few wait, few are explained a
second, and the rest is counted. Without a child process some of the newest of the same path are compared, and only for
a refused request.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import partial
from itertools import accumulate
from typing import Any

from proxy_daemon.core.matching.nearness.explanation import explanation
from proxy_daemon.core.messages import Exchange, Outcome, Recording, Request, id_text
from proxy_daemon.core.modes import may_forward
from proxy_daemon.core.services import InFile, Services
from proxy_daemon.hookspecs import Event, NearMiss, events, hookimpl
from proxy_daemon.settings import Settings

COMPARED = 20  # without a child process: each costs a parse of its body
LARGEST_HERE, MOST_HERE = 256 * 1024, 1024 * 1024  # octets of such a request, and of all that it is compared with
SHOWN = 5
MOST_WAITING = 8
MOST_OCTETS = 16 * 1024 * 1024  # of the bodies that wait
# Explanations in the background, each some hundredths of a second of a core: at once, and going on, in a second of few
# misses and in one of many.
BURST, EACH_SECOND, OF_MANY, MANY = 8, 4, 1, 20
SLOW = 1_000_000  # microseconds; a recording that took longer comes behind ones with higher ids
MOST_LATE = 1000
ASKED = "nearest.asked"  # the note with what a request got by `llmproxy_fuzzy_match`
NUMBERS_SECONDS = 5.0  # between two questions for the numbers


class Nearest:
    """`llmproxy_fuzzy_match` over the store."""

    def __init__(self) -> None:
        self._waiting: deque[Exchange] = deque()
        self._octets = 0  # of the bodies that wait
        self._asking = self._going_on = False
        self._tokens = BURST
        self._dropped = 0  # until the last second
        self._late: deque[int] = deque(maxlen=MOST_LATE)
        self._counts = {"explained": 0, "dropped": 0, "none": 0, "failed": 0}
        self._index: dict[str, Any] = {}
        self._trouble = ""

    @hookimpl
    def llmproxy_configure(self, settings: Settings, services: Services) -> None:
        """Keep what is needed; with the child process, refill what may be explained."""
        self._services = services
        self._fuzzy, self._threshold = settings.fuzzy, settings.fuzzy_threshold
        self._longest = settings.replay_max_age
        self._work = services.work if settings.fuzzy != "off" else None  # with it off, the child has other questions
        self._explains = self._work is not None
        services.facts["near_misses"] = self.numbers
        if self._explains:
            services.scheduler.every(1.0, self._refill)
            services.scheduler.every(NUMBERS_SECONDS, self._ask_numbers)

    @hookimpl
    def llmproxy_reload(self, settings: Settings) -> None:
        """The age limit may be another one."""
        self._longest = settings.replay_max_age

    @property
    def _forwards(self) -> bool:
        """In the mode that holds now."""
        return may_forward(self._services.shelves.default.mode.name)

    @property
    def _max_age(self) -> float | None:
        return self._longest if self._forwards else None

    @property
    def _serves(self) -> bool:
        return self._fuzzy == "serve-none" or (self._fuzzy == "serve" and self._forwards)

    # --- a miss that is refused, or may be served --------------------------------------------------------------------

    @hookimpl
    async def llmproxy_fuzzy_match(self, exchange: Exchange) -> NearMiss | None:
        """The most alike, and how it differs. Under `no-store` it is told to who asks, and never served."""
        if self._services.life.scoped:
            return None
        if ASKED not in exchange.notes:  # who found nothing to serve asks again for the refusal
            exchange.notes[ASKED] = await self._asked(exchange)
        near: NearMiss | None = exchange.notes[ASKED]
        return near

    async def _asked(self, exchange: Exchange) -> NearMiss | None:
        """By the child process; where it has no answer, some are compared here."""
        if self._work is not None and not _has_cassette(exchange):
            answer = await self._work.call("near", *self._question(exchange))
            self._note(answer)
            if "trouble" not in answer:
                return await self._or_talk(exchange, self._near(exchange, answer))
        return await self._compared(exchange)

    async def _or_talk(self, exchange: Exchange, near: NearMiss | None) -> NearMiss | None:
        """The child process knows nothing of what persons wrote but the request that carries it."""
        if near is not None and not _is_talk(near.recording):
            return near
        if exchange.request.body.size > LARGEST_HERE:
            return near
        request = self._services.redactor.request(exchange.request)
        return await self._talked(exchange, request, self._services.store.patterns()) or near

    def _question(self, exchange: Exchange, below: int = 0) -> tuple[dict[str, Any], bytes]:
        """What the child process is asked, without secrets. ``below``: recordings from this id on are not meant."""
        request = self._services.redactor.request(exchange.request)
        late = [self._late.popleft() for _ in range(len(self._late))]
        head = {
            "method": request.method.decode("latin-1"),
            "target": request.target.decode("latin-1"),
            "headers": [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.pairs],
            "upstream": exchange.upstream.url,
            "shown": SHOWN,
            "late": late,
            "below": below,
            "judged": self._serves,
            "size": request.body.size,
        }
        return head, request.body.whole() or b""

    def _near(self, exchange: Exchange, answer: dict[str, Any]) -> NearMiss | None:
        recording = self._services.store.get(answer["id"]) if "id" in answer else None
        # Another file may have taken the place of the store's: the child has read that one.
        if recording is None or recording.fingerprint.hex() != answer["fingerprint"]:
            return None
        parts = tuple((name, share) for name, share in answer["parts"])
        return self._made(exchange, recording, answer["score"], parts, answer["differences"], answer["servable"])

    def _made(
        self,
        exchange: Exchange,
        recording: Recording,
        score: float,
        parts: tuple[tuple[str, float], ...],
        differences: list[str],
        reason: str,
    ) -> NearMiss:
        lines = [*self._making(), *differences]
        if recording.upstream.url != exchange.upstream.url and not _has_cassette(exchange):
            lines.insert(0, f"upstream: recorded {recording.upstream.url} / incoming {exchange.upstream.url}")
        answers = self._serves and score >= self._threshold and not reason and self._may_answer(exchange, recording)
        return NearMiss(recording, score, tuple(lines), parts, answers, _place(exchange, recording))

    def _may_answer(self, exchange: Exchange, recording: Recording) -> bool:
        """What look-ups ask for besides: the same upstream, good, of the right age.

        What has the request's own fingerprint was passed over by the look-up (`--repeat exhaust`); what was written by
        hand, or has a pattern, answers by rules of its own.
        """
        passed_over = bool(recording.fingerprint) and recording.fingerprint == exchange.fingerprint
        if exchange.directives.no_store or passed_over or recording.written or recording.pattern is not None:
            return False
        asked, recorded = exchange.upstream, recording.upstream
        same = _has_cassette(exchange) or (recorded.name, recorded.url) == (asked.name, asked.url)
        young = self._max_age is None or self._services.clock.wall() - recording.started <= self._max_age
        return same and young and recording.replayable and recording.response is not None and not recording.scope

    def _making(self) -> list[str]:
        left, there = self._index.get("left", 0), self._index.get("recordings", 0)
        return [f"(the index is being made: {there} of {there + left} recordings)"] if left else []

    async def _compared(self, exchange: Exchange) -> NearMiss | None:
        """Without a child process: the newest of this path, in a thread, which takes turns with all streams."""
        if exchange.request.body.size > LARGEST_HERE:
            return None
        request = self._services.redactor.request(exchange.request)
        store = self._services.store if exchange.shelf is None else exchange.shelf.store
        near = await self._talked(exchange, request, store.patterns())
        if near is not None:
            return near
        candidates = store.similar(request.path, exchange.model, COMPARED)
        sizes = accumulate(each.request.body.size for each in candidates)
        found = [each for each, size in zip(candidates, sizes, strict=True) if size <= MOST_HERE and not each.scope]
        if not found:
            return None
        best: NearMiss = await self._services.worker.run(self._best, exchange, request, found)
        return best

    async def _talked(self, exchange: Exchange, request: Request, listed: Sequence[Recording]) -> NearMiss | None:
        """The nearest talk, where a person wrote some: of their words, and of no API's."""
        if not any(map(_is_talk, listed)):
            return None
        from proxy_daemon.core.matching.patterns.unlike import nearest_talk  # noqa: PLC0415  (few need it: a quick start)

        found = await self._services.worker.run(nearest_talk, listed, request, exchange.dialect, SHOWN)
        if found is None:
            return None
        nearest = found.recording
        where = _place(exchange, nearest) or f"exchange {id_text(nearest.id)}"
        place = ", ".join(filter(None, (where, nearest.session, nearest.detail)))
        return NearMiss(nearest, found.score, found.lines, place=place)

    def _best(self, exchange: Exchange, request: Request, candidates: list[Recording]) -> NearMiss:
        # Only without the child process, which has its own: a quick start.
        from proxy_daemon.core.matching.nearness.difference import request_differences  # noqa: PLC0415  (as above)
        from proxy_daemon.core.matching.nearness.servable import servable  # noqa: PLC0415  (as above)
        from proxy_daemon.core.matching.nearness.similarity import likeness  # noqa: PLC0415  (as above)

        dialect = exchange.dialect
        scored = [(likeness(each.request, request, dialect), each) for each in candidates]
        alike, nearest = max(scored, key=lambda pair: pair[0].score)
        lines = request_differences(nearest.request, request, SHOWN)
        reason = servable(nearest.request, request, dialect) if self._serves else "not asked"
        return self._made(exchange, nearest, alike.score, alike.parts, lines, reason)

    # --- a miss that is forwarded ------------------------------------------------------------------------------------

    @hookimpl
    @events("ended")
    def llmproxy_log(self, exchange: Exchange, event: Event) -> None:
        """Put a miss into the queue, where there is room: nobody waits for its explanation."""
        if exchange.outcome is Outcome.MISS and self._explains and not _has_cassette(exchange):
            if len(self._waiting) >= MOST_WAITING or self._tokens < 1:
                self._counts["dropped"] += 1
            else:
                self._wait(exchange)

    def _wait(self, exchange: Exchange) -> None:
        if exchange.directives.no_store or self._services.life.scoped:
            return
        if exchange.duration > SLOW:
            self._late.append(exchange.id)
        if self._octets + exchange.request.body.size > MOST_OCTETS:
            self._counts["dropped"] += 1
            return
        self._tokens -= 1
        self._octets += exchange.request.body.size
        self._waiting.append(exchange)
        self._go_on()

    def _go_on(self) -> None:
        """Ask for the first that waits; one at a time, so that a refused request is asked for soon."""
        if self._going_on:  # an answer came at once: the loop below goes on, and the stack does not grow
            return
        self._going_on = True
        try:
            while self._waiting and not self._asking:
                exchange = self._waiting.popleft()
                self._octets -= exchange.request.body.size
                self._ask(exchange)
        finally:
            self._going_on = False

    def _ask(self, exchange: Exchange) -> None:
        if ASKED in exchange.notes:  # `--fuzzy serve` has asked already
            self._tell(exchange, exchange.notes[ASKED])
        elif self._work is not None and not self._services.life.scoped:
            self._asking = True
            head, octets = self._question(exchange, below=exchange.id)
            self._work.post("near", head, octets, partial(self._explain, exchange))

    def _explain(self, exchange: Exchange, answer: dict[str, Any]) -> None:
        """The child process has answered."""
        self._asking = False
        try:
            self._note(answer)
            if "trouble" in answer:
                self._counts["failed"] += 1
            elif not self._services.life.scoped:  # a reload may have come between
                self._tell(exchange, self._near(exchange, answer))
        finally:
            self._go_on()

    def _tell(self, exchange: Exchange, near: NearMiss | None) -> None:
        if near is None:
            self._counts["none"] += 1
            return
        self._counts["explained"] += 1
        lines = explanation(near.called, near.score, near.parts, near.differences)
        self._services.tell(exchange, Event("explained", "\n".join(lines)))

    # --- numbers -----------------------------------------------------------------------------------------------------

    def _refill(self) -> None:
        dropped, self._dropped = self._counts["dropped"] - self._dropped, self._counts["dropped"]
        self._tokens = min(BURST, self._tokens + (OF_MANY if dropped > MANY else EACH_SECOND))

    def _ask_numbers(self) -> None:
        """Where the child process is at work already: a question would start it."""
        if self._work is not None and self._work.stats()["process"] is not None:
            self._work.post("stats", {}, b"", self._note)

    def _note(self, answer: dict[str, Any]) -> None:
        self._index = answer.get("index", self._index)
        self._trouble = answer.get("trouble", self._index.get("trouble", ""))

    def numbers(self) -> dict[str, Any]:
        """What was explained in the background, what was not, and the index."""
        work = self._work.stats() if self._work is not None else "none"
        told = {"waiting": len(self._waiting), "trouble": self._trouble, "index": self._index, "child": work}
        return self._counts | told


def _place(exchange: Exchange, recording: Recording) -> str:
    store = None if exchange.shelf is None else exchange.shelf.store
    return store.places([recording.id]).get(recording.id, "") if isinstance(store, InFile) else ""


def _is_talk(recording: Recording) -> bool:
    return recording.pattern is not None and recording.pattern.said is not None


def _has_cassette(exchange: Exchange) -> bool:
    """Whether the child process, which reads the store, knows nothing of its recordings."""
    return exchange.shelf is not None and bool(exchange.shelf.cassette)
