"""Cuts what a rendered answer says into what one event of its stream carries. Joined, the pieces are the text again."""

from __future__ import annotations

import re

LONGEST_CUT = 65_536  # characters that are cut into words; a longer text is cut into equal pieces
MOST_PIECES = 400  # of a stream, however long the text

_WORD = re.compile(r"\s*(?:\w{1,8}|[^\w\s])|\s+")


def words(text: str) -> list[str]:
    """About a word each, with the blanks before it; larger pieces where there would be too many.

    >>> words("Paris, of course.")
    ['Paris', ',', ' of', ' course', '.']
    """
    if len(text) <= LONGEST_CUT and len(found := _WORD.findall(text)) <= MOST_PIECES:
        return found
    size = -(-len(text) // MOST_PIECES)
    return [text[start : start + size] for start in range(0, len(text), size)]
