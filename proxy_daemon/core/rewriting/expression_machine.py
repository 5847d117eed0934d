"""The machine of `Expression`: regular expressions over text that comes in pieces.

    what is found leftmost          the text behind its start        then
    a match, not too long           -                                it is replaced
    a match that is too long        -                                decided within the longest: a match or a character
    what may become a match         less than the longest            it is held back
    what may become a match         as much as the longest           decided within the longest
    nothing                         -                                all passes

Invariant: whether a match begins at a place depends on the character before it, the ``longest`` characters from it and
the one behind these, and on nothing else: so the result is the same over any split. A look goes no further than a
window that begins at twice the longest and grows only while it finds nothing: time is linear. Called by `scanner.py`.
"""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

from proxy_daemon.core.rewriting.lookahead import END
from proxy_daemon.core.rewriting.rules import Expression
from proxy_daemon.core.rewriting.said import Said

_LEAST_WINDOW = 512


@frozen
class _Step:
    """``start`` to ``end`` becomes ``by``; where that is None, nothing begins before ``end``.

    ``grows``: nothing was found, so that the next look may go further. ``holds``: more text is needed to know.
    """

    start: int
    end: int
    by: str | None = None
    grows: bool = False
    holds: bool = False


@frozen
class _View:
    """A part of ``text`` in octets, as RE2 reads it, with a character on each side where there is one."""

    text: str
    low: int
    octets: bytes
    plain: bool = field(init=False)

    @plain.default
    def _is_plain(self) -> bool:
        return self.octets.isascii()

    def place(self, index: int) -> int:
        """Where the character at ``index`` of the text stands in the octets."""
        return index - self.low if self.plain else len(_octets(self.text[self.low : index]))

    def index(self, place: int) -> int:
        """The reverse."""
        return self.low + (place if self.plain else len(self.octets[:place].decode("utf-8", "surrogatepass")))


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


class Expressing:
    """`Expression`, on the text of one field. A `Machine`."""

    def __init__(self, rule: Expression) -> None:
        self.changed = 0
        self._compiled = rule.compiled
        self._longest = rule.longest
        self._least = max(_LEAST_WINDOW, 2 * rule.longest)
        self._held = ""
        self._before = ""  # the character before what is held back

    @property
    def held(self) -> int:
        """See `Machine`."""
        return len(self._held)

    def feed(self, text: str) -> list[Said]:
        """See `Machine`."""
        whole = self._before + self._held + text
        if len(whole) > self._least or not text:
            return self._run(text, last=False)
        octets = _octets(whole)
        match = self._compiled.ahead.search(octets + END, len(_octets(self._before)))
        if match.start() < len(octets):
            return self._run(text, last=False)
        given, self._held, self._before = whole[len(self._before) :], "", whole[-1]
        return [Said(given)]

    def end(self) -> list[Said]:
        """See `Machine`."""
        return self._run("", last=True)

    def _run(self, new: str, *, last: bool) -> list[Said]:
        text = self._before + self._held + new
        at = done = len(self._before)
        parts, hold, window = [], len(text), self._least
        while at < len(text):
            step = self._step(text, at, min(at + window, len(text)), last=last)
            if step.holds:
                hold = step.start
                break
            if step.by is not None:
                parts += [text[done : step.start], step.by]
                self.changed += step.by != text[step.start : step.end]
                done = step.end
            at, window = step.end, window * 2 if step.grows else self._least
        parts.append(text[done:hold])
        self._held, self._before = text[hold:], text[max(hold - 1, 0) : hold]
        given = "".join(parts)
        return [Said(given)] if given else []

    def _step(self, text: str, at: int, upto: int, *, last: bool) -> _Step:
        low, rest = max(at - 1, 0), upto == len(text)
        view = _View(text, low, _octets(text[low : upto + 1]))
        if rest and not last:
            return self._step_ahead(view, at)
        match = self._compiled.bare.search(view.octets, view.place(at), view.place(upto))
        if match is None:
            sure = upto if rest else upto - self._longest + 1
            return _Step(sure, sure, grows=True)
        start = view.index(match.start())
        if not rest and start > upto - self._longest:  # one that ends behind the window may begin before it
            return _Step(upto - self._longest + 1, upto - self._longest + 1)
        return self._decided(view, start, match)

    def _step_ahead(self, view: _View, at: int) -> _Step:
        match = self._compiled.ahead.search(view.octets + END, view.place(at))
        start = view.index(match.start())
        if match.end() <= len(view.octets):
            return self._decided(view, start, match)
        if len(view.text) - start < self._longest + self._compiled.asserts:
            return _Step(start, start, holds=True)
        return self._decided(view, start, None)

    def _decided(self, view: _View, start: int, match: Any) -> _Step:
        """A match that begins at ``start``, for good, or a character that passes. ``match``: what may be it."""
        if match is None or view.index(match.end()) - start > self._longest:
            stop = view.place(min(start + self._longest, len(view.text)))
            match = self._compiled.bare.match(view.octets, view.place(start), stop)
        if match is None:
            return _Step(start + 1, start + 1)
        end = view.index(match.end())
        if self._compiled.by.groups:  # RE2 finds groups slower than where a match stands
            match = self._compiled.whole.match(view.octets, *match.span())
        return _Step(start, end, self._compiled.by.filled(match))
