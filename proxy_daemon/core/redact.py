"""Takes secrets out of what is written: header fields, addresses, and the fields of bodies.

A body is redacted in its octets: only the text of a value changes. Runs before fingerprints are taken and before
anything is stored (`pipeline/keeping.py`), so what is looked for must be found fast: most bodies hold none of it.
"""

from __future__ import annotations

from functools import lru_cache

from attrs import frozen

from proxy_daemon.core.bodies import Body, Bytes
from proxy_daemon.core.headers import Headers, Pair
from proxy_daemon.core.messages import Request
from proxy_daemon.core.redacted_address import REDACTED, redacted_address
from proxy_daemon.core.secret_names import is_secret_field
from proxy_daemon.core.secret_spans import Spans, secret_spans, wide_coding, withholds


@frozen(slots=False)
class Redactor:
    """The lists, applied."""

    def headers(self, headers: Headers) -> Headers:
        """The fields with the values of secret ones replaced; the same object where there are none."""
        pairs = [(pair[0], REDACTED) if is_secret_field(pair[0]) else pair for pair in headers.pairs]
        # All at once: most fields hold no address, and this is cheaper than to ask each.
        if _may_hold_address(b"\n".join([value for _, value in pairs])):
            pairs = [self._address(pair) for pair in pairs]
        return headers if pairs == list(headers.pairs) else Headers(pairs)

    def target(self, target: bytes) -> bytes:
        """The target with secret parameters, and the passwords of addresses, replaced; else the same object."""
        if b"=" not in target and b"@" not in target and b"%" not in target:
            return target
        safe = redacted_address(target)
        return target if safe == target else safe

    def _address(self, pair: Pair) -> Pair:
        """Fields such as `Location` and `X-Goog-Upload-URL` hold addresses, and these hold keys."""
        return (pair[0], self.target(pair[1])) if _may_hold_address(pair[1]) else pair

    def body(self, content_type: bytes, data: bytes) -> bytes:
        """The body with the values of secret members replaced; the same object where there are none."""
        spans = self.spans(content_type, data)
        return _replaced(data, spans) if spans else data

    def spans(self, content_type: bytes, data: bytes) -> Spans:
        """(start, end) of each value that `body` replaces, in order. The type counts less than the octets."""
        return secret_spans(content_type, data)

    def request(self, request: Request) -> Request:
        """The request without its secrets; the same object where there are none."""
        headers, target = _safe_fields(request.headers) or request.headers, self.target(request.target)
        data = request.body.whole()
        safe = data if data is None else self.body(request.headers.get(b"content-type"), data)
        if headers is request.headers and target is request.target and safe is data:
            return request
        if safe is data or safe is None:
            return request.with_head(target, headers)
        return Request(request.method, target, headers, Bytes(safe))

    def withholds(self, content_type: bytes, body: Body) -> bool:
        """Whether a body that is too large to be rewritten names a secret, and so must not be stored at all."""
        return withholds(content_type, body)


@lru_cache(maxsize=64)
def _safe_fields(headers: Headers) -> Headers | None:
    """None where all are safe. Of requests only: a client's fields are mostly those of its last request."""
    safe = Redactor().headers(headers)
    return None if safe is headers else safe


def _may_hold_address(value: bytes) -> bool:
    """Whether it holds a query, a fragment, or a user before a host."""
    return b"?" in value or b"#" in value or b"@" in value


def _replaced(data: bytes, spans: Spans) -> bytes:
    word = REDACTED.decode().encode(wide_coding(data) or "ascii")
    out, end = [], 0
    for start, stop in spans:
        out += [data[end:start], word]
        end = stop
    return b"".join([*out, data[end:]])
