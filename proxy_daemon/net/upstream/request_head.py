"""The head of a request as it is written to an upstream: the client's fields in their order, `Host` and length ours."""

from __future__ import annotations

import re
from functools import lru_cache

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request
from proxy_daemon.core.proxying import Proxy
from proxy_daemon.core.upstreams import Upstream

_FORBIDDEN = re.compile(rb"[\x00\r\n]")
_BODILESS = frozenset((b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"TRACE"))


def is_last(request: Request) -> bool:
    """Whether nothing may follow the request on its connection: it has a body where few upstreams look for one.

    Others would read the body as the next request (RFC 9110 section 9.3.1), and somebody else would get its answer.
    """
    return request.method in _BODILESS and request.body.size > 0


def request_head(upstream: Upstream, request: Request, proxy: Proxy | None = None) -> bytes:
    """Octets of request line and fields (RFC 9112 sections 3 and 5). Raises ValueError on a line break within.

    ``proxy``: one that is to forward the request, which then has the absolute form (RFC 9112 section 3.2.2).
    """
    before, name, after = _around_length(upstream, request.method, request.target, request.headers, proxy)
    size = request.body.size
    if is_last(request):
        before += b"Connection: close\r\n"
    if not name:
        return b"%bContent-Length: %d\r\n\r\n" % (before, size) if size else before + b"\r\n"
    return b"%b%b: %d\r\n%b\r\n" % (before, name, size, after)


@lru_cache(maxsize=64)  # a client's fields are mostly those of its last request
def _around_length(
    upstream: Upstream, method: bytes, target: bytes, headers: Headers, proxy: Proxy | None
) -> tuple[bytes, bytes, bytes]:
    """The lines before the length, the name of its field as it is written (empty for none), and the lines behind it."""
    origin = f"{upstream.scheme}://{upstream.authority}".encode() if proxy is not None else b""
    before, length = [b"%b %b%b HTTP/1.1" % (method, origin, upstream.target(target))], b""
    after: list[bytes] = []
    if b"host" not in headers:
        before.append(b"Host: " + upstream.authority.encode())
    if proxy is not None and proxy.authorization:
        before.append(b"Proxy-Authorization: " + proxy.authorization)
    for name, value in _with_host(headers, upstream.authority.encode()):
        if name.lower() == b"content-length":
            length = length or name
        else:
            (after if length else before).append(b"%b: %b" % (name, value))
    for line in (*before, *after, length):
        if _FORBIDDEN.search(line):
            # a plugin's value must not become a header field, or a request, of its own
            raise ValueError(f"the line of {line.partition(b':')[0][:40]!r} holds a line break or NUL")
    return _joined(before), length, _joined(after)


def _with_host(headers: Headers, host: bytes) -> list[tuple[bytes, bytes]]:
    """The fields, with our `Host` in the place of the first one."""
    places = [place for place, (name, _) in enumerate(headers.pairs) if name.lower() == b"host"]
    fields = [pair for place, pair in enumerate(headers.pairs) if place not in places[1:]]
    return [(name, host) if name.lower() == b"host" else (name, value) for name, value in fields]


def _joined(lines: list[bytes]) -> bytes:
    return b"".join([line + b"\r\n" for line in lines])
