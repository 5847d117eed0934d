"""Request and response as members of a document, and back.

Invariant: head, body, pieces and trailers come back as they were. Called by `writing.py` and `reading.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from proxy_daemon.core.bodies import EMPTY, Bytes
from proxy_daemon.core.cassettes.llmproxy import bodies, heads, times
from proxy_daemon.core.cassettes.llmproxy.scalars import octets
from proxy_daemon.core.cassettes.llmproxy.values import Beside
from proxy_daemon.core.cassettes.llmproxy.wrong import Wrong, members
from proxy_daemon.core.cassettes.llmproxy.wrong import octets as octets_of
from proxy_daemon.core.messages import Pieces, Request, Response, ResponseHead

_REQUEST = frozenset(("method", "target", "headers")) | bodies.MEMBERS
_RESPONSE = frozenset(("status", "reason", "headers", "pieces", "trailers")) | bodies.MEMBERS
_STREAMS = re.compile(rb"text/event-stream|application/(?:x-ndjson|jsonl|json-seq|stream\+json)", re.IGNORECASE)
_REASON = re.compile(rb"[A-Za-z](?:[A-Za-z0-9 '()._-]*[A-Za-z0-9)._-])?\Z")  # what stands in YAML without quotes
_STATUS = re.compile(r"([0-9]{1,4}) (.+)\Z", re.ASCII | re.DOTALL)
_MOST_STATUS = 9999

Files = dict[str, bytes]


def write_request(request: Request) -> tuple[str, Files]:
    """The member `request`; empty where nothing of it is known. Raises OSError where its body cannot be read."""
    if not request.method and not request.target and not request.headers.pairs and not request.body.size:
        return "", {}
    kind = request.headers.get(b"content-type")
    body, files = bodies.written(bodies.whole(request.body), kind=kind) if request.body.size else ("", {})
    head = f"request:\n  method:{octets(request.method, '    ')}\n  target:{octets(request.target, '    ')}"
    return f"{head}{heads.written('headers', request.headers)}{body}\n", files


def read_request(value: Any, beside: Beside) -> Request:
    """The request that a member says. Raises `Wrong`."""
    if value is None:
        return Request(b"", b"")
    try:
        found = members(value, _REQUEST)
        headers = heads.read(found.get("headers"), "headers")
        return Request(octets_of(found, "method"), octets_of(found, "target"), headers, _body(found, beside))
    except Wrong as error:
        raise error.under("request") from None


def write_response(response: Response, *, parsed: bool) -> tuple[str, Files]:
    """The member `response`. ``parsed``: JSON is written as its value. Raises OSError."""
    kind = response.head.headers.get(b"content-type")
    body, files = "", Files()
    if response.body.size:
        streams = _STREAMS.match(kind) is not None
        body, files = bodies.written(bodies.whole(response.body), kind=kind, parsed=parsed, streams=streams)
    told = times.pieces(response.pieces)
    parts = [_status(response.head), heads.written("headers", response.head.headers), body]
    parts += [f"\n  pieces: {told}" if told else "", heads.written("trailers", response.trailers)]
    return f"response:{''.join(parts)}\n", files


def _status(head: ResponseHead) -> str:
    if _REASON.match(head.reason):
        return f"\n  status: {head.status} {head.reason.decode()}"
    return f"\n  status: {head.status}" + (f"\n  reason:{octets(head.reason, '    ')}" if head.reason else "")


def read_response(value: Any, beside: Beside) -> Response | None:
    """The response that a member says; None where there is none. Raises `Wrong`."""
    if value is None:
        return None
    try:
        found = members(value, _RESPONSE)
        head = _read_head(found)
        line = str(found.get("pieces", ""))
        pieces = times.read_pieces(line) if line else Pieces()
        return Response(head, _body(found, beside), pieces, heads.read(found.get("trailers"), "trailers"))
    except Wrong as error:
        raise error.under("response") from None


def _read_head(found: Mapping[str, Any]) -> ResponseHead:
    status, reason = found.get("status"), octets_of(found, "reason")
    if type(status) is str and (both := _STATUS.match(status)) and not reason:
        status, reason = int(both[1]), both[2].encode("utf-8", "replace")
    if type(status) is not int or not 0 <= status <= _MOST_STATUS or b"\r" in reason or b"\n" in reason:
        raise Wrong("no status such as 200 OK", "status")
    return ResponseHead(status, reason, heads.read(found.get("headers"), "headers"))


def _body(found: Mapping[str, Any], beside: Beside) -> Bytes:
    data = bodies.read(found, beside)
    return Bytes(data) if data else EMPTY
