"""OpenAI's chat completions, with what all vendors who speak them add: the most spoken of all LLM APIs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from proxy_daemon.core.conversation import Answer, Conversation, Media, Message, Part, ToolResult
from proxy_daemon.core.dialects.dialect import Assembler, Dialect, Piece, Rendered
from proxy_daemon.core.dialects.json_shapes import objects, text_at
from proxy_daemon.core.dialects.json_writing import document, events
from proxy_daemon.core.dialects.openai.choices import Choices, answer_of, parts_of_message
from proxy_daemon.core.dialects.openai.choices_writing import Manner, document_of, events_of
from proxy_daemon.core.dialects.openai.parts import parts_of, plain_text, role_of, tools_of
from proxy_daemon.core.dialects.openai.told import check_document, custom_tools, is_asked
from proxy_daemon.core.messages import Request

VOLATILE = ("metadata", "user", "safety_identifier", "prompt_cache_key", "stream_options.include_obfuscation")


class OpenAIChat(Dialect):
    """See https://platform.openai.com/docs/api-reference/chat ."""

    name = "openai-chat"
    maker = "openai"
    paths = re.compile(rb"/chat/completions(?:/|\Z)")
    operations = re.compile(rb"/(?P<chat>chat/completions)$|/(?P<state>chat/completions/[^/]+(?:/messages)?)$")
    volatile: tuple[str, ...] = VOLATILE
    opaque: tuple[str, ...] = (
        "messages.*.reasoning_details.*.data",
        "messages.*.reasoning_details.*.signature",
        "messages.*.tool_calls.*.extra_content.google.thought_signature",
    )
    ids: tuple[str, ...] = (
        "messages.*.tool_call_id",
        "messages.*.tool_calls.*.id",
        "messages.*.reasoning_details.*.id",
    )
    deciding_fields = (b"openai-beta",)
    terminal = (*Dialect.terminal, b'"object":"chat.completion.done"', b'"object": "chat.completion.done"')
    # The member in which thoughts are written; empty where they are blocks of the content.
    thoughts = "reasoning_content"
    # Whether a stream ends in the usage, also where nobody asked for it.
    tells_usage = False
    # Whether choices are written as texts, not as messages.
    writes_text = False

    def conversation(self, request: Request) -> Conversation:
        """The `messages`, and the `tools` or, of old, `functions`."""
        return chat_conversation(request)

    def whole(self, document: Any) -> Answer:
        """See https://platform.openai.com/docs/api-reference/chat/object ."""
        return answer_of(document)

    def assembler(self) -> Assembler:
        """See https://platform.openai.com/docs/api-reference/chat-streaming ."""
        return Choices()

    def render(self, answer: Answer, request: Request) -> Rendered:
        """A document, or chunks: what is no words, thoughts, refusal or call cannot be rendered."""
        manner = self._manner(request)
        if self.streams(request):
            return events([*events_of(answer, manner), *self._error_pieces(answer)])
        check_document(answer)
        if answer.error and not answer.choices:
            return Rendered(b"application/json", (Piece(self.error(500, "server_error", answer.error)),))
        told = {"error": {"message": answer.error, "code": 500}} if answer.error else {}
        return document({**document_of(answer, manner), **told})

    def _manner(self, request: Request) -> Manner:
        return Manner(
            model=self.model(request),
            thoughts=self.thoughts,
            usage=self.tells_usage or is_asked(request, "stream_options", "include_usage"),
            text=self.writes_text,
            custom=custom_tools(request),
            legacy_call=request.body_field("tools") is None and bool(request.body_field("functions")),
        )

    def _error_pieces(self, answer: Answer) -> Iterator[Piece]:
        if answer.error:
            yield Piece(self.error_event(500, "server_error", answer.error))


def chat_conversation(request: Request) -> Conversation:
    """What a request in the form of chat completions says."""
    messages = tuple(_message(each) for each in objects(request.body_field("messages")))
    tools = tools_of(request.body_field("tools")) + tools_of(request.body_field("functions"))
    return Conversation(messages, tools)


def _message(message: dict[str, Any]) -> Message:
    role = role_of(text_at(message, "role"))
    if role == "assistant":
        return Message(role, parts_of_message(message))
    if role == "tool":
        return Message(role, tuple(_result(message)))
    return Message(role, tuple(parts_of(message.get("content"))))


def _result(message: dict[str, Any]) -> Iterator[Part]:
    content = message.get("content")
    yield ToolResult(text_at(message, "tool_call_id"), plain_text(content), text_at(message, "name"))
    if isinstance(content, list):
        yield from (part for part in parts_of(content) if isinstance(part, Media))
