"""Secrets as numbered placeholders: `<API_KEY_1>`, by kind, in the order in which they appear in one recording.

The same secret has the same placeholder, so a cassette that was recorded with one key is equal, octet for octet, to one
that was recorded with another, and a live request, numbered alone, is the recorded one. Of a request the target comes
first, then the body, then the head: whether a client sends a key in its head changes nothing of what is compared.

Called by whatever writes and reads cassettes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from attrs import define, evolve, field, frozen

from proxy_daemon.core.bodies import EMPTY, Body, Bytes
from proxy_daemon.core.headers import Headers, Pair
from proxy_daemon.core.messages import Delivered, Recording, Request, Response
from proxy_daemon.core.redact import Redactor, replaced, written
from proxy_daemon.core.redacted_address import redacted_address
from proxy_daemon.core.redacted_response import is_coded, redacted_response, withholds_request
from proxy_daemon.core.secret_names import PLACEHOLDER, SCHEMES, is_secret_field, kind_of
from proxy_daemon.core.secret_rules import NO_RULES, Rules
from proxy_daemon.core.secret_shapes import Found, is_mixed
from proxy_daemon.core.secret_spans import apart, wide_coding

_SCHEME = re.compile(rb"(%b[ \t]+)(.+)" % SCHEMES, re.DOTALL)
_MOST_KNOWN = 50  # secrets of a head that are looked for elsewhere too
_SHORTEST_KNOWN = 16  # octets of one: shorter ones may be words


@define
class Numbers:
    """Which secret is which, within one recording. ``known``: secrets of the head, which count wherever they stand."""

    known: tuple[bytes, ...] = ()
    _words: dict[bytes, bytes] = field(factory=dict, init=False, repr=False)
    _counts: dict[str, int] = field(factory=dict, init=False)

    def word(self, kind: str, secret: bytes) -> bytes:
        """The placeholder of a secret; one that stands there already stays."""
        if PLACEHOLDER.fullmatch(secret):
            return secret
        if secret not in self._words:
            self._counts[kind] = number = self._counts.get(kind, 0) + 1
            self._words[secret] = b"<%b_%d>" % (kind.encode(), number)
        return self._words[secret]


@frozen(slots=False, eq=False)
class NumberingRedactor(Redactor):
    """For one recording, or one request."""

    numbers: Numbers = field(factory=Numbers)

    def headers(self, headers: Headers) -> Headers:
        """See `Redactor`. Of credentials the scheme stays."""
        pairs = tuple([self._pair(pair) for pair in headers.pairs])
        return headers if pairs == headers.pairs else Headers(pairs)

    def _pair(self, pair: Pair) -> Pair:
        name, value = pair
        if not (is_secret_field(name) or name.lower() in self.rules.fields):
            return name, self.value(value)
        before, secret = _credential(value)
        return name, before + self.numbers.word(kind_of(name, self.rules.fields), secret)

    def target(self, target: bytes) -> bytes:
        """See `Redactor`."""
        safe = redacted_address(target, self.rules.parameters, self._parameter)
        found = apart([*self.rules.found(safe), *self._known(safe)])
        new = [self.numbers.word(each.kind, safe[each.start : each.end]) for each in found]
        safe = replaced(safe, found, new)
        return target if safe == target else safe

    def _parameter(self, name: bytes, secret: bytes) -> bytes:
        return self.numbers.word(kind_of(name, self.rules.parameters), secret)

    def value(self, value: bytes) -> bytes:
        """See `Redactor`."""
        return self.target(value)

    def secrets(self, content_type: bytes, data: bytes) -> list[Found]:
        """See `Redactor`. And what the head told, where it stands in the body too, as in errors that quote a key."""
        found = [each for each in super().secrets(content_type, data) if not _stands(data, each)]
        known = self._known(data)
        return apart([*found, *known]) if known else found

    def _known(self, data: bytes) -> list[Found]:
        return [
            Found(each.start(), each.end(), "API_KEY", "a secret of the head")
            for secret in self.numbers.known
            if secret in data
            for each in re.finditer(re.escape(secret), data)
        ]

    def words(self, data: bytes, found: Sequence[Found]) -> list[bytes]:
        """See `Redactor`."""
        coding = wide_coding(data) or "ascii"
        return [
            written(self.numbers.word(each.kind, each.whole or data[each.start : each.end]), each, coding)
            for each in found
        ]


def numbered(recording: Recording, rules: Rules = NO_RULES) -> Recording:
    """The recording as it may stand in a cassette; the same object where it holds no secret.

    Give it what was on the wire: where secrets are redacted already, they cannot be told apart. A body that can neither
    be rewritten nor shown to be free of secrets becomes empty, and the recording `cut`.
    """
    redactor = _redactor(recording.request, rules)
    request = _request(redactor, recording.request)
    response = None if recording.response is None else _response(redactor, recording.response)
    delivered = None if recording.delivered is None else _delivered(redactor, recording.delivered)
    detail = redactor.text(recording.detail)
    before = (recording.request, recording.response, recording.delivered, recording.detail)
    if all(one is other for one, other in zip((request, response, delivered, detail), before, strict=True)):
        return recording
    lost = _lost(recording.request, request) or _lost(recording.response, response)
    return evolve(
        recording,
        request=request,
        response=response,
        delivered=delivered,
        detail=detail,
        redacted=True,
        cut=recording.cut or lost,
        replayable=recording.replayable and not lost,
    )


def numbered_request(request: Request, rules: Rules = NO_RULES) -> Request:
    """A request as `numbered` leaves that of a recording: by this it is looked up. The same object without secrets."""
    return _request(_redactor(request, rules), request)


class NumberedRequests(Redactor):
    """Takes the secrets out of requests as `numbered_request` does: for fingerprints of what cassettes hold."""

    def request(self, request: Request) -> Request:
        """See `Redactor`."""
        return numbered_request(request, self.rules)


def _delivered(redactor: NumberingRedactor, delivered: Delivered) -> Delivered:
    came = Response(delivered.head, delivered.body or EMPTY)
    safe = redacted_response(redactor, came)
    if safe is came:
        return delivered
    return Delivered(safe.head, safe.body if delivered.body is not None else None, delivered.cut or _lost(came, safe))


def _redactor(request: Request, rules: Rules) -> NumberingRedactor:
    secrets = [_credential(value)[1] for name, value in request.headers.pairs if is_secret_field(name)]
    known = [each for each in dict.fromkeys(secrets) if len(each) >= _SHORTEST_KNOWN and is_mixed(each)]
    return NumberingRedactor(rules, Numbers(tuple(known[:_MOST_KNOWN])))


def _stands(data: bytes, found: Found) -> bool:
    """Whether a placeholder is there already."""
    return PLACEHOLDER.fullmatch(data, found.start, found.end) is not None


def _credential(value: bytes) -> tuple[bytes, bytes]:
    """(Scheme, credentials), RFC 9110 section 11.4; no scheme where none is known."""
    found = _SCHEME.fullmatch(value)
    return (found[1], found[2]) if found else (b"", value)


def _request(redactor: NumberingRedactor, request: Request) -> Request:
    target, data = redactor.target(request.target), request.body.whole()
    kind = request.headers.get(b"content-type")
    if data is None or is_coded(request.headers, request.body):
        body = EMPTY if withholds_request(redactor, request) else request.body
    else:
        safe = redactor.body(kind, data)
        body = request.body if safe is data else Bytes(safe)
    headers = redactor.headers(request.headers)
    if body is request.body:
        same = target is request.target and headers is request.headers
        return request if same else request.with_head(target, headers)
    return Request(request.method, target, _measured(headers, body), body)


def _response(redactor: NumberingRedactor, response: Response) -> Response:
    safe = redacted_response(redactor, response)
    if safe.body is response.body:
        return safe
    return evolve(safe, head=evolve(safe.head, headers=_measured(safe.head.headers, safe.body)))


def _measured(headers: Headers, body: Body) -> Headers:
    """With the length of what is there now: it would tell how long the secret is, and keys differ in that."""
    length = b"%d" % body.size
    if not body.size or headers.get(b"content-length") in (b"", length):
        return headers
    return Headers([(name, length if name.lower() == b"content-length" else value) for name, value in headers.pairs])


def _lost(before: Request | Response | None, after: Request | Response | None) -> bool:
    return before is not None and after is not None and before.body.size > 0 and after.body.size == 0
