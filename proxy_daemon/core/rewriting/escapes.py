r"""Writes a text as a JSON string in the manner of the one that it replaces: `\u003c` stays `\u003c`, `\/` stays `\/`.

Servers write a character always alike, so what a rule leaves alone keeps its octets. Called by `edits.py`.
"""

from __future__ import annotations

import json
import re

_ESCAPE = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\[^u]")
_UNKNOWN = "\ufffd"  # what `json_text.parse` makes of half a surrogate pair
_MUST = '[\\x00-\\x1f"\\\\]'


def as_string(text: str, like: bytes) -> bytes:
    """``text`` as a string of JSON. ``like``: one with its quotes, whose escapes are taken over."""
    if b"\\u" not in like and b"\\/" not in like:
        return _plain(text)
    table = _table(like)
    special = re.compile(f"{_MUST}|[{''.join(map(re.escape, table))}]") if table else re.compile(_MUST)
    written = special.sub(lambda found: table.get(found[0]) or _plain(found[0])[1:-1].decode(), text)
    return b'"%b"' % written.encode("utf-8", "replace")


def _plain(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")


def _table(like: bytes) -> dict[str, str]:
    """How each character is written that is escaped at all; where that is done in several ways, the first counts."""
    table: dict[str, str] = {}
    for escape in dict.fromkeys(_ESCAPE.findall(like)):
        character = json.loads(b'"%b"' % escape)
        if "\ud800" <= character <= "\udfff":
            character = _UNKNOWN
        table.setdefault(character, escape.decode())
    return table
