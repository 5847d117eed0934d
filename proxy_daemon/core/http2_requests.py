"""A request of HTTP/2 as the head of one of HTTP/1.1: what stands in a field there cannot become another field here.

h2 has passed the header list by the rules of RFC 9113 section 8; these are the rules of the other side. Called by
`net/http2.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from attrs import frozen

from proxy_daemon.core.headers import Pair

_UNSAFE = re.compile(rb"[\r\n\0]")


class BadRequest(Exception):
    """A header list that is no request (RFC 9113 section 8.1.1)."""


@frozen
class Http1Head:
    """``wire``: its octets. ``chunked``: its body is to come in chunks. ``is_head``: the answer has no body."""

    wire: bytes
    chunked: bool
    is_head: bool


def http1_head(fields: Sequence[Pair], *, whole: bool) -> Http1Head:
    """A header list (RFC 9113 section 8.3.1). ``whole``: no body follows. Raises `BadRequest`."""
    pseudo = {name: value for name, value in fields if name.startswith(b":")}
    lengths = [value for name, value in fields if name == b"content-length"]
    if whole and any(value.strip(b"0") for value in lengths):
        raise BadRequest  # its body would be waited for
    chunked = not whole and not lengths
    lines = [_request_line(pseudo), *_field_lines(fields, pseudo.get(b":authority"))]
    if chunked:
        lines.append(b"transfer-encoding: chunked")
    if any(map(_UNSAFE.search, lines)):
        raise BadRequest
    return Http1Head(b"\r\n".join([*lines, b"", b""]), chunked, pseudo[b":method"] == b"HEAD")


def _request_line(pseudo: dict[bytes, bytes]) -> bytes:
    try:
        return b"%b %b HTTP/1.1" % (pseudo[b":method"], pseudo[b":path"])
    except KeyError:  # CONNECT, for one
        raise BadRequest from None


def _field_lines(fields: Sequence[Pair], authority: bytes | None) -> list[bytes]:
    plain = [(name, value) for name, value in fields if not name.startswith(b":") and name != b"cookie"]
    if authority is not None:
        plain = [(b"host", authority), *[pair for pair in plain if pair != (b"host", authority)]]
    if cookies := [value for name, value in fields if name == b"cookie"]:  # RFC 9113 section 8.2.3
        plain.append((b"cookie", b"; ".join(cookies)))
    if any(b":" in name or not name for name, _ in plain):
        raise BadRequest
    return [b"%b: %b" % pair for pair in plain]
