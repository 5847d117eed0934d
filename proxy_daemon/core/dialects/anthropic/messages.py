"""Anthropic's Messages API."""

from __future__ import annotations

import re

from proxy_daemon.core.dialects.dialect import Dialect, as_json
from proxy_daemon.core.messages import Request

_PATH = re.compile(rb"/messages(/|$)")
_TYPES = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error"}


class Anthropic(Dialect):
    """See https://docs.anthropic.com/en/api/messages ."""

    name = "anthropic"
    home = "https://api.anthropic.com"
    operations = re.compile(
        rb"/(?:(?P<count_tokens>messages/count_tokens)|(?P<batches>messages/batches(?:/[^/]+){0,2})|(?P<chat>messages)"
        rb"|(?P<completion>complete)|(?P<models>models(?:/[^/]+)?))$"
    )
    terminal = (b"event: message_stop\n", b'"type":"message_stop"', b'"type": "message_stop"')

    def recognises(self, request: Request) -> bool:
        """By the version header that the API demands, or by path."""
        if b"anthropic-version" in request.headers:
            return True
        return _PATH.search(request.path) is not None and b"/threads/" not in request.path

    def error(self, status: int, kind: str, message: str) -> bytes:
        """See https://docs.anthropic.com/en/api/errors ."""
        return as_json({"type": "error", "error": {"type": _TYPES.get(status, kind), "message": message}})
