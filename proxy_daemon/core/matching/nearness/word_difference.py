"""Two long texts as the words that differ, each with some signs around it. Called by `difference`.

Linear: what lies between the first and the last difference is not looked into where it is long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter

from attrs import frozen
from rapidfuzz.distance import Indel

from proxy_daemon.core.matching.nearness.text_likeness import UNSPACED, common_ends

AROUND = 24  # signs shown at both sides of a change
SHOWN = 3  # changes
LONGEST = 60  # signs of a change
MOST_WORDS = 4_000
_WORDS = re.compile(UNSPACED.pattern + r"|[^\s" + UNSPACED.pattern[1:] + "+")
Piece = tuple[str, str]  # a mark and a text
_Word = tuple[str, int, int]  # with its place


@frozen
class _Change:
    """What stands in the places ``old`` of one text and ``new`` of the other."""

    old: range
    new: range


def word_difference(old: str, new: str) -> tuple[str, str] | None:
    """Both texts, cut to what differs: `…in [-Paris-] now…` and `…in {+London+} now…`.

    None where that says nothing: where the texts differ in blanks only, or in very much.
    """
    one, other = _split(old, new)
    if max(len(one), len(other)) > MOST_WORDS:
        return None
    changes = list(_changes(one, other))
    if not changes or any(max(len(change.old), len(change.new)) > LONGEST for change in changes[:SHOWN]):
        return None
    return _marked(old, [c.old for c in changes], "[-", "-]"), _marked(new, [c.new for c in changes], "{+", "+}")


def word_changes(old: str, new: str) -> list[Piece]:
    """Both texts, whole, as one: ("=", what both have), ("-", what only the old one has), ("+", only the new one)."""
    one, other = _split(old, new)
    if max(len(one), len(other)) > MOST_WORDS:
        before, behind = common_ends(old, new)
        changes = [_Change(range(before, len(old) - behind), range(before, len(new) - behind))]
    else:
        changes = list(_changes(one, other))
    found: list[Piece] = []
    left = right = 0
    for change in changes:
        found += _same_words(old[left : change.old.start], new[right : change.new.start])
        found.append(("-", old[change.old.start : change.old.stop]))
        found.append(("+", new[change.new.start : change.new.stop]))
        left, right = change.old.stop, change.new.stop
    found += _same_words(old[left:], new[right:])
    joined = groupby((piece for piece in found if piece[1]), key=itemgetter(0))
    return [(mark, "".join(text for _, text in pieces)) for mark, pieces in joined]


def _same_words(old: str, new: str) -> list[Piece]:
    """Two texts of the same words, which may have other blanks at their ends; with other blanks within, the old one."""
    words = old.strip()
    if words != new.strip():
        return [("=", old)]
    one, other = old.find(words), new.find(words)
    behind = _blanks(old[one + len(words) :], new[other + len(words) :])
    return [*_blanks(old[:one], new[:other]), ("=", words), *behind]


def _blanks(old: str, new: str) -> list[Piece]:
    return [("=", old)] if old == new else [("-", old), ("+", new)]


def _split(old: str, new: str) -> tuple[list[_Word], list[_Word]]:
    """The words between the equal ends, and an empty one that stands for what follows."""
    before, behind = common_ends(old, new)
    return _words(old, before, len(old) - behind), _words(new, before, len(new) - behind)


def _words(text: str, start: int, stop: int) -> list[_Word]:
    found = islice(_WORDS.finditer(text, start, stop), MOST_WORDS + 1)
    return [*((word.group(), word.start(), word.end()) for word in found), ("", stop, stop)]


def _changes(one: Sequence[_Word], other: Sequence[_Word]) -> Iterator[_Change]:
    left = right = 0
    for block in Indel.opcodes([word for word, *_ in one], [word for word, *_ in other]).as_matching_blocks():
        if (left, right) != (block.a, block.b):
            yield _Change(_range(one, left, block.a), _range(other, right, block.b))
        left, right = block.a + block.size, block.b + block.size


def _range(words: Sequence[_Word], first: int, last: int) -> range:
    """Where so many words stand; nothing, in front of the next one."""
    start = words[min(first, len(words) - 1)][1]
    return range(start, words[last - 1][2] if last > first else start)


def _marked(text: str, places: Sequence[range], begin: str, end: str) -> str:
    """The text around the first places, with marks around what stands in them."""
    parts: list[str] = []
    at = 0
    for place in places[:SHOWN]:
        start = max(at, place.start - AROUND)
        parts.append("…" * (start > at) + text[start : place.start])
        parts.append(f"{begin}{text[place.start : place.stop]}{end}" if place else "")
        at = min(place.stop + AROUND, len(text))
        following = next(
            (other.start for other in places if other.start >= place.stop and other is not place), len(text)
        )
        at = min(at, following)
        parts.append(text[place.stop : at])
    more = len(places) - SHOWN
    return "".join(parts) + "…" * (at < len(text)) + (f" ({more} more changes)" if more > 0 else "")
