"""What the list tells of an exchange from its bodies: a line of what was asked, of what was said, and the tokens.

Called by `store/catalogue/`, `work/` and whoever watches an exchange that has just ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proxy_daemon.core.conversation import Answer, Conversation, Text, ToolCall, Usage
from proxy_daemon.core.dialects import BUILT_IN
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.inspecting.opened import Opened, opened
from proxy_daemon.core.messages import Recording

LONGEST = 200  # characters of what was asked, and of what was said
LONGEST_ERROR = 500
MOST_TOOLS = 32  # names of tools that were called
_BLANKS = " \t\r\n"


def told(recording: Recording, dialects: Sequence[Dialect] = BUILT_IN) -> dict[str, Any]:
    """TOLD of the API. Raises OSError where the store has lost a body."""
    return told_of(opened(recording, dialects))


def told_of(read: Opened) -> dict[str, Any]:
    """The same of what is read already."""
    answer = read.answer
    return (
        {
            "dialect": read.dialect.name,
            "operation": read.operation.value,
            "streams": read.streams,
            "messages": len(read.conversation.messages),
            "tools": called(answer),
            "offered": len(read.conversation.tools),
        }
        | tokens(answer.usage if answer else None)
        | {
            "asked": asked(read.conversation),
            "said": "" if answer is None else said(answer),
            "finish": answer.choices[0].finish.value if answer and answer.choices else "",
            "error": (answer.error if answer else "")[:LONGEST_ERROR],
        }
    )


def called(answer: Answer | None) -> list[str]:
    """Names of the tools that the answer calls, each once, in their order."""
    parts = [part for choice in (answer.choices if answer else ()) for part in choice.parts]
    return list(dict.fromkeys(part.name for part in parts if isinstance(part, ToolCall)))[:MOST_TOOLS]


def tokens(usage: Usage | None) -> dict[str, int | None]:
    """Null: not stated. The total is that of the API, else input and output together, where both are stated."""
    usage = usage or Usage()
    total = usage.total
    if total is None and usage.input is not None and usage.output is not None:
        total = usage.input + usage.output
    return {
        "input": usage.input,
        "output": usage.output,
        "total": total,
        "cached": usage.cached,
        "reasoning": usage.reasoning,
    }


def asked(conversation: Conversation) -> str:
    """The beginning of the newest words of the user."""
    for message in reversed(conversation.messages):
        if message.role == "user" and (begun := _beginning(message.parts)):
            return begun
    return ""


def said(answer: Answer) -> str:
    """The beginning of the answer's words."""
    return _beginning(answer.choices[0].parts) if answer.choices else ""


def _beginning(parts: Sequence[object]) -> str:
    text = "".join(part.text for part in parts if isinstance(part, Text))
    return text.lstrip(_BLANKS)[:LONGEST].rstrip(_BLANKS)
