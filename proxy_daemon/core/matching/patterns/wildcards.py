"""Wildcards in texts and in paths. Invariant: linear in what is matched, whatever the pattern: nothing is tried twice.

In a text a wildcard stands for anything, so its parts are found from left to right. In a path `*` ends at a slash, so
all places of the pattern that may be reached are followed at once, as bits of one number. Used by `patterns.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import unquote_to_bytes

from attrs import frozen

WILD = "*"
_SLASH = ord("/")
_TOKEN = re.compile(rb"\*+|[^*]", re.DOTALL)


@frozen
class TextPattern:
    """``parts``: what stands between wildcards; one part: there are none."""

    parts: tuple[str, ...]

    def fits(self, text: str) -> bool:
        """Whether ``text`` is all parts in their order, with anything between them."""
        first, *others = self.parts
        if not others:
            return text == first
        *middle, last = others
        if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
            return False
        at, end = len(first), len(text) - len(last)
        for part in middle:
            at = text.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return True


def text_pattern(text: str, wild: Iterable[str] = (WILD,)) -> TextPattern:
    """``wild``: the strings that stand for anything; the longest that stands at a place is meant."""
    signs = sorted({sign for sign in wild if sign}, key=len, reverse=True)
    parts = re.split("|".join(map(re.escape, signs)), text) if signs else [text]
    middle = [part for part in parts[1:-1] if part]
    return TextPattern((parts[0], *middle, parts[-1]) if len(parts) > 1 else (text,))


@frozen
class PathPattern:
    """A path with `*` for any octets of one segment and `**` for any. Bit n: the pattern's first n signs are done."""

    _literal: dict[int, int]  # for each octet: before which places it stands
    _any: int  # places before `**`
    _within: int  # places before `*`
    _end: int

    def fits(self, path: bytes) -> bool:
        """``path``: as sent, percent-encoded. An encoded slash is a part of its segment."""
        state = self._skipped(1)
        for index, segment in enumerate(path.split(b"/")):
            if index:
                state = self._skipped((state & self._literal.get(_SLASH, 0)) << 1 | state & self._any)
            state = self._through(state, unquote_to_bytes(segment))
            if not state:
                return False
        return bool(state & self._end)

    def _through(self, state: int, octets: bytes) -> int:
        stay, literal = self._any | self._within, self._literal
        for octet in octets:
            state = self._skipped((state & literal.get(octet, 0)) << 1 | state & stay)
            if not state:
                break
        return state

    def _skipped(self, state: int) -> int:
        """A wildcard may stand for nothing. No two of them stand side by side."""
        return state | (state & (self._any | self._within)) << 1


def path_pattern(text: str) -> PathPattern:
    """``text``: percent-decoded."""
    literal: dict[int, int] = {}
    wild = {1: 0, 2: 0}
    tokens: Sequence[bytes] = _TOKEN.findall(text.encode("utf-8", "surrogateescape"))
    for index, token in enumerate(tokens):
        if token.startswith(b"*"):
            wild[min(2, len(token))] |= 1 << index
        else:
            literal[token[0]] = literal.get(token[0], 0) | 1 << index
    return PathPattern(literal, wild[2], wild[1], 1 << len(tokens))


def is_literal(text: str) -> bool:
    """Whether a path has no wildcard."""
    return WILD not in text
