"""Google's Gemini API, on its own host and on Vertex: model and operation stand in the path.

Answers are read and written in the files beside this.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from proxy_daemon.core.conversation import Answer, Conversation, Operation
from proxy_daemon.core.dialects.dialect import Assembler, CannotRender, Dialect, Piece, Question, Rendered, as_json
from proxy_daemon.core.dialects.google.answers import GoogleStream, answer_of
from proxy_daemon.core.dialects.google.rendering import (
    JSON,
    as_array,
    as_document,
    as_events,
    chunks,
    document,
    embeddings,
    images,
    predictions,
)
from proxy_daemon.core.dialects.google.requests import conversation_of
from proxy_daemon.core.messages import Request

_PATH = re.compile(
    rb"/(?:models|tunedModels|endpoints|agents)/([^/:]+)(?::|%3[aA])"
    rb"((?:stream)?generateContent|(?:async)?(?:batch)?embedContents?|batchGenerateContent|(?:count|compute)Tokens"
    rb"|predictLongRunning|fetchPredictOperation|(?:server)?(?:stream)?(?:raw)?predict|generateAnswer)$",
    re.IGNORECASE,
)
# What the API keeps: such a version is in no other API, and neither is such a place.
_KEPT = re.compile(
    rb"/v1(?:alpha|beta)/(?:models|files|cachedContents|batches|operations|tunedModels|corpora|fileSearchStores)(?:[/:]|$)"
    rb"|/v1(?:beta1)?/projects/[^/]+/locations/[^/]+/[a-zA-Z]+(?:[/:]|$)"
)
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    504: "DEADLINE_EXCEEDED",
}
_PREDICTED = {"embed": Operation.EMBEDDINGS, "imagen": Operation.IMAGE, "gecko": Operation.EMBEDDINGS}
_SSE = re.compile(rb"(?:^|&)(?:alt|%24alt|\$alt)=sse(?:&|$)")


class Google(Dialect):
    """See https://ai.google.dev/api and https://cloud.google.com/vertex-ai/docs/reference/rest ."""

    name = "google"
    home = "https://generativelanguage.googleapis.com"
    operations = re.compile(
        rb"(?:(?P<chat>(?::|%3A)(?:(?:stream)?generateContent|generateAnswer))"
        rb"|(?P<embeddings>(?::|%3A)(?:batch)?embedContents?)|(?P<count_tokens>(?::|%3A)(?:count|compute)Tokens)"
        rb"|(?P<batches>(?::|%3A)(?:batchGenerateContent|asyncBatchEmbedContent)|/batches(?:/[^/]+)?)"
        rb"|(?P<completion>(?::|%3A)(?:server)?(?:stream)?(?:raw)?predict)"
        rb"|(?P<files>/files(?:/[^/]+)?)|(?P<models>/models(?:/[^/:%]+)?)"
        rb"|(?P<state>/tunedModels(?:/[^/:%]+)?|/(?:cachedContents|operations|corpora|fileSearchStores)(?:/.*)?))$",
        re.IGNORECASE,
    )
    volatile = ("labels",)
    opaque = ("contents.*.parts.*.thoughtSignature", "contents.*.parts.*.thought_signature")
    ids = (
        "contents.*.parts.*.functionCall.id",
        "contents.*.parts.*.functionResponse.id",
        "contents.*.parts.*.function_call.id",
        "contents.*.parts.*.function_response.id",
    )
    terminal = ()  # Gemini's streams end without a mark

    def recognises(self, request: Request) -> bool:
        """By the operation in the path, by what the API keeps, or by the key's header."""
        if _PATH.search(request.path) is not None or _KEPT.search(request.path) is not None:
            return True
        return _has_key(request) and b"/openai/" not in request.path

    def left_to_ask(self, path: bytes) -> bool | Question:
        """See `Dialect`."""
        if _PATH.search(path) is not None or _KEPT.search(path) is not None:
            return True
        return b"/openai/" not in path and _has_key

    def operation(self, request: Request) -> Operation:
        """By the path; what Vertex predicts, by the model: `predict` is one word for many things."""
        found = super().operation(request)
        if found is not Operation.COMPLETION:
            return found
        model = self.model(request).lower()
        return next((operation for word, operation in _PREDICTED.items() if word in model), found)

    def model(self, request: Request) -> str:
        """From the path: `.../models/MODEL:operation`."""
        found = _PATH.search(request.path)
        return unquote(found[1].decode("latin-1"), "latin-1") if found else ""

    def streams(self, request: Request) -> bool:
        """By the operation in the path: a model's name may hold "stream" as well."""
        found = _PATH.search(request.path)
        return found[2].lower().startswith((b"stream", b"serverstream")) if found else super().streams(request)

    def conversation(self, request: Request) -> Conversation:
        """See `Dialect`."""
        return conversation_of(request.json)

    def whole(self, document: Any) -> Answer:
        """See `Dialect`."""
        return answer_of(document)

    def assembler(self) -> Assembler:
        """See `Dialect`."""
        return GoogleStream()

    def error(self, status: int, kind: str, message: str) -> bytes:
        """See https://cloud.google.com/apis/design/errors ."""
        return as_json({"error": {"code": status, "message": message, "status": _STATUSES.get(status, "UNAVAILABLE")}})

    def render(self, answer: Answer, request: Request) -> Rendered:
        """See `Dialect`. A stream is of events with `alt=sse`, else one array."""
        if answer.error and not answer.choices:
            return Rendered(JSON, (Piece(self.error(500, "", answer.error)),))
        model, operation = self.model(request), self.operation(request)
        if operation is Operation.COUNT_TOKENS:
            return as_document({"totalTokens": (answer.usage and answer.usage.input) or 0})
        if operation is Operation.EMBEDDINGS:
            return as_document(_embedded(answer, request.path.lower()))
        if operation is Operation.IMAGE:
            return as_document(images(answer))
        if operation not in (Operation.CHAT, Operation.COMPLETION):
            raise CannotRender(f"an answer of Google's to {operation.value} is not written")
        if not self.streams(request):
            return as_document(document(answer, model))
        pieces = chunks(answer, model)
        return as_events(pieces) if _SSE.search(request.query) else as_array(pieces)


def _embedded(answer: Answer, path: bytes) -> dict[str, Any]:
    if path.endswith(b"predict"):
        return predictions(answer)
    return embeddings(answer, single=b"batch" not in path.rpartition(b"/")[2])


def _has_key(request: Request) -> bool:
    return b"x-goog-api-key" in request.headers
