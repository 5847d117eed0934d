"""A recording of another tool becomes one of ours: redacted, recognised, and judged whether it may be served again.

Invariant: what comes out holds no secret that live traffic would not hold, and is found by the fingerprint that a
daemon with the same settings takes of the same request (`pipeline/keeping.py` does this for live traffic). Called by
`llmproxy import` and `llmproxy show`.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from attrs import evolve, field, frozen

from proxy_daemon.core.bodies import EMPTY, Body, Bytes
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.dialects.judging import fault
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.messages import Ending, Pieces, Recording, Request, Response, Unknown
from proxy_daemon.core.pattern import Pattern
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.redacted_parts import redacted_parts, redacted_pattern
from proxy_daemon.core.redacted_response import is_coded, redacted_response, withholds_request
from proxy_daemon.core.routing import UnknownUpstream, choose, is_reserved, split_named
from proxy_daemon.core.said_members import members_of, said_of
from proxy_daemon.core.tokens import passed_on, target_passed_on
from proxy_daemon.core.upstreams import Upstream
from proxy_daemon.core.wire.json_text import parse, write

FINAL, RESET_CONTENT, PARTIAL_CONTENT, NOT_MODIFIED, ERRORS = 200, 205, 206, 304, 400  # RFC 9110 section 15
_JSON = Headers(((b"Content-Type", b"application/json"),))


class NotOurs(ValueError):
    """The recording cannot be one of ours; the message says why."""


@frozen
class Adopter:
    """``upstreams``, ``record_errors`` and ``record_broken`` as in the daemon's settings, ``dialects`` as it asks them.

    ``longest``: octets of a body that are kept (`--record-max-body`). What a person wrote is served whatever its
    status.
    """

    upstreams: Sequence[Upstream] = ()
    dialects: Sequence[Dialect] = BUILT_IN
    record_errors: bool = False
    record_broken: bool = False
    longest: int = 1 << 62
    redactor: Redactor = field(factory=Redactor)
    matcher: Matcher = field(factory=Matcher)

    def adopt(self, recording: Recording) -> tuple[Recording, str]:
        """The recording as it may be stored, and why it is not served again; empty where it is.

        Raises `NotOurs`, and whatever a plugin's dialect raises.
        """
        if recording.request.method == b"CONNECT":  # RFC 9110 section 9.3.6
            raise NotOurs("CONNECT asks a proxy for a tunnel: what went through it is not there")
        name, target = _addressed(recording.request.target)
        request = evolve(recording.request, target=target, headers=recording.request.headers.end_to_end())
        dialect = recognise(request, self.dialects)
        passed = evolve(request, target=target_passed_on(target), headers=passed_on(request.headers))
        safe = self.redactor.request(passed)
        asked = None if recording.answers_by_pattern_only else self._asked(name, dialect)
        judged = evolve(recording, request=passed)
        why = self._why_not_served(judged, dialect)
        recording = evolve(
            recording,
            model=dialect.model(passed),
            fingerprint=b"" if asked is None else self.matcher.fingerprint(safe, dialect, asked, b""),
            asked=asked,
            redacted=recording.redacted or _differs(safe, passed),
            request=safe,
            pattern=self._safe(recording.pattern) or _pattern(recording, safe, passed),
        )
        recording, lost = self._fitted(recording)
        why = why or lost
        return evolve(recording, replayable=not why), why

    def _asked(self, name: str, dialect: Dialect) -> Upstream:
        """Of whom the daemon's clients ask it: kept with it, for other rules of matching (`core/matching/anew.py`)."""
        try:
            return choose(self.upstreams, name, dialect)
        except UnknownUpstream as error:
            raise NotOurs(str(error)) from error

    # --- whether it is served again ----------------------------------------------------------------------------------

    def _why_not_served(self, recording: Recording, dialect: Dialect) -> str:
        response = recording.response
        parts = (Unknown.STATUS,) if Unknown.REQUEST in recording.unknown else (Unknown.REQUEST_BODY, Unknown.STATUS)
        lost = [each for each in parts if each in recording.unknown]
        if lost:
            return f"{lost[0].value} is not known"
        if response is None or recording.cut:
            return "the answer's body is not there"
        if recording.ending is not Ending.COMPLETE:
            return f"it ended by: {recording.ending.value}"
        status = response.head.status
        if (
            status < FINAL
            or status in (RESET_CONTENT, PARTIAL_CONTENT, NOT_MODIFIED)
            or (status >= ERRORS and not self.record_errors and not recording.written)
        ):
            return f"status {status}"
        return fault(dialect, recording.request, response) if status < ERRORS and not self.record_broken else ""

    def _safe(self, pattern: Pattern | None) -> Pattern | None:
        """Without secrets in what is said: as a request that says it comes without them."""
        if pattern is None or pattern.said is None:
            return pattern and redacted_pattern(pattern, self.redactor)
        told = write(members_of(pattern.said))
        safe = self.redactor.request(Request(b"POST", b"/", _JSON, Bytes(told))).body.whole()
        return pattern if safe is None or safe == told else evolve(pattern, said=said_of(parse(safe)))

    # --- what may be written -----------------------------------------------------------------------------------------

    def _fitted(self, recording: Recording) -> tuple[Recording, str]:
        """Without secrets in bodies, each body within the limit, pieces that fit. And what was left out, in words."""
        request, why = self._request(recording.request)
        response, why_too = (None, "") if recording.response is None else self._response(recording.response)
        redacted = recording.redacted or response is not recording.response or bool(why)
        response = None if response is None else _in_pieces(response)
        left_out = why or why_too
        fitted = evolve(
            recording, request=request, response=response, redacted=redacted, cut=recording.cut or bool(left_out)
        )
        return fitted, left_out

    def _request(self, request: Request) -> tuple[Request, str]:
        if request.body.size > self.longest:
            return evolve(request, body=EMPTY), "the request's body is too large to be kept"
        hard = request.body.whole() is None or is_coded(request.headers, request.body)
        if hard and withholds_request(self.redactor, request):
            return evolve(request, body=EMPTY), "the request's body may hold a secret"
        return request, ""

    def _response(self, response: Response) -> tuple[Response, str]:
        safe = redacted_response(self.redactor, response)
        if response.body.size and not safe.body.size:
            return safe, "the answer's body may hold a secret"
        if safe.body.size > self.longest:
            return evolve(safe, body=_beginning(safe.body, self.longest)), "the answer's body is too large to be kept"
        return safe, ""


def _pattern(recording: Recording, safe: Request, passed: Request) -> Pattern | None:
    """What it answers besides its own request: where that is not in the file, any; where parts are left out, more."""
    if Unknown.REQUEST in recording.unknown:
        return Pattern()
    return None if Unknown.REQUEST_BODY in recording.unknown else redacted_parts(safe, passed)


def _addressed(target: bytes) -> tuple[str, bytes]:
    """The name of the upstream, where it was recorded before an llmproxy, and the target there."""
    named = split_named(target)
    if named is None and is_reserved(target):
        raise NotOurs("a page of llmproxy itself")
    return named or ("", target)


def _beginning(body: Body, size: int) -> Bytes:
    return Bytes(body.read(0, size))


def _in_pieces(response: Response) -> Response:
    """What is replayed is replayed in pieces: one, where none are known; at no moment, where no times are."""
    sizes, times, size = response.pieces.sizes, response.pieces.times, response.body.size
    if sum(sizes) != size:
        return evolve(response, pieces=Pieces(array("Q", [size]), array("Q", [0])))
    if len(times) != len(sizes):
        return evolve(response, pieces=Pieces(sizes, array("Q", [0] * len(sizes))))
    return response


def _differs(safe: Request, request: Request) -> bool:
    return safe.headers is not request.headers or safe.target is not request.target or safe.body is not request.body
