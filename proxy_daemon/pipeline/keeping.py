"""What is written of an exchange: its fingerprint, its recording, and what must not be in it.

Redaction happens here and nowhere later: before the fingerprint is taken, before `llmproxy_record` sees a recording,
and once more behind a plugin that changed it. Nothing reaches the store by another way.
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable

from attrs import define, evolve

from proxy_daemon.core.bodies import EMPTY
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.sequence import OUTDATED
from proxy_daemon.core.messages import SCOPE, Ending, Exchange, Pieces, Recording, Request, Response
from proxy_daemon.core.modes import Mode
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.redacted_response import is_coded, redacted_response, withholds_request
from proxy_daemon.core.services import Store, Worker
from proxy_daemon.core.upstreams import Upstream
from proxy_daemon.pipeline.dispatch import Dispatcher
from proxy_daemon.pipeline.faults import PluginFault
from proxy_daemon.pipeline.good_ends import GoodEnds
from proxy_daemon.pipeline.recognising import Recogniser
from proxy_daemon.pipeline.tape import Tape

_SAFE = "llmproxy.safe_request"  # the redacted request, made once
_ADOPTED = "llmproxy.adopted"  # a relay writes this exchange when its answer has ended


@define(slots=False, eq=False)
class Keeper:
    """Recognises requests, and writes exchanges to the store. One for the daemon.

    A reload may change ``scope_by_key``.
    """

    store: Store
    redactor: Redactor
    hooks: Dispatcher
    worker: Worker
    mode: Mode
    scope_by_key: bool
    ends: GoodEnds
    record_max_body: int
    recogniser: Recogniser
    run: int = 0  # ids from here on are of this run: the daemon's life

    def recognise(self, exchange: Exchange) -> None:
        """Set model and fingerprint, from the request as it goes upstream, redacted."""
        found = self.recogniser.recognise(exchange, by_key=self.scope_by_key)
        exchange.model, exchange.fingerprint = found.model, found.fingerprint
        exchange.notes[_SAFE], exchange.notes[SCOPE] = found.safe(exchange.request), found.scope

    def share_key(self, exchange: Exchange) -> Hashable:
        """What two requests must have in common to be one request in flight: more than their fingerprint.

        Whose secrets or minted ids differ are two: the answer to one may hold what the other must not see.
        """
        request = exchange.request
        codings = tuple(request.headers.all(b"accept-encoding"))
        return exchange.fingerprint, exchange.credential, request.body.whole(), codings

    def served(self, exchange: Exchange, recording: Recording) -> None:
        """A recording answers: a request body that is the recorded one is not stored a second time."""
        safe = exchange.notes[_SAFE]
        if safe.body.whole() == recording.request.body.whole():
            exchange.notes[_SAFE] = Request(safe.method, safe.target, safe.headers)

    def adopted(self, exchange: Exchange) -> None:
        """From here on the relay of its answer writes this exchange, by `keep`; see also `released`."""
        exchange.notes[_ADOPTED] = True

    async def released(self, exchange: Exchange) -> None:
        """No answer came: `note` writes the exchange, at once where its client has left already."""
        exchange.notes[_ADOPTED] = False
        if exchange.ending is not None:
            await self.note(exchange)

    async def note(self, exchange: Exchange) -> None:
        """Write an exchange that has no answer of its own to record: hits, refusals, failures. Does not wait."""
        if exchange.notes.get(_ADOPTED):
            return
        recording = self._recording(exchange, None, exchange.upstream, exchange.ending or Ending.FAILED)
        final = await self._final(exchange, await self._request_checked(recording))
        if final is not None:
            self.store.note(final)

    async def keep(
        self, exchange: Exchange, response: Response, tape: Tape, upstream: Upstream, ending: Ending
    ) -> bool:
        """Write an exchange with the answer on ``tape``. Returns, once it is committed, whether it was."""
        good = await self.ends.is_good(exchange, response, tape, ending)
        recording = self._recording(exchange, response, upstream, ending, cut=tape.cut, replayable=good)
        final = await self._final(exchange, await self._response_redacted(recording))
        if final is None:
            return False
        if self.mode.replaces:
            return await self.store.put(final, replace=final.replayable, run=self.run)
        return await self.store.put(final, replace=final.replayable and _replaces(exchange))

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
        request: Request = exchange.notes.get(_SAFE) or self.redactor.request(exchange.request)
        too_large = request.body.size > self.record_max_body
        if exchange.directives.no_store or too_large:
            request = evolve(request, body=EMPTY)
        if exchange.directives.no_store:
            request, response = evolve(request, headers=Headers()), None
        return Recording(
            id=exchange.id,
            request=request,
            response=response,
            upstream=upstream,
            ending=ending,
            outcome=exchange.outcome,
            started=exchange.started,
            client=exchange.client,
            model=exchange.model,
            status=exchange.status,
            detail=exchange.detail,
            head_time=exchange.head_time,
            duration=exchange.duration,
            fingerprint=exchange.fingerprint,
            replayable=replayable,
            cut=cut or too_large,
            redacted=_differs(request, exchange.request) and not exchange.directives.no_store,
            served_from=exchange.served_from,
            session=exchange.session,
            scope=exchange.notes.get(SCOPE, b""),
            asked=exchange.upstream,
        )

    async def _response_redacted(self, recording: Recording) -> Recording:
        """Small answers at once; where one is too large for that, or coded, a thread looks."""
        response = recording.response
        if response is None:
            return await self._request_checked(recording)
        if response.body.whole() is None or is_coded(response.head.headers, response.body):
            safe = await self.worker.run(redacted_response, self.redactor, response)
        else:
            safe = redacted_response(self.redactor, response)
        if safe is not response:
            withheld = response.body.size > 0 and safe.body.size == 0
            good = recording.replayable and not withheld
            recording = evolve(recording, response=safe, redacted=True, cut=recording.cut or withheld, replayable=good)
        return await self._request_checked(recording)

    async def _request_checked(self, recording: Recording) -> Recording:
        """A request body that is coded, or too large to be rewritten, is not stored where it may hold a secret."""
        request = recording.request
        if request.body.whole() is not None and not is_coded(request.headers, request.body):
            return recording
        if await self.worker.run(withholds_request, self.redactor, request):
            return evolve(recording, request=evolve(request, body=EMPTY), cut=True, redacted=True)
        return recording

    async def _final(self, exchange: Exchange, recording: Recording) -> Recording | None:
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
        replaced: Recording = evolve(final, request=self.redactor.request(final.request))
        return await self._response_redacted(_fitted(replaced))


def _replaces(exchange: Exchange) -> bool:
    """Whether its answer was asked for in the place of the older ones."""
    return exchange.directives.no_cache or OUTDATED in exchange.notes


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
