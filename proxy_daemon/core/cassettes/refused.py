"""Files beside recordings that hold no exchange of HTTP: each is refused with what it is.

Invariant: none of them gives anything. Called by `formats.py`, behind all formats but those that are known by their
lines alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from typing import Any

import orjson

from proxy_daemon.core.cassettes import Skipped, Unreadable
from proxy_daemon.core.messages import Recording

_GLIMPSE = 16384
_FIRST_LINES = 3
_TRACE = re.compile(rb"""["']?(?:trace_id|traceId|resourceSpans|resource_spans|scopeSpans)["']?[ \t]*+:""")
_SPAN = re.compile(rb"""["']?(?:span_id|spanId)["']?[ \t]*+:""")
_ROLES = frozenset(("system", "user", "assistant", "result", "control_request", "control_response"))
_SIDES = frozenset(("in", "out", "stdin", "stdout", "sent", "received", "send", "recv"))


class Refused:
    """What is known, and not read."""

    name = "refused"

    def recognises(self, file: str, data: bytes) -> bool:
        """By names near the beginning."""
        return bool(reason(data))

    def read(self, file: str, data: bytes) -> Iterator[Recording | Skipped]:
        """Raises `Unreadable`."""
        raise Unreadable(file, reason(data))


def reason(data: bytes) -> str:
    """Why a file is no recording; empty where it is none of those that are known."""
    if _is_spans(data[:_GLIMPSE]):
        return "spans of OpenTelemetry, no exchanges of HTTP"
    if any(map(_is_agents, _objects(data))):
        return "messages of an agent on its standard input and output, no exchanges of HTTP"
    return ""


def _is_spans(glimpse: bytes) -> bool:
    return bool(_TRACE.search(glimpse) and _SPAN.search(glimpse))


def _objects(data: bytes) -> Iterator[dict[str, Any]]:
    """What the first lines hold, where they are JSON objects."""
    for line in islice(BytesIO(data), _FIRST_LINES):
        if len(line) <= _GLIMPSE and line.lstrip()[:1] == b"{":
            try:
                found = orjson.loads(line)
            except orjson.JSONDecodeError:
                return
            yield found


def _is_agents(message: dict[str, Any]) -> bool:
    """JSON-RPC (https://www.jsonrpc.org/specification), an agent's lines of one session, or a log of either."""
    if "jsonrpc" in message:
        return True
    kinds = [message.get(name) for name in ("direction", "dir", "stream")]
    if any(isinstance(kind, str) and kind.lower() in _SIDES for kind in kinds):
        return True
    kind = message.get("type")
    return "session_id" in message and isinstance(kind, str) and kind in _ROLES
