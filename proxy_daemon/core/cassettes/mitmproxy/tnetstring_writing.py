"""Typed netstrings as mitmproxy writes them: the other half of `tnetstring.py`.

Invariant: what is written is read back the same, but that a tuple is a list then. Called by `mitmproxy/writing.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def dumps(value: Any) -> bytes:
    """Of None, truth values, numbers, text, octets, lists, and mappings with text as keys. Raises TypeError."""
    return b"".join(_parts(value))


def _parts(value: Any) -> list[bytes]:
    if isinstance(value, dict):
        return _nested(b"}", (part for pair in value.items() for part in pair))
    if isinstance(value, list | tuple):
        return _nested(b"]", value)
    kind, payload = _plain(value)
    return [b"%d:" % len(payload), payload, kind]


def _nested(kind: bytes, values: Iterable[Any]) -> list[bytes]:
    parts = [part for value in values for part in _parts(value)]
    return [b"%d:" % sum(map(len, parts)), *parts, kind]


def _plain(value: Any) -> tuple[bytes, bytes]:
    if value is None:
        return b"~", b""
    if isinstance(value, bool):
        return b"!", b"true" if value else b"false"
    if isinstance(value, int):
        return b"#", b"%d" % value
    if isinstance(value, float):
        return b"^", repr(value).encode()
    if isinstance(value, str):
        return b";", value.encode()
    if isinstance(value, bytes):
        return b",", value
    raise TypeError("no typed netstring can hold this")
