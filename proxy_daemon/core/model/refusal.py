"""How the built-in model says no: one exception, and the body that each API would write for it.

Readers raise `Refused`; `answer()` catches it. It never leaves this package.
"""

from __future__ import annotations

from typing import Any

OPENAI = "openai"
ANTHROPIC = "anthropic"

_OPENAI_TYPES = {429: "requests", 500: "server_error", 503: "server_error"}
# https://docs.anthropic.com/en/api/errors
_ANTHROPIC_TYPES = {
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}


class Refused(Exception):
    """A request that is answered by an error. ``param``: the field at fault; ``code``: OpenAI's word for it."""

    def __init__(self, message: str, param: str | None = None, status: int = 400, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.status = status
        self.code = code


def error_body(refused: Refused, family: str, request_id: str) -> dict[str, Any]:
    """The error as the API of this family writes it."""
    if family == ANTHROPIC:
        kind = _ANTHROPIC_TYPES.get(refused.status, "invalid_request_error")
        return {"type": "error", "error": {"type": kind, "message": refused.message}, "request_id": request_id}
    kind = _OPENAI_TYPES.get(refused.status, "invalid_request_error")
    return {"error": {"message": refused.message, "type": kind, "param": refused.param, "code": refused.code}}


def provoke(model: str, family: str) -> None:
    """Raise the error that a model's name asks for: "demo-429", "demo-500" or "demo-overloaded"."""
    if model == "demo-429":
        raise Refused(f"Rate limit reached for {model}. Try again in 1 second.", None, 429, "rate_limit_exceeded")
    if model == "demo-500":
        raise Refused("The server had an error while processing your request.", None, 500)
    if model == "demo-overloaded":
        raise Refused("Overloaded", None, 529 if family == ANTHROPIC else 503, "overloaded")
