"""Header fields added, set and removed by rule, and which of them no rule may touch.

Invariant: a value that exists holds no line break, and names neither framing, nor `Host`, nor a field of one hop: what
is wrong with those would be sent on as another message. Used by `requests.py` and `responses.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import field, frozen

from proxy_daemon.core.headers import HOP_BY_HOP, Headers, Pair
from proxy_daemon.core.injection import REPLACED

NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_VALUE = re.compile(rb"[\x21-\x7e\x80-\xff](?:[\x20-\x7e\t\x80-\xff]*[\x21-\x7e\x80-\xff])?")  # section 5.5
_FRAMING = frozenset((b"content-length", b"content-encoding", b"host", b"upgrade", b"expect"))
_OWN = b"x-llmproxy-"


def checked_name(name: bytes) -> bytes:
    """A name that rules may touch, in its own case. Raises ValueError with a sentence."""
    low, shown = name.lower(), name.decode("latin-1")
    if NAME.fullmatch(name) is None:
        raise ValueError(f"{shown!r} is not the name of a header field")
    if low in _FRAMING or low in HOP_BY_HOP:
        raise ValueError(f"{shown!r} says how the message is sent: llmproxy writes it, and no rule may")
    if low.startswith(_OWN):
        raise ValueError(f"{shown!r} is llmproxy's own: no rule may touch it")
    return name


def no_key(name: bytes) -> bytes:
    """A name of no credential. Raises ValueError: a key belongs into a file of its own."""
    if name.lower() in REPLACED:
        raise ValueError(f"{name.decode('latin-1')!r} holds a key: use --upstream-key NAME=FILE, which records none")
    return name


def _checked_pairs(pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    found = tuple((checked_name(name), value) for name, value in pairs)
    for name, value in found:
        if value and _VALUE.fullmatch(value) is None:
            raise ValueError(f"{name.decode()!r}: its value has a line break, a control character or a space at an end")
    return found


def _checked_names(names: Iterable[bytes]) -> tuple[bytes, ...]:
    return tuple(checked_name(name).lower() for name in names)


@frozen
class HeaderEdits:
    """In this order: ``remove`` (all lines of a field), ``set`` (one line in place of all), ``add`` (one line more).

    Raises ValueError, see `checked_name`.
    """

    remove: tuple[bytes, ...] = field(default=(), converter=_checked_names)
    set: tuple[Pair, ...] = field(default=(), converter=_checked_pairs)
    add: tuple[Pair, ...] = field(default=(), converter=_checked_pairs)

    def edited(self, headers: Headers) -> Headers:
        """The fields, changed; the same object where nothing is to change."""
        headers = headers.without(self.remove)
        for name, value in self.set:
            headers = _with(headers, name, value)
        return headers.plus(*self.add) if self.add else headers

    @property
    def names(self) -> frozenset[bytes]:
        """Those that are removed or set, in lower case."""
        return frozenset((*self.remove, *(name.lower() for name, _ in self.set)))


def _with(headers: Headers, name: bytes, value: bytes) -> Headers:
    """The field in the place of its first line, else behind all others."""
    low = name.lower()
    if headers.all(low) == [value]:
        return headers
    at = next((at for at, pair in enumerate(headers.pairs) if pair[0].lower() == low), len(headers.pairs))
    rest = [pair for pair in headers.pairs[at:] if pair[0].lower() != low]
    return Headers((*headers.pairs[:at], (name, value), *rest))
