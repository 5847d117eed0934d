"""Header fields in all the shapes in which recordings hold them, in their order and case.

Invariant: each field of the file is one here, several values are several; a name that HTTP does not allow is an error
of its entry, never left out. Called by `message.py`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

from proxy_daemon.core.headers import Headers, Pair

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")  # RFC 9110 section 5.6.2
_BREAKS = re.compile(rb"[\x00\r\n]+")
_LINES = re.compile(r"\r\n|\r|\n")


class Broken(ValueError):
    """Why an entry of a file is no exchange. The sentence holds nothing of the file."""


def fields(given: Any) -> Headers:
    """Of a mapping of values or lists, a list of {name, value} or [name, value], or raw lines. Raises `Broken`."""
    return Headers([pair for name, value in _named(given) for pair in _pairs(name, value)])


def _named(given: Any) -> Iterator[tuple[Any, Any]]:
    """Names with whatever stands beside them."""
    if given is None:
        return
    if isinstance(given, dict):
        yield from given.items()
    elif isinstance(given, str):
        yield from map(_of_line, filter(None, _LINES.split(given)))
    elif isinstance(given, list):
        yield from map(_of_item, given)
    else:
        raise Broken("header fields that are no mapping, list or text")


def _of_item(item: Any) -> tuple[Any, Any]:
    if isinstance(item, dict) and "name" in item and "value" in item:
        return item["name"], item["value"]
    if isinstance(item, list) and len(item) == 2:  # noqa: PLR2004  (a pair)
        return item[0], item[1]
    if isinstance(item, str):
        return _of_line(item)
    raise Broken("a header field that is no pair")


def _of_line(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise Broken("a header line without a colon")
    return name, value.strip()


def _pairs(name: Any, value: Any) -> Iterator[Pair]:
    octets = text_octets(name)
    if octets.startswith(b":"):  # HTTP/2's own, told apart from fields: RFC 9113 section 8.3
        return
    if not _NAME.match(octets):
        raise Broken("a header field with a name that HTTP does not allow")
    for one in value if isinstance(value, list) else [value]:
        yield octets, _BREAKS.sub(b" ", text_octets(one)).strip(b" \t")


def text_octets(value: Any) -> bytes:
    """A scalar's octets: text in UTF-8, numbers as text, nothing for null. Raises `Broken` for lists and mappings."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode(errors="replace")
    if value is None:
        return b""
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, int | float):
        return str(value).encode()
    raise Broken("a list or mapping where text was expected")


def base64_octets(text: Any) -> bytes:
    """Of base64 with or without blanks between; other characters are never left out. Raises ValueError, TypeError."""
    coded = text if isinstance(text, bytes) else text.encode("ascii") if isinstance(text, str) else None
    if coded is None:
        raise TypeError("base64 is text")
    return base64.b64decode(b"".join(coded.split()), validate=True)
