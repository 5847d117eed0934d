"""Whether a stored body is what went over the wire, and which fields about it are still true.

Invariant: what comes out is true of the body beside it. `Content-Length` that does not fit, `Transfer-Encoding` always,
and `Content-Encoding` of a body that was stored decoded are left out. Called by `message.py`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import brotli

from proxy_daemon.core.headers import Headers

_GLIMPSE = 4096  # octets that tell whether a body is still coded
_MOST = 65536  # octets that a glimpse may become
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_IDENTITY = frozenset((b"identity", b""))


def true_fields(headers: Headers, data: bytes, *, bodiless: bool) -> tuple[Headers, bool]:
    """The fields that hold for ``data``, and whether ``data`` is, as far as they tell, what was on the wire.

    ``bodiless``: of an answer to HEAD, whose fields describe a body that was never there (RFC 9110 section 9.3.2).
    """
    kept = headers.end_to_end()
    if bodiless:
        return kept, True
    same = True
    if b"content-encoding" in kept and data and not is_coded(kept.tokens(b"content-encoding"), data):
        kept, same = kept.without((b"content-encoding",)), False
    lengths = kept.all(b"content-length")
    if any(length.strip() != b"%d" % len(data) for length in lengths):
        kept, same = kept.without((b"content-length",)), same and not any(map(bytes.isdigit, lengths))
    return kept, same


def is_coded(codings: Sequence[bytes], data: bytes) -> bool:
    """Whether ``data`` is still under the last of the content codings (RFC 9110 section 8.4.1).

    Of codings that are not known here the answer is taken from the data: text is not coded.
    """
    last = codings[-1] if codings else b""
    if last in _IDENTITY:
        return True
    if last in (b"gzip", b"x-gzip"):
        return data[:2] == b"\x1f\x8b"
    if last == b"zstd":
        return data[:4] == b"\x28\xb5\x2f\xfd"
    if _is_text(data):
        return False
    return _inflates(data) if last == b"deflate" else _is_brotli(data) if last == b"br" else True


def _is_text(data: bytes) -> bool:
    glimpse = data[:_GLIMPSE]
    try:
        glimpse.decode()
    except UnicodeDecodeError as error:
        if error.start < len(glimpse) - 3:  # not just cut inside its last character
            return False
    return not _BINARY.search(glimpse)


def _inflates(data: bytes) -> bool:
    for window in (zlib.MAX_WBITS, -zlib.MAX_WBITS):  # as specified, and without its frame, as many send it
        try:
            zlib.decompressobj(window).decompress(data[:_GLIMPSE], _MOST)
        except zlib.error:
            continue
        return True
    return False


def _is_brotli(data: bytes) -> bool:
    try:
        brotli.Decompressor().process(data[:_GLIMPSE], output_buffer_limit=_MOST)
    except brotli.error:
        return False
    return True
