"""Takes secrets out of what is written: header fields, query values, and the fields of OAuth bodies.

JSON is redacted in its octets: only the text between two quotes changes. Runs before fingerprints are taken and before
anything is stored (`pipeline/keeping.py`), so what is looked for must be found fast: most bodies hold none of it.
"""

from __future__ import annotations

import re
import sys
from functools import lru_cache

from attrs import frozen

from proxy_daemon.core.bodies import Body, Bytes, chunks
from proxy_daemon.core.headers import Headers, Pair
from proxy_daemon.core.messages import Request
from proxy_daemon.core.secret_names import (
    LONGEST,
    is_secret_field,
    is_secret_form_field,
    is_secret_member,
    is_secret_parameter,
    may_hold_member,
    names_form_field,
    names_member,
)

REDACTED = b"REDACTED"

# Possessive: hostile text costs no more than other text.
_PARAMETER = re.compile(rb"([?&#])([^=&#?]*+)=([^&#]++)")
# A JSON string and, where it is a key, the string behind its colon. It matches at every quote, closed or not, and never
# goes back (possessive): hostile text costs no more than other text.
_MEMBER = re.compile(rb'"((?:[^"\\]++|\\.)*+)(?:"|\\?\Z)(\s*+:\s*+"((?:[^"\\]++|\\.)*+)(?:"|\\?\Z))?', re.DOTALL)
_FORM = re.compile(rb"(?:^|&)([^=&]*)=([^&]*)")
_BOUNDARY = re.compile(rb'(?i);\s*boundary=(?:"([^"]*)"|([^;\s]*))')
_PART_NAME = re.compile(rb'(?i)[;\s]name=(?:"([^"]*)"|([^;\s]*))')
_VALUE = re.compile(rb'\s*+:\s*+\{[^{}]*?"value"\s*+:\s*+"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_LINE = re.compile(rb"[^\r\n]++")


@frozen(slots=False)
class Redactor:
    """The lists, applied."""

    def headers(self, headers: Headers) -> Headers:
        """The fields with the values of secret ones replaced; the same object where there are none."""
        pairs = [(pair[0], REDACTED) if is_secret_field(pair[0]) else self._address(pair) for pair in headers.pairs]
        return headers if pairs == list(headers.pairs) else Headers(pairs)

    def target(self, target: bytes) -> bytes:
        """The target with the values of secret query parameters replaced."""
        if b"=" not in target:
            return target
        safe = _PARAMETER.sub(_hidden, target)
        return target if safe == target else safe

    def _address(self, pair: Pair) -> Pair:
        """Fields such as `Location` and `X-Goog-Upload-URL` hold addresses, and these hold keys."""
        return (pair[0], self.target(pair[1])) if b"?" in pair[1] or b"#" in pair[1] else pair

    def body(self, content_type: bytes, data: bytes) -> bytes:
        """The body with the values of secret members replaced; the same object where there are none."""
        out, end = [], 0
        for start, stop in self.spans(content_type, data):
            out += [data[end:start], REDACTED]
            end = stop
        return b"".join([*out, data[end:]]) if out else data

    def spans(self, content_type: bytes, data: bytes) -> list[tuple[int, int]]:
        """(start, end) of each value that `body` replaces, in order."""
        kind = content_type.lower()
        if b"form-urlencoded" in kind:
            return _form_spans(data)
        if b"multipart/" in kind:
            return _multipart_spans(content_type, data)
        if not may_hold_member(data):
            return []
        if b"event-stream" in kind:
            return _line_spans(data)
        return _json_spans(data) if _is_json(kind, data) else []

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
        kind = content_type.lower()
        named = names_form_field if b"form-urlencoded" in kind or b"multipart/" in kind else names_member
        before = b""
        for part in chunks(body, 1024 * 1024):
            window = before + part
            if named(window):
                return True
            before = window[-LONGEST:]
        return False


@lru_cache(maxsize=64)
def _safe_fields(headers: Headers) -> Headers | None:
    """None where all are safe. Of requests only: a client's fields are mostly those of its last request."""
    safe = Redactor().headers(headers)
    return None if safe is headers else safe


def _hidden(found: re.Match[bytes]) -> bytes:
    """A parameter: nothing changes where its name is none of ours."""
    return found[1] + found[2] + b"=" + REDACTED if is_secret_parameter(found[2]) else found[0]


def _is_json(content_type: bytes, data: bytes) -> bool:
    return b"json" in content_type or data.lstrip(b" \t\r\n\xef\xbb\xbf")[:1] in (b"{", b"[")


def _json_spans(data: bytes, position: int = 0, end: int = sys.maxsize) -> list[tuple[int, int]]:
    """Strings in turn: each is passed over whole, so text inside one is never taken for a key."""
    spans = []
    while (found := _MEMBER.search(data, position, end)) is not None:
        secret = is_secret_member(found[1])
        if found[2] is not None and secret:
            spans.append(found.span(3))
            position = found.end()
        elif secret and (inner := _VALUE.match(data, found.end(), end)) is not None:
            spans.append(inner.span(1))  # {"client_secret": {"value": "..."}}
            position = inner.end()
        else:
            position = found.start(2) if found[2] is not None else found.end()
    return spans


def _line_spans(data: bytes) -> list[tuple[int, int]]:
    """Line by line: a quote that is left open in one event must not hide the next."""
    return [span for line in _LINE.finditer(data) for span in _json_spans(data, *line.span())]


def _form_spans(data: bytes) -> list[tuple[int, int]]:
    return [found.span(2) for found in _FORM.finditer(data) if found[2] and is_secret_form_field(found[1])]


def _multipart_spans(content_type: bytes, data: bytes) -> list[tuple[int, int]]:
    """The contents of the parts that are named so (RFC 7578 section 4)."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        return []
    mark, spans = b"--" + (found[1] or found[2] or b""), []
    start = data.find(mark)
    while start >= 0:
        end = data.find(mark, start + len(mark))
        head, separator, _ = data[start : end if end >= 0 else len(data)].partition(b"\r\n\r\n")
        name = _PART_NAME.search(head)
        if separator and name is not None and is_secret_form_field(name[1] or name[2] or b""):
            stop = end - 2 if end >= 0 else len(data)
            spans.append((start + len(head) + 4, max(stop, start + len(head) + 4)))
        start = end
    return [span for span in spans if span[0] < span[1]]
