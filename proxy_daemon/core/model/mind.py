"""What is said, whatever the API: a conversation in, an answer out.

The readers of requests (`read_*.py`) make an `Ask`, `answering.py` makes a `Said` an answer. The text comes from
`words.py`, calls from `calls.py`, structured answers from `schema.py`. Nothing is remembered.
"""

from __future__ import annotations

from typing import Any

import orjson
from attrs import field, frozen

from proxy_daemon.core.model import tokens, words
from proxy_daemon.core.model.calls import Called, ToolUse, calls_for
from proxy_daemon.core.model.schema import value_text

_PER_TURN = 4  # tokens that a message counts beside its text

STOP = "stop"
STOP_SEQUENCE = "stop sequence"
LENGTH = "length"
CALLS = "calls"


@frozen
class Turn:
    """One message. ``role``: "system", "user", "assistant" or "tool" (the result of a call)."""

    role: str
    text: str


@frozen
class AnyJSON:
    """Asks for an answer in JSON, of any shape."""


@frozen
class Shape:
    """Asks for an answer that fits a JSON schema."""

    schema: Any


@frozen
class Ask:
    """A request, without the words of its API. ``offered``: the tools as sent, which count as input."""

    turns: tuple[Turn, ...]
    use: ToolUse = field(factory=ToolUse)
    offered: Any = None
    limit: int | None = None  # tokens of text
    stops: tuple[str, ...] = ()
    shape: AnyJSON | Shape | None = None
    thinks: bool = False
    choices: int = 1

    @property
    def tokens(self) -> int:
        """How many tokens the model reads: those of the texts, four for each message, and those of the tools' JSON."""
        offered = tokens.count(orjson.dumps(self.offered).decode()) if self.offered else 0
        return offered + sum(tokens.count(turn.text) + _PER_TURN for turn in self.turns)


@frozen
class Said:
    """An answer. ``ending``: STOP, STOP_SEQUENCE, LENGTH or CALLS; ``stopped_by``: the sequence that ended it."""

    text: str
    calls: tuple[Called, ...] = ()
    reasoning: str = ""
    ending: str = STOP
    stopped_by: str | None = None

    @property
    def thought_tokens(self) -> int:
        """How many tokens the reasoning has."""
        return tokens.count(self.reasoning)

    @property
    def tokens(self) -> int:
        """How many tokens the model wrote."""
        calls = sum(tokens.count(call.name) + tokens.count(call.arguments) for call in self.calls)
        return self.thought_tokens + tokens.count(self.text) + calls


def say(ask: Ask, choice: int = 0) -> Said:
    """Answer. ``choice``: which of several answers to the same request. Raises `Refused` for an impossible schema."""
    texts = [turn.text for turn in ask.turns if turn.role == "user"]
    results = _last_results(ask.turns)
    reasoning = words.thought(texts) if ask.thinks else ""
    if not results and (calls := calls_for(ask.use, words.heard(texts[-1] if texts else ""))):
        return Said("", calls, reasoning, CALLS)
    text, stopped_by = _stopped(_text(ask, texts, results, choice), ask.stops)
    parts = tokens.split(text)
    if ask.limit is not None and len(parts) > ask.limit:
        return Said("".join(parts[: ask.limit]), (), reasoning, LENGTH)
    return Said(text, (), reasoning, STOP if stopped_by is None else STOP_SEQUENCE, stopped_by)


def _last_results(turns: tuple[Turn, ...]) -> list[str]:
    """What the functions returned that were called last."""
    results: list[str] = []
    for turn in reversed(turns):
        if turn.role != "tool":
            break
        results.insert(0, turn.text)
    return results


def _text(ask: Ask, texts: list[str], results: list[str], choice: int) -> str:
    if isinstance(ask.shape, Shape):
        return value_text(ask.shape.schema, words.heard(texts[-1] if texts else ""))
    text = words.reply_to_results(results) if results else words.reply(texts, choice)
    return orjson.dumps({"answer": text}).decode() if ask.shape else text


def _stopped(text: str, stops: tuple[str, ...]) -> tuple[str, str | None]:
    """The text up to the first of the sequences that stands in it, and which that is."""
    found = [(at, stop) for stop in stops if (at := text.find(stop)) >= 0]
    if not found:
        return text, None
    at, stop = min(found)
    return text[:at], stop
