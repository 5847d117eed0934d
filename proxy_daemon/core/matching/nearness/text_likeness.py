"""How alike two texts are, by their words: 0 to 1, the same from both sides, and 1 for equal texts only.

Linear but for what lies between the first and the last difference, of which no more than `MOST_WORDS` are compared.
"""

from __future__ import annotations

import re

from rapidfuzz.distance import Indel

MOST_WORDS = 4_000
LONGEST = 64 * 1024  # signs of a text that are compared
# Scripts that leave no blanks between words: each sign is one.
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_WORDS = re.compile(UNSPACED.pattern + "|[^\\s" + UNSPACED.pattern[1:] + "+")


def text_likeness(one: str, other: str) -> float:
    """1 minus the share of words that must be put in or taken out; texts that differ in blanks only are nearly 1."""
    if one == other:
        return 1.0
    one, other = one[:LONGEST], other[:LONGEST]
    before, behind = common_ends(one, other)
    common = 2 * _blanks(one, before, behind)
    old, new = split(one[before : len(one) - behind]), split(other[before : len(other) - behind])
    compared = old[:MOST_WORDS], new[:MOST_WORDS]
    scale = (len(old) + len(new)) / (len(compared[0]) + len(compared[1]) or 1)  # the rest is as unlike as these are
    distance = Indel.distance(*compared) * scale
    total = len(old) + len(new) + common
    return min(max(0.0, 1 - distance / total) if total else 1.0, 1 - 1 / (total + 2))


def split(text: str) -> list[str]:
    """The words of a text as they stand."""
    return text.split() if text.isascii() else _WORDS.findall(text)


def common_ends(one: str, other: str) -> tuple[int, int]:
    """How many signs are the same at the beginning and at the end, to whole words; the two do not overlap."""
    room = min(len(one), len(other))
    before = _common(one, other, room)
    while before and before < room and not one[before - 1].isspace():
        before -= 1
    behind = _common(one[::-1], other[::-1], room - before)
    while behind and not one[len(one) - behind].isspace():
        behind -= 1
    return before, behind


def _common(one: str, other: str, room: int) -> int:
    """The length of the common beginning, at most ``room``: by halves, as comparing octets is fast."""
    low, high = 0, room
    if one[:high] == other[:high]:
        return high
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _blanks(text: str, before: int, behind: int) -> int:
    """About the number of words at both ends."""
    ends = text[:before], text[len(text) - behind :] if behind else ""
    return sum(end.count(" ") + end.count("\n") for end in ends)
