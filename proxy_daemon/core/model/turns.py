"""What the built-in model takes from a conversation as the dialects read it: turns, and the tools that may be called.

Called by the readers of requests (`read_*.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from proxy_daemon.core.conversation import Conversation, Message, Text, ToolResult
from proxy_daemon.core.model.calls import Tool
from proxy_daemon.core.model.mind import Turn

_NO_ARGUMENTS = {"type": "object"}  # what a tool takes that states no schema


def turns_of(said: Conversation) -> tuple[Turn, ...]:
    """The messages in their order; each result of a tool is a turn of its own."""
    return tuple(turn for message in said.messages for turn in _turns(message))


def results_last(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """The same for APIs in which the user's message brings the results: these go behind the text beside them.

    Messages of the user that follow each other are one to these APIs.
    """
    placed: list[tuple[int, bool, Turn]] = []
    run = 0
    for turn in turns:
        run += turn.role not in ("user", "tool")
        placed.append((run, turn.role == "tool", turn))
    return tuple(turn for *_, turn in sorted(placed, key=lambda each: each[:2]))


def tools_of(said: Conversation, names: Collection[str] | None = None) -> tuple[Tool, ...]:
    """The tools offered; with ``names`` only those: APIs run some tools by themselves."""
    offered = (tool for tool in said.tools if tool.name and (names is None or tool.name in names))
    return tuple(Tool(tool.name, _NO_ARGUMENTS if tool.schema is None else tool.schema) for tool in offered)


def _turns(message: Message) -> Iterator[Turn]:
    results = [Turn("tool", part.text) for part in message.parts if isinstance(part, ToolResult)]
    if message.role == "tool" and results:
        yield from results
    else:
        yield Turn(message.role, "\n".join(part.text for part in message.parts if isinstance(part, Text) and part.text))
