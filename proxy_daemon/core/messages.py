"""The values that pass through the pipeline: request, response head, recording, and the exchange that holds them.

Everything on the wire is bytes, and stays what it was. Plugins get an `Exchange`; only the pipeline assigns to it:
`notes` is theirs to write, and `fire` theirs to call.
"""

from __future__ import annotations

import re
from array import array
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import orjson
from attrs import define, field, frozen

from proxy_daemon.core.bodies import EMPTY, Body
from proxy_daemon.core.cache_control import Directives
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.lazy import lazy
from proxy_daemon.core.pattern import Pattern
from proxy_daemon.core.secret_names import is_left_out
from proxy_daemon.core.upstreams import Upstream

if TYPE_CHECKING:
    from proxy_daemon.core.dialects.dialect import Dialect
    from proxy_daemon.core.shelves import Shelf

# Larger JSON is not parsed on the reactor thread: it is relayed, recorded and compared as bytes.
JSON_LIMIT = 8 * 1024 * 1024


_ID = re.compile(r"0*[0-7]?[0-9A-Fa-f]{1,15}")
_UNSAFE = re.compile(rb"[\x00\r\n]+")
# The length is written by who sends the body; the others are fields of another llmproxy behind this one.
_NOT_PASSED = frozenset((b"content-length", b"x-llmproxy-exchange", b"x-llmproxy-body"))
UNBUFFERED = b"\r\nX-Accel-Buffering: no\r\n"
SSE = b"text/event-stream"


@frozen(slots=False)
class Request:
    """A request as it goes upstream: hop-by-hop fields, `/_llmproxy/to/NAME` and our own fields are off."""

    method: bytes
    target: bytes
    headers: Headers = Headers()
    body: Body = EMPTY

    @lazy
    def path(self) -> bytes:
        """The target up to its first question mark, as sent (percent-encoding stays)."""
        return self.target.partition(b"?")[0]

    @lazy
    def query(self) -> bytes:
        """The target behind its first question mark, as sent."""
        return self.target.partition(b"?")[2]

    @lazy
    def json(self) -> Any:
        """The body as JSON; None where it is none, or larger than `JSON_LIMIT`."""
        data = self.body.whole()
        if not data or len(data) > JSON_LIMIT:
            return None
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError:
            return None

    def with_head(self, target: bytes, headers: Headers) -> Request:
        """The same body behind another head: what was read of it is not read again."""
        other = Request(self.method, target, headers, self.body)
        if "json" in self.__dict__:
            other.__dict__["json"] = self.__dict__["json"]
        return other

    def body_field(self, name: str) -> Any:
        """One top-level member of a JSON object body, or None."""
        return self.json.get(name) if isinstance(self.json, dict) else None


@frozen(slots=False)
class ResponseHead:
    """Status line and header fields of a response."""

    status: int
    reason: bytes = b""
    headers: Headers = Headers()

    @lazy
    def wire(self) -> bytes:
        """Status line and fields as a proxy sends them on, without framing and the empty line (RFC 9112 section 2.1).

        Streams get `X-Accel-Buffering: no`, by which nginx passes each piece on as it comes (its module http_proxy).
        Line breaks that a plugin put into a value become spaces: they must not make a field of their own.
        """
        pairs = self.headers.end_to_end().without(_NOT_PASSED).pairs
        lines = [b"HTTP/1.1 %d %b" % (self.status, self.reason), *[b"%b: %b" % pair for pair in pairs]]
        data = b"\r\n".join(lines)
        if data.count(b"\n") != len(lines) - 1 or data.count(b"\r") != len(lines) - 1 or b"\0" in data:
            data = b"\r\n".join([_UNSAFE.sub(b" ", line) for line in lines])
        return data + (UNBUFFERED if self._is_buffered_stream() else b"\r\n")

    def _is_buffered_stream(self) -> bool:
        """Whether nginx would hold a stream back, and upstream has not said whether it should."""
        # Streams of JSON are known by their framing only. nginx would hold them where it speaks HTTP/1.0 with us.
        is_stream = b"transfer-encoding" in self.headers or self.headers.get(b"content-type").lower().startswith(SSE)
        return is_stream and b"x-accel-buffering" not in self.headers

    @lazy
    def length(self) -> bytes:
        """Its `Content-Length`; empty where it has none."""
        return self.headers.get(b"content-length")


class Ending(StrEnum):
    """How an exchange ended."""

    COMPLETE = "complete"
    CLIENT_GONE = "client gone"
    BROKEN_OFF = "upstream broke off"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    FAILED = "failed"


class Outcome(StrEnum):
    """Where the answer came from."""

    LIVE = "live"  # forwarded, nothing was looked up
    MISS = "miss"  # looked up, not found, forwarded
    HIT = "hit"  # a recording answered
    COLLAPSED = "collapsed"  # an equal request in flight answered
    REFUSED = "refused"  # not forwarded: by mode, by rule, or malformed
    FAILED = "failed"  # no upstream answer, or a plugin's fault


@frozen(slots=False)
class Pieces:
    """The body as it arrived: ``sizes`` in octets, ``times`` in microseconds since the exchange began.

    A piece is what one read from upstream delivered.
    """

    sizes: array[int] = field(factory=lambda: array("Q"))
    times: array[int] = field(factory=lambda: array("Q"))


@frozen(slots=False)
class Response:
    """A recorded response: the body is exactly what was on the wire, before any content decoding."""

    head: ResponseHead
    body: Body = EMPTY
    pieces: Pieces = Pieces()
    trailers: Headers = Headers()


@frozen(slots=False)
class Delivered:
    """What the client got, where rules or plugins made it another than upstream's.

    ``body``: None where it is upstream's own, octet for octet. ``cut``: it was too long to be recorded, or withheld.
    """

    head: ResponseHead
    body: Body | None = None
    cut: bool = False


class Unknown(StrEnum):
    """What a recording of another tool does not tell. It is never made up."""

    TIME = "when it was recorded"
    DURATION = "how long it took"
    PIECES = "the pieces of the answer and their times"
    PIECE_TIMES = "when the pieces of the answer came"  # their sizes are known: `Pieces.times` is empty
    HOST = "the host that was asked"
    REQUEST_HEADERS = "the request's header fields"
    REQUEST_BODY = "the request's body"
    REQUEST_OCTETS = "the request body's own octets"  # its meaning is there, parsed and written anew
    RESPONSE_HEADERS = "the response's header fields"
    RESPONSE_OCTETS = "the response body's own octets"
    STATUS = "the answer's status"  # the status is 0
    REQUEST = "the request"  # an answer only


@frozen(slots=False)
class Recording:
    """A stored exchange, and what is needed to find and to serve it."""

    id: int
    request: Request
    response: Response | None
    upstream: Upstream
    ending: Ending
    outcome: Outcome
    started: float  # seconds since 1970
    client: str = ""
    model: str = ""
    status: int = 0  # what the client got; 0 for nothing
    detail: str = ""
    head_time: int = 0  # microseconds from the start to the response head
    duration: int = 0  # microseconds from the start to the end
    fingerprint: bytes = b""  # empty: not known
    replayable: bool = False  # good, complete, and recorded in a mode that keeps answers
    pinned: bool = False  # limits of size and age pass it by
    cut: bool = False  # a body was longer than --record-max-body, or withheld
    redacted: bool = False  # something was replaced before it was written
    served_from: int = 0  # the id of the recording that answered
    unknown: frozenset[Unknown] = frozenset()  # of what was read from a file of another tool
    imported: float = 0.0  # seconds since 1970 when it came from such a file into the store; 0: it did not
    session: str = ""  # whose run it was made in: the client's `X-LLMProxy-Session`, or the file that it came from
    scope: bytes = b""  # what scoped its fingerprint (--replay-scope key); empty: nothing did
    pattern: Pattern | None = None  # the requests that it answers, where these are more than the recorded one
    written: bool = False  # a person wrote its answer: it answers streaming and not, as the client asks
    pace: float = 0.0  # seconds before each word of a stream, as a person wrote it; 0: as any recording is replayed
    edits: int = 0  # the id of the exchange whose answer a person has edited to this one; 0: of none
    asked: Upstream | None = None  # of whom it was asked, as its fingerprint counts; None: of `upstream`
    fitted: bool = False  # never stored: its answer was made to fit the request that it answers (ids, or another form)
    rules: tuple[str, ...] = ()  # names of those that changed something
    cassette: str = ""  # the one that was asked; empty: the store
    delivered: Delivered | None = None  # what the client got; None: what upstream sent, as far as it came

    @property
    def answers_by_pattern_only(self) -> bool:
        """Whether its own request tells nothing: it is not known, or stands there to carry what a talk says."""
        if self.pattern is not None and self.pattern.said is not None:
            return True
        return Unknown.REQUEST in self.unknown or Unknown.REQUEST_BODY in self.unknown  # two requests look like one

    @lazy
    def replay_head(self) -> ResponseHead:
        """The response head as it is served again: without redacted fields and those that are made anew."""
        assert self.response is not None
        head = self.response.head
        bodiless = self.request.method == b"HEAD"
        pairs = [
            pair
            for pair in head.headers.pairs
            if not is_left_out(pair[1])
            and (bodiless or pair[0].lower() != b"content-length")
            and pair[0].lower() != b"age"
        ]
        if head.length and not bodiless:
            pairs.append((b"Content-Length", b"%d" % self.response.body.size))
        return ResponseHead(head.status, head.reason, Headers(pairs))


# Notes of an exchange that more than one room reads.
MAY_MAKE = "llmproxy.may_make"  # whether who asks may make new cassettes
KNOWN = "llmproxy.known"  # what was worked out for requests of the same octets (`pipeline/recognising.py`)
SAFE = "llmproxy.safe_request"  # the request without its secrets, made once
SCOPE = "llmproxy.scope"  # whose recordings its fingerprint finds
PROBLEMS = "llmproxy.problems"  # what rules could not change, and why


@define
class Exchange:
    """One request and its response as they pass through. Plugins read it; `notes` is theirs to write."""

    id: int
    request: Request
    upstream: Upstream  # asked of: the scope of look-ups. `llmproxy_route` may send it elsewhere
    dialect: Dialect
    started: float  # seconds since 1970
    began: float = 0.0  # the same moment on the clock that never goes back: for durations
    client: str = ""
    client_name: str = ""  # of the client's token, where it brought one that is known
    directives: Directives = Directives()
    credential: bytes = b""  # keyed hash of what the client authenticates with; empty without
    session: str = ""  # the client's `X-LLMProxy-Session`: an own place in repeated recordings, an own verdict
    cassette: str = ""  # the cassette that the client names; empty: what the daemon was started with
    shelf: Shelf | None = None  # where its recordings are found and kept; None until the exchange begins
    model: str = ""
    fingerprint: bytes = b""
    outcome: Outcome = Outcome.LIVE
    ending: Ending | None = None
    detail: str = ""  # why, in words, where there is something to say
    if_cancelled: Ending = Ending.CLIENT_GONE  # how it ends when it is cancelled
    served_from: int = 0
    at_hand: Response | None = None  # the answer, where all of it is there, and could go out as it is
    fitted: bool = False  # the recording that answers was made to fit (`Recording.fitted`)
    likeness: float = 0.0  # of the recording that answers in the place of an equal one (--fuzzy serve); 0: it is equal
    status: int = 0
    request_size: int = 0
    response_size: int = 0
    head_time: int = 0  # microseconds since the start
    duration: int = 0  # microseconds since the start
    rules: tuple[str, ...] = ()  # names of those that changed something: see `fire`
    notes: dict[str, Any] = field(factory=dict)

    def fire(self, *names: str) -> None:
        """These rules have changed something in the request or the answer. Each is named once. For plugins to call."""
        for name in names:
            safe = name.encode("utf-8", "replace").decode()
            if safe not in self.rules:
                self.rules = (*self.rules, safe)


def id_text(exchange_id: int) -> str:
    """An exchange's id as people see it: hexadecimal, sortable by time."""
    return f"{exchange_id:016x}"


def id_number(text: str) -> int:
    """The number behind `id_text`. Raises ValueError where it is none, or none that a store can hold."""
    if _ID.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not an exchange's id")
    return int(text, 16)
