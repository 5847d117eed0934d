"""JSON's grammar (RFC 8259) as patterns over octets: each takes as much of a document as it can in one match.

They read what `plain` gives: there a string is all up to the next quote, which a pattern takes ten times as fast. No
pattern holds more than a bounded number of steps in memory or goes back over what an atomic group has taken, so all are
linear. Used by `walk.py`.
"""

from __future__ import annotations

import codecs
import re
from functools import cache

from proxy_daemon.core.wire import json_text

LEVELS = 4  # of arrays and objects that one match takes; what is nested deeper is taken apart by `walk.py`
AT_ONCE = 256  # elements of each of them, for the same reason
BOM = codecs.BOM_UTF8
_PART = 1 << 20  # octets that are checked at once, so that a large text is never held twice

_WS = r"[ \t\n\r]*+"
_STRING = r'"[^"]*+"'
# NaN and infinities are no JSON by the RFC, but what Python's `json` writes and `wire/json_text.py` reads.
_NUMBER = r"-?+(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?+[0-9]++)?"
_NAME = rf"{_STRING}{_WS}:{_WS}"


class NotJSON(json_text.NotJSON):
    """The octets are no JSON text. ``at``: the offset of the octet at which that was seen."""

    def __init__(self, reason: str, at: int) -> None:
        super().__init__(reason)
        self.at = at

    def __str__(self) -> str:
        return f"not JSON: {self.reason}, at octet {self.at}"


def _value(levels: int) -> str:
    """A pattern of values nested so deep."""
    kinds = [_STRING, _NUMBER, "true", "false", "null", "NaN", "-?+Infinity"]
    if levels:
        inner = _value(levels - 1)
        kinds += [rf"\[{_WS}{_items(inner, ']')}\]", rf"\{{{_WS}{_items(_NAME + inner, '}')}\}}"]
    return f"(?>{'|'.join(kinds)})"


# Groups are atomic where others would be possessive: before Python 3.11.5 a possessive group whose last round fails
# half-way goes on from there (gh-106052).
def _items(item: str, closer: str) -> str:
    r"""Items with commas between them. A comma before the closer is not taken, and then neither is the closer."""
    return rf"(?>(?:{item}{_WS}(?:,{_WS}(?!\{closer})|(?=\{closer}))){{0,{AT_ONCE}}})"


def _compiled(pattern: str) -> re.Pattern[bytes]:
    return re.compile(pattern.encode("ascii"))


def _run(item: str) -> re.Pattern[bytes]:
    return _compiled(rf"(?>(?:{item}{_WS},{_WS}){{0,{AT_ONCE}}})")


SPACE = _compiled(_WS)
NAME = _compiled(rf"({_STRING}){_WS}:{_WS}")
OPEN = _compiled(rf"[\[{{]{_WS}")
NEXT = {closer: _compiled(rf"{_WS}(?:(,){_WS}|\{closer})") for closer in "]}"}  # behind a value
_BAD_ESCAPE = re.compile(rb"\\(?![/bfnrt]|u[0-9A-Fa-f]{4})")
# Where a round fails half-way, a quote is left before the end, whatever the version of Python.
_NO_CONTROLS = re.compile(rb'(?:[^"]*+"[^"\x00-\x1f]*+")*+[^"]*+')
_CONTROLS = bytes(range(0x20))


# Compiled when they are first needed: it takes long, and few daemons need them at the start.
@cache
def value() -> re.Pattern[bytes]:
    """A whole value."""
    return _compiled(_value(LEVELS))


@cache
def elements() -> re.Pattern[bytes]:
    """Those of an array with the comma behind each; flat ones, for each level doubles a pattern."""
    return _run(_value(1))


@cache
def members() -> re.Pattern[bytes]:
    """The same of an object, with their names."""
    return _run(_NAME + _value(1))


def plain(data: bytes) -> bytes:
    r"""The text with ``\\`` and ``\"`` made harmless, octet for octet in its place. Raises `NotJSON`.

    With that, what strings may not hold is ruled out: other escapes, control characters, what is not UTF-8.
    """
    check_utf8(data)
    # A run of backslashes begins behind an octet that is none, so pairs from the left are what a parser sees.
    text = data.replace(b"\\\\", b"..").replace(b'\\"', b"..")
    if bad := _BAD_ESCAPE.search(text):
        raise NotJSON("no such escape", bad.start())
    _check_controls(text)
    return text


def check_utf8(data: bytes) -> None:
    """Raises `NotJSON`."""
    if data.isascii():
        return
    decoder = codecs.getincrementaldecoder("utf-8")()
    for at in range(0, len(data), _PART):
        held = len(decoder.getstate()[0])
        try:
            decoder.decode(data[at : at + _PART], at + _PART >= len(data))
        except UnicodeDecodeError as error:
            raise NotJSON("not UTF-8", at - held + error.start) from None


def _check_controls(text: bytes) -> None:
    """None within strings. Most bodies have none at all, which is quickly seen."""
    parts = (text[at : at + _PART] for at in range(0, len(text), _PART))
    if all(len(part.translate(None, _CONTROLS)) == len(part) for part in parts):
        return
    found = _NO_CONTROLS.match(text)
    if found is not None and found.end() < len(text):
        raise NotJSON("a control character in the string", found.end())
