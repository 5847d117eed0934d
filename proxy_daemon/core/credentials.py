"""Whose request it is: a keyed hash of what the client authenticates with, never the credential itself.

It scopes what is shared (`--replay-scope key`, equal requests in flight). The key never leaves the store's file.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from proxy_daemon.core.headers import Headers

FIELDS = (
    b"authorization",
    b"x-api-key",
    b"api-key",
    b"x-goog-api-key",
    b"cookie",
    b"openai-organization",
    b"openai-project",
)
_QUERY_KEY = re.compile(rb"[?&](?:key|api[-_]?key|access_token)=([^&]*)", re.IGNORECASE)


def credential(headers: Headers, target: bytes, key: bytes) -> bytes:
    """16 octets that are equal for equal credentials; empty where there is none. ``key``: 16 to 64 octets."""
    given = [(name, value) for name in FIELDS for value in headers.all(name)]
    if b"?" in target:
        given += [(b"?", value) for value in _QUERY_KEY.findall(target)]
    if not given:
        return b""
    return blake2b(
        b"".join([b"%b:%d:%b" % (name, len(value), value) for name, value in given]), key=key, digest_size=16
    ).digest()
