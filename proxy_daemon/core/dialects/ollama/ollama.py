"""Ollama's own API: lines of JSON, and a stream wherever the request does not say otherwise.

How long it took stands in each answer and decides nothing. What speaks like OpenAI below `/v1` is not meant here.
"""

from __future__ import annotations

import re
from typing import Any

from proxy_daemon.core.conversation import Answer, Conversation, Operation
from proxy_daemon.core.dialects.dialect import Dialect, Rendered, as_json
from proxy_daemon.core.dialects.json_shapes import parsed
from proxy_daemon.core.dialects.ollama.answers import OllamaAssembler, answer_of, embeddings_of
from proxy_daemon.core.dialects.ollama.rendering import rendered
from proxy_daemon.core.dialects.ollama.requests import conversation_of
from proxy_daemon.core.dialects.said import check_whole
from proxy_daemon.core.messages import Request


class Ollama(Dialect):
    """See https://github.com/ollama/ollama/blob/main/docs/api.md ."""

    name = "ollama"
    home = "https://ollama.com"
    paths = re.compile(
        rb"/api/(?:chat|generate|embed|embeddings|tags|ps|show|pull|push|create|copy|delete|version|blobs/[^/]+)/*\Z"
    )
    operations = re.compile(
        rb"/api/(?:(?P<chat>chat)|(?P<completion>generate)|(?P<embeddings>embed|embeddings)|(?P<models>tags|ps|show)"
        rb"|(?P<files>blobs/[^/]+)|(?P<state>pull|push|create|copy|delete))$"
    )
    volatile = ()  # `keep_alive` may unload the model: the answer tells of it
    ids = ("messages.*.tool_calls.*.id", "messages.*.tool_call_id")
    terminal = (b'"done":true', b'"done": true', b'"status":"success"')

    def streams(self, request: Request) -> bool:
        """Chats, completions and what takes long stream unless the request says no; the rest never does."""
        if request.method != b"POST" or self.operation(request) not in _STREAMING:
            return False
        return request.body_field("stream") is not False

    def conversation(self, request: Request) -> Conversation:
        """Of a chat, a completion or the input of embeddings."""
        return conversation_of(request.json)

    def whole(self, document: Any) -> Answer:
        """A chat's or a completion's document, or embeddings."""
        if isinstance(document, dict) and ("embeddings" in document or "embedding" in document):
            return embeddings_of(document)
        return answer_of(document)

    def assembler(self) -> OllamaAssembler:
        """For lines."""
        return OllamaAssembler()

    def ends_with_terminal(self, tail: bytes) -> bool:
        """By the last line; a tail that begins within it is searched: a long context stands there."""
        last = tail.rstrip().rpartition(b"\n")[2]
        found = parsed(last)
        if isinstance(found, dict):
            return found.get("done") is True or found.get("status") == "success"
        return super().ends_with_terminal(last)

    def error(self, status: int, kind: str, message: str) -> bytes:
        """A text, and nothing else."""
        return as_json({"error": message})

    def error_event(self, status: int, kind: str, message: str) -> bytes:
        """A line (Ollama's docs, "Errors that occur while streaming")."""
        return self.error(status, kind, message) + b"\n"

    def render(self, answer: Answer, request: Request) -> Rendered:
        """As a document, or as lines."""
        check_whole(answer)
        return rendered(answer, self.operation(request), self.streams(request), request.path)


_STREAMING = frozenset((Operation.CHAT, Operation.COMPLETION, Operation.STATE))
