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

from proxy_daemon.core.access import Access
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request, ResponseHead
from proxy_daemon.core.routing import RESERVED, is_reserved, split_named
from proxy_daemon.net.bodies import Spool
from proxy_daemon.net.channel import FrontChannel, KnownHead
from proxy_daemon.net.client import FrontClient
from proxy_daemon.pipeline.admission import Admission
from proxy_daemon.pipeline.exchange import Pipeline
from proxy_daemon.pipeline.faults import Refusal

log = Logger()

MAX_ADDRESSES = 16  # of ours, with their known heads
# Set by reverse proxies: whoever sends through one on this machine is not on this machine.
FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-real-ip")
# In a 426. Fields of one hop, which `ResponseHead.wire` leaves out.
SPOKEN_HERE = b"Connection: Upgrade\r\nUpgrade: HTTP/1.1\r\n"


class FrontRequest(server.Request):
    """One request. Its response is written by `net.client.FrontClient`, or by a resource below `/_llmproxy/`."""

    channel: FrontChannel
    site: FrontSite
    gone = False
    running: Deferred[None] | None = None
    refused: Refusal | None = None
    fields: Headers

    def gotLength(self, length: int | None) -> None:
        """The head is whole: whoever may not ask is told before the body comes."""
        self.spool = Spool()
        if self.channel.rejected:
            return
        self.fields = Headers(self.channel.raw_fields)
        self.channel.raw_fields = []
        self.site = cast("FrontSite", self.channel.site)  # type: ignore[attr-defined]
        self.refused = self._refusal(length)
        if self.refused is None and not _is_reserved(self.channel._path.partition(b"?")[0]):  # noqa: SLF001  (see below)
            self.channel.learn(self.fields, length)
        elif self.refused is not None and length != 0:
            self._refuse_early()

    def known(self, fields: Headers, body: bytes) -> None:
        """In place of `gotLength` and `handleContentChunk`: a request that was let in before, and its whole body."""
        self.site = cast("FrontSite", self.channel.site)  # type: ignore[attr-defined]
        self.fields = fields
        self.spool = Spool()
        if body:
            self.spool.write(body)

    def handleContentChunk(self, data: bytes) -> None:
        """A part of the body."""
        if self.refused is not None or self.channel.rejected:
            return
        if self.spool.size + len(data) > self.site.max_body:
            self.refused = _too_large(self.site.max_body)
            self._refuse_early()
            return
        try:
            self.spool.write(data)
        except OSError as error:
            self.refused = Refusal(507, f"The request body cannot be spooled: {error.strerror}.")
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
        refused = self.refused or self._refused_target()
        if refused is not None:
            self.refuse(refused)
        elif self.path == RESERVED or (self.path == b"/" and b"text/html" in self.fields.get(b"accept")):
            self._begun(ResponseHead(302, b"Found", Headers(((b"Location", RESERVED + b"/"),))), b"", b"").finish()
        elif _is_reserved(self.path):
            self._serve_own()
        else:
            self.site.root.render(self)

    def _serve_own(self) -> None:
        if not self.channel.peer_is_local or any(name in self.fields for name in FORWARDED):
            self.refuse(Refusal(403, "/_llmproxy/ answers only clients on this machine."))
            return
        self.content = BytesIO(self.spool.whole() or b"")
        self.args = http.parse_qs(self.uri.partition(b"?")[2], 1)
        super().process()

    # --- refusals ----------------------------------------------------------------------------------------------------

    def _refusal(self, length: int | None) -> Refusal | None:
        version = self.channel._version == b"HTTP/1.1"  # noqa: SLF001  (not public yet at this point)
        reason = self.site.access.refusal(self.fields, self.channel.local_host, version)
        if reason:
            return Refusal(403 if len(self.fields.all(b"host")) == 1 else 400, reason)
        if length is not None and length > self.site.max_body:
            return _too_large(self.site.max_body)
        if b"upgrade" in self.fields and b"h2c" not in self.fields.tokens(b"upgrade"):
            return Upgrade()
        return None

    def _refused_target(self) -> Refusal | None:
        if self.method == b"CONNECT" or not self.uri.startswith(b"/"):
            return Refusal(
                400, "The request target must begin with '/': this is a reverse proxy, set it as the base URL."
            )
        return None

    def _refuse_early(self) -> None:
        """Answer now, invite no body, and close: the rest of the body must not be read as a request."""
        assert self.refused is not None
        self.requestHeaders.removeHeader(b"expect")
        self.method, self.uri = self.channel._command, self.channel._path  # noqa: SLF001  (as above)
        self.clientproto = b"HTTP/1.1"
        self.channel.persistent = 0
        self._turn_away(self.refused)
        self.gone = True
        self.channel.linger()

    def refuse(self, refusal: Refusal) -> None:
        """Answer in the shape of the API that was called."""
        self._turn_away(refusal).finish()

    def _turn_away(self, refusal: Refusal) -> FrontClient:
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

    def end(self) -> None:
        """The response is whole."""
        HTTPRequest.finish(self)

    def connectionLost(self, reason: Failure) -> None:
        """The client is gone: whatever runs for it learns at once."""
        self.gone = True
        super().connectionLost(reason)
        if self.running is not None:
            self.running.cancel()


@frozen(slots=False)
class Front:
    """What stands behind the site for all that is not ours: makes exchanges and runs them."""

    admission: Admission
    pipeline: Pipeline

    def run(self, request: FrontRequest) -> None:
        """Answer one request by the pipeline."""
        try:
            exchange = self.admission.admit(
                request.method, request.uri, request.fields, request.spool, request.channel.peer_host
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
            request.running = running
        running.addErrback(_unexpected)

    def turn_away(self, request: Request, client: str, refusal: Refusal) -> tuple[ResponseHead, bytes, bytes]:
        """Head, our own fields and body of the answer to a request that may not come in.

        It is logged, not stored: nobody from outside may push recordings out of the store.
        """
        exchange = self.admission.turned_away(request, client)
        return self.pipeline.turn_away(exchange, refusal)


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
        self, root: IResource, access: Access, max_body: int, timeout: float, seconds: Callable[[], float]
    ) -> None:
        super().__init__(root, requestFactory=FrontRequest, timeout=timeout)
        self.root: Any = root
        self.access = access
        self.max_body = max_body
        self.seconds = seconds
        self.channels: set[FrontChannel] = set()
        self._known_heads: dict[str, dict[bytes, KnownHead]] = {}
        self.displayTracebacks = False

    def known_heads(self, local_host: str) -> dict[bytes, KnownHead]:
        """What the parser and the rules of access have passed, for one of our addresses: the rules depend on it."""
        if local_host not in self._known_heads and len(self._known_heads) >= MAX_ADDRESSES:
            self._known_heads.clear()
        return self._known_heads.setdefault(local_host, {})

    def look(self) -> None:
        """Close connections that have been silent for too long. Called once a second."""
        now = self.seconds()
        for channel in tuple(self.channels):
            channel.look(now)

    def log(self, request: Any) -> None:
        """Nothing: the pipeline logs."""

    def buildProtocol(self, addr: Any) -> Any:
        """Our channel, without the wrapper that negotiates HTTP/2."""
        channel = super().buildProtocol(addr)
        channel.site = self
        return channel


def _too_large(limit: int) -> Refusal:
    return Refusal(413, f"The request body is larger than {limit} octets (--max-body).")


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
