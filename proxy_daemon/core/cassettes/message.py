"""From what a format tells of one exchange to a `Recording`: what all formats share.

Invariant: what is not told stands in `Recording.unknown`, nothing is made up, and no field contradicts the body beside
it. Called by the formats of this folder.
"""

from __future__ import annotations

import re
from typing import Any

from attrs import frozen

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.cassettes.addresses import NOWHERE, address
from proxy_daemon.core.cassettes.fields import Broken, fields
from proxy_daemon.core.cassettes.sniffing import with_content_type
from proxy_daemon.core.cassettes.stored_body import ABSENT, Stored
from proxy_daemon.core.cassettes.wire_octets import true_fields
from proxy_daemon.core.messages import Ending, Outcome, Recording, Request, Response, ResponseHead, Unknown
from proxy_daemon.core.upstreams import Upstream

_METHOD = re.compile(r":?([A-Za-z][A-Za-z0-9_-]{0,63})\Z", re.ASCII)  # Ruby's symbols have a colon
_STATUS = re.compile(r"([1-9][0-9]{2})(?:[ \t]+(.*))?\Z", re.DOTALL | re.ASCII)
_BREAKS = re.compile(rb"[\x00\r\n]+")
_BODILESS = (204, 304)  # RFC 9110 section 6.4.1
_WITHOUT_BODY = frozenset((b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT"))


@frozen
class Said:
    """One exchange as a file tells it, not yet checked. ``status``: 200, "200 OK", or {code, message}."""

    method: Any
    url: Any
    status: Any
    request_headers: Any = None
    request_body: Stored = ABSENT
    response_headers: Any = None
    response_body: Stored = ABSENT
    trailers: Any = None
    started: float | None = None  # seconds since 1970
    duration: int | None = None  # microseconds
    unknown: frozenset[Unknown] = frozenset()  # what the format knows it lost


def recording(said: Said) -> Recording:
    """The exchange, whole. Raises `Broken` where it is none of HTTP.

    ``cut`` says that the answer's body is not in the file. Whether it may be served is for its importer to say.
    """
    request, upstream, lost = _request(said)
    response, lost_too, cut = _response(said, request.method)
    return Recording(
        id=0,
        request=request,
        response=response,
        upstream=upstream,
        ending=Ending.COMPLETE,
        outcome=Outcome.LIVE,
        started=said.started or 0.0,
        status=response.head.status,
        duration=said.duration or 0,
        cut=cut,
        unknown=said.unknown | lost | lost_too | _times(said),
    )


def _times(said: Said) -> set[Unknown]:
    told = {Unknown.TIME: said.started, Unknown.DURATION: said.duration, Unknown.PIECES: None}
    return {what for what, value in told.items() if value is None}


def _request(said: Said) -> tuple[Request, Upstream, set[Unknown]]:
    method = _method(said.method)
    where = address(said.url)
    body = said.request_body
    headers, same = true_fields(fields(said.request_headers), body.data, bodiless=False)
    lost = {
        Unknown.HOST: where.upstream is NOWHERE,
        Unknown.REQUEST_HEADERS: not headers.pairs,
        Unknown.REQUEST_BODY: not body.there and method not in _WITHOUT_BODY,
        Unknown.REQUEST_OCTETS: body.there and not (same and body.own),
    }
    return Request(method, where.target, headers, Bytes(body.data)), where.upstream, _true(lost)


def _response(said: Said, method: bytes) -> tuple[Response, set[Unknown], bool]:
    code, reason = status(said.status)
    body = said.response_body
    given = fields(said.response_headers)
    empty = method == b"HEAD" or code in _BODILESS
    cut = not body.there and not empty and given.get(b"content-length").strip() != b"0"
    headers, same = true_fields(given, body.data, bodiless=method == b"HEAD")
    headers, sniffed = with_content_type(headers, body.data)
    lost = {
        Unknown.STATUS: code == 0,
        Unknown.RESPONSE_HEADERS: sniffed or not headers.pairs,
        Unknown.RESPONSE_OCTETS: cut or not (same and body.own),
    }
    response = Response(ResponseHead(code, reason, headers), Bytes(body.data), trailers=fields(said.trailers))
    return response, _true(lost), cut


def _true(facts: dict[Unknown, bool]) -> set[Unknown]:
    return {what for what, holds in facts.items() if holds}


def _method(given: Any) -> bytes:
    match = _METHOD.match(given) if isinstance(given, str) else None
    if match is None:
        raise Broken("no method of HTTP")
    return match[1].upper().encode()


def status(given: Any) -> tuple[int, bytes]:
    """Code and reason of 200, "200 OK" or {code, message}; code 0 where none is told. Raises `Broken`."""
    if isinstance(given, dict):
        code, _ = status(given.get("code", given.get("status_code")))
        message = given.get("message")
        return code, _reason(message) if isinstance(message, str) else b""
    if given is None:
        return 0, b""
    match = _STATUS.match(str(given)) if isinstance(given, int | str) else None
    if match is None:
        raise Broken("no status of HTTP")
    return int(match[1]), _reason(match[2] or "")


def _reason(text: str) -> bytes:
    return _BREAKS.sub(b" ", text.encode(errors="replace")).strip()
