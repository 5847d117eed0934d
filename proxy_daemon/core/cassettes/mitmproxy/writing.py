"""Writes mitmproxy's flow files of version 21, which mitmproxy 11 opens and newer ones understand.

Invariant: bodies are those of the wire, without framing, in their content coding, as mitmproxy keeps them. A flow whose
answer is not whole has an error, so that nobody takes it for a whole one. Source: mitmproxy 11.0.2, `flow.py`,
`http.py`, `connection.py`, `io/io.py`. Called as one of `writers.py`.
"""

from __future__ import annotations

from hashlib import sha256
from itertools import count
from math import isfinite
from typing import Any
from uuid import UUID

from proxy_daemon.core.cassettes.foreign_text import TIMES, CannotSay, WrittenEntry, left_out
from proxy_daemon.core.cassettes.mitmproxy.tnetstring_writing import dumps
from proxy_daemon.core.cassettes.whole_exchange import (
    NOT_OWN,
    NOT_OWN_PARTS,
    PIECES,
    SHARED,
    Address,
    Fields,
    address,
    check,
    clean,
    fields,
    octets,
    only_ours,
    told,
)
from proxy_daemon.core.messages import Ending, Recording, Response, Unknown

DURATION = "how long it took, where it is not known when it was"
ENDING = "how it ended, but in words: mitmproxy knows errors only"
CUT = "that what was recorded of it is not whole: an error says so"
LOSSES = (TIMES, PIECES, NOT_OWN, DURATION, ENDING, CUT, *SHARED)

VERSION = 21  # of flows
NOT_WHOLE = "a body is not whole: it was too long to be recorded, or withheld"
_HTTP = b"HTTP/1.1"
_CHUNKED = (b"Transfer-Encoding", b"chunked")
_BODILESS = (204, 304)  # RFC 9110 section 6.4.1
_LATEST = 2.0**40  # seconds since 1970
_NO_ADDRESS = ("", 0)


class MitmproxyWriter:
    """The format. Flows get ids by what they are and their number: mitmproxy shows one flow of an id."""

    name = "mitmproxy"
    suffix = ".mitm"
    single = False
    head = between = tail = empty = b""

    def __init__(self) -> None:
        self._numbers = count()

    def entry(self, recording: Recording) -> WrittenEntry:
        """One flow. Raises OSError where a body cannot be read."""
        try:
            check(recording)
        except CannotSay as error:
            return left_out(error)
        where = address(recording)
        sent = octets(recording.request.body)
        asked = fields(recording.request.headers, len(sent))
        request = _request(recording, where, asked, sent)
        response, said = _response(recording)
        name = _name(next(self._numbers), recording.id, where.url, sent, response.get("content") if response else b"")
        flow = _around(recording, name) | {"request": request, "response": response}
        losses = [*where.losses, *asked.losses, *said.losses, *_lost(recording)]
        return WrittenEntry(dumps(flow), [*dict.fromkeys(losses), *only_ours(recording)])


# --- the flow --------------------------------------------------------------------------------------------------------


def _around(recording: Recording, name: bytes) -> dict[str, Any]:
    """All that mitmproxy wants to be there besides request and answer."""
    began = _began(recording)
    return {
        "version": VERSION,
        "type": "http",
        "id": str(UUID(bytes=name[:16])),
        "error": _error(recording),
        "client_conn": _connection(name[8:24]) | _CLIENT | {"timestamp_start": began},
        "server_conn": _connection(name[16:]) | _server(recording),
        "intercepted": False,
        "is_replay": None,
        "marked": "",
        "metadata": {},
        "comment": "",
        "timestamp_created": began,
        "backup": None,
        "websocket": None,
    }


def _name(*parts: object) -> bytes:
    """32 octets that are others for each flow of a file."""
    made = sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        made.update(b"%d:" % len(data))
        made.update(data)
    return made.digest()


def _error(recording: Recording) -> dict[str, Any] | None:
    if recording.ending is not Ending.COMPLETE:
        said = clean(recording.detail) or recording.ending.value
    elif recording.cut:
        said = NOT_WHOLE
    else:
        return None
    return {"msg": said, "timestamp": _began(recording) + recording.duration / 1e6}


_CLIENT = {"peername": _NO_ADDRESS, "sockname": _NO_ADDRESS, "mitmcert": None, "proxy_mode": "regular"}


def _server(recording: Recording) -> dict[str, Any]:
    """No connection was made for a flow whose server has no time of it: nothing is told of one."""
    upstream = recording.upstream
    is_known = upstream.scheme in ("http", "https")
    return {
        "address": (upstream.host, upstream.port) if is_known else None,
        "tls": upstream.scheme == "https",
        "sni": upstream.host if upstream.scheme == "https" else None,
        "timestamp_tcp_setup": None,
        "via": None,
    }


def _connection(name: bytes) -> dict[str, Any]:
    return {
        "peername": None,
        "sockname": None,
        "id": str(UUID(bytes=name)),
        "transport_protocol": "tcp",
        "error": None,
        "tls": False,
        "certificate_list": [],
        "alpn": None,
        "alpn_offers": [],
        "cipher": None,
        "cipher_list": [],
        "tls_version": None,
        "sni": None,
        "timestamp_start": None,
        "timestamp_end": None,
        "timestamp_tls_setup": None,
    }


# --- request and answer ----------------------------------------------------------------------------------------------


def _request(recording: Recording, where: Address, asked: Fields, data: bytes) -> dict[str, Any]:
    upstream, began = recording.upstream, _began(recording)
    return {
        "http_version": _HTTP,
        "headers": asked.pairs,
        "content": None if Unknown.REQUEST_BODY in recording.unknown else data,
        "trailers": None,
        "timestamp_start": began,
        "timestamp_end": began,
        "host": upstream.host if where.base else "",
        "port": upstream.port if where.base else 0,
        "method": recording.request.method,
        "scheme": upstream.scheme.encode() if where.base else b"http",
        "authority": b"",
        "path": where.target,
    }


def _response(recording: Recording) -> tuple[dict[str, Any] | None, Fields]:
    response = recording.response
    if response is None:
        return None, Fields((), changed=False)
    data = octets(response.body)
    said = fields(response.head.headers, len(data), bodiless=recording.request.method == b"HEAD")
    trailers = fields(response.trailers, len(data))
    began = _began(recording)
    is_timed = Unknown.DURATION not in recording.unknown
    found = {
        "http_version": _HTTP,
        "headers": [*said.pairs, *_framing(recording, response, said)],
        "content": data,
        "trailers": trailers.pairs or None,
        "timestamp_start": began + recording.head_time / 1e6,
        "timestamp_end": began + recording.duration / 1e6 if is_timed else None,
        "status_code": response.head.status,
        "reason": response.head.reason,
    }
    return found, Fields(said.pairs, said.changed or trailers.changed)


def _framing(recording: Recording, response: Response, said: Fields) -> list[tuple[bytes, bytes]]:
    """As mitmproxy keeps it; without, a replay would end the connection behind the answer, and send no trailers."""
    is_framed = any(name.lower() == b"content-length" for name, _ in said.pairs)
    is_bodiless = recording.request.method == b"HEAD" or response.head.status in _BODILESS
    return [] if is_bodiless or (is_framed and not response.trailers.pairs) else [_CHUNKED]


def _began(recording: Recording) -> float:
    """0 where it is not known: mitmproxy wants a number."""
    began = recording.started
    is_known = Unknown.TIME not in recording.unknown and isfinite(began) and 0 < began < _LATEST
    return float(began) if is_known else 0.0


def _lost(recording: Recording) -> list[str]:
    pieces = recording.response.pieces if recording.response is not None else None
    is_many = pieces is not None and len(pieces.sizes) > 1
    facts = {
        PIECES: is_many,
        TIMES: is_many and pieces is not None and any(pieces.times),
        NOT_OWN: not recording.unknown.isdisjoint(NOT_OWN_PARTS),
        DURATION: not _began(recording) and bool(recording.duration or recording.head_time),
        ENDING: recording.ending not in (Ending.COMPLETE, Ending.BROKEN_OFF),
        CUT: recording.cut,
    }
    return told(facts)
