"""A number for each beginning of a conversation: by it the turn before is found.

Invariant: equal messages give equal numbers, in any process; what clients add to or leave out of old turns (thoughts,
opaque parts) does not count. Called by `reading.py` and `asking.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from proxy_daemon.core.conversation import Media, Message, Part, Reasoning, Text, ToolCall, ToolResult

MOST = 4096  # messages; longer conversations have no turn before
WIDTH = 8  # octets


def chains(messages: Sequence[Message]) -> list[int]:
    """The number of each beginning, the shortest first; the last is that of all messages. Empty for too many."""
    if len(messages) > MOST:
        return []
    found, last = [], b""
    for message in messages:
        last = blake2b(last + _mark(message), digest_size=WIDTH).digest()
        found.append(int.from_bytes(last, "big", signed=True))
    return found


def _mark(message: Message) -> bytes:
    """A hash of one message."""
    made = blake2b(message.role.encode("utf-8", "replace"), digest_size=WIDTH)
    for part in message.parts:
        for text in _texts(part):
            octets = text.encode("utf-8", "replace")
            made.update(b"%d:%b" % (len(octets), octets))
    return made.digest()


def _texts(part: Part) -> tuple[str, ...]:
    match part:
        case Text(text):
            return ("text", text)
        case ToolCall():
            return ("call", part.id, part.name, part.arguments)
        case ToolResult():
            return ("result", part.id, part.text)
        case Media():
            return ("media", part.kind, part.source, str(part.size))
        case Reasoning():
            return ()
        case _:
            return (type(part).__name__,)
