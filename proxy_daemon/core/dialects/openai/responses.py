"""OpenAI's Responses, which Azure, OpenRouter, xAI, DeepSeek, vLLM and others speak as well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

from proxy_daemon.core.conversation import Answer, Conversation, Message, Operation, Other, Text
from proxy_daemon.core.dialects.dialect import Assembler, Dialect, Piece, Rendered
from proxy_daemon.core.dialects.json_writing import document, events
from proxy_daemon.core.dialects.openai.chat import VOLATILE
from proxy_daemon.core.dialects.openai.items import messages_of_items
from proxy_daemon.core.dialects.openai.parts import tools_of
from proxy_daemon.core.dialects.openai.responses_stream import Events, answer_of
from proxy_daemon.core.dialects.openai.responses_writing import document_of, error_event, events_of
from proxy_daemon.core.dialects.openai.told import check_document
from proxy_daemon.core.messages import Request


class OpenAIResponses(Dialect):
    """See https://platform.openai.com/docs/api-reference/responses ."""

    name = "openai-responses"
    maker = "openai"
    paths = re.compile(rb"/responses(?:/[^/]+(?:/(?:cancel|input_items))?)?/*\Z")
    operations = re.compile(
        rb"/(?:(?P<chat>responses(?:/compact)?)|(?P<count_tokens>responses/input_tokens)"
        rb"|(?P<state>responses/[^/]+(?:/(?:cancel|input_items))?))$"
    )
    volatile = (*VOLATILE, "client_metadata", "input.*.status")
    opaque = ("input.*.encrypted_content",)
    ids = (
        "input.*.call_id",
        "input.*.approval_request_id",
        "input.*.pending_safety_checks.*.id",
        "input.*.acknowledged_safety_checks.*.id",
    )
    own_ids = ("input.*.id",)
    deciding_fields = (b"openai-beta",)
    terminal = tuple(
        mark % ending
        for ending in (b"completed", b"incomplete", b"failed")
        for mark in (
            b"event: response.%b\n",
            b"event: response.%b\r\n",
            b'"type":"response.%b"',  # some servers leave the event's field out
            b'"type": "response.%b"',
        )
    )

    def generates(self, request: Request) -> bool:
        """As most APIs; but what is said in a conversation is kept there, and a background response is polled for."""
        kept = request.body_field("conversation") is not None or request.body_field("background") is True
        return super().generates(request) and not kept

    def streams(self, request: Request) -> bool:
        """By the body; a kept response is streamed again where the query asks for it."""
        if request.method == b"GET" and b"stream" in request.query:
            return parse_qs(request.query[:4096]).get(b"stream") == [b"true"]
        return super().streams(request)

    def conversation(self, request: Request) -> Conversation:
        """The `instructions` and the `input`; of what the API keeps, only that there is something."""
        return Conversation(tuple(_messages(request)), tools_of(request.body_field("tools")))

    def whole(self, document: Any) -> Answer:
        """See https://platform.openai.com/docs/api-reference/responses/object ."""
        return answer_of(document)

    def assembler(self) -> Assembler:
        """See https://platform.openai.com/docs/api-reference/responses-streaming ."""
        return Events()

    def error_event(self, status: int, kind: str, message: str) -> bytes:
        """See https://platform.openai.com/docs/api-reference/responses-streaming/error ."""
        return error_event(kind, message).octets

    def render(self, answer: Answer, request: Request) -> Rendered:
        """A response object, or its events: what is no words, thoughts, refusal or call cannot be rendered.

        Where tokens are counted, their number: https://platform.openai.com/docs/api-reference/responses/input-tokens .
        """
        if self.operation(request) is Operation.COUNT_TOKENS and not answer.error:
            counted = (answer.usage and answer.usage.input) or 0
            return document({"object": "response.input_tokens", "input_tokens": counted})
        if self.streams(request):
            return events(events_of(answer, request))
        check_document(answer)
        if answer.error and not answer.choices:
            return Rendered(b"application/json", (Piece(self.error(500, "server_error", answer.error)),))
        return document(document_of(answer, request))


def _messages(request: Request) -> Iterator[Message]:
    instructions, given = request.body_field("instructions"), request.body_field("input")
    if isinstance(instructions, str) and instructions:
        yield Message("system", (Text(instructions),))
    yield from messages_of_items(instructions)
    if isinstance(request.body_field("prompt"), dict):
        yield Message("system", (Other("prompt"),))
    if isinstance(given, str):
        yield Message("user", (Text(given),))
    yield from messages_of_items(given)
