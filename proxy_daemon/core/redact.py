"""Takes secrets out of what is written: header fields, query values, and the fields of OAuth bodies.

JSON is redacted in its octets: only the text between two quotes changes. Runs before fingerprints are taken and before
anything is stored (`pipeline/keeping.py`), so what is looked for must be found fast: most bodies hold none of it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from attrs import frozen

from proxy_daemon.core.bodies import Body, Bytes, chunks
from proxy_daemon.core.headers import Headers, Pair
from proxy_daemon.core.messages import Request

REDACTED = b"REDACTED"

FIELDS = frozenset(
    (
        b"authorization",
        b"proxy-authorization",
        b"x-api-key",
        b"api-key",
        b"x-goog-api-key",
        b"cookie",
        b"set-cookie",
        b"x-amz-security-token",
        b"x-llmproxy-token",
    )
)
_FIELD = re.compile(
    rb"(-api-?key|(?<!-per)-token|^token|secret.*|.*secret|(^|-)(org|organi[sz]ation|project|workspace)(-id)?)$"
)
_QUERY = re.compile(
    rb"(?i)([?&](?:key|(?:[\w.-]*[-_.])?api[-_]?key|subscription-key|access_token|refresh_token|id_token|token"
    rb"|sig|signature|client_secret|x-amz-signature|x-amz-security-token|x-amz-credential|x-goog-signature)=)([^&#]+)"
)
# Possessive: hostile text costs no more than other text.
_PARAMETER = re.compile(rb"([?&#])([^=&#?]*+)=([^&#]++)")
NAMES = (b"access_token", b"refresh_token", b"id_token", b"client_secret", b"client_assertion", b"api_key")
FORM_NAMES = (*NAMES, b"password", b"assertion", b"code", b"code_verifier")
# A JSON string and, where it is a key, the string behind its colon. It matches at every quote, closed or not, and never
# goes back (possessive): hostile text costs no more than other text.
_MEMBER = re.compile(rb'"((?:[^"\\]++|\\.)*+)(?:"|\\?\Z)(\s*+:\s*+"((?:[^"\\]++|\\.)*+)(?:"|\\?\Z))?', re.DOTALL)
_FORM = re.compile(rb"(?:^|&)([^=&]*)=([^&]*)")
_ESCAPE = re.compile(rb"\\u00([0-7][0-9A-Fa-f])")
_LONGEST_NAME = 128  # octets: what two chunks must share for a name to be found


@lru_cache(maxsize=4096)
def is_secret_field(name: bytes) -> bool:
    """Whether a header field holds a secret by its name."""
    name = name.lower()
    return name in FIELDS or _FIELD.search(name) is not None


@frozen(slots=False)
class Redactor:
    """The lists, applied."""

    def headers(self, headers: Headers) -> Headers:
        """The fields with the values of secret ones replaced; the same object where there are none."""
        pairs = [(pair[0], REDACTED) if is_secret_field(pair[0]) else self._address(pair) for pair in headers.pairs]
        return headers if pairs == list(headers.pairs) else Headers(pairs)

    def target(self, target: bytes) -> bytes:
        """The target with the values of secret query parameters replaced."""
        if b"?" not in target:
            return target
        safe = _QUERY.sub(rb"\1" + REDACTED, target)
        if b"%" in safe:
            safe = _PARAMETER.sub(_hidden, safe)
        return target if safe == target else safe

    def _address(self, pair: Pair) -> Pair:
        """Fields such as `Location` and `X-Goog-Upload-URL` hold addresses, and these hold keys."""
        return (pair[0], self.target(pair[1])) if b"?" in pair[1] else pair

    def body(self, content_type: bytes, data: bytes) -> bytes:
        """The body with the values of secret members replaced; the same object where there are none."""
        out, end = [], 0
        for start, stop in self.spans(content_type, data):
            out += [data[end:start], REDACTED]
            end = stop
        return b"".join([*out, data[end:]]) if out else data

    def spans(self, content_type: bytes, data: bytes) -> list[tuple[int, int]]:
        """(start, end) of each value that `body` replaces, in order."""
        if b"form-urlencoded" in content_type.lower():
            return _form_spans(data)
        return _json_spans(data) if _may_hold(data) and _is_json(content_type, data) else []

    def request(self, request: Request) -> Request:
        """The request without its secrets; the same object where there are none."""
        headers, target = _safe_fields(request.headers) or request.headers, self.target(request.target)
        data = request.body.whole()
        safe = data if data is None else self.body(request.headers.get(b"content-type"), data)
        if headers is request.headers and target is request.target and safe is data:
            return request
        body = request.body if safe is data or safe is None else Bytes(safe)
        return Request(request.method, target, headers, body)

    def withholds(self, content_type: bytes, body: Body) -> bool:
        """Whether a body that is too large to be rewritten names a secret, and so must not be stored at all."""
        named = _form_named if b"form-urlencoded" in content_type.lower() else _json_named
        before = b""
        for part in chunks(body, 1024 * 1024):
            window = before + part
            if named(window):
                return True
            before = window[-_LONGEST_NAME:]
        return False


@lru_cache(maxsize=64)
def _safe_fields(headers: Headers) -> Headers | None:
    """None where all are safe. Of requests only: a client's fields are mostly those of its last request."""
    safe = Redactor().headers(headers)
    return None if safe is headers else safe


def _json_named(window: bytes) -> bool:
    plain = _unescaped(window)
    return any(name in plain for name in NAMES)


def _form_named(window: bytes) -> bool:
    plain = _percent(window).lower()
    return any(name in plain for name in FORM_NAMES)


def _hidden(found: re.Match[bytes]) -> bytes:
    """A parameter whose name is read first: nothing changes where it is none of ours."""
    if b"%" not in found[2]:
        return found[0]
    plain = b"?" + _percent(found[2]) + b"="
    return found[1] + found[2] + b"=" + REDACTED if _QUERY.match(plain + b"x") else found[0]


def _escaped(data: bytes) -> bool:
    """Whether ASCII is written as escapes anywhere, as only somebody who hides a name would."""
    return b"\\u00" in data and _ESCAPE.search(data) is not None


def _is_json(content_type: bytes, data: bytes) -> bool:
    return b"json" in content_type or data.lstrip(b" \t\r\n\xef\xbb\xbf")[:1] in (b"{", b"[")


def _may_hold(data: bytes) -> bool:
    """A cheap look, before the careful one. The quote matters: every answer counts its prompt_tokens."""
    return b'_token"' in data or b"client_" in data or b'api_key"' in data or _escaped(data)


def _json_spans(data: bytes) -> list[tuple[int, int]]:
    """Strings in turn: each is passed over whole, so text inside one is never taken for a key."""
    spans, position = [], 0
    while (found := _MEMBER.search(data, position)) is not None:
        if found[2] is not None and _unescaped(found[1]) in NAMES:
            spans.append(found.span(3))
            position = found.end()
        else:
            position = found.start(2) if found[2] is not None else found.end()
    return spans


def _form_spans(data: bytes) -> list[tuple[int, int]]:
    return [found.span(2) for found in _FORM.finditer(data) if found[2] and _percent(found[1]).lower() in FORM_NAMES]


def _unescaped(text: bytes) -> bytes:
    r"""ASCII letters that are written as \u00xx."""
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), text) if b"\\u00" in text else text


def _percent(text: bytes) -> bytes:
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), text)
