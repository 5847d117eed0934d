r"""The characters of a filter, and where one is in them.

Invariant: time is linear in the text; each span lies within it. Called by `parsing.py` and `operands.py`.

Words and quotes are mitmproxy's (`mitmproxy/flowfilter.py`): a word ends at a space, a parenthesis, a quote or `~`, so
`a|b` is one word. In quotes, of either kind, a backslash stands before a quote or another backslash, and with n, t, r
or f for that space; before anything else it stays, so that a \d means the same with quotes and without. (mitmproxy
drops it there: its "\d" is the letter d.)
"""

from __future__ import annotations

import re

from attrs import frozen

from proxy_daemon.core.filtering.tree import FilterError

_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"[^\s()~'\"]+")
_NAME = re.compile(r"~[A-Za-z]*")
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_ESCAPED = re.compile(r"\\([\\'\"ntrf])")
SPACES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}


@frozen
class Span:
    """A part of the filter: ``text`` as it is meant, ``at`` and ``length`` where it is written."""

    text: str
    at: int
    length: int


class Scanner:
    """``at``: the character that comes next."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def next(self) -> str:
        """The next character that is no space; empty at the end."""
        self._skip_space()
        return self.text[self.at : self.at + 1]

    def take_sign(self, sign: str) -> Span | None:
        """That character, where it is next."""
        if self.next() != sign:
            return None
        self.at += 1
        return Span(sign, self.at - 1, 1)

    def name(self) -> Span | None:
        """A `~` and the letters behind it, without the `~`."""
        self._skip_space()
        span = self._span(_NAME)
        return span and Span(span.text[1:], span.at, span.length)

    def string(self) -> Span | None:
        """A word, or what stands in quotes. Raises `FilterError` for a quote that is not closed."""
        if self.next() not in ("'", '"'):
            return self._span(_WORD)
        quoted = self._span(_QUOTED)
        if quoted is None:
            raise FilterError(f"the quote {self.next()} is not closed", self.at, 1)
        return Span(_ESCAPED.sub(_meant, quoted.text[1:-1]), quoted.at, quoted.length)

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What matches at the next character that is no space."""
        self._skip_space()
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return found

    def sees(self, pattern: re.Pattern[str]) -> bool:
        """Whether ``pattern`` matches at the next character that is no space."""
        self._skip_space()
        return pattern.match(self.text, self.at) is not None

    def rest_of_word(self) -> Span | None:
        """The word that comes next, for an error about it."""
        self._skip_space()
        return self._span(_WORD)

    def _skip_space(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _span(self, pattern: re.Pattern[str]) -> Span | None:
        found = pattern.match(self.text, self.at)
        if found is None:
            return None
        at, self.at = self.at, found.end()
        return Span(found[0], at, found.end() - at)


def _meant(escaped: re.Match[str]) -> str:
    return SPACES.get(escaped[1], escaped[1])
