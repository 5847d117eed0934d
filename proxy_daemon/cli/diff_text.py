"""Differences of recordings as people read them, in colour where a terminal shows it.

Invariant: nothing that others wrote steers the terminal. Called by `diff.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from attrs import frozen

from proxy_daemon.cli.harmless import one_line
from proxy_daemon.core.cassettes.llmproxy.checking import recorded
from proxy_daemon.core.comparing.meaning import Line
from proxy_daemon.core.comparing.side import Side
from proxy_daemon.core.conversation import Part, Text, ToolCall

MOST = 40  # lines of one pair
LONGEST = 160  # characters of what is said in a recording that only one side has
OLD, NEW, PLACE, HEAD = "31", "32", "36", "1"  # ECMA-48 SGR


@frozen
class Painter:
    """``colour``: whether there is any."""

    colour: bool

    def __call__(self, code: str, text: str) -> str:
        """The text, harmless, in this colour."""
        text = one_line(text)
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text


def changed(old: Side, new: Side, lines: Iterable[Line], paint: Painter) -> Iterator[str]:
    """Of a pair; nothing where nothing differs."""
    found = iter(lines)
    for number, line in enumerate(islice(found, MOST)):
        if not number:
            yield paint(HEAD, f"{old.place} -> {new.place}: {new.title}")
        yield f"  {line.section} {paint(PLACE, line.path)}"
        yield f"    {paint(OLD, f'- {line.old}')}"
        yield f"    {paint(NEW, f'+ {line.new}')}"
    if more := sum(1 for _ in found):
        yield f"  ... and {more} more"


def alone(side: Side, paint: Painter, *, added: bool) -> Iterator[str]:
    """Of a recording that only one side has: what was asked, and what came."""
    sign, code = ("+", NEW) if added else ("-", OLD)
    yield paint(code, f"{sign} {side.place}: {side.title}")
    messages = side.dialect.conversation(side.recording.request).messages
    if messages:
        yield paint(code, f"{sign}   {messages[-1].role}: {_words(messages[-1].parts)}")
    answer = recorded(side.recording, side.dialect)
    for choice in answer.choices[:1]:
        yield paint(code, f"{sign}   answer: {_words(choice.parts)}")
    if answer.error:
        yield paint(code, f"{sign}   error: {_cut(answer.error)}")


def _words(parts: Iterable[Part]) -> str:
    return _cut(" ".join(filter(None, map(_said, parts))))


def _said(part: Part) -> str:
    if isinstance(part, Text):
        return part.text
    if isinstance(part, ToolCall):
        return f"[call of {part.name}] {part.arguments}"
    return f"[{type(part).__name__.lower()}]"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."
