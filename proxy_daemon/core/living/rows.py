"""A line of the list for an exchange that is under way, or has just ended: the members of `inspecting/summary.py`.

Invariant: no secret and no word of a prompt. What is known only once the exchange is written is null. Called by
`living/live.py` for the exchanges that have changed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from proxy_daemon.core.messages import Exchange
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.upstreams import Upstream

_LONGEST_TARGET = 1024  # octets of one that is remembered


def row(exchange: Exchange, state: str, redactor: Redactor) -> dict[str, Any]:
    """ROW of the API. ``state``: "begun", "streaming" or "ended"."""
    path, url = _address(exchange.request.target, exchange.upstream, redactor)
    shelf = exchange.shelf
    return {
        "id": f"{exchange.id:016x}",
        "started": exchange.started,
        "method": exchange.request.method.decode("latin-1"),
        "path": path,
        "url": url,
        "upstream": exchange.upstream.name,
        "model": exchange.model,
        "status": exchange.status,
        "outcome": exchange.outcome,
        "ending": exchange.ending or "",
        "duration_ms": exchange.duration / 1000,
        "head_ms": exchange.head_time / 1000,
        "request_size": exchange.request_size,
        "response_size": exchange.response_size,
        "session": exchange.session,
        "client": exchange.client,
        "cassette": exchange.cassette or ("" if shelf is None else shelf.cassette),
        "served_from": f"{exchange.served_from:016x}" if exchange.served_from else None,
        "replayable": None,
        "pinned": False,
        "edited": False,
        "cut": None,
        "redacted": None,
        "rules": list(exchange.rules),
        "imported": None,
        "unknown": [],
        "detail": redactor.text(exchange.detail) if exchange.detail else "",
        "mark": "",
        "comment": "",
        "told": None,
        "state": state,
    }


def _address(target: bytes, upstream: Upstream, redactor: Redactor) -> tuple[str, str]:
    """(path, whole URL) without secrets; the path alone where the host is not known. Most targets come again."""
    return (_known if len(target) <= _LONGEST_TARGET else _addressed)(target, upstream, redactor)


def _addressed(target: bytes, upstream: Upstream, redactor: Redactor) -> tuple[str, str]:
    safe = redactor.target(target)
    path = safe.decode("latin-1")
    if not upstream.host:
        return path, path
    return path, f"{upstream.scheme}://{upstream.authority}{upstream.target(safe).decode('latin-1')}"


_known = lru_cache(maxsize=256)(_addressed)
