"""What follows from a request's octets: its model, the request without its secrets, and its fingerprint.

Requests that are replayed come again octet for octet: what was worked out for the last ones is kept where their
dialect is (`pipeline/admission.py`), in bounded memory. Called by `pipeline/keeping.py`.
"""

from __future__ import annotations

from attrs import define, field, frozen

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.credentials import with_secrets
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.fingerprint import SMALL, Matcher
from proxy_daemon.core.messages import KNOWN, Exchange, Request
from proxy_daemon.core.numbered import numbered_request
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.shelves import Shelf

# Of one request's octets: by the upstream, credential or cassette that it is for. Few, for what is kept here may
# be as long as the request, and its memory is bounded by the requests' length (`core/matching/kept.py`).
MOST = 2


@frozen
class Recognised:
    """``body``: without its secrets, where it has any; else None. ``scope``: whose recordings the fingerprint finds."""

    model: str
    target: bytes
    headers: Headers
    body: bytes | None
    fingerprint: bytes
    scope: bytes

    def safe(self, request: Request) -> Request:
        """``request``, of which this is known, without its secrets; itself where it has none."""
        if self.body is not None:
            return Request(request.method, self.target, self.headers, Bytes(self.body))
        if self.target is request.target and self.headers is request.headers:
            return request
        return request.with_head(self.target, self.headers)


@define(eq=False)
class Recogniser:
    """One for the daemon. ``key``: for the keyed hash of secrets, as in `Admission`."""

    redactor: Redactor
    matcher: Matcher
    key: bytes = field(repr=False)

    def recognise(self, exchange: Exchange, *, by_key: bool) -> tuple[Recognised, Request]:
        """Of the exchange's request, and it without its secrets.

        ``by_key``: whether a recording answers its own credential's requests only.
        """
        request = exchange.request
        known, data = exchange.notes.get(KNOWN), request.body.whole()
        if known is None or data is None or len(data) > SMALL:
            return self._worked_out(exchange, by_key)
        who = _cassette(exchange) or (exchange.credential if by_key else None)
        # A plugin may have changed the request: then this is not the one that it is known for.
        key = (data, request.method, request.target, request.headers, exchange.dialect, exchange.upstream, who)
        found: Recognised | None = known.get(key)
        if found is not None:
            return found, found.safe(request)
        worked_out = self._worked_out(exchange, by_key)
        if len(known) < MOST:
            known[key] = worked_out[0]
        return worked_out

    def _worked_out(self, exchange: Exchange, by_key: bool) -> tuple[Recognised, Request]:
        request, dialect = exchange.request, exchange.dialect
        model = dialect.model(request)
        if (shelf := _cassette(exchange)) is not None:
            scope, safe = b"", numbered_request(request, self.redactor.rules)
            fingerprint = (shelf.matcher or self.matcher).fingerprint(safe, dialect, None, b"")
        else:
            safe = self.redactor.request(request)
            scope = self._scope(exchange, safe) if by_key else b""
            fingerprint = self.matcher.fingerprint(safe, dialect, exchange.upstream, scope)
        body = None if safe.body is request.body else safe.body.whole()
        return Recognised(model, safe.target, safe.headers, body, fingerprint, scope), safe

    def _scope(self, exchange: Exchange, safe: Request) -> bytes:
        """Whose secrets differ in a body are two: its fingerprint does not tell them apart."""
        request = exchange.request
        if safe.body is request.body or (data := request.body.whole()) is None:
            return exchange.credential
        spans = self.redactor.spans(request.headers.get(b"content-type"), data)
        return with_secrets(exchange.credential, [data[start:end] for start, end in spans], self.key)


def _cassette(exchange: Exchange) -> Shelf | None:
    """Where the host does not count, nor whose credential asks; None for the store."""
    return exchange.shelf if exchange.shelf is not None and exchange.shelf.cassette else None
