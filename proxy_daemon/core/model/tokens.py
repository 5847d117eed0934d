r"""How the built-in model counts and cuts text into tokens. Not a real tokenizer: a rule that a reader can check.

A token is a run of at most eight letters, digits and underscores, or one other character, with the blanks before it.
Blanks at the end are one token. The tokens of a text, joined, are the text.
"""

from __future__ import annotations

import re

COUNTED = 65_536  # characters that are looked at; beyond, four characters are a token
PIECES = 400  # pieces of a stream at most, however long the text

_TOKEN = re.compile(r"\s*(?:\w{1,8}|[^\w\s])|\s+")


def split(text: str) -> list[str]:
    """The tokens of a text.

    >>> split("Paris, of course.")
    ['Paris', ',', ' of', ' course', '.']
    """
    return _TOKEN.findall(text)


def count(text: str) -> int:
    """How many tokens a text has."""
    rest = max(0, len(text) - COUNTED)
    return len(_TOKEN.findall(text[:COUNTED])) + (rest + 3) // 4


def pieces(text: str) -> list[str]:
    """The text in what one event of a stream carries: a token, or more where there would be too many events."""
    if len(text) <= COUNTED and len(tokens := split(text)) <= PIECES:
        return tokens
    size = -(-len(text) // PIECES)
    return [text[start : start + size] for start in range(0, len(text), size)]
