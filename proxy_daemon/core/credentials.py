"""Whose request it is: a keyed hash of what the client authenticates with, never the credential itself.

It scopes what is shared (`--replay-scope key`, equal requests in flight). The key never leaves the store's file. What
redaction takes out of fields and query counts here: fingerprints are taken after it, so nothing else tells two apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from proxy_daemon.core.headers import Headers, Pair
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.secret_names import is_secret_field

_REDACTOR = Redactor()


def credential(headers: Headers, target: bytes, key: bytes) -> bytes:
    """16 octets that are equal for equal credentials; empty where there is none. ``key``: 16 to 64 octets."""
    given = sorted(((name.lower(), value) for name, value in headers.pairs if is_secret_field(name)), key=_name)
    if b"?" in target:
        given += [(b"?", parameter) for parameter in _secret_parameters(target)]
    return _hash(given, key) if given else b""


def with_secrets(found: bytes, secrets: Iterable[bytes], key: bytes) -> bytes:
    """A credential together with what redaction takes out of a body: who differs in that only is another."""
    return _hash([(b"", found), *[(b"body", secret) for secret in secrets]], key)


def _hash(given: Iterable[Pair], key: bytes) -> bytes:
    return blake2b(
        b"".join([b"%b:%d:%b" % (name, len(value), value) for name, value in given]), key=key, digest_size=16
    ).digest()


def _name(pair: Pair) -> bytes:
    return pair[0]


def _secret_parameters(target: bytes) -> list[bytes]:
    parameters = target.partition(b"?")[2].split(b"&")
    return [each for each in parameters if _REDACTOR.target(b"?" + each) != b"?" + each]
