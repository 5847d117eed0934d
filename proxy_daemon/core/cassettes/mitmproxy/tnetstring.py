"""Typed netstrings, as mitmproxy's flow files have them: `LEN:payload` and one octet that tells the type.

Invariant: linear, and never deeper than `DEPTH`; nothing but bytes, text, numbers, truth values, None, lists and
mappings comes out. Called by `mitmproxy.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from attrs import frozen

DEPTH = 60  # levels; a flow has about seven
_LENGTH = re.compile(rb"([0-9]{1,12}):")  # twelve digits, as mitmproxy reads at most
_INTEGER = re.compile(rb"-?[0-9]{1,40}\Z")
_FLOAT = re.compile(rb"-?(?:[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?|inf|nan)\Z")


class NotTnetstring(ValueError):
    """What is wrong with the octets."""


class Cut(NotTnetstring):
    """The file ends before the value does."""


@frozen
class Span:
    """Where one value lies: its payload is ``data[start:end]``, and ``data[end]`` its type."""

    start: int
    end: int


def span(data: bytes, at: int, limit: int) -> Span:
    """Where the value that begins at ``at`` lies; ``limit`` is where the octets around it end.

    Raises `Cut` where they end too early, and `NotTnetstring` where there is no length.
    """
    found = _LENGTH.match(data, at, limit)
    if not found:
        rest = data[at : min(limit, at + 13)]
        raise Cut("its length is cut off") if rest.isdigit() and at + len(rest) == limit else NotTnetstring("no length")
    end = found.end() + int(found[1])
    if end >= limit:
        raise Cut(f"{end + 1 - limit} of its octets are missing")
    return Span(found.end(), end)


def value(data: bytes, where: Span, depth: int = DEPTH) -> Any:
    """The value there. Keys of mappings are text, in what way ever they are written. Raises `NotTnetstring`."""
    kind = data[where.end]
    if kind in _NESTED:
        if not depth:
            raise NotTnetstring(f"nested deeper than {DEPTH} levels")
        return _NESTED[kind](_values(data, where, depth - 1))
    if kind not in _PLAIN:
        raise NotTnetstring("an unknown type")
    return _PLAIN[kind](data[where.start : where.end])


def _values(data: bytes, where: Span, depth: int) -> list[Any]:
    found, at = [], where.start
    while at < where.end:
        inner = span(data, at, where.end)
        found.append(value(data, inner, depth))
        at = inner.end + 1
    return found


def _mapping(values: list[Any]) -> dict[str, Any]:
    if len(values) % 2:
        raise NotTnetstring("a key without a value")
    return dict(zip(map(_key, values[::2]), values[1::2], strict=True))


def _key(key: Any) -> str:
    if isinstance(key, bytes):
        return key.decode("utf-8", "replace")
    if not isinstance(key, str):
        raise NotTnetstring("a key that is no text")
    return key


def _text(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise NotTnetstring("text that is not UTF-8") from None


def _integer(payload: bytes) -> int:
    if not _INTEGER.match(payload):
        raise NotTnetstring("no integer where one should be")
    return int(payload)


def _float(payload: bytes) -> float:
    if not _FLOAT.match(payload):
        raise NotTnetstring("no number where one should be")
    return float(payload)


def _truth(payload: bytes) -> bool:
    if payload not in (b"true", b"false"):
        raise NotTnetstring("neither true nor false")
    return payload == b"true"


def _nothing(payload: bytes) -> None:
    if payload:
        raise NotTnetstring("a null that holds something")


_NESTED: dict[int, Callable[[list[Any]], Any]] = {ord("]"): list, ord("}"): _mapping}
_PLAIN: dict[int, Callable[[bytes], Any]] = {
    ord(","): bytes,
    ord(";"): _text,
    ord("#"): _integer,
    ord("^"): _float,
    ord("!"): _truth,
    ord("~"): _nothing,
}
