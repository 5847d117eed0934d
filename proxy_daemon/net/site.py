"""The front: Twisted's hardened HTTP/1.1 parser, with a request of our own behind it.

It keeps fields in their case and order, spools bodies within their limit, turns away whoever may not ask, and hands
everything outside `/_llmproxy/` to the pipeline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, cast

from attrs import frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import http, server
from twisted.web.http import Request as HTTPRequest  # not by the module: it looks for deprecated names
from twisted.web.resource import IResource, Resource

from proxy_daemon.core import cors
from proxy_daemon.core.access import Access
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Exchange, Request, ResponseHead
from proxy_daemon.core.routing import RESERVED, is_reserved, split_named
from proxy_daemon.net import guard
from proxy_daemon.net.bodies import Spool
from proxy_daemon.net.channel import FrontChannel, KnownHead
from proxy_daemon.net.client import FrontClient
from proxy_daemon.net.crowd import Crowd
from proxy_daemon.net.guard import NOBODY, Caller
from proxy_daemon.net.limits import DEFAULTS, LimitMet, Limits, Met, body_too_large, overdue, spool_failed
from proxy_daemon.pipeline.admission import Admission
from proxy_daemon.pipeline.exchange import Pipeline
from proxy_daemon.pipeline.faults import Refusal

log = Logger()

MAX_ADDRESSES = 16  # of ours, with their known heads
# In a 426. Fields of one hop, which `ResponseHead.wire` leaves out.
SPOKEN_HERE = b"Connection: Upgrade\r\nUpgrade: HTTP/1.1\r\n"


class FrontRequest(server.Request):
    """One request. Its response is written by `net.client.FrontClient`, or by a resource below `/_llmproxy/`."""

    channel: FrontChannel
    site: FrontSite
    gone = False
    running: Deferred[None] | None = None
    exchange: Exchange | None = None  # where it runs
    refused: Refusal | None = None
    caller: Caller = NOBODY
    fields: Headers

    def gotLength(self, length: int | None) -> None:
        """The head is whole: whoever may not ask is told before the body comes."""
        self.spool = Spool()
        if self.channel.rejected:
            return
        self.fields = Headers(self.channel.raw_fields)
        self.channel.raw_fields = []
        self.site = cast("FrontSite", self.channel.site)  # type: ignore[attr-defined]
        if not self.channel.judge(self.fields, length):
            self.requestHeaders.removeHeader(b"expect")  # else Twisted invites the body
            return
        self.refused = self._refusal(length)
        if self.refused is None and not _is_reserved(self.channel._path.partition(b"?")[0]):  # noqa: SLF001  (see below)
            self.channel.learn(self.fields, length, self.caller)
        elif self.refused is not None and length != 0:
            self._refuse_early()

    def known(self, fields: Headers, caller: Caller, body: bytes) -> None:
        """In place of `gotLength` and `handleContentChunk`: a request that was let in before, and its whole body."""
        self.site = cast("FrontSite", self.channel.site)  # type: ignore[attr-defined]
        self.fields, self.caller = fields, caller
        self.spool = Spool()
        if body:
            self.spool.write(body)

    def handleContentChunk(self, data: bytes) -> None:
        """A part of the body."""
        if self.refused is not None or self.channel.rejected:
            return
        if self.spool.size + len(data) > self.site.max_body:
            self.refused = body_too_large(self.site.max_body)
            self._refuse_early()
            return
        try:
            self.spool.write(data)
        except OSError as error:
            self.refused = spool_failed(error.strerror or "")
            self._refuse_early()

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """All of it is there."""
        if self.gone:
            return  # it was answered before its end
        self.method, self.uri, self.clientproto = command, path, version
        self.path = path.partition(b"?")[0]
        self.process()

    def process(self) -> None:
        """Straight to the pipeline; only our own pages walk a tree of resources."""
        if self.refused is not None:
            self.refuse(self.refused)
        elif self.path == RESERVED or (self.path == b"/" and b"text/html" in self.fields.get(b"accept")):
            self._begun(ResponseHead(302, b"Found", Headers(((b"Location", RESERVED + b"/"),))), b"", b"").finish()
        elif _is_reserved(self.path):
            self._serve_own()
        elif self.caller.origin and cors.is_preflight(self.method, self.fields):
            self._begun(cors.preflight_answer(self.fields), b"", b"").finish()
        else:
            self.site.root.render(self)

    def _serve_own(self) -> None:
        self.content = BytesIO(self.spool.whole() or b"")
        self.args = http.parse_qs(self.uri.partition(b"?")[2], 1)
        super().process()

    # --- refusals ----------------------------------------------------------------------------------------------------

    def _refusal(self, length: int | None) -> Refusal | None:
        version = self.channel._version == b"HTTP/1.1"  # noqa: SLF001  (not public yet at this point)
        reason = self.site.access.refusal(self.fields, self.channel.local_host, version)
        if reason:
            return Refusal(403 if len(self.fields.all(b"host")) == 1 else 400, reason)
        if stranger := self._stranger():
            return stranger
        if length is not None and length > self.site.max_body:
            return body_too_large(self.site.max_body)
        if b"upgrade" in self.fields and b"h2c" not in self.fields.tokens(b"upgrade"):
            return Upgrade()
        return None

    def _stranger(self) -> Refusal | None:
        """Learn who asks. Another machine may need a token: of a client, or for our own pages the admin's."""
        tokens = self.site.access.tokens
        self.caller = guard.caller(self.fields, self.channel._path, tokens)  # noqa: SLF001  (as above)
        if guard.is_local(self.fields, self.channel.peer_is_local):
            return None
        method, path = self.channel._command, self.channel._path.partition(b"?")[0]  # noqa: SLF001  (as above)
        refused = guard.refusal(method, _is_reserved(path), self.fields, self.caller, tokens)
        self.site.unauthorized += isinstance(refused, guard.Unauthorized)
        return refused

    def _refuse_early(self) -> None:
        """Answer now, invite no body, and close: the rest of the body must not be read as a request."""
        assert self.refused is not None
        self.requestHeaders.removeHeader(b"expect")
        self.method, self.uri = self.channel._command, self.channel._path  # noqa: SLF001  (as above)
        self.clientproto = b"HTTP/1.1"
        self.channel.persistent = 0
        self._turn_away(self.refused)
        self.gone = True
        self._let_go()
        self.channel.linger()

    def refuse(self, refusal: Refusal) -> None:
        """Answer in the shape of the API that was called."""
        self._turn_away(refusal).finish()

    def _turn_away(self, refusal: Refusal) -> FrontClient:
        if isinstance(refusal, LimitMet):
            self.site.met.add(refusal.limit)
        request = Request(self.method, self.uri, self.fields, self.spool)
        head, own, body = self.site.root.turn_away(request, self.channel.peer_host, refusal)
        return self._begun(head, own + SPOKEN_HERE if isinstance(refusal, Upgrade) else own, body)

    def _begun(self, head: ResponseHead, own: bytes, body: bytes) -> FrontClient:
        client = FrontClient(self)
        length = (b"Content-Length", b"%d" % len(body))
        client.begin(ResponseHead(head.status, head.reason, head.headers.plus(length)), own)
        client.write(body)
        return client

    # --- the end -----------------------------------------------------------------------------------------------------

    def note(self, detail: str) -> None:
        """Why the client will be gone in a moment."""
        if self.exchange is not None:
            self.exchange.detail = self.exchange.detail or detail

    def overdue(self) -> None:
        """Its time is over: a 504, or where an answer has begun, that is broken off. Our own pages take their time."""
        exchange = self.exchange
        if exchange is None or self.running is None or exchange.if_cancelled is Ending.TIMEOUT:
            return
        exchange.if_cancelled = Ending.TIMEOUT
        exchange.detail = overdue(self.site.limits.request_timeout)
        self.site.met.add("request_timeout")
        self.running.cancel()

    def end(self) -> None:
        """The response is whole."""
        HTTPRequest.finish(self)

    def connectionLost(self, reason: Failure) -> None:
        """The client is gone: whatever runs for it learns at once."""
        self.gone = True
        super().connectionLost(reason)
        if self.running is not None:
            self.running.cancel()
        self._let_go()

    def _let_go(self) -> None:
        """Of the body: its file must not wait for the garbage collector, for whom alone requests wait that ended so."""
        self.spool, self.exchange = Spool(), None


def _nobody(*_: object) -> bool:
    return False


@frozen(slots=False)
class Front:
    """What stands behind the site for all that is not ours: makes exchanges and runs them."""

    admission: Admission
    pipeline: Pipeline
    is_ours: Callable[[str, int], bool] = _nobody  # whether a peer's address and port are our own way to an upstream

    def run(self, request: FrontRequest) -> None:
        """Answer one request by the pipeline."""
        channel = request.channel
        if self.is_ours(channel.peer_host, channel.peer_port):
            request.refuse(Loop())
            return
        try:
            exchange = self.admission.admit(
                request.method,
                request.uri,
                request.fields,
                request.spool,
                request.channel.peer_host,
                request.caller.name,
            )
        except Refusal as refusal:
            request.refuse(refusal)
            return
        except BaseException:  # noqa: BLE001  (a plugin's dialect; its client must not wait for ever)
            log.failure("a request cannot be read: a defect of a plugin's dialect, or of llmproxy")
            request.refuse(Refusal(502, "llmproxy failed on this request; its log says where."))
            return
        running = Deferred.fromCoroutine(self.pipeline.run(exchange, FrontClient(request)))
        if not running.called:
            request.running, request.exchange = running, exchange
        running.addErrback(_unexpected)

    def turn_away(self, request: Request, client: str, refusal: Refusal) -> tuple[ResponseHead, bytes, bytes]:
        """Head, our own fields and body of the answer to a request that may not come in.

        It is logged, not stored: nobody from outside may push recordings out of the store.
        """
        exchange = self.admission.turned_away(request, client)
        return self.pipeline.turn_away(exchange, refusal)


class Loop(Refusal):
    """A request that we have sent ourselves. 508 is what it would end in (RFC 5842 section 7.2)."""

    def __init__(self) -> None:
        super().__init__(
            508, "This request comes from llmproxy itself: its upstream leads back to it. Set --upstream to the API."
        )


class Upgrade(Refusal):
    """A request for another protocol. A 426 names what is spoken here (RFC 9110 section 15.5.22)."""

    def __init__(self) -> None:
        super().__init__(426, "llmproxy does not pass protocol upgrades (WebSocket) on yet; use plain HTTP.")


def _unexpected(failure: Failure) -> None:
    if not failure.check(CancelledError):
        log.failure("a defect in llmproxy, please report it", failure)


class FrontSite(server.Site):
    """Twisted's Site with our channel and request."""

    protocol: Any = FrontChannel

    def __init__(
        self,
        root: IResource,
        access: Access,
        max_body: int,
        timeout: float,
        seconds: Callable[[], float],
        limits: Limits = DEFAULTS,
    ) -> None:
        super().__init__(root, requestFactory=FrontRequest, timeout=timeout)
        self.root: Any = root
        self._access = access
        self.unauthorized = 0  # requests without a token that is known
        self.max_body = max_body
        self.seconds = seconds
        self.limits, self.met, self._crowd = limits, Met(), Crowd(limits)
        self.channels: set[FrontChannel] = set()
        self._known_heads: dict[tuple[str, bool], dict[bytes, KnownHead]] = {}
        self.draining = False
        self.displayTracebacks = False

    @property
    def access(self) -> Access:
        """Who may ask. Another value holds from the next request on, on connections that stand too."""
        return self._access

    @access.setter
    def access(self, access: Access) -> None:
        self._access = access
        self._known_heads.clear()
        for channel in self.channels:
            channel.forget()

    def known_heads(self, local_host: str, peer_is_local: bool) -> dict[bytes, KnownHead]:
        """What the parser and the rules of access have passed: the rules depend on our address and on the peer's."""
        place = (local_host, peer_is_local)
        if place not in self._known_heads and len(self._known_heads) >= MAX_ADDRESSES:
            self._known_heads.clear()
        return self._known_heads.setdefault(place, {})

    def entered(self, channel: FrontChannel) -> None:
        """One connection more. Programs on this machine are not counted by client: they have one address in common."""
        self.channels.add(channel)
        if not channel.peer_is_local:
            self._crowd.enter(channel.peer_host)

    def left(self, channel: FrontChannel) -> None:
        """One less."""
        self.channels.discard(channel)
        if not channel.peer_is_local:
            self._crowd.leave(channel.peer_host)

    def drain(self) -> None:
        """The daemon stops: each answer to a head that comes now ends its connection; none is known any more."""
        self.draining = True
        self.access = self._access

    def look(self) -> None:
        """End what has taken too long on any connection. Called once a second."""
        now = self.seconds()
        self._crowd.look()
        for channel in tuple(self.channels):
            channel.look(now)

    def log(self, request: Any) -> None:
        """Nothing: the pipeline logs."""

    def acceptableProtocols(self) -> list[bytes]:
        """What our channel speaks. Twisted's Site would offer HTTP/2 itself; here `net/http2.py` stands before it."""
        return [b"http/1.1"]

    def buildProtocol(self, addr: Any) -> Any:
        """Our channel, without the wrapper that negotiates HTTP/2; where there is no room for it, one that says so."""
        full = self._crowd.full(getattr(addr, "host", ""), len(self.channels))
        if full:
            self.met.add(full)
            return self._crowd.turn_away(full)
        channel = super().buildProtocol(addr)
        channel.site = self
        return channel


def _is_reserved(path: bytes) -> bool:
    """Whether it is ours, however its first segment is written; `/_llmproxy/to/NAME/` is an upstream's."""
    return path.startswith(b"/") and is_reserved(path) and split_named(path) is None


class FrontResource(Resource):
    """The root: renders what is not ours by the pipeline. Below `_llmproxy` stand our own pages."""

    def __init__(self, front: Front, mounts: Mapping[str, Any]) -> None:
        super().__init__()
        self._front = front
        own = Resource()
        for segment, resource in mounts.items():
            own.putChild(segment.encode(), resource)
        self.putChild(RESERVED[1:], own)

    def render(self, request: Any) -> int:
        """Any method."""
        self._front.run(request)
        return server.NOT_DONE_YET

    def turn_away(self, request: Request, client: str, refusal: Refusal) -> tuple[ResponseHead, bytes, bytes]:
        """See `Front`."""
        return self._front.turn_away(request, client, refusal)
