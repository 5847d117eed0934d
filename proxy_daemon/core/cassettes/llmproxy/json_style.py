"""How a body of JSON was written, in a few words, so that its value can stand in the file in place of its octets.

Invariant: `octets(value, style_of(data)[1])` is `data`; where no style does that there is none. Called by `bodies.py`.

The words: `compact` ({"a":1,"b":2}), `spaced` ({"a": 1, "b": 2}), `indent-2` and `indent-4`; with `ascii` where all
else is escaped, `html` where `<`, `>` and `&` are (Go), `newline` where one follows.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

_BASES: dict[str, dict[str, Any]] = {
    "compact": {"separators": (",", ":")},
    "spaced": {"separators": (", ", ": ")},
    "indent-2": {"indent": 2},
    "indent-4": {"indent": 4},
}
_FLAGS = ("ascii", "html", "newline")
_HTML = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_HTML_CHARACTERS = re.compile("[<>&\u2028\u2029]")
_SPACED = re.compile(rb'"[^"\\]*": ')
_MOST = 1024 * 1024  # octets of a body that is written as its value


class NoStyle(ValueError):
    """Words that are no style, or a value that no JSON says. The sentence holds nothing of the value."""


def style_of(data: bytes) -> tuple[Any, str] | None:
    """The value and its style; None where it is no object or list of JSON, or written in another way."""
    if data[:1] not in (b"{", b"[") or len(data) > _MOST:
        return None
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    style = _guess(data)
    try:
        return (value, style) if octets(value, style) == data else None
    except NoStyle:
        return None


def octets(value: Any, style: str) -> bytes:
    """The value as JSON in that style. Raises `NoStyle`."""
    base, *flags = style.split(", ")
    if base not in _BASES or not set(flags) <= set(_FLAGS):
        raise NoStyle(f"no style of JSON: there are {', '.join(_BASES)}, each with {', '.join(_FLAGS)}")
    try:
        text = json.dumps(value, ensure_ascii="ascii" in flags, allow_nan=False, **_BASES[base])
    except (TypeError, ValueError, RecursionError):
        raise NoStyle("a value that no JSON says") from None
    if "html" in flags:
        text = _HTML_CHARACTERS.sub(lambda found: _HTML[found[0]], text)
    return (text + "\n" if "newline" in flags else text).encode("utf-8", "replace")


def _guess(data: bytes) -> str:
    """The one style that it can have, by its first blanks, its escapes and its end."""
    second = data[1:6]
    if second[:1] == b"\n":
        base = "indent-4" if second[1:5] == b"    " else "indent-2"
    else:
        base = "spaced" if _SPACED.search(data, 0, 1000) else "compact"
    words = [base]
    if b"\\u" in data:
        html = b"\\u003c" in data or b"\\u003e" in data or b"\\u0026" in data
        words += ["html"] if html else ["ascii"] if data.isascii() else []
    return ", ".join([*words, "newline"] if data.endswith(b"\n") else words)
