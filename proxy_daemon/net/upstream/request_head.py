"""The head of a request as it is written to an upstream: the client's fields in their order, `Host` and length ours."""

from __future__ import annotations

import re

from proxy_daemon.core.messages import Request
from proxy_daemon.core.upstreams import Upstream

_FORBIDDEN = re.compile(rb"[\x00\r\n]")


def request_head(upstream: Upstream, request: Request) -> bytes:
    """Octets of request line and fields (RFC 9112 sections 3 and 5). Raises ValueError on a line break within."""
    lines = [b"%b %b HTTP/1.1" % (request.method, upstream.target(request.target))]
    host, length = upstream.authority.encode(), b"%d" % request.body.size
    has_host = has_length = False
    for name, value in request.headers.pairs:
        lower = name.lower()
        if lower == b"host":
            if not has_host:
                lines.append(b"%b: %b" % (name, host))
            has_host = True
        elif lower == b"content-length":
            lines.append(b"%b: %b" % (name, length))
            has_length = True
        else:
            lines.append(b"%b: %b" % (name, value))
    if not has_host:
        lines.insert(1, b"Host: " + host)
    if request.body.size and not has_length:
        lines.append(b"Content-Length: " + length)
    head = b"\r\n".join(lines) + b"\r\n\r\n"
    if head.count(b"\n") != len(lines) + 1 or head.count(b"\r") != len(lines) + 1 or b"\0" in head:
        _complain(lines)
    return head


def _complain(lines: list[bytes]) -> None:
    """A plugin's value must not become a header field, or a request, of its own."""
    bad = next(line for line in lines if _FORBIDDEN.search(line))
    raise ValueError(f"the header line that begins with {bad[:20]!r} holds a line break or NUL")
