"""mitmproxy's flow files (`-w`, `save_stream_file`), and rechat's `flows_*.dump`, which are the same.

Typed netstrings one behind the other. Known are flows of version 4 to 21: 21 as mitmdump 11.0.2 writes it; between 4
and 21 nothing that is read here has changed (mitmproxy's `io/compat.py`). Bodies are without framing, in their content
coding; pieces are not told. Called by `formats.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from math import isfinite
from typing import Any, BinaryIO

from attrs import evolve

from proxy_daemon.core.cassettes import MOST, Skipped, Unreadable
from proxy_daemon.core.cassettes.fields import Broken, fields
from proxy_daemon.core.cassettes.message import Said, recording
from proxy_daemon.core.cassettes.mitmproxy.tnetstring import Cut, NotTnetstring, span, value
from proxy_daemon.core.cassettes.stored_body import ABSENT, Stored
from proxy_daemon.core.messages import Ending, Recording

OLDEST, NEWEST = 4, 21
_BEGIN = re.compile(rb"[0-9]{1,12}:[0-9]{1,2}:[a-z_]{2,40}[;,]")
_BRACE = ord("}")
_MOST_DIGITS = 14  # more than a length has
_LATEST = 2.0**40  # seconds since 1970


class Mitmproxy:
    """The format."""

    name = "mitmproxy"

    def recognises(self, file: str, data: bytes) -> bool:
        """A typed netstring that begins with a key."""
        return bool(_BEGIN.match(data))

    def read(self, file: str, data: bytes) -> Iterator[Recording | Skipped]:
        """All flows; one that the end of the file cuts off is `Skipped`. Raises `Unreadable` where none can begin."""
        if len(data) > MOST:
            raise Unreadable(file, f"larger than {MOST} octets")
        return self.stream(file, BytesIO(data))

    def stream(self, file: str, source: BinaryIO) -> Iterator[Recording | Skipped]:
        """As `read`."""
        at, entry = 0, 0
        while data := _length(source):
            try:
                data += _rest(source, data)
                where = span(data, 0, len(data))
            except Cut as error:
                yield Skipped(entry, f"cut off: {error}")
                return
            except NotTnetstring as error:
                raise Unreadable(file, f"octet {at}, where a flow should begin: {error}", entry) from None
            if data[where.end] != _BRACE:
                raise Unreadable(file, f"octet {at}: no flow", entry)
            try:
                yield _exchange(value(data, where))
            except (NotTnetstring, Broken) as error:
                yield Skipped(entry, str(error))
            at, entry = at + len(data), entry + 1


def _length(source: BinaryIO) -> bytes:
    """The octets up to what is no digit: a flow begins with its length. None at the end."""
    data = octet = source.read(1)
    while octet.isdigit() and len(data) < _MOST_DIGITS:
        octet = source.read(1)
        data += octet
    return data


def _rest(source: BinaryIO, length: bytes) -> bytes:
    """What follows on a length, as much as is there. Raises `NotTnetstring` for too much."""
    size = int(length[:-1]) + 1 if length[:-1].isdigit() and length.endswith(b":") else 0
    rest = source.read(min(size, MOST + 1))
    if len(rest) > MOST:
        raise NotTnetstring(f"larger than {MOST} octets")
    return rest


def _exchange(flow: dict[str, Any]) -> Recording:
    _check(flow)
    request, response = flow["request"], flow["response"]
    began, ended = _seconds(request.get("timestamp_start")), _seconds(response.get("timestamp_end"))
    found = recording(
        Said(
            method=_text(request.get("method")),
            url=_url(request),
            status=response.get("status_code"),
            request_headers=request.get("headers"),
            request_body=_body(request),
            response_headers=response.get("headers"),
            response_body=_body(response),
            started=began,
            duration=_between(began, ended),
        )
    )
    found = evolve(found, head_time=_between(began, _seconds(response.get("timestamp_start"))) or 0)
    return _ended(_with_rest(found, response), flow.get("error"))


def _check(flow: dict[str, Any]) -> None:
    """Tell what is known to be no exchange of HTTP."""
    version = flow.get("version")
    if not isinstance(version, int) or not OLDEST <= version <= NEWEST:
        raise Broken(f"a flow of a version that is not known: {OLDEST} to {NEWEST} are")
    if _text(flow.get("type")) != "http":
        raise Broken("a flow of another protocol than HTTP")
    if flow.get("websocket") is not None:
        raise Broken("a session of WebSocket, not an exchange of HTTP")
    if not isinstance(flow.get("request"), dict):
        raise Broken("a flow without a request")
    if not isinstance(flow.get("response"), dict):
        raise Broken("no answer came")


def _url(request: dict[str, Any]) -> str:
    """From its parts. Host and port are those of the server, `Host` may name another."""
    scheme, host, path = (_text(request.get(name)) for name in ("scheme", "host", "path"))
    port = request.get("port")
    host = f"[{host}]" if ":" in host else host
    return f"{scheme or 'http'}://{host}:{port}{path}" if host and isinstance(port, int) else path


def _text(given: Any) -> str:
    if isinstance(given, bytes):
        return given.decode("utf-8", "replace")
    if not isinstance(given, str):
        raise Broken("a member of the flow that is no text")
    return given


def _body(message: dict[str, Any]) -> Stored:
    """None of it is kept where it was streamed (option `stream_large_bodies`)."""
    content = message.get("content")
    if content is not None and not isinstance(content, bytes):
        raise Broken("a body that is not octets")
    return ABSENT if content is None else Stored(content)


def _with_rest(found: Recording, response: dict[str, Any]) -> Recording:
    """With the reason and the trailers."""
    assert found.response is not None
    reason = response.get("reason") or b""
    reason = reason if isinstance(reason, bytes) else _text(reason).encode("latin-1", "replace")
    head = evolve(found.response.head, reason=re.sub(rb"[\0\r\n]+", b" ", reason))
    return evolve(found, response=evolve(found.response, head=head, trailers=fields(response.get("trailers"))))


def _ended(found: Recording, error: Any) -> Recording:
    """An error beside an answer: it was broken off."""
    if error is None:
        return found
    said = error.get("msg") if isinstance(error, dict) else None
    return evolve(found, ending=Ending.BROKEN_OFF, detail=said if isinstance(said, str) else "")


def _seconds(given: Any) -> float | None:
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    return float(given) if isfinite(given) and 0 < given < _LATEST else None


def _between(began: float | None, ended: float | None) -> int | None:
    """Microseconds."""
    return round((ended - began) * 1_000_000) if began and ended and ended >= began else None
