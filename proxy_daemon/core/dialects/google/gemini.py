"""Google's Gemini API, on its own host and on Vertex: model and operation stand in the path."""

from __future__ import annotations

import re

from proxy_daemon.core.dialects.dialect import Dialect, as_json
from proxy_daemon.core.messages import Request

_PATH = re.compile(rb"/models/([^/:]+):([A-Za-z]+)$")
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    504: "DEADLINE_EXCEEDED",
}


class Google(Dialect):
    """See https://ai.google.dev/api ."""

    name = "google"
    home = "https://generativelanguage.googleapis.com"
    operations = re.compile(
        rb":(?:(?P<chat>(?:stream)?generateContent)|(?P<embeddings>(?:batch)?embedContents?)"
        rb"|(?P<count_tokens>countTokens))$",
        re.IGNORECASE,
    )
    terminal = ()  # Gemini's streams end without a mark

    def recognises(self, request: Request) -> bool:
        """By the operation in the path, or by the key's header."""
        return _PATH.search(request.path) is not None or b"x-goog-api-key" in request.headers

    def model(self, request: Request) -> str:
        """From the path: `.../models/MODEL:operation`."""
        found = _PATH.search(request.path)
        return found[1].decode("latin-1") if found else ""

    def streams(self, request: Request) -> bool:
        """By the operation in the path: a model's name may hold "stream" as well."""
        found = _PATH.search(request.path)
        return found[2].lower().startswith(b"stream") if found else super().streams(request)

    def error(self, status: int, kind: str, message: str) -> bytes:
        """See https://cloud.google.com/apis/design/errors ."""
        return as_json({"error": {"code": status, "message": message, "status": _STATUSES.get(status, "UNAVAILABLE")}})
