"""JSON Lines for datasets: a conversation and its answer a line, in the form of OpenAI's chat fine-tuning.

    {"messages": [{"role", "content", "tool_calls"}...], "tools": [...]}

Invariant: the same talk gives the same line, whichever API it was held in; the answer is the last message, and where an
answer has several choices each is a line of its own. Called as one of `writers.py`.

Source: https://platform.openai.com/docs/guides/supervised-fine-tuning , its formats for tool calls and for images.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import Any

from attrs import define, field

from proxy_daemon.core.cassettes.foreign_text import CannotSay, WrittenEntry, answer_of, left_out
from proxy_daemon.core.cassettes.jsonl_calls import CallIds
from proxy_daemon.core.conversation import (
    Answer,
    Conversation,
    Declined,
    Media,
    Message,
    Operation,
    Part,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from proxy_daemon.core.dialects import BUILT_IN
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.inspecting.inline import is_inline, media_of
from proxy_daemon.core.inspecting.media import UNKNOWN, sniffed
from proxy_daemon.core.inspecting.opened import Opened, opened
from proxy_daemon.core.messages import Recording
from proxy_daemon.core.wire.json_text import NotJSON, write

MEMBERS = "the model, the parameters and the usage"
WIRE = "the header fields and the octets: what was said is there"
REASONING = "thoughts"
OTHERS = "sounds, files and what is no text, image or call"
FAILED = "that a tool failed: what it said is there"
NAMES = "names of tools beside their results"
ENDING = "why the answer ended"
LOSSES = (MEMBERS, WIRE, ENDING, REASONING, OTHERS, FAILED, NAMES)
NOTHING = "its answer says nothing that such a line can hold"
_ERRORS = 400
_ELSEWHERE = ("previous_response_id", "conversation", "conversation_id", "thread_id")
_Members = dict[str, Any]


class JsonlWriter:
    """The format. ``dialects``: by which requests and answers are read."""

    name = "jsonl"
    suffix = ".jsonl"
    single = False
    head = between = tail = empty = b""

    def __init__(self, dialects: Sequence[Dialect] = BUILT_IN) -> None:
        self._dialects = dialects

    def entry(self, recording: Recording) -> WrittenEntry:
        """A line for each choice. Raises OSError where a body cannot be read."""
        try:
            answer_of(recording)
            read = opened(recording, self._dialects)
            answer = _said(read)
            lines = _Lines(iter(media_of(read)))
            text = lines.text(read.conversation, answer)
        except (CannotSay, NotJSON) as error:
            return left_out(error)
        return WrittenEntry(text, (MEMBERS, WIRE, ENDING, *lines.losses)) if text else left_out(NOTHING)


def _said(read: Opened) -> Answer:
    """The answer, where the exchange is a conversation. Raises `CannotSay`."""
    request, answer = read.recording.request, read.answer
    if read.operation not in (Operation.CHAT, Operation.COMPLETION) or not read.conversation.messages:
        raise CannotSay("it is no conversation")
    if any(request.body_field(name) for name in _ELSEWHERE):
        raise CannotSay("a part of its conversation is kept by the server")
    if answer is None or answer.error or read.recording.status >= _ERRORS:
        raise CannotSay("its answer is an error")
    if read.problem or not answer.complete:
        raise CannotSay("its answer cannot be read")
    if not any(choice.parts for choice in answer.choices):
        raise CannotSay(NOTHING)
    return answer


@define
class _Lines:
    """The lines of one exchange. ``losses``: what they do not say; ``_inline``: the octets of media still to come."""

    _inline: Iterator[bytes | None]
    losses: dict[str, None] = field(factory=dict)
    _ids: CallIds = field(factory=lambda: CallIds(()))

    def text(self, asked: Conversation, answer: Answer) -> bytes:
        """Raises `NotJSON`."""
        said = [*(each.parts for each in asked.messages), *(each.parts for each in answer.choices)]
        self._ids = CallIds(part for parts in said for part in parts)
        messages = [each for message in asked.messages for each in self._messages(message)]
        tools: _Members = {"tools": [_tool(each) for each in asked.tools]} if asked.tools else {}
        found = b""
        for choice in answer.choices:
            last = self._spoken(choice.parts)
            found += write({"messages": [*messages, last], **tools}) + b"\n" if last is not None else b""
        return found

    def _messages(self, message: Message) -> Iterator[_Members]:
        """OpenAI has a message for each result of a tool; what stands beside one is the user's."""
        if message.role == "assistant":
            yield self._spoken(message.parts) or {"role": "assistant", "content": ""}
            return
        rest = []
        for part in message.parts:
            if isinstance(part, ToolResult):
                yield self._result(part)
            else:
                rest.append(part)
        if rest or not message.parts:
            role = message.role if message.role in ("system", "user") else "user"
            yield {"role": role, "content": self._content(rest)}

    def _result(self, part: ToolResult) -> _Members:
        self._lose(FAILED, part.failed)
        self._lose(NAMES, bool(part.name))
        return {"role": "tool", "tool_call_id": self._ids.of_result(part), "content": part.text}

    def _content(self, parts: Sequence[Part]) -> str | list[_Members]:
        """A text where there is nothing but words."""
        blocks = [block for part in parts for block in self._block(part)]
        if all(block["type"] == "text" for block in blocks):
            return "".join(block["text"] for block in blocks)
        return blocks

    def _block(self, part: Part) -> Iterator[_Members]:
        if isinstance(part, Text):
            yield {"type": "text", "text": part.text}
            return
        url = self._url(part) if isinstance(part, Media) else ""
        if url:
            yield {"type": "image_url", "image_url": {"url": url}}
        self._lose(REASONING, isinstance(part, Reasoning))
        self._lose(OTHERS, not url and not isinstance(part, Reasoning))

    def _url(self, part: Media) -> str:
        """Of an image; its octets as a data URL (RFC 2397). Empty where it is none, or a file of the server."""
        octets = next(self._inline, None) if is_inline(part) else None
        if part.kind != "image":
            return ""
        if octets is None:
            return part.source if part.source.startswith(("http://", "https://")) else ""
        kind = part.media_type or sniffed(octets)
        return f"data:{kind};base64,{base64.b64encode(octets).decode()}" if kind != UNKNOWN else ""

    def _spoken(self, parts: Sequence[Part]) -> _Members | None:
        """A message of the assistant; None where nothing of it can be said."""
        calls = [_call(self._ids.of_call(part), part) for part in parts if isinstance(part, ToolCall)]
        refused = "".join(part.text for part in parts if isinstance(part, Declined))
        content = self._content([part for part in parts if not isinstance(part, ToolCall | Declined)])
        if not content and not calls and not refused:
            return None
        found: _Members = {"role": "assistant", "content": content or None}
        found |= {"refusal": refused} if refused else {}
        return found | ({"tool_calls": calls} if calls else {})

    def _lose(self, what: str, holds: bool) -> None:
        if holds:
            self.losses[what] = None


def _call(name: str, call: ToolCall) -> _Members:
    """``name``: its id."""
    function = {"name": call.name, "arguments": call.arguments or "{}"}
    return {"id": name, "type": "function", "function": function}


def _tool(tool: Tool) -> _Members:
    told = {"description": tool.description} if tool.description else {}
    schema = {} if tool.schema is None else {"parameters": tool.schema}
    return {"type": "function", "function": {"name": tool.name, **told, **schema}}
