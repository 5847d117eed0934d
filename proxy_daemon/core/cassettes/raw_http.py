"""Raw messages of HTTP/1 as files hold them: a head, and a body with its framing, which is taken off.

Invariant: linear, and each octet of the message is either given or framing. Called by `httprr.py`.
"""

from __future__ import annotations

import re

from attrs import frozen

from proxy_daemon.core.headers import Headers, Pair

LONGEST_HEAD = 1024 * 1024  # octets
# Scrubbers put fields in with LF alone (RFC 9112 section 2.2 lets a recipient take it).
_BREAK = re.compile(rb"\r?\n")
_END = re.compile(rb"\r?\n\r?\n")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([^\0\r\n]*+)\Z")
_REQUEST = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\xff]+) HTTP/[0-9](?:\.[0-9])?\Z")
_STATUS = re.compile(rb"HTTP/[0-9](?:\.[0-9])? ([1-9][0-9][0-9])(?: ([^\0\r\n]*))?\Z")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")


class NotHttp(ValueError):
    """What is wrong with the octets."""


@frozen
class RawRequest:
    """``url``: as it stands in the first line, mostly with scheme and host."""

    method: bytes
    url: bytes
    headers: Headers
    body: bytes
    trailers: Headers


@frozen
class RawResponse:
    """``body``: without framing; its content coding is still on."""

    status: int
    reason: bytes
    headers: Headers
    body: bytes
    trailers: Headers


def request(data: bytes) -> RawRequest:
    """The request that ``data`` is (RFC 9112 section 3.2). Raises `NotHttp`."""
    first, headers, rest = _head(data)
    found = _REQUEST.match(first)
    if not found:
        raise NotHttp("the request has no request line")
    body, trailers = _unframed(headers, rest)
    return RawRequest(found[1], found[2], headers, body, trailers)


def response(data: bytes, *, bodiless: bool = False) -> RawResponse:
    """The response that ``data`` is (RFC 9112 section 4); ``bodiless``: to HEAD. Raises `NotHttp`."""
    first, headers, rest = _head(data)
    found = _STATUS.match(first)
    if not found:
        raise NotHttp("the response has no status line")
    body, trailers = (rest, Headers()) if bodiless else _unframed(headers, rest)
    return RawResponse(int(found[1]), found[2] or b"", headers, body, trailers)


def _head(data: bytes) -> tuple[bytes, Headers, bytes]:
    end = _END.search(data, 0, LONGEST_HEAD)
    if not end:
        raise NotHttp("the head does not end")
    first, *lines = _BREAK.split(data[: end.start()])
    return first, Headers(map(_field, lines)), data[end.end() :]


def _field(line: bytes) -> Pair:
    found = _FIELD.match(line)
    if not found:
        raise NotHttp("a header field without a name, or with a line break")
    return found[1], found[2].strip(b" \t")


def _unframed(headers: Headers, rest: bytes) -> tuple[bytes, Headers]:
    """The body without chunks. A `Content-Length` is not believed: the file says how long the message is."""
    if b"chunked" not in headers.tokens(b"transfer-encoding"):
        return rest, Headers()
    parts: list[bytes] = []
    at = 0
    while size := _CHUNK.match(rest, at):
        begin, end = size.end(), size.end() + int(size[1], 16)
        if begin == end:
            return b"".join(parts), _trailers(rest[end:])
        if rest[end : end + 2] != b"\r\n":
            raise NotHttp("a chunk is cut off, or longer than it says")
        parts.append(rest[begin:end])
        at = end + 2
    raise NotHttp("a chunk has no size")


def _trailers(rest: bytes) -> Headers:
    if not rest.endswith(b"\r\n"):
        raise NotHttp("the last chunk does not end")
    lines = rest[:-2].split(b"\r\n")
    if lines[-1]:
        raise NotHttp("the trailers do not end")
    return Headers(map(_field, lines[:-1]))
