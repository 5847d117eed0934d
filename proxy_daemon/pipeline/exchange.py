"""The way of an exchange, from the request to the log line, in the order of `hookspecs.py`.

    request -> look-up -> hit: replayed
                       -> miss: refused, joined to an equal request in flight, or forwarded and recorded
            -> head -> transforms and observers -> the client -> log

Called by the front (`net/front.py`) once a request is whole. Every exchange ends in `_end`, whatever happens before:
each gets one "ended" or one "failed".
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from attrs import evolve, frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from proxy_daemon.core import heads, modes
from proxy_daemon.core.dialects import BUILT_IN, GENERIC, recognise
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.matching.nearness.explanation import NOTHING, explanation
from proxy_daemon.core.matching.patterns.written import UNFIT
from proxy_daemon.core.messages import MAY_MAKE, Ending, Exchange, Outcome, Recording, Request, ResponseHead
from proxy_daemon.core.shelves import Shelf, Shelves, Unavailable
from proxy_daemon.core.tally import FORWARDED
from proxy_daemon.hookspecs import Event, NearMiss
from proxy_daemon.pipeline.delivery import Delivery
from proxy_daemon.pipeline.dispatch import Dispatcher
from proxy_daemon.pipeline.faults import Fault, Miss, Overdue, Refusal, without_frames
from proxy_daemon.pipeline.flights import Flight, Flights
from proxy_daemon.pipeline.keeping import Keeper
from proxy_daemon.pipeline.outlet import Outlet
from proxy_daemon.pipeline.ports import Client, Relay, Stage, UpstreamClient
from proxy_daemon.settings import Settings
from proxy_daemon.waiting import started

log = Logger()

# By names of this module: a look-up in the enum takes ten times as long.
_HIT, _MISS, _LIVE, _COLLAPSED, _FAILED = (Outcome.HIT, Outcome.MISS, Outcome.LIVE, Outcome.COLLAPSED, Outcome.FAILED)
_COMPLETE, _CLIENT_GONE = Ending.COMPLETE, Ending.CLIENT_GONE
SCOPED = "The nearest recording is not shown with --replay-scope key: it may be somebody else's."
BEGUN, FIRST_BYTE, ENDED = Event("begun"), Event("first_byte"), Event("ended")
HIT, MISSED = Event("matched", "hit"), Event("matched", "miss")


@frozen(slots=False)
class Pipeline:
    """Runs exchanges. One for the daemon; it holds no state of an exchange but the flights."""

    settings: Settings
    shelves: Shelves
    hooks: Dispatcher
    keeper: Keeper  # fingerprints and records
    upstreams: UpstreamClient
    stage: Stage  # makes relays from answers, and answers from recordings
    flights: Flights
    dialects: Sequence[Dialect] = BUILT_IN  # of plugins too: for requests that go to another path than they came for

    async def run(self, exchange: Exchange, client: Client) -> None:
        """Answer one request. Cancel it when the client is gone or its time is over. Never raises."""
        self.hooks.tell(exchange, BEGUN)
        try:
            exchange.shelf = await self._named(exchange) if exchange.cassette else self.shelves.default
            exchange.ending = await self._answer(exchange, exchange.shelf, client)
        except Fault as fault:
            without_frames(fault)
            await self._excuse(exchange, fault, client)
        except CancelledError as cancelled:
            without_frames(cancelled)
            await self._cancelled(exchange, client)
        except GeneratorExit:
            raise
        except BaseException:  # noqa: BLE001  (a defect, of ours or a dialect's, must not leave a client without an answer)
            log.failure("exchange {id}: a defect in llmproxy or in a plugin's dialect", id=exchange.id)
            await self._excuse(exchange, Fault(502, "llmproxy failed on this request; its log says where"), client)
        await self._end(exchange)

    def turn_away(self, exchange: Exchange, refusal: Refusal) -> tuple[ResponseHead, bytes, bytes]:
        """The short way of a request that may not come in: head, own fields and body of its answer."""
        self.hooks.tell(exchange, BEGUN)
        _note_fault(exchange, refusal)
        head, body = _error_answer(exchange, refusal)
        exchange.response_size, exchange.duration = len(body), self.stage.since(exchange)
        self.hooks.tell(exchange, ENDED)
        return evolve(head, headers=head.headers.plus(*refusal.headers)), heads.own_fields(exchange, edited=False), body

    async def _named(self, exchange: Exchange) -> Shelf:
        """The cassette that the request names."""
        try:
            return await self.shelves.named(exchange.cassette, may_make=exchange.notes.get(MAY_MAKE, False))
        except Unavailable as error:
            raise Refusal(error.status, str(error)) from error

    async def _answer(self, exchange: Exchange, shelf: Shelf, client: Client) -> Ending:
        if self.hooks.changes_request(exchange):
            await self._rewrite(exchange)
        self.keeper.recognise(exchange)
        may_look_up = modes.looks_up(
            shelf.mode, exchange.dialect.generates(exchange.request), exchange.directives.no_cache
        )
        near = None
        if may_look_up:
            recording = await self.hooks.first("llmproxy_lookup", exchange)
            if recording is not None:
                return await self._replay(exchange, recording, client)
            near = await self._nearest(exchange) if self._serves_near(shelf) else None
            if near is not None and near.answers:
                exchange.likeness, exchange.detail = near.score, f"fuzzy {near.score:.2f}"
                return await self._replay(exchange, near.recording, client)
        self.hooks.tell(exchange, MISSED)
        if not shelf.mode.forwards or exchange.directives.only_if_cached:
            exchange.outcome = Outcome.REFUSED  # also where the client leaves before it is told so
            raise await self._refusal(exchange, shelf, near)
        exchange.outcome = _MISS if may_look_up else _LIVE
        # What a cassette records is not replayed to its own run: equal requests follow each other in it, also at once.
        if may_look_up and not exchange.directives.no_store and not shelf.cassette:
            return await self._fly(exchange, client)
        return await self._board(exchange, self.flights.start(b"", lambda: self._launch(exchange)), client)

    async def _rewrite(self, exchange: Exchange) -> None:
        """The request as plugins leave it. At another path it may be another API's."""
        asked = exchange.request

        def keep(request: Any) -> None:
            exchange.request = request

        exchange.request = await self.hooks.fold("llmproxy_request", exchange, asked, keep)
        if exchange.request is not asked and exchange.request.path != asked.path:
            exchange.dialect = _dialect_of(exchange.request, exchange.dialect, self.dialects)

    # --- a hit -------------------------------------------------------------------------------------------------------

    async def _replay(self, exchange: Exchange, recording: Recording, client: Client) -> Ending:
        exchange.outcome, exchange.served_from, exchange.fitted = _HIT, recording.id, recording.fitted
        self.keeper.served(exchange, recording)
        self.hooks.tell(exchange, HIT)
        pieces = self.stage.at_once(recording, exchange)
        exchange.at_hand = None if pieces is None else recording.response
        if pieces is None or self.hooks.shapes(exchange):
            return await self._relay(exchange, self.stage.replay(recording, exchange), client)
        self._first_byte(exchange, recording.replay_head)
        return _hand_over(exchange, recording.replay_head, self.stage.age(recording), pieces, client)

    def _first_byte(self, exchange: Exchange, head: ResponseHead) -> None:
        exchange.head_time = self.stage.since(exchange)
        exchange.status = head.status
        self.hooks.tell(exchange, FIRST_BYTE)

    # --- a miss ------------------------------------------------------------------------------------------------------

    async def _refusal(self, exchange: Exchange, shelf: Shelf, near: NearMiss | None) -> Refusal:
        near = near or await self._nearest(exchange)
        reason = f"in mode {shelf.mode.name}" if not shelf.mode.forwards else "and the request says only-if-cached"
        lines = [SCOPED] if self.keeper.scope_by_key else _explained(near)
        if UNFIT in exchange.notes:
            lines = [f"An answer is there: {exchange.notes[UNFIT]}."]
        if near is not None and not exchange.directives.no_store:
            self.hooks.tell(exchange, Event("explained", "\n".join(lines)))
        return Miss("\n".join([f"llmproxy: no recording answers this request, {reason}.", *lines]))

    def _serves_near(self, shelf: Shelf) -> bool:
        """Whether the nearest recording may answer: in mode none only where that was named."""
        return self.settings.fuzzy == "serve-none" or (self.settings.fuzzy == "serve" and shelf.mode.forwards)

    async def _nearest(self, exchange: Exchange) -> NearMiss | None:
        """Never across credentials: somebody else's prompt must not be shown, nor their answer served."""
        if self.settings.fuzzy == "off" or self.keeper.scope_by_key:
            return None
        near: NearMiss | None = await self.hooks.first("llmproxy_fuzzy_match", exchange)
        return near

    async def _fly(self, exchange: Exchange, client: Client) -> Ending:
        """Join an equal request in flight, or be the first one. What fails for the first is not passed on."""
        key = self.keeper.share_key(exchange)
        flight = self.flights.find(key)
        if flight is None:
            return await self._board(exchange, self.flights.start(key, lambda: self._launch(exchange)), client)
        exchange.outcome = _COLLAPSED
        try:
            return await self._board(exchange, flight, client)
        except NotShared:
            exchange.outcome = _MISS
        return await self._board(exchange, self.flights.start(b"", lambda: self._launch(exchange)), client)

    async def _board(self, exchange: Exchange, flight: Flight, client: Client) -> Ending:
        ending = _CLIENT_GONE
        try:
            relay = await (self._arrival(flight) if exchange.outcome is _COLLAPSED else flight.join())
            return (ending := await self._relay(exchange, relay, client))
        except Fault as fault:
            ending = fault.ending
            raise
        except CancelledError:
            ending = exchange.if_cancelled
            raise
        finally:
            flight.leave(ending)

    async def _arrival(self, flight: Flight) -> Relay:
        """For one who has joined. What fails, or is an error, is not for others."""
        try:
            relay = await flight.join()
        except Fault:
            raise NotShared from None
        if relay.head.status >= 400:  # noqa: PLR2004  (client and server errors, RFC 9110 section 15)
            raise NotShared
        return relay

    def _launch(self, exchange: Exchange) -> Deferred[Relay]:
        return started(self._forward(exchange))

    async def _forward(self, exchange: Exchange) -> Relay:
        """The relay of the answer. It may outlast the exchange: others can wait for it when the client has left."""
        self.keeper.adopted(exchange)
        try:
            upstream = await self.hooks.first("llmproxy_route", exchange) or exchange.upstream
            streams = exchange.dialect.streams(exchange.request)
            answer = await self.upstreams.send(upstream, exchange.request, at_once=streams is not False)
        except Exception:
            await self.keeper.released(exchange)
            raise
        return self.stage.record(answer, exchange, upstream)

    # --- the answer --------------------------------------------------------------------------------------------------

    async def _relay(self, exchange: Exchange, relay: Relay, client: Client) -> Ending:
        """From the head to the end of the body."""
        self._first_byte(exchange, relay.head)
        self._check_status(exchange)
        exchange.at_hand = exchange.at_hand or relay.at_hand
        if not self.hooks.shapes(exchange):
            if (whole := relay.whole) is not None:
                await whole.kept()
                return _hand_over(exchange, relay.head, relay.age, (whole.octets,), client)
            outlet = Outlet(exchange, client, (), (), self.hooks)
            outlet.begin(relay.head, relay.age)
            return await relay.join(outlet)
        head = await self.hooks.fold("llmproxy_response_head", exchange, relay.head)
        transforms = await self.hooks.each("llmproxy_transform", exchange)
        observers = await self.hooks.each("llmproxy_observe", exchange)
        delivery = None
        if transforms or head is not relay.head:
            delivery = Delivery(partial(self.stage.tape, exchange), head_differs=head != relay.head).note(exchange)
            exchange.status = head.status
        outlet = Outlet(exchange, client, transforms, observers, self.hooks, delivery)
        outlet.begin(head if head is relay.head else _framed_as(relay.head, head), relay.age)
        return await relay.join(outlet)

    def _check_status(self, exchange: Exchange) -> None:
        if exchange.status < 400:  # noqa: PLR2004  (an error status)
            return
        own = None if exchange.shelf is None else exchange.shelf.on_error_response
        if (own or self.settings.on_error_response) == "refuse":
            raise Miss(f"llmproxy: upstream answered {exchange.status}, and --on-error-response is refuse.")

    # --- the end -----------------------------------------------------------------------------------------------------

    async def _excuse(self, exchange: Exchange, fault: Fault, client: Client) -> None:
        """Say what went wrong, in the shape of the API that was called."""
        _note_fault(exchange, fault)
        head, body = _error_answer(exchange, fault)
        fields = head.headers.plus(*fault.headers, (b"Content-Length", b"%d" % len(body)))
        client.begin(evolve(head, headers=fields), heads.own_fields(exchange, edited=False))
        client.write(body, more=True)
        client.finish()
        exchange.response_size = len(body)

    async def _cancelled(self, exchange: Exchange, client: Client) -> None:
        """Before the head of an answer: the client is gone, or its time is over and it is told so."""
        exchange.ending = exchange.if_cancelled
        if exchange.ending is Ending.TIMEOUT:
            await self._excuse(exchange, Overdue(exchange.detail), client)

    async def _end(self, exchange: Exchange) -> None:
        exchange.duration = self.stage.since(exchange)
        try:
            await self.keeper.note(exchange)
        except CancelledError:  # the client left while a plugin looked at the recording: nothing is written
            pass
        except Exception:  # noqa: BLE001  (a store of a plugin's; the exchange is told of all the same)
            log.failure("exchange {id} was not written: a defect of the store", id=exchange.id)
        failed = exchange.outcome is _FAILED
        self.hooks.tell(exchange, Event("failed", exchange.detail) if failed else ENDED)


class NotShared(Exception):
    """The flight that an exchange had joined failed, or has an error for an answer."""


def _hand_over(exchange: Exchange, head: ResponseHead, age: int, pieces: Sequence[bytes], client: Client) -> Ending:
    """The short way of a small answer that no plugin looks at: what an `Outlet` would send, without its parts."""
    client.begin(head, heads.own_fields(exchange, edited=False, age=age))
    for piece in pieces:
        client.write(piece, more=True)
        exchange.response_size += len(piece)
    client.finish()
    return _COMPLETE


def _dialect_of(request: Request, before: Dialect, dialects: Sequence[Dialect]) -> Dialect:
    """Of a request that goes to another path: as before where that API has it too. The generic one has all paths."""
    known = type(before) is not type(GENERIC) and before.recognises(request)
    return before if known else recognise(request, dialects)


def _note_fault(exchange: Exchange, fault: Fault) -> None:
    """What is kept of it. A message may quote the prompt, which must not be kept under `no-store`."""
    if exchange.outcome is _MISS:
        exchange.notes[FORWARDED] = True
    exchange.outcome, exchange.ending, exchange.status = fault.outcome, fault.ending, fault.status
    exchange.detail = fault.message.partition("\n")[0] if exchange.directives.no_store else fault.message


def _error_answer(exchange: Exchange, fault: Fault) -> tuple[ResponseHead, bytes]:
    try:
        return heads.error_answer(exchange.dialect, fault.status, fault.kind, fault.message)
    except Exception:  # noqa: BLE001  (a dialect of a plugin's must not leave a client without an answer)
        log.failure("the dialect {name} cannot write an error", name=exchange.dialect.name)
        return heads.error_answer(GENERIC, fault.status, fault.kind, fault.message)


def _framed_as(original: ResponseHead, head: ResponseHead) -> ResponseHead:
    """A plugin's head, with the length that the body really has."""
    length = ((b"Content-Length", original.length),) if original.length else ()
    return evolve(head, headers=head.headers.without(heads.FRAMING).plus(*length))


def _explained(near: NearMiss | None) -> list[str]:
    return explanation(near.called, near.score, near.parts, near.differences) if near else [NOTHING]
