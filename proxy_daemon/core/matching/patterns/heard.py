"""A request as talks look at it: its messages as turns, whatever the API, and what `said.py` compares of each.

Invariant: two requests that say the same have equal turns, in whatever API they are asked. What several APIs write in
one message, and others in several (calls, results of tools), is one turn; thoughts are none. Raises nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from attrs import frozen

from proxy_daemon.core.conversation import (
    Declined,
    Media,
    Message,
    Operation,
    Other,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.messages import Request
from proxy_daemon.core.wire.json_text import NotJSON, parse

SYSTEM = "system"
_ANSWERED = (Operation.CHAT, Operation.COMPLETION)
_WRAPPED = frozenset(("result", "output"))
_ONE_TURN = ("tool", "assistant")  # messages of these that follow each other are one


@frozen
class Words:
    """A text. ``result``: it is what a tool gave."""

    text: str
    result: bool = False


@frozen(eq=False)
class Call:
    """``arguments``: as JSON, parsed; the text itself where it is none."""

    name: str
    arguments: Any


@frozen
class Thing:
    """An image, a sound, a document; or something of which only the kind is known. ``size``: where it stands inline."""

    kind: str
    source: str = ""
    size: int | None = None


Item = Words | Call | Thing


@frozen(eq=False)
class Turn:
    """What one side says until the other speaks."""

    role: str
    items: tuple[Item, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """Its texts."""
        return tuple(item.text for item in self.items if isinstance(item, Words))


@frozen(eq=False)
class Heard:
    """A request for a chat's answer, as turns. The system's stand apart: most talks do not tell them."""

    system: tuple[Turn, ...]
    turns: tuple[Turn, ...]
    request: Request
    dialect: Dialect


def heard(request: Request, dialect: Dialect) -> Heard | None:
    """None where no chat's, or completion's, answer is asked for, or where nothing is said."""
    try:
        if not dialect.generates(request) or dialect.operation(request) not in _ANSWERED:
            return None
        messages = dialect.conversation(request).messages if isinstance(request.json, dict) else ()
    except Exception:  # noqa: BLE001  (a plugin's dialect raises anything: what it cannot read fits nothing)
        return None
    system, others = turns_of(messages)
    return Heard(system, others, request, dialect) if messages else None


def turns_of(messages: Iterable[Message]) -> tuple[tuple[Turn, ...], tuple[Turn, ...]]:
    """Those of the system, and all others."""
    turns = [Turn(role, tuple(_items(parts))) for role, parts in _said(messages)]
    turns = [turn for turn in turns if turn.items]
    return tuple(each for each in turns if each.role == SYSTEM), tuple(each for each in turns if each.role != SYSTEM)


def _said(messages: Iterable[Message]) -> Iterator[tuple[str, list[Part]]]:
    for role, group in groupby(messages, lambda each: each.role):
        if role in _ONE_TURN:
            yield role, [part for message in group for part in message.parts]
        else:
            yield from ((role, list(message.parts)) for message in group)


def _items(parts: Iterable[Part]) -> Iterator[Item]:
    """Texts that stand side by side are one."""
    for is_text, group in groupby(filter(_counts, parts), lambda each: isinstance(each, Text | Declined)):
        if not is_text:
            yield from map(_item, group)
        elif text := plain("".join(part.text for part in group if isinstance(part, Text | Declined))):
            yield Words(text)


def _counts(part: Part) -> bool:
    """Thoughts are not compared: some clients send them back, some do not."""
    return not isinstance(part, Reasoning)


def _item(part: Part) -> Item:
    match part:
        case ToolCall(_, name, arguments):
            return Call(name, value_of(arguments))
        case ToolResult(_, text):
            return Words(plain(_unwrapped(text)), result=True)
        case Media(kind, _, source, size):
            return Thing(kind, source, None if source else size)
        case Other(kind):
            return Thing(kind)
        case _:
            return Thing(type(part).__name__)


def _unwrapped(text: str) -> str:
    """Gemini's results are objects: its clients put a text into one, under "result" or "output".

    https://ai.google.dev/api/caching#FunctionResponse
    """
    if not (text.startswith("{") and text.endswith("}") and any(f'"{name}"' in text[:20] for name in _WRAPPED)):
        return text
    found = value_of(text)
    inner = next(iter(found.values())) if isinstance(found, dict) and len(found) == 1 else None
    return inner if isinstance(inner, str) and not _WRAPPED.isdisjoint(found) else text


def plain(text: str) -> str:
    """Without what editors and shells change: line ends, blanks at the ends of lines, empty lines around it."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if " \n" in text or "\t\n" in text or text.endswith((" ", "\t")):
        text = _stripped(text)
    return text.strip("\n")


def _stripped(text: str) -> str:
    return "\n".join([line.rstrip(" \t") for line in text.split("\n")])


def value_of(arguments: str) -> Any:
    """A call's arguments as JSON; none are an empty object."""
    try:
        return parse((arguments or "{}").encode("utf-8", "replace"))
    except NotJSON:
        return arguments
