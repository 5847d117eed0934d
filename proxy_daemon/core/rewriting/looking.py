"""A look at octets before anything is done with them: whether a rule can matter, and what JSON they are.

Called by `machine.py`, `stream.py` and `document.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson
from attrs import field, frozen

from proxy_daemon.core.rewriting.rules import Expression, Pair, TextRule
from proxy_daemon.core.wire import json_text

# What JSON may escape in two octets.
_SHORT = {letter: json.dumps(letter)[1:-1].encode() for letter in '"\\\b\f\n\r\t'} | {"/": b"\\/"}
_END = rb'"(?!\s*+:)'  # of a string that is no name of a member
_DEEP = 4  # characters that are looked for
MOST_CLEAR, LONGEST_CLEAR = 128, 16 * 1024  # answers that are remembered, octets of one
_LONGEST = _DEEP * len(b"\\ud83d\\ude00") + 1  # octets that they take at most, with the end of a string
_UNSURE = re.compile("[\ud800-\udfff\ufffd]")  # half a pair of surrogates may stand for these, however it is written
_BEFORE = b" \t\r\n" + json_text.BOM


@frozen
class Looks:
    """How to look for what a rule changes. ``pairs``: marks and their patterns; ``pattern``: all of them in one."""

    pairs: tuple[tuple[bytes, re.Pattern[bytes]], ...]
    pattern: re.Pattern[bytes]
    starts: tuple[str, ...]  # the first characters of what is found
    _clear: dict[bytes, None] = field(factory=dict, init=False, eq=False, repr=False)

    def leave_alone(self, answer: bytes) -> bool:
        """Whether these octets, a whole answer, hold nothing that a rule changes.

        The last answers of which that is so are remembered: a recording that is served comes again and again.
        """
        if answer in self._clear:
            return True
        if matters(self, answer):
            return False
        if len(answer) <= LONGEST_CLEAR:
            if len(self._clear) >= MOST_CLEAR:
                self._clear.clear()
            self._clear[answer] = None
        return True

    def may_go_on(self, octets: bytes) -> bool:
        """Whether a pattern may fit that begins in these octets and ends behind them."""
        if octets[-1:].isspace():  # more blanks may follow, then what decides whether a string is a name
            return True
        near = octets[-_LONGEST:]
        marks = [mark for mark, _ in self.pairs]
        tails = [near[at:] for at in range(len(near)) if near[at : at + 1] in marks]
        return any(_goes_on(tail.lower(), start) for tail in tails for start in self.starts)


def looks_of(rules: Sequence[TextRule]) -> Looks | None:
    r"""How to look for what a rule changes: all JSON that it changes holds a mark, and there its pattern fits.

    A mark is one octet: two take thirty times as long to find. A pattern fits where a string of JSON holds what a rule
    finds, or ends in a beginning of it; of what it finds, only the first characters are looked for. None where that
    cannot be told.
    """
    starts: list[str] = []
    for rule in rules:
        if isinstance(rule, Expression):
            return None
        starts += [rule.open[:_DEEP], rule.close[:_DEEP]] if isinstance(rule, Pair) else [rule.find[:_DEEP]]
    return _looks(tuple(starts))


@lru_cache(maxsize=64)  # rules are the same for many exchanges, and patterns take a while to make
def _looks(starts: tuple[str, ...]) -> Looks | None:
    closer: dict[bytes, set[bytes]] = {}
    for start in starts:
        if _UNSURE.search(start):
            return None
        for form in _forms(start[0]):
            closer.setdefault(form[:1], set()).add(_case_blind(form) + _next(start[1:]))
    joined = {mark: b"|".join(sorted(patterns)) for mark, patterns in sorted(closer.items())}
    pairs = tuple((mark, re.compile(pattern)) for mark, pattern in joined.items())
    return Looks(pairs, re.compile(b"|".join(joined.values())), starts)


def matters(looks: Looks | None, octets: bytes) -> bool:
    """Whether these octets, an item or a document, may hold what a rule changes."""
    if looks is None:
        return True
    for mark, closer in looks.pairs:  # noqa: SIM110  (for each event: `any` takes twice as long)
        if mark in octets and closer.search(octets):
            return True
    return False


def _goes_on(tail: bytes, rest: str, *, within: bool = False) -> bool:
    """Whether octets, in small letters, may begin how these characters are written, or a string that ends in some."""
    if not tail or (within and tail == b'"'):
        return True
    for form in map(bytes.lower, _forms(rest[0]) if rest else ()):
        if form.startswith(tail) or (tail.startswith(form) and _goes_on(tail[len(form) :], rest[1:], within=True)):
            return True
    return False


def _next(rest: str) -> bytes:
    """The pattern of the next characters, or of the end of the string."""
    if not rest:
        return b""
    forms = b"|".join(_case_blind(form) for form in _forms(rest[0]))
    return b"(?:%b|(?:%b)%b)" % (_END, forms, _next(rest[1:]))


def _forms(letter: str) -> list[bytes]:
    """How JSON may write it. As it is also where it must be escaped: arguments are seen as JSON."""
    units = memoryview(letter.encode("utf-16-le")).cast("H")
    escaped = b"".join(b"\\u%04x" % unit for unit in units)
    return [letter.encode(), escaped, *([_SHORT[letter]] if letter in _SHORT else [])]


def _case_blind(form: bytes) -> bytes:
    if form[:2] != b"\\u" or len(form) == len(b"\\u"):
        return re.escape(form)
    return b"".join(b"[%c%c]" % (each, each ^ 32) if each in b"abcdef" else re.escape(b"%c" % each) for each in form)


def parsed(data: bytes) -> Any:
    """JSON, or the text itself where it is no object and no list. Raises `json_text.NotJSON`."""
    if data[:1] != b"{":
        data = data.lstrip(_BEFORE)
        if data[:1] not in (b"{", b"[") or data == b"[DONE]":
            return data.decode("utf-8", "replace")
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json_text.parse(data)


def is_json(data: bytes) -> bool:
    """Whether it is a whole value."""
    try:
        json_text.parse(data)
    except json_text.NotJSON:
        return False
    return True
