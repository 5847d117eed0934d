"""How an API that has blocks writes a block of thoughts, and what stands for moved text until there is one.

`MOVED` is a member of our own: in a stream it marks the pieces that `core/rewriting/blocks/` puts into blocks, and no
client ever sees it. Called by the files beside this and by `core/rewriting/edits.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

MOVED = "llmproxy moved text"

SHAPES: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "gemini": lambda text: {"text": text, "thought": True},
    # Signed by nobody: https://docs.claude.com/en/docs/build-with-claude/extended-thinking
    "anthropic": lambda text: {"type": "thinking", "thinking": text, "signature": ""},
    "bedrock": lambda text: {"reasoningContent": {"reasoningText": {"text": text}}},
    "cohere": lambda text: {"type": "thinking", "thinking": text},
    "mistral": lambda text: {"type": "thinking", "thinking": [{"type": "text", "text": text}]},
}


def thought_item(message: str, number: int, text: str) -> dict[str, Any]:
    """An item of Responses with reasoning that went out of the message of that id: the first, the second, ..."""
    return {
        "id": thought_id(message, number),
        "type": "reasoning",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": text}],
        "status": "completed",
    }


def thought_id(message: str, number: int) -> str:
    """The same in each event that names it, and in the whole response."""
    return f"rs_{message.removeprefix('msg_')}_moved_{number}"
