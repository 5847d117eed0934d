r"""Writes a text as a JSON string in the manner of the one that it replaces: `\u003c` stays `\u003c`, `\/` stays `\/`.

Servers write a character always alike, so what a rule leaves alone keeps its octets. A manner that servers are known to
have is tried first, on the old text: it is right where that comes out as it came. Else each escape of the old text is
looked at, which takes ten times as long. Called by `edits.py`.
"""

from __future__ import annotations

import json
import re
from json.encoder import encode_basestring

import orjson

_ESCAPE = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\[^u]")
_ANY_UNKNOWN = re.compile(rb"\xef\xbf\xbd|" + _ESCAPE.pattern)
_UNKNOWN = "\ufffd"  # what `json_text.parse` makes of half a surrogate pair
_MUST = '[\\x00-\\x1f"\\\\]'
# What some writers escape besides: those of Go, which think of HTML, and of PHP.
_MORE = ((b"<", rb"\u003c"), (b">", rb"\u003e"), (b"&", rb"\u0026"), (b"/", rb"\/"))


def as_string(text: str, like: bytes, was: str | None = None) -> bytes:
    """``text`` as a string of JSON. ``like``: one with its quotes, whose escapes are taken over.

    ``was``: what that one says, where it is known: reading a long one takes a while.
    """
    if b"\\u" not in like and b"\\/" not in like:
        return _plain(text)
    known = _in_known_manner(text, like, was)
    return _by_each_escape(text, like) if known is None else known


def _in_known_manner(text: str, like: bytes, was: str | None) -> bytes | None:
    """None where ``like`` was written otherwise."""
    try:
        text.encode()
        old = orjson.loads(like) if was is None else was
        old.encode()
    except ValueError:  # half a surrogate pair, in either
        return None
    more = [each for each in _MORE if each[1] in like]
    ascii_only = like.isascii() and not old.isascii()
    if _written(old, more, ascii_only=ascii_only) != like:
        return None
    return _written(text, more, ascii_only=ascii_only)


def _written(text: str, more: list[tuple[bytes, bytes]], *, ascii_only: bool) -> bytes:
    written = json.dumps(text).encode() if ascii_only else _plain(text)
    for octet, escape in more:
        written = written.replace(octet, escape)
    return written


def _by_each_escape(text: str, like: bytes) -> bytes:
    table = _table(like)
    special = re.compile(f"{_MUST}|[{''.join(map(re.escape, table))}]") if table else re.compile(_MUST)
    unknown = _unknown(like) if _UNKNOWN in table else []
    left = iter(unknown if len(unknown) == text.count(_UNKNOWN) else ())  # else nobody knows which is which

    def manner(found: re.Match[str]) -> str:
        own = next(left, None) if found[0] == _UNKNOWN else None
        return own or table.get(found[0]) or _plain(found[0])[1:-1].decode()

    return b'"%b"' % special.sub(manner, text).encode("utf-8", "replace")


def _plain(text: str) -> bytes:
    return encode_basestring(text).encode("utf-8", "replace")


def _table(like: bytes) -> dict[str, str]:
    """How each character is written that is escaped at all; where that is done in several ways, the first counts."""
    table: dict[str, str] = {}
    for escape in dict.fromkeys(_ESCAPE.findall(like)):
        table.setdefault(_read(escape), escape.decode())
    return table


def _unknown(like: bytes) -> list[str]:
    """How each that reads as U+FFFD is written, in their order: halves of pairs are not all alike."""
    return [each.decode() for each in _ANY_UNKNOWN.findall(like) if _read(each) == _UNKNOWN]


def _read(escape: bytes) -> str:
    character: str = json.loads(b'"%b"' % escape)
    return _UNKNOWN if "\ud800" <= character <= "\udfff" else character
