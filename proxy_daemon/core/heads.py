"""The heads that llmproxy itself makes or completes: what it adds to answers, and its own error answers.

Contract: the design's "Response headers the daemon adds"; `Cache-Status` by RFC 9211.
"""

from __future__ import annotations

from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Exchange, Outcome, Recording, ResponseHead, id_text

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
    403: b"Forbidden",
    413: b"Content Too Large",
    424: b"Failed Dependency",
    426: b"Upgrade Required",
    431: b"Request Header Fields Too Large",
    502: b"Bad Gateway",
    504: b"Gateway Timeout",
}
# Framing is made anew for what is really sent (recordings.md, lesson 4).
FRAMING = frozenset((b"content-length", b"transfer-encoding"))


def marked(head: ResponseHead, exchange: Exchange, edited: bool) -> ResponseHead:
    """The head with the daemon's own fields behind it."""
    fields = head.headers.plus(
        (b"Cache-Status", b"llmproxy; " + _STATUS[exchange.outcome]),
        (b"X-LLMProxy-Exchange", id_text(exchange.id).encode()),
        (b"X-LLMProxy-Body", b"edited" if edited else b"verbatim"),
    )
    return ResponseHead(head.status, head.reason, fields)


def replayed(recording: Recording, head: ResponseHead, body: int | None, now: float) -> ResponseHead:
    """A recorded head as it is served again: without redacted fields, with `Age` (RFC 9111 section 5.1).

    ``body``: octets that will be sent; a recorded length is set to it. None: not known, or none will be sent.
    """
    fields = []
    for name, value in head.headers.pairs:
        lower = name.lower()
        if value == b"REDACTED" or lower in (b"transfer-encoding", b"age"):
            continue
        if lower == b"content-length" and recording.request.method != b"HEAD":
            if body is not None:
                fields.append((name, b"%d" % body))
            continue
        fields.append((name, value))
    age = max(0, int(now - recording.started))
    return ResponseHead(head.status, head.reason, Headers([*fields, (b"Age", b"%d" % age)]))


def error_answer(dialect: Dialect, status: int, kind: str, message: str) -> tuple[ResponseHead, bytes]:
    """An error of the daemon's own, in the shape of the API that was called."""
    head = ResponseHead(status, _REASONS.get(status, b"Error"), Headers(((b"Content-Type", b"application/json"),)))
    return head, dialect.error(status, kind, message)
