"""The elements of a JSON array inside of a document, one by one.

Invariant: what comes is what the whole document says, or `NotStreamed`. Called by `entries.py` and `har.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import orjson

from proxy_daemon.core.cassettes import Unreadable, json_text
from proxy_daemon.core.cassettes.streaming.source import LONGEST, NotStreamed
from proxy_daemon.core.wire import Malformed
from proxy_daemon.core.wire.json_array import JSONArrayReader

_HEAD = 1024 * 1024  # octets before the array, and behind it
_STEP = 256 * 1024
_BEGIN = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*+")
_KEY = re.compile(rb'[ \t\r\n]*+("(?:[^"\\]++|\\.)*+")[ \t\r\n]*+:[ \t\r\n]*+', re.DOTALL)
_SCALAR = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[-+.0-9A-Za-z]++', re.DOTALL)
# The outer group is atomic, not possessive: see core/wire/json_array.py.
_OPENS = re.compile(rb'[^"{}\[\]]*+(?>(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"{}\[\]]*+)*)([{}\[\]])', re.DOTALL)
_NEXT = re.compile(rb"[ \t\r\n]*+,")


def items(file: str, source: BinaryIO, path: Sequence[str]) -> Iterator[Any]:
    """The elements of the array that the members ``path`` lead to, as `json_text.load` gives them.

    Raises `NotStreamed`, also after some elements, `Unreadable` for an array that stands there twice, and what reading
    raises.
    """
    begin = source.read(_HEAD)
    at = _array_at(begin, path)
    if at is None:
        raise NotStreamed(f"no array {'.'.join(path)!r} near its beginning")
    elements = _Elements(source, begin[at:])
    for data in elements.read():
        yield _loaded(data)
    rest = elements.tail + source.read(_HEAD)
    if source.read(1):
        raise NotStreamed(f"more than {_HEAD} octets behind {'.'.join(path)!r}")
    found = _loaded(begin[:at] + b"[null]" + rest)
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if found != [None]:
        raise Unreadable(file, f"{'.'.join(path)!r} stands there twice")


class _Elements:
    """``tail``: what was read behind the array, when all elements have been given."""

    def __init__(self, source: BinaryIO, begin: bytes) -> None:
        self._source, self._next = source, begin
        self._reader = JSONArrayReader(LONGEST)
        self._size = 0  # octets that the reader got
        self.tail = b""

    def read(self) -> Iterator[bytes]:
        """The elements' octets. Raises `NotStreamed`."""
        while True:
            data = self._next
            self._size += len(data)
            try:
                for element in self._reader.feed(data):
                    yield element.data
                self._reader.feed(b"")  # a fault behind the last element waits for the next call
            except Malformed as error:
                self.tail = self._behind(error, data)
                return
            self._next = self._source.read(_STEP)
            if not self._next:
                self._end()
                return

    def _behind(self, error: Malformed, data: bytes) -> bytes:
        """What stands behind the array; that something does is the fault which ends the reading."""
        if "behind the array" not in error.reason:
            raise NotStreamed(f"not JSON: {error.reason}")
        return data[error.at - self._size + len(data) :]

    def _end(self) -> None:
        try:
            self._reader.end()
        except Malformed as error:
            raise NotStreamed(f"not JSON: {error.reason}") from None


def _loaded(data: bytes) -> Any:
    try:
        return json_text.load(data)
    except json_text.NotJson as error:
        raise NotStreamed(str(error)) from None


def _array_at(data: bytes, path: Sequence[str]) -> int | None:
    """Where the array begins, as far as ``data`` tells."""
    at = _BEGIN.match(data).end()  # type: ignore[union-attr]  # it matches anything
    for name in path:
        found = _member(data, at, name)
        if found is None:
            return None
        at = found
    return at if data[at : at + 1] == b"[" else None


def _member(data: bytes, at: int, name: str) -> int | None:
    """Where the value of this member of the object at ``at`` begins."""
    if data[at : at + 1] != b"{":
        return None
    while key := _KEY.match(data, at + 1):
        if _text(key[1]) == name:
            return key.end()
        end = _value_end(data, key.end())
        comma = None if end is None else _NEXT.match(data, end)
        if comma is None:
            return None
        at = comma.end() - 1
    return None


def _text(key: bytes) -> Any:
    try:
        return orjson.loads(key)
    except orjson.JSONDecodeError:
        return None


def _value_end(data: bytes, at: int) -> int | None:
    if found := _SCALAR.match(data, at):
        return found.end()
    depth = 0
    while found := _OPENS.match(data, at):
        depth += 1 if found[1] in b"{[" else -1
        at = found.end()
        if depth <= 0:
            return at
    return None
