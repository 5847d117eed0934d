"""How the built-in model says no: one exception, and the body that its dialect writes for it.

Readers raise `Refused`; `answer()` catches it. It never leaves this package.
"""

from __future__ import annotations

import orjson

from proxy_daemon.core.dialects.anthropic.messages import Anthropic
from proxy_daemon.core.dialects.dialect import Dialect

_KINDS = {429: "requests", 500: "server_error", 503: "server_error"}


class Refused(Exception):
    """A request that is answered by an error. ``param``: the field at fault; ``code``: OpenAI's word for it."""

    def __init__(self, message: str, param: str | None = None, status: int = 400, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.status = status
        self.code = code


def error_body(refused: Refused, dialect: Dialect, request_id: str) -> bytes:
    """The error as the dialect writes it, with what only OpenAI and Anthropic tell beside the words."""
    kind = _KINDS.get(refused.status, "invalid_request_error")
    whole = orjson.loads(dialect.error(refused.status, kind, refused.message))
    error = whole.get("error")
    if isinstance(error, dict) and "param" in error:
        error |= {"param": refused.param, "code": refused.code}
    if whole.get("type") == "error":
        whole["request_id"] = request_id
    return orjson.dumps(whole)


def provoke(model: str, dialect: Dialect) -> None:
    """Raise the error that a model's name asks for: "demo-429", "demo-500" or "demo-overloaded"."""
    if model == "demo-429":
        raise Refused(f"Rate limit reached for {model}. Try again in 1 second.", None, 429, "rate_limit_exceeded")
    if model == "demo-500":
        raise Refused("The server had an error while processing your request.", None, 500)
    if model == "demo-overloaded":
        raise Refused("Overloaded", None, 529 if isinstance(dialect, Anthropic) else 503, "overloaded")
