"""The machines of rules whose texts are plain: `Replace`, and `Pair` with its state.

    machine    state          finds    gives              then
    Replacing  -              find     by                 -
    Pairing    none is open   open     open_by            one is open
    Pairing    one is open    close    close_by           none is open; with ``moves``: what lies between is moved

Invariant: what is held back is the longest end of the text that is a beginning of what is looked for; at the end it
comes out as it is. Called by `scanner.py`.
"""

from __future__ import annotations

from proxy_daemon.core.rewriting.needle import Needle
from proxy_daemon.core.rewriting.rules import Pair, Replace
from proxy_daemon.core.rewriting.said import Said, joined


class Replacing:
    """`Replace`, on the text of one field. A `Machine`."""

    def __init__(self, rule: Replace) -> None:
        self.changed = 0
        self._needle = Needle(rule.find)
        self._by = rule.by
        self.held = 0

    def feed(self, text: str) -> list[Said]:
        """See `Machine`."""
        held, needle = self.held, self._needle
        parts, at = [], 0
        while True:
            end, self.held = needle.seek(text, at, self.held)
            if end < 0:
                break
            parts += [_before(needle, held, text, at, end - len(needle.text)), self._by]
            self.changed += self._by != needle.text
            at, held = end, 0
        parts.append(_before(needle, held, text, at, len(text) - self.held))
        given = "".join(parts)
        return [Said(given)] if given else []

    def end(self) -> list[Said]:
        """See `Machine`."""
        held, self.held = self._needle.text[: self.held], 0
        return [Said(held)] if held else []


class Pairing:
    """`Pair`, on the text of one field. A `Machine`."""

    def __init__(self, rule: Pair) -> None:
        self.changed = 0
        self._turns = ((Needle(rule.open), rule.open_by), (Needle(rule.close), rule.close_by))
        self._moves = rule.moves
        self._open = False
        self.held = 0

    def feed(self, text: str) -> list[Said]:
        """See `Machine`."""
        needle = self._turns[self._open][0]
        if not self.held and needle.text[0] not in text:  # nearly all pieces of a stream
            return [Said(text, self._open and self._moves)] if text else []
        return self._fed(text)

    def _fed(self, text: str) -> list[Said]:
        pieces: list[Said] = []
        parts: list[str] = []  # of one kind
        held, at = self.held, 0
        while True:
            needle, by = self._turns[self._open]
            end, self.held = needle.seek(text, at, self.held)
            if end < 0:
                break
            parts += [_before(needle, held, text, at, end - len(needle.text)), by]
            if self._moves:
                pieces.append(Said("".join(parts), self._open))
                parts = []
            self.changed += self._moves or by != needle.text
            self._open, at, held = not self._open, end, 0
        parts.append(_before(needle, held, text, at, len(text) - self.held))
        if last := "".join(parts):
            pieces.append(Said(last, self._open and self._moves))
        return joined(pieces) if self._moves else pieces

    def end(self) -> list[Said]:
        """See `Machine`."""
        held, self.held = self._turns[self._open][0].text[: self.held], 0
        return [Said(held, self._open and self._moves)] if held else []


def _before(needle: Needle, held: int, text: str, at: int, end: int) -> str:
    """The ``held`` first characters of the needle and ``text`` from ``at``, up to ``end``: it may lie in these."""
    if not held:
        return text[at:end]
    return needle.text[: held + min(end - at, 0)] + text[at : max(end, at)]
