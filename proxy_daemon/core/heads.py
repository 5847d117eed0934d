"""The heads that llmproxy itself makes or completes: what it adds to answers, and its own error answers.

Contract: the design's "Response headers the daemon adds"; `Cache-Status` by RFC 9211.
"""

from __future__ import annotations

from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Exchange, Outcome, ResponseHead

_STATUS = {
    Outcome.HIT: b"hit",
    Outcome.MISS: b"fwd=miss",
    Outcome.LIVE: b"fwd=bypass",
    Outcome.COLLAPSED: b"fwd=miss; collapsed",
    Outcome.REFUSED: b"fwd=bypass; detail=refused",
    Outcome.FAILED: b"fwd=miss; detail=failed",
}
_REASONS = {
    400: b"Bad Request",
    401: b"Unauthorized",
    403: b"Forbidden",
    404: b"Not Found",
    408: b"Request Timeout",
    413: b"Content Too Large",
    414: b"URI Too Long",
    417: b"Expectation Failed",
    424: b"Failed Dependency",
    426: b"Upgrade Required",
    431: b"Request Header Fields Too Large",
    501: b"Not Implemented",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
    507: b"Insufficient Storage",
    508: b"Loop Detected",
}
# Framing is made anew for what is really sent (recordings.md, lesson 4).
FRAMING = frozenset((b"content-length", b"transfer-encoding"))


def own_fields(exchange: Exchange, edited: bool, age: int = -1) -> bytes:
    """The daemon's own fields, with line ends. ``age``: seconds since the recording (RFC 9111 5.1); -1: live."""
    return b"%bCache-Status: llmproxy; %b\r\nX-LLMProxy-Exchange: %016x\r\nX-LLMProxy-Body: %b\r\n" % (
        b"Age: %d\r\n" % age if age >= 0 else b"",
        b"hit; detail=fuzzy-%.2f" % exchange.likeness if exchange.likeness else _STATUS[exchange.outcome],
        exchange.id,
        b"edited" if edited or exchange.fitted else b"verbatim",
    )


def error_answer(dialect: Dialect, status: int, kind: str, message: str) -> tuple[ResponseHead, bytes]:
    """An error of the daemon's own, in the shape of the API that was called."""
    head = ResponseHead(status, _REASONS.get(status, b"Error"), Headers(((b"Content-Type", b"application/json"),)))
    return head, dialect.error(status, kind, message)
