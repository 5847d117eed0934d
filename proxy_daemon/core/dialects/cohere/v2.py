"""Cohere's API, version 2: chats with typed events, embeddings, reranking. Version 1 is `v1.py`.

Reranking is spoken alike by Voyage, Jina, OpenRouter and others: `/rerank` is Cohere's wherever it stands.
"""

from __future__ import annotations

import re
from typing import Any

from proxy_daemon.core.conversation import Answer, Conversation, Operation
from proxy_daemon.core.dialects.cohere.answers import ChatAssembler, answer_of
from proxy_daemon.core.dialects.cohere.lists import embeddings_of, is_embeddings, is_ranking, lists_rendered, ranking_of
from proxy_daemon.core.dialects.cohere.rendering import chat_rendered
from proxy_daemon.core.dialects.cohere.requests import conversation_of
from proxy_daemon.core.dialects.dialect import Assembler, Dialect, Rendered, as_json
from proxy_daemon.core.dialects.said import check_whole
from proxy_daemon.core.messages import Request


class Cohere(Dialect):
    """See https://docs.cohere.com/reference/chat and https://docs.cohere.com/v2/docs/streaming ."""

    name = "cohere"
    home = "https://api.cohere.com"
    paths = re.compile(
        rb"/v2/(?:chat|embed)/*\Z|/rerank/*\Z|/v1/(?:embed|tokenize|detokenize)/*\Z|/v1/(?:embed-jobs|datasets)(?:/|\Z)"
    )
    operations = re.compile(
        rb"/(?:(?P<chat>chat)|(?P<embeddings>embed)|(?P<rerank>rerank)|(?P<count_tokens>(?:de)?tokenize)"
        rb"|(?P<batches>embed-jobs(?:/.*)?)|(?P<files>datasets(?:/.*)?))$"
    )
    volatile = ()
    ids = ("messages.*.tool_calls.*.id", "messages.*.tool_call_id")
    terminal = (b'"type":"message-end"', b'"type": "message-end"', *Dialect.terminal)

    def streams(self, request: Request) -> bool:
        """Chats do, where the request says so."""
        return request.body_field("stream") is True

    def conversation(self, request: Request) -> Conversation:
        """Of a chat; the texts to be embedded; a query and the documents that are ranked by it."""
        return conversation_of(request.json)

    def whole(self, document: Any) -> Answer:
        """By its shape: a chat's, embeddings, a ranking."""
        if is_embeddings(document):
            return embeddings_of(document)
        return ranking_of(document) if is_ranking(document) else answer_of(document)

    def assembler(self) -> Assembler:
        """For a chat's events."""
        return ChatAssembler()

    def error(self, status: int, kind: str, message: str) -> bytes:
        """See https://docs.cohere.com/reference/errors ."""
        return as_json({"message": message})

    def error_event(self, status: int, kind: str, message: str) -> bytes:
        """A stream has no event for errors of its own: it ends with one (API reference, "message-end")."""
        end = {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": message}}
        return b"event: message-end\ndata: " + as_json(end) + b"\n\n"

    def render(self, answer: Answer, request: Request) -> Rendered:
        """A document, or a stream of events."""
        check_whole(answer)
        if self.operation(request) is Operation.CHAT:
            return chat_rendered(answer, streams=self.streams(request))
        return lists_rendered(answer, self.operation(request))
