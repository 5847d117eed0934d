"""Lets a growing text through word by word, without its secrets, however it is cut into pieces.

A secret is found only once it is whole. So a word waits for its end; a line in which anything begins that may be a
secret waits for its end too, and is looked through together with what came before it; a private key waits for its last
line. Where somebody's own patterns rule, nothing is passed on before its line is whole, and before all is there where a
pattern may go over the end of a line.

Invariant: what was passed on is what `Redactor.body` leaves of the text. Called by `plugins/console/`.
"""

from __future__ import annotations

import re

from attrs import evolve

from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.redacted_address import REDACTED
from proxy_daemon.core.secret_rules import Rules

CONTEXT = 512  # characters that were passed on and are looked at again: a word there tells what the next one is
_WORD_END = re.compile(r"[^\x21-\x7e][\x21-\x7e]*\Z")  # secrets are of printable ASCII
_KEY_BEGINS = "-----BEGIN"
_KEY = re.compile(r"-----BEGIN [A-Z ]{0,24}PRIVATE KEY")
_KEY_END = re.compile(r"-----END [A-Z ]{1,40}-----|-----BEGIN(?! [A-Z ]{0,24}PRIVATE KEY)")
_OVER_LINES = re.compile(
    r"\\[nrtvfsWDPpCxQ0-7]|\[\^|\(\?[a-zA-Z]*s|[\x00-\x1f]"
)  # of a pattern that may match a line end
_DOCUMENT = b"{\n"  # texts stand in JSON: by this they are looked through as such, not as a form
_NEVER = re.compile(r"\A(?!)")


def for_screens(redactor: Redactor) -> Redactor:
    """The same, which finds keys by their shapes also where these may be recorded (`--on-secret record`)."""
    return Redactor(evolve(redactor.rules, by_shape=True))


class Holding:
    """One text. What is held is what is not passed on yet."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._context = ""
        self._held: list[str] = []
        self._size = 0
        self._next = 0  # nothing is looked at before so much is held: what is held long is not looked at each time
        self._ends = _patience(redactor.rules)

    def add(self, text: str) -> str:
        """What may be passed on now."""
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")  # octets with a zero are taken for no text
        self._held.append(text)
        self._size += len(text)
        if self._size < self._next:
            return ""
        held = "".join(self._held)
        return self._pass_on(held, self._cut(held))

    def end(self) -> str:
        """All that is left."""
        held = "".join(self._held)
        return self._pass_on(held, len(held))

    def _cut(self, held: str) -> int:
        """Up to where it may be passed on."""
        if self._ends is _NEVER:
            return 0
        lines = held.rfind("\n") + 1
        return self._before_key(held, lines if self._ends is None else lines + self._words(held[lines:]))

    def _words(self, line: str) -> int:
        """Up to where a line that has not ended may be passed on."""
        if _KEY_BEGINS in line or self._redactor.rules.in_body(_octets(self._context + line)):
            return 0
        found = _WORD_END.search(line)
        return 0 if found is None else found.start() + 1

    def _before_key(self, held: str, cut: int) -> int:
        """A private key that is not whole is not passed on."""
        end = 0
        while (key := _KEY.search(held, end)) is not None:
            whole = _KEY_END.search(held, key.end())
            if whole is None:
                return min(cut, key.start())
            end = whole.end()
        return cut

    def _pass_on(self, held: str, cut: int) -> str:
        passed, rest = held[:cut], held[cut:]
        self._held, self._size = [rest], len(rest)
        self._next = len(rest) + len(rest) // 4 if len(rest) > CONTEXT else 0
        if not passed:
            return ""
        safe = self._safe(passed)
        self._context = (self._context + passed)[-CONTEXT:]
        return safe

    def _safe(self, text: str) -> str:
        """Without what is secret in it, also where that shows only together with what came before it."""
        before = _DOCUMENT + _octets(self._context)
        whole, out, at = before + _octets(text), [], len(before)
        for found in self._redactor.secrets(b"", whole):
            if found.end > at:
                out += [whole[at : max(at, found.start)], REDACTED]
                at = found.end
        return b"".join([*out, whole[at:]]).decode("utf-8", "replace") if out else text


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _patience(rules: Rules) -> re.Pattern[str] | None:
    """Where a text may be passed on: at the end of a word, of a line (None), or not before its end."""
    patterns = [rule.pattern for rule in rules.rules if rule.pattern]
    if any(_OVER_LINES.search(pattern) for pattern in patterns):
        return _NEVER
    return None if patterns else _WORD_END
