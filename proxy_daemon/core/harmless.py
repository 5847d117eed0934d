"""Text of others as a terminal may show it: what would steer the terminal, or is not seen, stands there as an escape.

By Unicode's general categories: controls, formats (what turns the direction of writing, and tags, in which text hides),
line and paragraph separators, surrogates, private and unassigned characters; and letters and marks that show nothing
(Unicode TR36, UAX #44 Default_Ignorable_Code_Point). Called by the commands and by the console.
"""

from __future__ import annotations

import re
import unicodedata

_ODD = re.compile(r"[^\x20-\x7e\n\t]")
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
# Fillers, joiners and vowels of other categories; the braille blank. What chooses between forms of a character too, but
# the two that emoji are written with.
_BLANK = frozenset(
    chr(code)
    for codes in (
        (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
        (*range(0x180B, 0x1810), *range(0xFE00, 0xFE0E), *range(0xE0100, 0xE01F0)),
    )
    for code in codes
)


def harmless(text: str) -> str:
    """The text; its line feeds and tabs stay."""
    return _ODD.sub(_shown, text)


def one_line(text: str) -> str:
    """The same, on one line."""
    return harmless(text).replace("\n", "\\n").replace("\t", "\\t")


def _shown(found: re.Match[str]) -> str:
    character = found[0]
    if unicodedata.category(character) in _UNSEEN or character in _BLANK:
        return _escape(ord(character))
    return character


def _escape(code: int) -> str:
    """As Python writes it."""
    if code < 0x100:  # noqa: PLR2004  (one octet)
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004  (four digits)
