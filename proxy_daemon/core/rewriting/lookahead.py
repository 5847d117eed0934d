r"""A pattern of RE2 made into one that also tells where a match may yet come: at the end of a text that goes on.

The text gets `END` behind it, and each atom `a` becomes `(?:\0?\z|a)`: a path that reaches the end of the text takes
`END`, and all its later atoms are through as well. RE2 takes the path that comes first in the pattern's own order. So
the leftmost match of the new pattern is what the old one finds, whatever follows; or it takes `END`, and begins where
more text is needed to know. Called by `expressions.py`.
"""

from __future__ import annotations

import re

_NAMED = r"\(\?P?<[^>]*>"
_TOKEN = re.compile(
    r"(?P<quoted>\\Q.*?(?:\\E|\Z))"
    r"|(?P<atom>\\[pP](?:\{[^}]*\}|.)|\\x(?:\{[^}]*\}|..)|\\[0-7]{1,3}|\\."
    r"|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|[.^$])"
    r"|(?P<verbatim>\(\?[a-zA-Z-]*[:)]|[*+?]|\{[0-9]+(?:,[0-9]*)?\}|[|)])"
    rf"|(?P<group>{_NAMED}|\()"
    r"|(?P<literal>.)",
    re.DOTALL,
)
_ASSERTIONS = frozenset(("^", "$", r"\b", r"\B", r"\A", r"\z", r"\Z"))
_ANY_OCTET = r"\C"
END = b"\0"


def looking_ahead(pattern: str) -> str:
    r"""The new pattern, without the groups of the old one, which must be one that RE2 reads.

    Raises ValueError for `\C`, which cuts characters.
    """
    return "".join(_part(token) for token in _TOKEN.finditer(pattern))


def without_groups(pattern: str) -> str:
    """The pattern with groups that are not kept: RE2 finds the place of a match by a faster way then."""
    return "".join("(?:" if token.lastgroup == "group" else token.group() for token in _TOKEN.finditer(pattern))


def asserts(pattern: str) -> bool:
    """Whether it may have a condition on the character behind a match; never a wrong no."""
    return any(token.group() in _ASSERTIONS for token in _TOKEN.finditer(pattern) if token.lastgroup == "atom")


def skeleton(pattern: str) -> str:
    """The pattern with one letter for each atom: what is left of its size is how many of them a match may be within."""
    return "".join(_bone(token.lastgroup, token.group()) for token in _TOKEN.finditer(pattern))


def _bone(kind: str | None, text: str) -> str:
    if kind == "quoted":
        return "a" * len(text[2:].removesuffix(r"\E"))
    if kind == "group":
        return "(?:"
    return text if kind == "verbatim" else "a"


def _part(token: re.Match[str]) -> str:
    kind, text = token.lastgroup, token.group()
    if kind == "verbatim":
        return text
    if kind == "group":
        return "(?:"
    if kind == "quoted":
        return "".join(_atom(re.escape(each)) for each in text[2:].removesuffix(r"\E"))
    if text == _ANY_OCTET:
        raise ValueError(r"\C matches a part of a character: use (?s:.)")
    return _atom(re.escape(text) if kind == "literal" else text)


def _atom(text: str) -> str:
    return rf"(?:\0?\z|{text})"
