"""Anthropic's Messages API: recognition and requests. Answers are read and written in the files beside this."""

from __future__ import annotations

import re
from typing import Any

from proxy_daemon.core.conversation import Answer, Conversation, Operation
from proxy_daemon.core.dialects.anthropic.answers import AnthropicStream, answer_of
from proxy_daemon.core.dialects.anthropic.rendering import (
    completion_document,
    completion_events,
    message_document,
    message_events,
    rendered_document,
    rendered_stream,
)
from proxy_daemon.core.dialects.anthropic.requests import conversation_of
from proxy_daemon.core.dialects.dialect import Assembler, Dialect, Piece, Question, Rendered, as_json
from proxy_daemon.core.dialects.json_writing import JSON
from proxy_daemon.core.messages import Request

_PATH = re.compile(rb"/messages(/|$)")
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class Anthropic(Dialect):
    """See https://docs.anthropic.com/en/api/messages ."""

    name = "anthropic"
    home = "https://api.anthropic.com"
    operations = re.compile(
        rb"/(?:(?P<count_tokens>messages/count_tokens)|(?P<batches>messages/batches(?:/[^/]+){0,2})|(?P<chat>messages)"
        rb"|(?P<completion>complete)|(?P<models>models(?:/[^/]+)?)|(?P<files>files(?:/[^/]+){0,2}))$"
    )
    # Marks of the cache move to the newest message with each turn; metadata tells of the user.
    volatile = (
        "metadata",
        "cache_control",
        "system.*.cache_control",
        "tools.*.cache_control",
        "messages.*.content.*.cache_control",
        "messages.*.content.*.content.*.cache_control",
    )
    opaque = (
        "messages.*.content.*.signature",
        "messages.*.content.*.data",
        "messages.*.content.*.content.*.encrypted_content",
        "messages.*.content.*.citations.*.encrypted_index",
    )
    ids = ("messages.*.content.*.id", "messages.*.content.*.tool_use_id")
    deciding_fields = (b"anthropic-version", b"anthropic-beta")
    terminal = (b"event: message_stop\n", b'"type":"message_stop"', b'"type": "message_stop"')

    def recognises(self, request: Request) -> bool:
        """By the version header that the API demands, or by path; of the legacy API by a member of its own."""
        if _has_field(request):
            return True
        if b"/files/file_" in request.path:  # ids of other APIs have no underscore
            return True
        if _PATH.search(request.path) is not None:
            return b"/threads/" not in request.path
        return request.path.endswith(b"/complete") and request.body_field("max_tokens_to_sample") is not None

    def left_to_ask(self, path: bytes) -> bool | Question:
        """See `Dialect`."""
        if b"/files/file_" in path or (_PATH.search(path) is not None and b"/threads/" not in path):
            return True
        return self.recognises if path.endswith(b"/complete") else _has_field

    def conversation(self, request: Request) -> Conversation:
        """See `Dialect`."""
        return conversation_of(request.json)

    def streams(self, request: Request) -> bool:
        """By the body alone."""
        return request.body_field("stream") is True

    def whole(self, document: Any) -> Answer:
        """See `Dialect`."""
        return answer_of(document)

    def assembler(self) -> Assembler:
        """See `Dialect`."""
        return AnthropicStream()

    def error(self, status: int, kind: str, message: str) -> bytes:
        """See https://docs.anthropic.com/en/api/errors ."""
        return as_json({"type": "error", "error": {"type": _TYPES.get(status, kind), "message": message}})

    def error_event(self, status: int, kind: str, message: str) -> bytes:
        """SDKs look for the event's name."""
        return b"event: error\ndata: " + self.error(status, kind, message) + b"\n\n"

    def render(self, answer: Answer, request: Request) -> Rendered:
        """See `Dialect`."""
        if answer.error and not answer.choices:
            return Rendered(JSON, (Piece(self.error(500, "api_error", answer.error)),))
        operation, streams, model = self.operation(request), self.streams(request), self.model(request)
        if operation is Operation.COUNT_TOKENS:
            return rendered_document({"input_tokens": (answer.usage and answer.usage.input) or 0})
        if operation is Operation.COMPLETION:
            of_stream, of_document = completion_events, completion_document
        else:
            of_stream, of_document = message_events, message_document
        return rendered_stream(of_stream(answer, model)) if streams else rendered_document(of_document(answer, model))


def _has_field(request: Request) -> bool:
    return b"anthropic-version" in request.headers or b"anthropic-beta" in request.headers
