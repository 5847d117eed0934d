"""JSON with a line for each value, and nothing else changed: number text, order and escapes stand as they were written.

Invariant: linear in the text, without recursion, and part by part. What is no JSON follows as it is, and `problem`
says where it begins. Source: RFC 8259. Called by `pretty.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MOST_TOKENS = 500_000  # of one body: what follows them is shown as it is
DEEPEST = 40  # levels that are indented one more than the level before
BATCH = 4000  # tokens of a part
_TOKEN = re.compile(
    r"[ \t\n\r]*+"
    r'(?:([{}\[\],:])|("[^"\\\x00-\x1f]*+(?:\\.[^"\\\x00-\x1f]*+)*+"'
    r"|-?+[0-9]++(?:\.[0-9]++)?+(?:[eE][+-]?+[0-9]++)?+|true|false|null|NaN|-?+Infinity))",
    re.DOTALL,
)
_BLANKS = re.compile(r"[ \t\n\r]*+")
_EMPTY = re.compile(r"[ \t\n\r]*+([}\]])")
_CLOSERS = {"{": "}", "[": "]"}
_VALUE, _NAME, _COLON, _BEHIND = "a value", "a name", "a colon", "a comma"


class PrettyJSON:
    """Iterate over it once. ``problem``: what is not as it should be, once all was given."""

    def __init__(self, text: str, most: int = MOST_TOKENS) -> None:
        self.problem = ""
        self._text, self._most, self._left = text, most, most
        self._open: list[str] = []  # closers
        self._wanted = _VALUE
        self._broken = False
        self._at = 1 if text.startswith("\ufeff") else 0

    def __iter__(self) -> Iterator[str]:
        """The text in parts."""
        fault = ""
        while self._left > 0:
            part, whole = self._batch()
            yield part
            if whole and not self._another():
                return
            fault = "" if whole else self._fault()
            if fault:
                break
            yield "\n" if whole else ""
        self.problem = fault or f"what follows {self._most} values and signs is shown as it is"
        yield f"\n{self._text[self._at :]}"

    def _another(self) -> bool:
        """Whether something follows the value. It is shown in the same way, as recorders write lines of JSON."""
        found = _BLANKS.match(self._text, self._at)
        if found is None or found.end() == len(self._text):
            return False
        self.problem = self.problem or f"more than one value of JSON: another from character {found.end()} on"
        self._wanted = _VALUE
        return True

    def _batch(self) -> tuple[str, bool]:
        """(So many tokens, whether the value is whole)."""
        out: list[str] = []
        for _ in range(min(BATCH, self._left)):
            self._left -= 1
            found = _TOKEN.match(self._text, self._at)
            if found is None or not self._take(found, out):
                self._broken = True
                break
            if self._wanted is _BEHIND and not self._open:
                return "".join(out), True
        return "".join(out), False

    def _take(self, found: re.Match[str], out: list[str]) -> bool:
        """One token. Whether it may stand there."""
        sign, value = found[1], found[2]
        if value is not None:
            return self._scalar(found, out)
        if sign in _CLOSERS:
            return self._wanted is _VALUE and self._begin(sign, found.end(), out)
        if sign in ("}", "]"):
            return self._end(sign, found.end(), out)
        return self._between(sign, found.end(), out)

    def _scalar(self, found: re.Match[str], out: list[str]) -> bool:
        if self._wanted is _NAME:
            if found[2][0] != '"':
                return False
            self._wanted = _COLON
        elif self._wanted is _VALUE:
            self._wanted = _BEHIND
        else:
            return False
        out.append(found[2])
        self._at = found.end()
        return True

    def _begin(self, sign: str, end: int, out: list[str]) -> bool:
        closer = _CLOSERS[sign]
        empty = _EMPTY.match(self._text, end)
        if empty is not None and empty[1] == closer:
            out.append(sign + closer)
            self._at, self._wanted = empty.end(), _BEHIND
            return True
        self._open.append(closer)
        out += (sign, self._line())
        self._at, self._wanted = end, _NAME if sign == "{" else _VALUE
        return True

    def _end(self, sign: str, end: int, out: list[str]) -> bool:
        if self._wanted is not _BEHIND or not self._open or self._open[-1] != sign:
            return False
        self._open.pop()
        out += (self._line(), sign)
        self._at = end
        return True

    def _between(self, sign: str, end: int, out: list[str]) -> bool:
        if sign == ":" and self._wanted is _COLON:
            out.append(": ")
            self._wanted = _VALUE
        elif sign == "," and self._wanted is _BEHIND and self._open:
            out += (",", self._line())
            self._wanted = _NAME if self._open[-1] == "}" else _VALUE
        else:
            return False
        self._at = end
        return True

    def _line(self) -> str:
        return "\n" + "  " * min(len(self._open), DEEPEST)

    def _fault(self) -> str:
        """Why it goes on no further; empty where it does."""
        if not self._broken:
            return ""
        found = _BLANKS.match(self._text, self._at)
        at = found.end() if found else self._at
        if at >= len(self._text):
            return "the JSON is cut off"
        return f"no JSON from character {at} on: {self._wanted} is missing"
