"""What is written of an exchange: its fingerprint, its recording, and what must not be in it.

Redaction happens here and nowhere later: before the fingerprint is taken, before `llmproxy_record` sees a recording,
and once more behind a plugin that changed it. Nothing reaches the store by another way.
"""

from __future__ import annotations

from array import array
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Any

from attrs import define, evolve
from twisted.internet.defer import Deferred, succeed

from proxy_daemon.core.access import is_own_address
from proxy_daemon.core.bodies import EMPTY, Body
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.sequence import OUTDATED
from proxy_daemon.core.messages import SAFE, SCOPE, Delivered, Ending, Exchange, Pieces, Recording, Request, Response
from proxy_daemon.core.numbered import numbered
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.redacted_response import is_coded, redacted_response, withholds_request
from proxy_daemon.core.services import Store, Worker
from proxy_daemon.core.shelves import Shelf, Shelves
from proxy_daemon.core.upstreams import Upstream
from proxy_daemon.pipeline.delivery import Delivery
from proxy_daemon.pipeline.dispatch import Dispatcher
from proxy_daemon.pipeline.faults import PluginFault
from proxy_daemon.pipeline.good_ends import GoodEnds
from proxy_daemon.pipeline.left_out import tell_left_out
from proxy_daemon.pipeline.recognising import Recogniser
from proxy_daemon.pipeline.secret_watch import SecretWatch
from proxy_daemon.pipeline.tape import Taped
from proxy_daemon.waiting import begun, waits

# A relay writes this exchange when its answer has ended: None until then, and then the recording as it was written.
_ADOPTED = "llmproxy.adopted"
_LEFT = "llmproxy.left"  # the exchange has ended before its answer


@define(slots=False, eq=False)
class Keeper:
    """Recognises requests, and writes exchanges to the store. One for the daemon.

    A reload may change ``scope_by_key``.
    """

    store: Store
    redactor: Redactor
    hooks: Dispatcher
    worker: Worker
    shelves: Shelves
    scope_by_key: bool
    ends: GoodEnds
    record_max_body: int
    recogniser: Recogniser
    watch: SecretWatch | None = None  # None: nothing is looked for behind redaction
    run: int = 0  # ids from here on are of this run: the daemon's life

    def recognise(self, exchange: Exchange) -> None:
        """Set model and fingerprint, from the request as it goes upstream, redacted."""
        found, safe = self.recogniser.recognise(exchange, by_key=self.scope_by_key)
        exchange.model, exchange.fingerprint = found.model, found.fingerprint
        exchange.notes[SAFE], exchange.notes[SCOPE] = safe, found.scope

    def shelf_of(self, exchange: Exchange) -> Shelf:
        """Where it is looked up and kept."""
        return exchange.shelf or self.shelves.default

    def share_key(self, exchange: Exchange) -> Hashable:
        """What two requests must have in common to be one request in flight: more than their fingerprint.

        Whose secrets or minted ids differ are two: the answer to one may hold what the other must not see.
        """
        request = exchange.request
        codings = tuple(request.headers.all(b"accept-encoding"))
        return exchange.fingerprint, exchange.credential, request.body.whole(), codings

    def served(self, exchange: Exchange, recording: Recording) -> None:
        """A recording answers: a request body that is the recorded one is not stored a second time."""
        safe = exchange.notes[SAFE]
        if safe.body.whole() == recording.request.body.whole():
            exchange.notes[SAFE] = Request(safe.method, safe.target, safe.headers)

    def adopted(self, exchange: Exchange) -> None:
        """From here on the relay of its answer writes this exchange, by `keep`; see also `released`."""
        exchange.notes[_ADOPTED] = None

    async def released(self, exchange: Exchange) -> None:
        """No answer came: `note` writes the exchange, at once where its client has left already."""
        del exchange.notes[_ADOPTED]
        if exchange.ending is not None:
            await self.note(exchange)

    async def note(self, exchange: Exchange) -> None:
        """Write an exchange that has no answer of its own to record: hits, refusals, failures. Does not wait."""
        if _ADOPTED in exchange.notes:
            written = exchange.notes[_ADOPTED]
            if written is None:
                exchange.notes[_LEFT] = True
            elif _knows_more(exchange, written):
                self.store.amend(await self._told(exchange, written))
            return
        recording = self._recording(exchange, None, exchange.upstream, exchange.ending or Ending.FAILED)
        final = await self._final(exchange, await self._request_checked(recording))
        if final is not None:
            self.store.note(await self._told(exchange, final) if _knows_more(exchange, final) else final)

    async def _told(self, exchange: Exchange, recording: Recording) -> Recording:
        """With the rules that fired, and with what the client got, without its secrets."""
        recording = evolve(recording, rules=exchange.rules)
        delivery = Delivery.of(exchange)
        delivered = delivery.told() if delivery is not None else None
        # A plugin may take out of recordings what must not be stored: it has not seen this.
        if delivered is None or exchange.directives.no_store or self.hooks.has("llmproxy_record"):
            return recording
        safe = await self._watched(recording, await self._safely(delivered))
        return evolve(recording, delivered=safe, redacted=recording.redacted or safe is not delivered)

    async def _watched(self, recording: Recording, delivered: Delivered) -> Delivered:
        """As `--on-secret` leaves it. What else the exchange holds was looked through before."""
        if self.watch is None or delivered.body is None:
            return delivered
        alone = evolve(recording, request=evolve(recording.request, body=EMPTY), response=None, delivered=delivered)
        looked = await self.watch.looked(alone)
        return delivered if looked is alone else evolve(delivered, body=EMPTY, cut=True)

    async def _safely(self, delivered: Delivered) -> Delivered:
        """Without its secrets; the same object where there are none."""
        head, body = delivered.head, delivered.body
        if body is None:
            headers = self.redactor.headers(head.headers)
            return delivered if headers is head.headers else evolve(delivered, head=evolve(head, headers=headers))
        came = Response(head, body)
        safe = await self._redacted(came)
        return delivered if safe is came else Delivered(safe.head, safe.body, delivered.cut or _is_withheld(came, safe))

    def keep(
        self, exchange: Exchange, response: Response, tape: Taped, upstream: Upstream, ending: Ending
    ) -> Deferred[bool]:
        """Write an exchange with the answer on ``tape``. Fires, once it is committed, with whether it was."""
        final = self._at_once(exchange, response, tape, upstream, ending)
        if final is not None:
            return self._put(exchange, final)
        found = begun(self._written(exchange, response, tape, upstream, ending))
        if waits(found):
            return found.addCallback(partial(self._put, exchange))
        return self._put(exchange, found)

    def _at_once(
        self, exchange: Exchange, response: Response, tape: Taped, upstream: Upstream, ending: Ending
    ) -> Recording | None:
        """As it is to be written, where nobody else sees it and nothing of it takes long; None for all others."""
        if self.shelf_of(exchange).cassette or exchange.directives.no_store or self.hooks.has("llmproxy_record"):
            return None
        good = self.ends.settled(exchange, response, tape, ending)
        if good is None or _is_slow(exchange.request.headers, exchange.request.body):
            return None
        if _is_slow(response.head.headers, response.body):
            return None
        recording = self._recording(exchange, response, upstream, ending, cut=tape.cut, replayable=good)
        safe = _answered(recording, redacted_response(self.redactor, response))
        return safe if self.watch is None or self.watch.is_clear(safe) else None

    async def _written(
        self, exchange: Exchange, response: Response, tape: Taped, upstream: Upstream, ending: Ending
    ) -> Recording | None:
        """The recording as it is to be written; None where it may not be."""
        shelf = self.shelf_of(exchange)
        good = await self.ends.is_good(exchange, response, tape, ending)
        recording = self._recording(exchange, response, upstream, ending, cut=tape.cut, replayable=good)
        final = await self._final(exchange, await self._without_secrets(shelf, exchange, recording))
        if shelf.cassette and shelf.mode.keeps and (final is None or not final.replayable):
            tell_left_out(exchange, final, shelf.cassette)
        return final

    def _put(self, exchange: Exchange, final: Recording | None) -> Deferred[bool]:
        if final is None:
            return succeed(False)
        shelf = self.shelf_of(exchange)
        replaces = shelf.mode.replaces
        replace = final.replayable and (replaces or _replaces(exchange, shelf))
        done = shelf.store.put(final, replace=replace, run=max(self.run, shelf.since) if replaces else 0)
        if shelf.cassette:
            self.store.note(evolve(final, replayable=False))  # the history of all exchanges
        exchange.notes[_ADOPTED] = final
        if _LEFT in exchange.notes and _knows_more(exchange, final):
            return Deferred.fromCoroutine(self._amended(done, exchange, final))
        return done if waits(done) else Deferred.fromCoroutine(_awaited(done))

    async def _amended(self, done: Awaitable[bool], exchange: Exchange, final: Recording) -> bool:
        """Of a client that has left before more is known now. From here on `note` amends."""
        committed = await done
        self.store.amend(await self._told(exchange, final))
        return committed

    def _recording(
        self,
        exchange: Exchange,
        response: Response | None,
        upstream: Upstream,
        ending: Ending,
        *,
        cut: bool = False,
        replayable: bool = False,
    ) -> Recording:
        request: Request = exchange.notes.get(SAFE) or self.redactor.request(exchange.request)
        too_large = request.body.size > self.record_max_body
        if exchange.directives.no_store or too_large:
            request = evolve(request, body=EMPTY)
        if exchange.directives.no_store:
            request, response = evolve(request, headers=Headers()), None
        return Recording(
            exchange.id,
            request,
            response,
            upstream,
            ending,
            exchange.outcome,
            exchange.started,
            exchange.client,
            exchange.model,
            exchange.status,
            self.redactor.text(exchange.detail),
            exchange.head_time,
            exchange.duration,
            exchange.fingerprint,
            replayable,
            cut=cut or too_large,
            redacted=_differs(request, exchange.request) and not exchange.directives.no_store,
            served_from=exchange.served_from,
            session=exchange.session,
            scope=exchange.notes.get(SCOPE, b""),
            asked=exchange.upstream,
            rules=exchange.rules,
            cassette=exchange.cassette or self.shelf_of(exchange).cassette,
        )

    async def _without_secrets(self, shelf: Shelf, exchange: Exchange, recording: Recording) -> Recording:
        """As it may be written there: what stands in a cassette is committed, and read under another key."""
        if not shelf.cassette or exchange.directives.no_store:
            return await self._response_redacted(recording)
        raw = hostless(recording if recording.cut else evolve(recording, request=exchange.request))
        found: Recording = await self._in_turn(raw, partial(numbered, raw, self.redactor.rules))
        return evolve(found, redacted=recording.redacted or found is not raw)

    async def _in_turn(self, recording: Recording, work: Callable[[], Any]) -> Any:
        """Small ones at once; what is large, or coded, in a thread."""
        request, response = recording.request, recording.response
        slow = _is_slow(request.headers, request.body)
        if slow or (response is not None and _is_slow(response.head.headers, response.body)):
            return await self.worker.run(work)
        return work()

    async def _response_redacted(self, recording: Recording) -> Recording:
        """The recording without secrets in its answer and its request."""
        response = recording.response
        if response is None:
            return await self._request_checked(recording)
        return await self._request_checked(_answered(recording, await self._redacted(response)))

    async def _redacted(self, response: Response) -> Response:
        """Small ones at once; where one is too large for that, or coded, a thread looks."""
        if _is_slow(response.head.headers, response.body):
            safe: Response = await self.worker.run(redacted_response, self.redactor, response)
            return safe
        return redacted_response(self.redactor, response)

    async def _request_checked(self, recording: Recording) -> Recording:
        """A request body that is coded, or too large to be rewritten, is not stored where it may hold a secret."""
        request = recording.request
        if not _is_slow(request.headers, request.body):
            return recording
        if await self.worker.run(withholds_request, self.redactor, request):
            return evolve(recording, request=evolve(request, body=EMPTY), cut=True, redacted=True)
        return recording

    async def _final(self, exchange: Exchange, recording: Recording) -> Recording | None:
        """The recording as plugins and `--on-secret` leave it; None where a plugin vetoes or fails."""
        final = await self._folded(exchange, recording)
        if final is None or self.watch is None or self.watch.is_clear(final):
            return final
        return await self.watch.looked(final)

    async def _folded(self, exchange: Exchange, recording: Recording) -> Recording | None:
        """The recording as plugins leave it; None where one vetoes or fails."""
        if not self.hooks.has("llmproxy_record"):
            return recording
        try:
            final: Recording | bool = await self.hooks.fold("llmproxy_record", exchange, recording)
        except PluginFault:
            return None
        if isinstance(final, bool):
            return None
        if final is recording:
            return recording
        if self.shelf_of(exchange).cassette:
            fitted = _fitted(evolve(final, delivered=None))
            again: Recording = await self._in_turn(fitted, partial(numbered, fitted, self.redactor.rules))
            return again
        replaced: Recording = evolve(final, request=self.redactor.request(final.request), delivered=None)
        return await self._response_redacted(_fitted(replaced))


async def _awaited(done: Awaitable[bool]) -> bool:
    return await done


def _knows_more(exchange: Exchange, written: Recording) -> bool:
    """Whether there may be something to tell that was not known, or not asked for, when it was written."""
    return exchange.rules != written.rules or Delivery.of(exchange) is not None


def hostless(recording: Recording) -> Recording:
    """Without the field `Host` where it says the proxy's own address, whose port is another one in each run."""
    request = recording.request
    if not is_own_address(request.headers.get(b"host").decode("latin-1")):
        return recording
    return evolve(recording, request=request.with_head(request.target, request.headers.without((b"host",))))


def _is_slow(headers: Headers, body: Body) -> bool:
    return body.whole() is None or is_coded(headers, body)


def _answered(recording: Recording, safe: Response) -> Recording:
    """With the answer as it is without its secrets; the same object where it had none."""
    response = recording.response
    if response is None or safe is response:
        return recording
    withheld = _is_withheld(response, safe)
    good = recording.replayable and not withheld
    return evolve(recording, response=safe, redacted=True, cut=recording.cut or withheld, replayable=good)


def _is_withheld(response: Response, safe: Response) -> bool:
    return response.body.size > 0 and safe.body.size == 0


def _replaces(exchange: Exchange, shelf: Shelf) -> bool:
    """Whether its answer was asked for in the place of the older ones."""
    return (exchange.directives.no_cache and shelf.mode.heeds_no_cache) or OUTDATED in exchange.notes


def _fitted(recording: Recording) -> Recording:
    """A plugin that changes a body may leave the pieces of the old one: then it is one piece."""
    response = recording.response
    if response is None or sum(response.pieces.sizes) == response.body.size:
        return recording
    pieces = Pieces(array("Q", [response.body.size]), response.pieces.times[-1:] or array("Q", [0]))
    return evolve(recording, response=evolve(response, pieces=pieces))


def _differs(safe: Request, request: Request) -> bool:
    """Whether something was replaced, and not only left out."""
    if safe.headers is not request.headers or safe.target is not request.target:
        return True
    return safe.body is not request.body and safe.body is not EMPTY
