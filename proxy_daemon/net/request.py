"""One request at the front: its body into a spool, the rules of access, and whoever may not ask is turned away.

Fields keep their case and order. All that is not ours, or refused, goes to the site's root (`net/front.py`). Made by
`FrontSite`, fed by `FrontChannel`.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.web import http

from proxy_daemon.core import cors
from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Exchange, Request, ResponseHead
from proxy_daemon.core.routing import CASSETTE, NAMED, RESERVED, is_reserved, split_cassette, split_named
from proxy_daemon.net import guard
from proxy_daemon.net.bodies import Spool
from proxy_daemon.net.client import FrontClient
from proxy_daemon.net.guard import NOBODY, Caller
from proxy_daemon.net.lean_request import LeanRequest
from proxy_daemon.net.limits import LimitMet, body_too_large, overdue, spool_failed
from proxy_daemon.pipeline.faults import Refusal

if TYPE_CHECKING:
    from proxy_daemon.net.site import FrontSite

OWN_MAX_BODY = 16 * 1024 * 1024  # octets that somebody may send to one of our own pages: they are kept in memory
# In a 426. Fields of one hop, which `ResponseHead.wire` leaves out.
SPOKEN_HERE = b"Connection: Upgrade\r\nUpgrade: HTTP/1.1\r\n"
# Relative: a reverse proxy may have put a path before it.
TO_OURS = RESERVED[1:] + b"/"
# On each of our own pages, unless it sets its own: no other page frames it, reads it or holds its window, and no cache
# keeps it.
OWN_PAGE = (
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


class FrontRequest(LeanRequest):
    """One request. Its response is written by `net.client.FrontClient`, or by a resource below `/_llmproxy/`."""

    site: FrontSite
    gone = False
    running: Deferred[None] | None = None
    exchange: Exchange | None = None  # where it runs
    refused: Refusal | None = None
    caller: Caller = NOBODY
    fields: Headers
    spool: Spool | Bytes
    most_body = 0  # octets that its body may have

    def gotLength(self, length: int | None) -> None:
        """The head is whole: whoever may not ask is told before the body comes."""
        self.spool = Spool()
        if self.channel.rejected:
            return
        self.fields = Headers(self.channel.raw_fields)
        self.channel.raw_fields = []
        self.site = self.channel.site
        if not self.channel.judge(self.fields, length):
            self.requestHeaders.removeHeader(b"expect")  # else Twisted invites the body
            return
        self.refused = self._refusal(length)
        if self.refused is None and not _is_reserved(self.channel._path.partition(b"?")[0]):  # noqa: SLF001  (see below)
            self.channel.learn(self.fields, length, self.caller)
        elif self.refused is not None and length != 0:
            self._refuse_early()

    def parseCookies(self) -> None:
        """Nobody looks at them here, and a head full of `;` would take a tenth of a second."""

    def known(self, fields: Headers, caller: Caller, body: bytes) -> None:
        """In place of `gotLength` and `handleContentChunk`: a request that was let in before, and its whole body."""
        self.site = self.channel.site
        self.fields, self.caller = fields, caller
        self.spool = Bytes(body)

    def handleContentChunk(self, data: bytes) -> None:
        """A part of the body."""
        if self.refused is not None or self.channel.rejected:
            return
        assert isinstance(self.spool, Spool)  # what is `known` has no more parts
        if self.spool.size + len(data) > self.most_body:
            self.refused = body_too_large(self.most_body)
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
            self._begun(ResponseHead(302, b"Found", Headers(((b"Location", TO_OURS),))), b"", b"").finish()
        elif _is_reserved(self.path):
            self._serve_own()
        elif self.caller.origin and cors.is_preflight(self.method, self.fields):
            self._begun(cors.preflight_answer(self.fields), b"", b"").finish()
        else:
            self.site.root.render(self)

    def _serve_own(self) -> None:
        self.content = BytesIO(self.spool.whole() or b"")
        self.args = http.parse_qs(self.uri.partition(b"?")[2], 1)
        for name, value in OWN_PAGE:
            self.setHeader(name, value)
        super().process()

    # --- refusals ----------------------------------------------------------------------------------------------------

    def _refusal(self, length: int | None) -> Refusal | None:
        version = self.channel._version == b"HTTP/1.1"  # noqa: SLF001  (not public yet at this point)
        reason = self.site.access.refusal(self.fields, self.channel.local_host, version)
        if reason:
            return Refusal(403 if len(self.fields.all(b"host")) == 1 else 400, reason)
        path = self.channel._path.partition(b"?")[0]  # noqa: SLF001  (as above)
        own = _is_reserved(path)
        access = self.site.access
        reason = access.page_refusal(self.fields, path == b"/" or own)
        if reason := reason or (access.own_page_refusal if own else access.script_refusal)(self.fields):
            return Refusal(403, reason)
        if stranger := self._stranger():
            return stranger
        self.most_body = min(OWN_MAX_BODY, self.site.max_body) if own else self.site.max_body
        if length is not None and length > self.most_body:
            return body_too_large(self.most_body)
        if b"upgrade" in self.fields and b"h2c" not in self.fields.tokens(b"upgrade"):
            return Upgrade()
        return None

    @property
    def relayed_fields(self) -> Headers:
        """Those that may go to an upstream, and into the record."""
        return self.site.access.tokens.without_admin(self.fields)

    @property
    def is_ours(self) -> bool:
        """Whether it comes from this machine, or from the admin."""
        local = guard.is_local(self.fields, self.channel.peer_is_local)
        return local or self.site.access.tokens.is_admin(self.fields, password=False)

    def _stranger(self) -> Refusal | None:
        """Learn who asks. Another machine may need a token: of a client, or for our own pages the admin's.

        Whoever changes something by our own pages needs theirs, on this machine too.
        """
        tokens = self.site.access.tokens
        self.caller = guard.caller(self.fields, self.channel._path, tokens)  # noqa: SLF001  (as above)
        method, path = self.channel._command, self.channel._path.partition(b"?")[0]  # noqa: SLF001  (as above)
        own = _is_reserved(path)
        refused = None
        if not guard.is_local(self.fields, self.channel.peer_is_local):
            refused = guard.refusal(method, own, self.fields, self.caller, tokens)
        self.site.unauthorized += isinstance(refused, guard.Unauthorized)
        if refused is None and own and not path.startswith((NAMED, CASSETTE)):  # below these stand no pages
            refused = guard.refuse_change(method, self.fields, tokens)
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
        """The response is whole. It was written past Twisted, whose `finish` has nothing to add."""
        self.finished = 1
        self._cleanup()

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


class Upgrade(Refusal):
    """A request for another protocol. A 426 names what is spoken here (RFC 9110 section 15.5.22)."""

    def __init__(self) -> None:
        super().__init__(426, "llmproxy does not pass protocol upgrades (WebSocket) on yet; use plain HTTP.")


def _is_reserved(path: bytes) -> bool:
    """Whether it is ours, however its first segment is written; what names an upstream or a cassette goes on."""
    if not path.startswith(b"/") or not is_reserved(path):
        return False
    return split_named(path) is None and split_cassette(path) is None
