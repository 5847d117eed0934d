"""What an exchange says anew, as passages of text: what is looked through for words, and what an index holds.

Invariant: each message of a conversation is new in one turn only, so the turns together say each once. Nothing raises.
Called by `recorded.py` and by who fills an index.
"""

from __future__ import annotations

from proxy_daemon.core.conversation import (
    Answer,
    Conversation,
    Declined,
    Message,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)

ASSISTANT = "assistant"


def folded(text: str) -> str:
    """As texts are compared: whatever the case of the letters. An index that is compared without case holds this."""
    return text.casefold()


def new_messages(conversation: Conversation) -> tuple[Message, ...]:
    """The messages behind the last one of the assistant that somebody has answered; all, where there is none.

    An assistant's message at the end is the beginning of the answer that is asked for: it is new too.
    """
    messages = conversation.messages
    end = len(messages)
    while end and messages[end - 1].role == ASSISTANT:
        end -= 1
    start = next((at for at in range(end, 0, -1) if messages[at - 1].role == ASSISTANT), 0)
    return messages[start:]


def words_of(parts: tuple[Part, ...]) -> str:
    """Texts, thoughts, refusals, calls with their arguments, and results of tools: line by line."""
    return "\n".join(filter(None, map(_words, parts)))


def answer_words(answer: Answer) -> str:
    """The same of all choices of an answer."""
    return "\n".join(filter(None, (words_of(choice.parts) for choice in answer.choices)))


def said_of(conversation: Conversation, answer: Answer | None) -> tuple[str, ...]:
    """The passages: one for each new message that has words, then one for the answer."""
    passages = [words_of(message.parts) for message in new_messages(conversation)]
    if answer is not None:
        passages.append(answer_words(answer))
    return tuple(filter(None, passages))


def _words(part: Part) -> str:
    match part:
        case Text() | Reasoning() | Declined():
            return part.text
        case ToolCall():
            return " ".join(filter(None, (part.name, part.arguments)))
        case ToolResult():
            return part.text
        case _:
            return ""
