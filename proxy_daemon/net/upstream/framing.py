"""The rules for an upstream's head and trailers that llhttp does not keep (RFC 9112 sections 2.3, 4, 6 and 7).

What breaks one is a ValueError with a reason in plain words: nothing of that answer can be trusted. Called by
`net/upstream/connection.py`; docs/hostile-upstreams.md says what comes of each.
"""

from __future__ import annotations

import re

from proxy_daemon.core.headers import Headers, Pair

MAX_FIELDS = 1000  # of one head, and of the trailers behind one body
VERSIONS = ("1.1", "1.0")
MAX_LENGTH_DIGITS = 18  # an exabyte: most clients count in 63 bits
# Whoever reads a trailer as a field of the head would see another body, or another connection, than we did.
FRAMING = frozenset((b"content-length", b"transfer-encoding"))
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_SWITCHED = 101


def check_head(version: str, status: int, reason: bytes, fields: list[Pair]) -> None:
    """A status line and the fields behind it, of an interim answer too. Raises ValueError."""
    if version not in VERSIONS:
        raise ValueError(f"its answer is HTTP/{version}, and only HTTP/1.1 and HTTP/1.0 are read here")
    if not 100 <= status <= 999:  # noqa: PLR2004  (RFC 9110 section 15; what is above 599 is passed on as it is)
        raise ValueError(f"its status code {status:03} is none")
    if status == _SWITCHED:
        raise ValueError("it switched to another protocol, which nobody had asked for")
    if reason != b"OK" and _CONTROL.search(reason):
        raise ValueError("its reason phrase holds a control character")
    check_count(fields)


def check_count(fields: list[Pair]) -> None:
    """Clients refuse what has many fewer. Raises ValueError."""
    if len(fields) > MAX_FIELDS:
        raise ValueError(f"it sent more than {MAX_FIELDS} header fields")


def check_trailer(name: bytes) -> None:
    """The name of a field behind the body. Raises ValueError."""
    if name.lower() in FRAMING:
        raise ValueError(f"it sent {name.decode('latin-1')} behind its body")


def has_length(headers: Headers) -> bool:
    """Whether there is a Content-Length, which llhttp has read. Raises ValueError where nobody can send so much."""
    length = headers.get(b"content-length")
    if len(length) > MAX_LENGTH_DIGITS and len(length.strip().lstrip(b"0")) > MAX_LENGTH_DIGITS:
        raise ValueError("its Content-Length is more than anybody can send")
    return bool(length)


def transfer_coding(headers: Headers) -> bytes:
    """``chunked``, ``identity``, or nothing. Raises ValueError on all else, lists with empty members included.

    llhttp reads `chunked,` as another coding, and other readers as this one: no two may see two bodies.
    """
    codings = headers.all(b"transfer-encoding")
    if not codings:
        return b""
    coding = codings[0].strip().lower()
    if len(codings) > 1 or coding not in (b"chunked", b"identity"):
        raise ValueError("its body has a transfer coding that nobody had asked for")
    return coding
