"""Which functions the built-in model calls, and with what arguments.

The rule: a function is called where the tool choice demands it; else where its name, or a word of its name, stands in
the last user text ("get_weather": "weather"). Words shorter than three letters, "get" and "set" do not count. Names
that stand there whole win over words. Four calls at most. After a function's result the model answers in words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from attrs import frozen

from proxy_daemon.core.model.refusal import Refused
from proxy_daemon.core.model.schema import value_text

_MOST = 4
_WORD = re.compile(r"[^\W\d_](?:[^\W\d_A-Z]+|[^\W\d_a-z]+(?![^\W\d_A-Z]))")  # also the words of camelCase
_NO_WORDS = frozenset(("get", "set"))


@frozen
class Tool:
    """A function that the client offers. ``schema``: JSON schema of its arguments, unchecked."""

    name: str
    schema: Any


@frozen
class ToolUse:
    """What the model may call: ``must`` it call one, and ``single``: no more than one."""

    tools: tuple[Tool, ...] = ()
    must: bool = False
    single: bool = False

    def only(self, name: str) -> ToolUse:
        """The same, when the client demands the function of this name. Raises `Refused` where there is none."""
        tools = tuple(tool for tool in self.tools if tool.name == name)
        if not tools:
            raise Refused(f"'tool_choice' names the function {name!r}, which is not in 'tools'.", "tool_choice")
        return ToolUse(tools[:1], must=True, single=True)


@frozen
class Called:
    """A call: the function's name and its arguments as JSON text."""

    name: str
    arguments: str


def calls_for(use: ToolUse, text: str) -> tuple[Called, ...]:
    """The calls that a user's text leads to."""
    chosen = _suggested(use.tools, text.lower()) or (use.tools[:1] if use.must else ())
    return tuple(Called(tool.name, value_text(tool.schema, text)) for tool in chosen[: 1 if use.single else _MOST])


def _suggested(tools: Sequence[Tool], text: str) -> Sequence[Tool]:
    named = [tool for tool in tools if tool.name.lower() in text]
    if named:
        return named
    words = frozenset(re.findall(r"[^\W\d_]+", text))
    return [tool for tool in tools if not words.isdisjoint(name_words(tool.name))]


def name_words(name: str) -> set[str]:
    """The words of a function's name that count: in lower case, three letters or more.

    >>> sorted(name_words("get_weatherReport"))
    ['report', 'weather']
    """
    words = {word.lower() for word in _WORD.findall(name)}
    return {word for word in words if len(word) > 2} - _NO_WORDS  # noqa: PLR2004 - the number of the rule above
