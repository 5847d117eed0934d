"""A plain text looked for in text that comes in pieces: Knuth, Morris and Pratt, with `str.find` for all but the ends.

Invariant: what a piece may still be the beginning of is a number, as that text is the beginning of the needle; each
character is looked at a fixed number of times. Called by the machines and by `conflicts.py`.
"""

from __future__ import annotations

from attrs import field, frozen

_WHOLE = 4  # so often a beginning is compared at once, each time with all that is left of the text


@frozen
class Needle:
    """``text``: what is looked for, at least a character.

    ``falls[k]``: how long the longest end of its first k + 1 characters is that it begins with too, all k + 1 excepted.
    """

    text: str
    falls: tuple[int, ...] = field(init=False, eq=False, repr=False)

    @falls.default
    def _tabled(self) -> tuple[int, ...]:
        falls, matched = [0], 0
        for letter in self.text[1:]:
            while matched and letter != self.text[matched]:
                matched = falls[matched - 1]
            matched += letter == self.text[matched]
            falls.append(matched)
        return tuple(falls)

    def seek(self, text: str, start: int, matched: int) -> tuple[int, int]:
        """The first whole needle in the ``matched`` first characters of it and what follows ``start`` in ``text``.

        Gives the place behind it and 0; or -1 and how many characters of a needle ``text`` ends with.
        """
        length = len(self.text)
        if len(text) - start < length:
            return self._stepped(text, start, matched)
        if matched:
            seam = self.text[:matched] + text[start : start + length - 1]
            if (found := seam.find(self.text)) >= 0:
                return start + found + length - matched, 0
        if (found := text.find(self.text, start)) >= 0:
            return found + length, 0
        return self._stepped(text, len(text) - length + 1, 0)

    def _stepped(self, text: str, at: int, matched: int) -> tuple[int, int]:
        """The same, letter by letter; a few times a beginning is taken whole, as nearly all texts end in just one."""
        needle, falls, end, tries = self.text, self.falls, len(text), _WHOLE
        while at < end:
            if not matched and (at := text.find(needle[0], at)) < 0:
                break
            if tries:
                tries -= 1
                piece = text[at : at + len(needle) - matched]
                if needle.startswith(piece, matched):
                    at, matched = at + len(piece), matched + len(piece)
                    return (at, 0) if matched == len(needle) else (-1, matched)
            letter = text[at]
            while matched and letter != needle[matched]:
                matched = falls[matched - 1]
            matched += letter == needle[matched]
            at += 1
            if matched == len(needle):
                return at, 0
        return -1, matched
